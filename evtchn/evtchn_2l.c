/* SPDX-License-Identifier: MIT */
/*
 * The 2-level ABI (public/xen.h, struct shared_info): a bitmap of pending ports and one of masked
 * ports for the domain, and for each VCPU a selector with a bit for each word of them.
 *
 * Xen raises a port so: set PENDING; if it was clear and the port is not masked, set the selector
 * bit; if that was clear, set evtchn_upcall_pending (xen/common/event_2l.c). Each step is atomic
 * and a full barrier, so we take the three apart in the opposite order.
 */
#include <xenlet/hypercall.h>
#include "evtchn/bitmaps.h"

#define NR_WORDS BITS_PER_WORD
#define NR_PORTS (NR_WORDS * BITS_PER_WORD)

static inline xen_ulong_t *pending_word(evtchn_port_t port)
{
    return &evtchn_shared->evtchn_pending[port / BITS_PER_WORD];
}

static inline xen_ulong_t *mask_word(evtchn_port_t port)
{
    return &evtchn_shared->evtchn_mask[port / BITS_PER_WORD];
}

/* A fresh domain's ports are unmasked, a restored one's masked: start from the same state. */
static int init_2l(struct evtchn_vcpu *v)
{
    (void)v;
    for (unsigned int i = 0; i < NR_WORDS; i++)
        atomic_write(&evtchn_shared->evtchn_mask[i], ~(xen_ulong_t)0);
    return 0;
}

void evtchn_2l_forget_all(void)
{
    for (unsigned int i = 0; i < NR_WORDS; i++)
        atomic_write(&evtchn_shared->evtchn_pending[i], 0);
    /*
     * Another ABI does not clear the selectors, and Xen takes a bit in them for an upcall that it
     * has sent.
     */
    for (unsigned int i = 0; i < XENLET_MAX_VCPUS; i++) {
        if (evtchn_vcpus[i])
            atomic_write(&evtchn_vcpus[i]->info->evtchn_pending_sel, 0);
    }
}

static void fini_2l(void)
{
}

static int vcpu_init_2l(struct evtchn_vcpu *v)
{
    (void)v;
    return 0;
}

static int port_setup_2l(evtchn_port_t port)
{
    /* The bit of a port that was closed is still set: the mask is ours, Xen never changes it. */
    atomic_set_bit(mask_word(port), bit_of(port));
    return 0;
}

static void mask_2l(evtchn_port_t port)
{
    atomic_set_bit(mask_word(port), bit_of(port));
}

/*
 * For a port of our own VCPU do what Xen would: we may write this VCPU's selector and flag, and no
 * other's. For another VCPU's the hypercall does it all; it acts only on a mask bit that is set, so
 * that is left to it.
 */
static void unmask_2l(evtchn_port_t port, bool local)
{
    if (!local) {
        hypercall_evtchn_unmask(port);
        return;
    }
    /* Full barrier: a raise that saw the mask set has its PENDING seen below (event_2l.c). */
    atomic_clear_bit(mask_word(port), bit_of(port));
    if (test_bit(pending_word(port), bit_of(port)) && !raised_by_xen(mask_word(port), port)) {
        struct vcpu_info *info = this_evtchn_vcpu()->info;

        atomic_set_bit(&info->evtchn_pending_sel, port / BITS_PER_WORD);
        atomic_write(&info->evtchn_upcall_pending, 1);
    }
}

static bool is_masked_2l(evtchn_port_t port)
{
    return test_bit(mask_word(port), bit_of(port));
}

static void set_pending_2l(evtchn_port_t port)
{
    atomic_set_bit(pending_word(port), bit_of(port));
}

static bool is_pending_2l(evtchn_port_t port)
{
    return test_bit(pending_word(port), bit_of(port));
}

static bool clear_pending_2l(evtchn_port_t port)
{
    return atomic_test_and_clear_bit(pending_word(port), bit_of(port));
}

static ALWAYS_INLINE void visit_word(struct evtchn_vcpu *v, unsigned long i)
{
    const struct event_word word = { &evtchn_shared->evtchn_pending[i],
                                     &evtchn_shared->evtchn_mask[i] };

    walk_word(v, word, i);
}

/*
 * Visit the words that the selector names, beginning behind the one with which the last such walk
 * began. The first look passes over one in which nothing is pending.
 */
static WALK_OF_SEVERAL void walk_words(struct evtchn_vcpu *v, xen_ulong_t selector)
{
    struct round words = round_begin(selector, v->start_word);
    const xen_ulong_t *pending = evtchn_shared->evtchn_pending;

    v->start_word = round_next_start(&words);
    do {
        unsigned long i = round_bit(&words);

        if (!atomic_is(&pending[i], 0))
            visit_word(v, anew(i));
    } while (round_next(&words));
}

static evtchn_upcall_t upcall_2l;

static ALWAYS_INLINE void walk_2l(struct evtchn_vcpu *v, struct vcpu_info *info)
{
    /*
     * Full barrier: evtchn_upcall_pending was cleared before; the bitmaps are read after. Xen sets
     * them in the opposite order, see above.
     */
    xen_ulong_t selector = atomic_xchg_word(&info->evtchn_pending_sel, 0);

    if (evtchn_walk_is_stopped(upcall_2l)) {
        evtchn_wait_for_reset(v);
        return;
    }
    if (unlikely(!selector))
        return;
    if (is_one_bit(selector))
        visit_word(v, arch_lowest_bit(selector));
    else
        walk_words(v, selector);
}

static SELDOM void walk_again_2l(struct evtchn_vcpu *v, struct vcpu_info *info)
{
    walk_2l(v, info);
}

static void upcall_2l(unsigned long vcpu)
{
    evtchn_upcall_by(vcpu, walk_2l);
}

static void dump_2l(const struct evtchn_vcpu *v, void (*print)(const char *format, ...))
{
    for (unsigned int i = 0; !v && i < NR_WORDS; i++)
        dump_word(i, &evtchn_shared->evtchn_pending[i], &evtchn_shared->evtchn_mask[i], print);
}

const struct evtchn_port_ops evtchn_ops_2l = {
    .name = "2l",
    .title = "2-level",
    .nr_ports = NR_PORTS,
    .init = init_2l,
    .fini = fini_2l,
    .vcpu_init = vcpu_init_2l,
    .port_setup = port_setup_2l,
    .mask = mask_2l,
    .unmask = unmask_2l,
    .is_masked = is_masked_2l,
    .set_pending = set_pending_2l,
    .is_pending = is_pending_2l,
    .clear_pending = clear_pending_2l,
    .upcall = upcall_2l,
    .walk = walk_again_2l,
    .dump = dump_2l,
};
