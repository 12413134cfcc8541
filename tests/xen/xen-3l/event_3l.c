/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 3-level event channels.
 *
 * A bitmap of pending and one of masked events for the domain (L3); a selector
 * for each vCPU with a bit for each word of these (L2); and
 * vcpu_info.evtchn_pending_sel with a bit for each word of that (L1). L3 and L2
 * are guest memory, which the guest registers. The ABI is docs/abi-3level.md of
 * xenlet.
 */

#include "event_channel.h"

#include <xen/errno.h>
#include <xen/guest_access.h>
#include <xen/init.h>
#include <xen/lib.h>
#include <xen/nospec.h>
#include <xen/param.h>
#include <xen/sched.h>

#include <asm/guest_atomics.h>

#define BITS_PER_PAGE (PAGE_SIZE * 8)

static bool __read_mostly opt_evtchn_3l = true;
boolean_param("evtchn_3l", opt_evtchn_3l);

/* FIFO is refused when this is off, for guests to show that they fall back. */
bool __read_mostly opt_evtchn_fifo = true;
boolean_param("evtchn_fifo", opt_evtchn_fifo);

/*
 * Exists from the registration of the bitmaps on. Written with the event lock
 * held; senders read it with no more than the channel's lock.
 */
struct evtchn_3l {
    /*
     * log2 of the number of bits in the guest's word. Latched: an HVM guest may
     * change its width, and an index has to stay within what was mapped.
     */
    unsigned int word_shift;
    unsigned int nr_pages;                  /* of each bitmap */
    uint32_t *pending[EVTCHN_3L_MAX_PAGES];
    uint32_t *mask[EVTCHN_3L_MAX_PAGES];
    uint32_t *l2[];                         /* by vCPU, NULL: none registered */
};

static unsigned int word_bits(const struct evtchn_3l *e)
{
    return 1U << e->word_shift;
}

/*
 * Senders aren't required to hold d->event_lock, so they need to synchronize
 * with switch_over() setting d->evtchn_port_ops /after/ everything in here.
 */
static const struct evtchn_3l *get_3l(const struct domain *d)
{
    smp_rmb();

    return d->evtchn_3l;
}

/* The page with the port's bit, which is bit (port % BITS_PER_PAGE) there. */
static uint32_t *page_of(const struct evtchn_3l *e, uint32_t *const pages[],
                         evtchn_port_t port)
{
    ASSERT(port < EVTCHN_3L_NR_PORTS(word_bits(e)));

    return pages[array_index_nospec(port / BITS_PER_PAGE, e->nr_pages)];
}

/* As wide as the guest's word was when latched, whatever it is now. */
static uint32_t *l1_selector(const struct evtchn_3l *e, const struct vcpu *v)
{
#ifdef CONFIG_COMPAT
    if ( word_bits(e) == 32 )
        return &v->vcpu_info->compat.evtchn_pending_sel;

    return (uint32_t *)&v->vcpu_info->native.evtchn_pending_sel;
#else
    return (uint32_t *)&v->vcpu_info->evtchn_pending_sel;
#endif
}

/* Have the guest find a port whose L3 bits say that it is due. */
static void raise_port(struct vcpu *v, const struct evtchn_3l *e,
                       evtchn_port_t port)
{
    struct domain *d = v->domain;
    uint32_t *l2 = read_atomic(&e->l2[v->vcpu_id]);

    /* It stays in L3: what register_l2() raises makes the guest look. */
    if ( !l2 )
        return;

    /*
     * In strict order: the guest takes L1, then L2, then L3. v->vcpu_info is
     * read after L2 was set, so that whoever still finds the old one has been
     * seen by the guest that map_vcpu_info() makes look at everything.
     */
    if ( !guest_test_and_set_bit(d, port >> e->word_shift, l2) &&
         !guest_test_and_set_bit(d, port >> (2 * e->word_shift),
                                 l1_selector(e, v)) )
        vcpu_mark_events_pending(v);
}

/* Have the guest look at every L2 word. */
static void raise_all(struct vcpu *v, const struct evtchn_3l *e)
{
    uint32_t *l1 = l1_selector(e, v);

    if ( word_bits(e) == 32 )
        write_atomic(l1, ~0U);
    else
        write_atomic((uint64_t *)l1, ~0UL);

    vcpu_mark_events_pending(v);
}

static void cf_check evtchn_3l_set_pending(
    struct vcpu *v, struct evtchn *evtchn)
{
    struct domain *d = v->domain;
    const struct evtchn_3l *e = get_3l(d);
    evtchn_port_t port = evtchn->port;
    unsigned int bit = port % BITS_PER_PAGE;

    /*
     * Pending must be seen before mask and L2 are read, for the guest's unmask
     * and for register_l2(). Atomic bit operations on memory shared with guests
     * are full barriers.
     */
    if ( guest_test_and_set_bit(d, bit, page_of(e, e->pending, port)) )
        return;

    if ( !guest_test_bit(d, bit, page_of(e, e->mask, port)) )
        raise_port(v, e, port);

    evtchn_check_pollers(d, port);
}

static void cf_check evtchn_3l_clear_pending(
    struct domain *d, struct evtchn *evtchn)
{
    const struct evtchn_3l *e = get_3l(d);
    evtchn_port_t port = evtchn->port;

    guest_clear_bit(d, port % BITS_PER_PAGE, page_of(e, e->pending, port));
}

static void cf_check evtchn_3l_unmask(struct domain *d, struct evtchn *evtchn)
{
    const struct evtchn_3l *e = get_3l(d);
    evtchn_port_t port = evtchn->port;
    unsigned int bit = port % BITS_PER_PAGE;

    /* In this order, against evtchn_3l_set_pending(). */
    if ( !guest_test_and_clear_bit(d, bit, page_of(e, e->mask, port)) ||
         !guest_test_bit(d, bit, page_of(e, e->pending, port)) )
        return;

    raise_port(d->vcpu[evtchn->notify_vcpu_id], e, port);
    evtchn_check_pollers(d, port);
}

static bool cf_check evtchn_3l_is_pending(
    const struct domain *d, const struct evtchn *evtchn)
{
    const struct evtchn_3l *e = get_3l(d);
    evtchn_port_t port = evtchn->port;

    return guest_test_bit(d, port % BITS_PER_PAGE,
                          page_of(e, e->pending, port));
}

static bool cf_check evtchn_3l_is_masked(
    const struct domain *d, const struct evtchn *evtchn)
{
    const struct evtchn_3l *e = get_3l(d);
    evtchn_port_t port = evtchn->port;

    return guest_test_bit(d, port % BITS_PER_PAGE, page_of(e, e->mask, port));
}

static void cf_check evtchn_3l_print_state(
    struct domain *d, const struct evtchn *evtchn)
{
    const struct evtchn_3l *e = get_3l(d);
    const struct vcpu *v = d->vcpu[evtchn->notify_vcpu_id];
    const uint32_t *l2 = read_atomic(&e->l2[v->vcpu_id]);
    evtchn_port_t port = evtchn->port;

    if ( !l2 )
        printk("?");
    else
        printk("%d%d",
               !!test_bit(port >> (2 * e->word_shift), l1_selector(e, v)),
               !!test_bit(port >> e->word_shift, l2));
}

static const struct evtchn_port_ops evtchn_port_ops_3l =
{
    .set_pending   = evtchn_3l_set_pending,
    .clear_pending = evtchn_3l_clear_pending,
    .unmask        = evtchn_3l_unmask,
    .is_pending    = evtchn_3l_is_pending,
    .is_masked     = evtchn_3l_is_masked,
    .print_state   = evtchn_3l_print_state,
};

static bool is_active(const struct domain *d)
{
    return d->evtchn_port_ops == &evtchn_port_ops_3l;
}

unsigned int evtchn_3l_nr_ports(const struct domain *d)
{
    return is_active(d) ? EVTCHN_3L_NR_PORTS(word_bits(d->evtchn_3l)) : 0;
}

static void free_3l(struct domain *d, struct evtchn_3l *e)
{
    unsigned int i;

    for ( i = 0; i < d->max_vcpus; i++ )
        unmap_guest_page(e->l2[i]);

    for ( i = 0; i < e->nr_pages; i++ )
    {
        unmap_guest_page(e->pending[i]);
        unmap_guest_page(e->mask[i]);
    }

    xfree(e);
}

void evtchn_3l_destroy(struct domain *d)
{
    if ( !d->evtchn_3l )
        return;

    free_3l(d, d->evtchn_3l);
    d->evtchn_3l = NULL;
}

static int map_bitmap(struct domain *d, const uint64_t *gfns,
                      unsigned int nr_pages, uint32_t **pages)
{
    unsigned int i;

    for ( i = 0; i < nr_pages; i++ )
    {
        void *virt;
        int rc = map_guest_page(d, gfns[i], &virt);

        if ( rc )
            return rc;

        pages[i] = virt;
    }

    return 0;
}

static int register_bitmaps(struct domain *d,
                            const struct evtchn_register_3level *reg)
{
    unsigned int bits = BITS_PER_EVTCHN_WORD(d);
    struct evtchn_3l *e;
    int rc;

    if ( d->evtchn_3l )
        return -EEXIST;

    if ( reg->u.bitmaps.nr_pages != EVTCHN_3L_NR_PAGES(bits) )
        return -EINVAL;

    e = xzalloc_flex_struct(struct evtchn_3l, l2, d->max_vcpus);
    if ( !e )
        return -ENOMEM;

    e->word_shift = fls(bits) - 1;
    e->nr_pages = EVTCHN_3L_NR_PAGES(bits);

    rc = map_bitmap(d, reg->u.bitmaps.pending_gfn, e->nr_pages, e->pending) ?:
         map_bitmap(d, reg->u.bitmaps.mask_gfn, e->nr_pages, e->mask);
    if ( rc )
    {
        free_3l(d, e);
        return rc;
    }

    d->evtchn_3l = e;

    return 0;
}

static void fill_l2(const struct evtchn_3l *e, uint32_t *l2)
{
    memset(l2, ~0, EVTCHN_3L_L2_BYTES(word_bits(e)));
}

/* From 2-level to 3-level, with all that is masked and pending. */
static void switch_over(struct domain *d, const struct evtchn_3l *e)
{
    /* The ports of 2-level; the guest's width may be another than latched. */
    unsigned int bits = min_t(unsigned int, BITS_PER_EVTCHN_WORD(d),
                              word_bits(e));
    unsigned int port;
    struct vcpu *v;

    memcpy(e->mask[0], &shared_info(d, evtchn_mask), bits * bits / 8);

    for_each_vcpu ( d, v )
        if ( e->l2[v->vcpu_id] )
            fill_l2(e, e->l2[v->vcpu_id]);

    /* All of this before the port ops: pairs with get_3l(). */
    smp_wmb();

    d->evtchn_port_ops = &evtchn_port_ops_3l;

    /* What 2-level still made pending is looked at after others use L3. */
    smp_mb();

    /* Never copied: senders may be setting bits of L3 already. */
    for ( port = 0; port < bits * bits; port++ )
        if ( guest_test_bit(d, port, &shared_info(d, evtchn_pending)) )
            guest_set_bit(d, port, e->pending[0]);

    for_each_vcpu ( d, v )
        if ( e->l2[v->vcpu_id] )
            raise_all(v, e);
}

static int register_l2(struct domain *d,
                       const struct evtchn_register_3level *reg)
{
    struct evtchn_3l *e = d->evtchn_3l;
    struct vcpu *v = domain_vcpu(d, reg->u.l2.vcpu);
    uint32_t offset = reg->u.l2.offset;
    unsigned int space;
    uint32_t *l2;
    void *virt;
    int rc;

    if ( !v )
        return -ENOENT;

    if ( !e )
        return -ENODEV;

    if ( e->l2[v->vcpu_id] )
        return -EEXIST;

    space = PAGE_SIZE - EVTCHN_3L_L2_BYTES(word_bits(e));
    if ( (offset & (word_bits(e) / 8 - 1)) || offset > space )
        return -EINVAL;

    offset = array_index_nospec(offset, space + 1);

    /* L1 would be in a page that all domains share. */
    if ( v->vcpu_info == &dummy_vcpu_info )
        return -EINVAL;

    rc = map_guest_page(d, reg->u.l2.gfn, &virt);
    if ( rc )
        return rc;

    l2 = virt + offset;

    if ( !is_active(d) )
    {
        e->l2[v->vcpu_id] = l2;
        if ( v->vcpu_id == 0 )
            switch_over(d, e);

        return 0;
    }

    fill_l2(e, l2);

    /* Its content before its address, which raise_port() reads. */
    smp_wmb();

    write_atomic(&e->l2[v->vcpu_id], l2);

    /*
     * Either a sender sees L2, or the guest, which is now made to look, sees
     * what that sender has left in L3. Pairs with the first operation of
     * evtchn_3l_set_pending() and evtchn_3l_unmask().
     */
    smp_mb();

    raise_all(v, e);

    return 0;
}

int evtchn_3l_query(XEN_GUEST_HANDLE_PARAM(void) arg)
{
    struct evtchn_query_extended_abis query = { .abis = EVTCHN_EXTENDED_L3 };

    if ( !opt_evtchn_3l )
        return -ENOSYS;

    return copy_to_guest(arg, &query, 1) ? -EFAULT : 0;
}

int evtchn_3l_register(XEN_GUEST_HANDLE_PARAM(void) arg)
{
    struct domain *d = current->domain;
    struct evtchn_register_3level reg;
    int rc;

    if ( !opt_evtchn_3l )
        return -ENOSYS;

    if ( copy_from_guest(&reg, arg, 1) )
        return -EFAULT;

    if ( (reg.cmd != EVTCHN_3L_BITMAPS && reg.cmd != EVTCHN_3L_L2) ||
         reg._pad || (reg.cmd == EVTCHN_3L_BITMAPS && reg.u.bitmaps._pad) )
        return -EINVAL;

    write_lock(&d->event_lock);

    if ( d->evtchn_fifo )
        rc = -EBUSY;
    else if ( reg.cmd == EVTCHN_3L_BITMAPS )
        rc = register_bitmaps(d, &reg);
    else
        rc = register_l2(d, &reg);

    write_unlock(&d->event_lock);

    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
