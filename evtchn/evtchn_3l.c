/* SPDX-License-Identifier: MIT */
/*
 * The 3-level ABI (docs/abi-3level.md): the bitmaps of 2-level, but larger and in pages of ours,
 * and between them and the selector in vcpu_info (L1) a second one for each VCPU (L2), with a bit
 * for each word of the bitmaps (L3).
 *
 * Xen raises a port so: set PENDING in L3; if it was clear and the port is not masked, set the L2
 * bit; if that was clear, the L1 bit; if that was clear, evtchn_upcall_pending
 * (evtchn_3l_set_pending() in tests/xen/xen-3l/event_3l.c). Each step is atomic and a full barrier,
 * so we take the four apart in the opposite order.
 *
 * An L2 bit that is set while its L1 bit is clear hides its word for good, since Xen stops at the
 * first bit that it finds set. So a walk empties both selectors, and whoever sets an L2 bit then
 * sets the L1 bit.
 *
 * Sizes are given in words of W bits, 64 or 32. The bitmaps take 2 * W * W words, 64 KiB for 64
 * bits, from when the ABI is first entered; L2 takes W words in each VCPU's page.
 */
#include <xenlet/hypercall.h>
#include "evtchn/bitmaps.h"

#define W              ((unsigned int)BITS_PER_WORD)
#define NR_PORTS       EVTCHN_3L_NR_PORTS(W)
#define PAGE_SIZE      4096u
#define NR_PAGES       EVTCHN_3L_NR_PAGES(W)
#define WORDS_PER_PAGE (PAGE_SIZE / (unsigned int)sizeof(xen_ulong_t))

_Static_assert(NR_PAGES <= EVTCHN_3L_MAX_PAGES, "their frames fit into the operation");
_Static_assert(WORDS_PER_PAGE % W == 0, "the words of an L2 word are in one page");
_Static_assert(NR_PORTS <= MAX_PORTS, "each port has a place in the table of handles");
_Static_assert(sizeof(((struct evtchn_vcpu *)0)->l2_selector) == EVTCHN_3L_L2_BYTES(W), "L2");

static xen_ulong_t *pending_pages[NR_PAGES], *mask_pages[NR_PAGES];

/* The L3 words that a bit of L1, and so a word of L2, leads to: W of either kind, in one page. */
static struct l3_words {
    xen_ulong_t *pending, *mask;
} l3_words[W];

static inline xen_ulong_t *pending_word(evtchn_port_t port)
{
    return &l3_words[EVTCHN_3L_L2_WORD(port, W)].pending[EVTCHN_3L_L3_WORD(port, W) % W];
}

static inline xen_ulong_t *mask_word(evtchn_port_t port)
{
    return &l3_words[EVTCHN_3L_L2_WORD(port, W)].mask[EVTCHN_3L_L3_WORD(port, W) % W];
}

/* --- set up --------------------------------------------------------------------------------- */

static int query_3l(void)
{
    uint64_t abis = 0;
    int rc = hypercall_evtchn_query_extended_abis(&abis);

    return rc ? rc : abis & EVTCHN_EXTENDED_L3 ? 0 : -XEN_EOPNOTSUPP;
}

static void free_pages(xen_ulong_t **pages)
{
    for (unsigned int i = 0; i < NR_PAGES; i++) {
        if (pages[i])
            platform_page_free(pages[i]);
        pages[i] = NULL;
    }
}

/*
 * Take pages, new ones or those from before a reset, set each word to `fill`, and list their
 * frames.
 */
static int fill_pages(xen_ulong_t **pages, xen_ulong_t fill, uint64_t *gfns)
{
    for (unsigned int i = 0; i < NR_PAGES; i++) {
        if (!pages[i])
            pages[i] = platform_page_alloc();
        if (!pages[i])
            return -XEN_ENOMEM;
        for (unsigned int j = 0; j < WORDS_PER_PAGE; j++)
            pages[i][j] = fill;
        gfns[i] = platform_page_gfn(pages[i]);
    }
    return 0;
}

static void find_words(void)
{
    for (unsigned int i = 0; i < W; i++) {
        unsigned int page = i * W / WORDS_PER_PAGE, at = i * W % WORDS_PER_PAGE;

        l3_words[i] = (struct l3_words){ &pending_pages[page][at], &mask_pages[page][at] };
    }
}

/* All masked, as there is no handler yet. Xen copies 2-level's masks over the first ones. */
static int register_bitmaps(void)
{
    uint64_t pending[NR_PAGES], mask[NR_PAGES];
    int rc = fill_pages(pending_pages, 0, pending);

    if (rc == 0)
        rc = fill_pages(mask_pages, ~(xen_ulong_t)0, mask);
    if (rc == 0) {
        find_words();
        /* The words, before Xen has the pages: it reads them in evtchn_3l_set_pending(). */
        smp_wmb();
        rc = hypercall_evtchn_register_3level_bitmaps(NR_PAGES, pending, mask);
    }
    if (rc) {
        free_pages(pending_pages);
        free_pages(mask_pages);
    }
    return rc;
}

/* Xen sets all of the words, L1 and the flag: a walk finds what was raised before. */
static int register_l2(struct evtchn_vcpu *v)
{
    int rc;

    if (v->l2_registered)
        return 0; /* Xen keeps it while the VCPU is down, and would refuse it a second time */
    rc = hypercall_evtchn_register_3level_l2(v->id, platform_page_gfn(v),
                                             (uint32_t)((uintptr_t)v->l2_selector % PAGE_SIZE));
    v->l2_registered = rc == 0;
    return rc;
}

static int vcpu_init_3l(struct evtchn_vcpu *v)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&evtchn_abi_lock);
    rc = register_l2(v);
    spin_unlock(&evtchn_abi_lock);
    platform_upcalls_restore(flags);
    return rc;
}

/*
 * The first L2 is the switch. If it is refused the domain stays in 2-level, with bitmaps that
 * nobody uses: Xen gives them back only in a reset, which would take the ports too.
 */
static int init_3l(struct evtchn_vcpu *v)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&evtchn_abi_lock);
    rc = register_bitmaps();
    if (rc == 0)
        rc = register_l2(v);
    spin_unlock(&evtchn_abi_lock);
    platform_upcalls_restore(flags);
    return rc;
}

/* The bitmaps are kept, for when 3-level is entered again. */
static void fini_3l(void)
{
    for (unsigned int i = 0; i < XENLET_MAX_VCPUS; i++) {
        if (evtchn_vcpus[i])
            evtchn_vcpus[i]->l2_registered = false;
    }
}

static int port_setup_3l(evtchn_port_t port)
{
    /* The bit of a port that was closed is still set: the mask is ours, Xen never sets one. */
    atomic_set_bit(mask_word(port), bit_of(port));
    return 0;
}

/* --- one port ------------------------------------------------------------------------------- */

static void mask_3l(evtchn_port_t port)
{
    atomic_set_bit(mask_word(port), bit_of(port));
}

/*
 * For a port of our own VCPU do what Xen would: we may write this VCPU's selectors and flag, and no
 * other's. Set all three, whatever they hold: an L2 bit that was set already says nothing about L1
 * while a walk of ours is under way, which takes L1 first. For another VCPU's port the hypercall
 * does it all; it acts only on a mask bit that is set, so that is left to it.
 */
static void unmask_3l(evtchn_port_t port, bool local)
{
    struct evtchn_vcpu *v;
    unsigned int l2;

    if (!local) {
        hypercall_evtchn_unmask(port);
        return;
    }
    /* Full barrier: a raise that saw the mask set has its PENDING seen below
       (evtchn_3l_set_pending()). */
    atomic_clear_bit(mask_word(port), bit_of(port));
    if (!test_bit(pending_word(port), bit_of(port)) || raised_by_xen(mask_word(port), port))
        return;
    v = this_evtchn_vcpu();
    l2 = EVTCHN_3L_L2_WORD(port, W);
    atomic_set_bit(&v->l2_selector[l2], EVTCHN_3L_L3_WORD(port, W) % W);
    atomic_set_bit(&v->info->evtchn_pending_sel, l2);
    atomic_write(&v->info->evtchn_upcall_pending, 1);
}

static bool is_masked_3l(evtchn_port_t port)
{
    return test_bit(mask_word(port), bit_of(port));
}

static void set_pending_3l(evtchn_port_t port)
{
    atomic_set_bit(pending_word(port), bit_of(port));
}

static bool is_pending_3l(evtchn_port_t port)
{
    return test_bit(pending_word(port), bit_of(port));
}

static bool clear_pending_3l(evtchn_port_t port)
{
    return atomic_test_and_clear_bit(pending_word(port), bit_of(port));
}

/* --- the walk ------------------------------------------------------------------------------- */

static ALWAYS_INLINE void visit_l3(struct evtchn_vcpu *v, unsigned long i, unsigned long j)
{
    const struct event_word word = { &l3_words[i].pending[j], &l3_words[i].mask[j] };

    walk_word(v, word, i * W + j);
}

/*
 * At each level begin behind the bit with which the last walk of several began. The first look
 * passes over a word that is 0, in L2 too: the exchange of L1 is a full barrier, and Xen sets L2
 * before L1.
 */
static WALK_OF_SEVERAL void walk_l3(struct evtchn_vcpu *v, unsigned int i, xen_ulong_t selector)
{
    struct round words = round_begin(selector, v->l2_start[i]);
    const xen_ulong_t *pending = l3_words[i].pending;

    v->l2_start[i] = (uint8_t)round_next_start(&words);
    do {
        unsigned long j = round_bit(&words);

        if (!atomic_is(&pending[j], 0))
            visit_l3(v, i, anew(j));
    } while (round_next(&words));
}

static ALWAYS_INLINE void visit_l2(struct evtchn_vcpu *v, unsigned long i)
{
    /*
     * Full barrier: L1 was taken before, the bitmaps are read after. Xen sets the three in the
     * opposite order (evtchn_3l_set_pending()).
     */
    xen_ulong_t selector = atomic_xchg_word(&v->l2_selector[i], 0);

    if (unlikely(!selector))
        return; /* an earlier walk took L2 before its L1 bit was set */
    if (is_one_bit(selector))
        visit_l3(v, i, arch_lowest_bit(selector));
    else
        walk_l3(v, i, selector);
}

static WALK_OF_SEVERAL void walk_l2(struct evtchn_vcpu *v, xen_ulong_t selector)
{
    struct round words = round_begin(selector, v->start_word);
    const xen_ulong_t *l2 = v->l2_selector;

    v->start_word = round_next_start(&words);
    do {
        unsigned long i = round_bit(&words);

        if (!atomic_is(&l2[i], 0))
            visit_l2(v, anew(i));
    } while (round_next(&words));
}

static evtchn_upcall_t upcall_3l;

/* Always to the end, so that both selectors are left empty. */
static ALWAYS_INLINE void walk_3l(struct evtchn_vcpu *v, struct vcpu_info *info)
{
    /*
     * Full barrier: evtchn_upcall_pending was cleared before, L2 is read after. Xen sets L2 before
     * L1, and L1 before the flag (evtchn_3l_set_pending()).
     */
    xen_ulong_t selector = atomic_xchg_word(&info->evtchn_pending_sel, 0);

    if (evtchn_walk_is_stopped(upcall_3l)) {
        evtchn_wait_for_reset(v);
        return;
    }
    if (unlikely(!selector))
        return;
    if (is_one_bit(selector))
        visit_l2(v, arch_lowest_bit(selector));
    else
        walk_l2(v, selector);
}

static SELDOM void walk_again_3l(struct evtchn_vcpu *v, struct vcpu_info *info)
{
    walk_3l(v, info);
}

static void upcall_3l(unsigned long vcpu)
{
    evtchn_upcall_by(vcpu, walk_3l);
}

/* --- what can be seen ----------------------------------------------------------------------- */

/* One line for a run of equal words: until the first walk all of them are the same. */
static void dump_l2(const struct evtchn_vcpu *v, void (*print)(const char *format, ...))
{
    for (unsigned int i = 0, first; i < W; i++) {
        xen_ulong_t word = atomic_read(&v->l2_selector[i]);

        for (first = i; i + 1 < W && atomic_read(&v->l2_selector[i + 1]) == word; i++)
            ;
        if (word)
            print("  L2 selector words %u to %u: %lx\n", first, i, (unsigned long)word);
    }
}

static void dump_3l(const struct evtchn_vcpu *v, void (*print)(const char *format, ...))
{
    if (v) {
        dump_l2(v, print);
        return;
    }
    for (unsigned int i = 0; i < W * W; i++)
        dump_word(i, pending_word(i * W), mask_word(i * W), print);
}

const struct evtchn_port_ops evtchn_ops_3l = {
    .name = "3l",
    .title = "3-level",
    .nr_ports = NR_PORTS,
    .query = query_3l,
    .init = init_3l,
    .fini = fini_3l,
    .vcpu_init = vcpu_init_3l,
    .port_setup = port_setup_3l,
    .mask = mask_3l,
    .unmask = unmask_3l,
    .is_masked = is_masked_3l,
    .set_pending = set_pending_3l,
    .is_pending = is_pending_3l,
    .clear_pending = clear_pending_3l,
    .upcall = upcall_3l,
    .walk = walk_again_3l,
    .dump = dump_3l,
};
