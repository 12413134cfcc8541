/* SPDX-License-Identifier: MIT */
/*
 * 3-level, Xen's side: docs/abi-3level.md. Between the bitmaps (L3) and the selector in vcpu_info
 * (L1) each VCPU has a second selector, L2; all but L1 are pages that the guest registers.
 */
#include <xenlet/abi/event_channel_3l.h>
#include "tests/host/model/internal.h"

#define W              ((uint32_t)WORD_BITS)
#define NR_PAGES       EVTCHN_3L_NR_PAGES(W)
#define WORDS_PER_PAGE (PAGE_BYTES / sizeof(xen_ulong_t))

static uint32_t nr_ports(const struct domain *d)
{
    (void)d;
    return EVTCHN_3L_NR_PORTS(W);
}

static xen_ulong_t *word_of(xen_ulong_t *const *pages, evtchn_port_t port)
{
    uint32_t word = EVTCHN_3L_L3_WORD(port, W);

    return &pages[word / WORDS_PER_PAGE][word % WORDS_PER_PAGE];
}

static void init_port(struct domain *d, struct port *p)
{
    (void)d;
    (void)p;
}

/* From L2 on. A VCPU that has none yet finds the event in the sweep it begins with. */
static void announce(struct vcpu *v, evtchn_port_t port)
{
    xen_ulong_t *l2 = atomic_read(&v->l2);
    uint32_t l1_bit = EVTCHN_3L_L2_WORD(port, W);

    if (!l2)
        return;
    if (!atomic_test_and_set_bit(&l2[l1_bit], EVTCHN_3L_L3_WORD(port, W) % W) &&
        !atomic_test_and_set_bit(&v->info->evtchn_pending_sel, l1_bit))
        vcpu_mark_pending(v);
}

static void set_pending(struct vcpu *v, struct port *p)
{
    struct domain *d = v->domain;

    if (atomic_test_and_set_bit(word_of(d->l3_pending, p->number), p->number % W))
        return;
    if (!test_bit(word_of(d->l3_mask, p->number), p->number % W))
        announce(v, p->number);
    vcpus_check_pollers(d, p->number);
}

static void clear_pending(struct domain *d, struct port *p)
{
    atomic_clear_bit(word_of(d->l3_pending, p->number), p->number % W);
}

static bool is_pending(const struct domain *d, const struct port *p)
{
    return test_bit(word_of(d->l3_pending, p->number), p->number % W);
}

static void unmask(struct domain *d, struct port *p)
{
    if (!atomic_test_and_clear_bit(word_of(d->l3_mask, p->number), p->number % W))
        return;
    if (!is_pending(d, p))
        return;
    announce(&d->vcpus[atomic_read(&p->vcpu)], p->number);
    vcpus_check_pollers(d, p->number);
}

static bool is_busy(const struct domain *d, const struct port *p)
{
    (void)d;
    (void)p;
    return false;
}

const struct abi model_3l = {
    .name = "3l",
    .nr_ports = nr_ports,
    .init_port = init_port,
    .set_pending = set_pending,
    .clear_pending = clear_pending,
    .unmask = unmask,
    .is_pending = is_pending,
    .is_busy = is_busy,
};

/* --- registration, under model_lock --------------------------------------------------------- */

static int register_bitmaps(struct domain *d, const struct evtchn_register_3level *op)
{
    xen_ulong_t *pending[L3_PAGES], *mask[L3_PAGES];

    if (d->l3_registered)
        return -XEN_EEXIST;
    if (op->u.bitmaps.nr_pages != NR_PAGES)
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < NR_PAGES; i++) {
        pending[i] = world_frame(op->u.bitmaps.pending_gfn[i]);
        mask[i] = world_frame(op->u.bitmaps.mask_gfn[i]);
        if (!pending[i] || !mask[i])
            return -XEN_EINVAL;
    }
    for (uint32_t i = 0; i < NR_PAGES; i++) {
        d->l3_pending[i] = pending[i];
        d->l3_mask[i] = mask[i];
    }
    d->l3_registered = true;
    return 0;
}

/* Of W words, or of W selectors over them, those that are to be looked at. */
static uint32_t marked(uint32_t per_bit)
{
    return model_config.l3_marked ? (model_config.l3_marked + per_bit - 1) / per_bit
                                  : W * W / per_bit;
}

static void fill(xen_ulong_t *l2)
{
    for (uint32_t i = 0; i < W; i++) {
        uint32_t left = marked(1) > i * W ? marked(1) - i * W : 0;

        atomic_write(&l2[i], left >= W ? ~(xen_ulong_t)0 : ((xen_ulong_t)1 << left) - 1);
    }
}

/* The VCPU looks at everything once. */
static void sweep(struct vcpu *v)
{
    for (unsigned int bit = 0; bit < marked(W); bit++)
        atomic_set_bit(&v->info->evtchn_pending_sel, bit);
    vcpu_mark_pending(v);
}

/* The steps of the page's "The switch", by their numbers. */
static void switch_over(struct domain *d)
{
    for (uint32_t i = 0; i < W; i++) /* 1 */
        atomic_write(word_of(d->l3_mask, i * W), atomic_read(&d->shared->evtchn_mask[i]));
    for (unsigned int i = 0; i < d->nr_vcpus; i++) { /* 2 */
        if (d->vcpus[i].l2)
            fill(d->vcpus[i].l2);
    }
    smp_wmb(); /* 3 */
    atomic_write(&d->abi, &model_3l);
    smp_mb();
    for (uint32_t i = 0; i < W; i++) { /* 4 */
        xen_ulong_t word = atomic_read(&d->shared->evtchn_pending[i]);

        for (unsigned int bit = 0; bit < W; bit++) {
            if (word >> bit & 1)
                atomic_set_bit(word_of(d->l3_pending, i * W), bit);
        }
    }
    for (unsigned int i = 0; i < d->nr_vcpus; i++) { /* 5 */
        if (d->vcpus[i].l2)
            sweep(&d->vcpus[i]);
    }
}

static int register_l2(struct domain *d, const struct evtchn_register_3level *op)
{
    uint32_t offset = op->u.l2.offset;
    struct vcpu *v;
    char *page;

    if (op->u.l2.vcpu >= d->nr_vcpus)
        return -XEN_ENOENT;
    if (!d->l3_registered)
        return -XEN_ENODEV;
    v = &d->vcpus[op->u.l2.vcpu];
    if (v->l2)
        return -XEN_EEXIST;
    if (offset % sizeof(xen_ulong_t) || offset > PAGE_BYTES ||
        offset + EVTCHN_3L_L2_BYTES(W) > PAGE_BYTES)
        return -XEN_EINVAL;
    page = world_frame(op->u.l2.gfn);
    if (!page)
        return -XEN_EINVAL;
    if (d->abi == &model_3l)
        fill((xen_ulong_t *)(void *)(page + offset));
    smp_wmb(); /* the ones before the pointer, which announce() reads first */
    atomic_write(&v->l2, (xen_ulong_t *)(void *)(page + offset));
    smp_mb(); /* and that before the sweep: who saw no L2 has set PENDING before */
    if (d->abi == &model_3l)
        sweep(v);
    else if (v->id == 0)
        switch_over(d);
    return 0;
}

static int register_3level(struct domain *d, const struct evtchn_register_3level *op)
{
    if ((op->cmd != EVTCHN_3L_BITMAPS && op->cmd != EVTCHN_3L_L2) || op->_pad ||
        (op->cmd == EVTCHN_3L_BITMAPS && op->u.bitmaps._pad))
        return -XEN_EINVAL;
    if (d->abi == &model_fifo)
        return -XEN_EBUSY;
    return op->cmd == EVTCHN_3L_BITMAPS ? register_bitmaps(d, op) : register_l2(d, op);
}

int l3_op(struct domain *d, unsigned int cmd, void *arg)
{
    if (!model_config.has_3l)
        return -XEN_ENOSYS;
    if (cmd == EVTCHNOP_register_3level)
        return register_3level(d, arg);
    if (cmd != EVTCHNOP_query_extended_abis)
        return -XEN_ENOSYS;
    ((struct evtchn_query_extended_abis *)arg)->abis =
        model_config.l3_is_missing ? 0 : EVTCHN_EXTENDED_L3;
    return 0;
}

void l3_destroy(struct domain *d)
{
    for (unsigned int i = 0; i < d->nr_vcpus; i++)
        atomic_write(&d->vcpus[i].l2, NULL);
    d->l3_registered = false;
}
