/* SPDX-License-Identifier: MIT */
/* Channels that share a word, a selector or a queue, and VCPUs that share the bitmaps. */
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "evtchn/internal.h"
#include "tests/host/explore/guest.h"

#define GPR EVTCHN_HANDLER_GPR

static void raise_a(void)
{
    raise_event(&a);
}

static void raise_b(void)
{
    raise_event(&b);
}

static void raise_both(void)
{
    raise_event(&a);
    raise_event(&b);
}

/* --- two VCPUs, one word ---------------------------------------------------------------------- */

static void one_each(void)
{
    connect(&a, 1, GPR);
    connect(&b, 0, GPR);
    ghost_set(&a.home, 2);
    ghost_set(&b.home, 1);
}

static const struct scenario two_vcpus = {
    .name = "two-vcpus-one-word",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, idle }, { "peer", PEER, raise_both } },
    .arrange = one_each,
};

static void mask_a(void)
{
    mask_channel(&a);
}

static void mask_b(void)
{
    mask_channel(&b);
}

static void both_are_masked(void)
{
    if (!evtchn_ops->is_masked(a.port) || !evtchn_ops->is_masked(b.port))
        explore_fail("a mask bit that was set is lost");
}

static const struct scenario mask_mask = {
    .name = "mask-mask-neighbour",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, mask_b }, { "VCPU 1", 1, mask_a } },
    .arrange = one_each,
    .check = both_are_masked,
};

static void unmask_a(void)
{
    unmask_channel(&a);
}

static void a_is_masked(void)
{
    connect(&a, 0, GPR | EVTCHN_MASKED);
    ghost_set(&a.masked, 1);
    connect(&b, 0, GPR);
    a.extra = 1;
}

/* The event that came of binding is pending: unmasking sets the selector. */
static const struct scenario unmask_raise = {
    .name = "unmask-raise-neighbour",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_a }, { "peer", PEER, raise_b } },
    .arrange = a_is_masked,
};

static void raise_own_a(void)
{
    must(evtchn_raise(a.ch), "evtchn_raise");
}

static void two_with_extra(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
    a.extra = 1;
}

static const struct scenario raise_own = {
    .name = "raise-own-end-neighbour",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, raise_own_a }, { "peer", PEER, raise_b } },
    .arrange = two_with_extra,
};

/* --- two words, one selector ------------------------------------------------------------------ */

/* Ports of nothing in between. */
static void word_apart(void)
{
    evtchn_port_t port = 0;

    connect(&a, 0, GPR | EVTCHN_MASKED);
    ghost_set(&a.masked, 1);
    a.extra = 1;
    while (port + 1 < BITS_PER_WORD + 2)
        must(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &port), "alloc_unbound");
    connect(&b, 0, GPR);
}

static const struct scenario two_words = {
    .name = "unmask-raise-other-word",
    .abis = BITMAPS,
    .threads = { { "VCPU 0", 0, unmask_a }, { "peer", PEER, raise_b } },
    .arrange = word_apart,
};

/* And two words of L2, one L1. */
static void l2_apart(void)
{
    evtchn_port_t port = 0;

    connect(&a, 0, GPR | EVTCHN_MASKED);
    ghost_set(&a.masked, 1);
    a.extra = 1;
    while (port + 1 < BITS_PER_WORD * BITS_PER_WORD + 2)
        must(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &port), "alloc_unbound");
    connect(&b, 0, GPR);
}

static const struct scenario two_l2_words = {
    .name = "unmask-raise-other-l2-word",
    .abis = ABI_3L,
    .threads = { { "VCPU 0", 0, unmask_a }, { "peer", PEER, raise_b } },
    .arrange = l2_apart,
};

/* --- two queues, one `ready` ------------------------------------------------------------------ */

static void raise_b_twice(void)
{
    raise_event(&b);
    raise_event(&b);
}

static void two_priorities(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
    must(evtchn_set_priority(a.ch, 3), "evtchn_set_priority");
}

static const struct scenario two_queues = {
    .name = "two-queues",
    .abis = ABI_FIFO,
    .threads = { { "VCPU 0", 0, idle },
                 { "peer 1", PEER, raise_a },
                 { "peer 2", PEER, raise_b_twice } },
    .arrange = two_priorities,
};

/* --- a channel is bound while its neighbour is masked ----------------------------------------- */

static void bind_c(void)
{
    must(evtchn_bind_ipi(0, handler, &c, GPR | EVTCHN_MASKED, &c.ch), "evtchn_bind_ipi");
}

static void c_is_masked(void)
{
    if (!evtchn_ops->is_masked(a.port))
        explore_fail("a mask bit that was set is lost");
    if (!evtchn_ops->is_masked(evtchn_port(c.ch)))
        explore_fail("a channel that was bound masked is not");
}

static const struct scenario bind_mask = {
    .name = "bind-mask-neighbour",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, bind_c }, { "VCPU 1", 1, mask_a } },
    .arrange = one_each,
    .check = c_is_masked,
};

/* --- what Xen refuses to move ------------------------------------------------------------------
 */

static void one_ipi(void)
{
    connect(&b, 0, GPR);
    must(evtchn_bind_ipi(0, handler, &a, GPR, &a.ch), "evtchn_bind_ipi");
    a.from = &a.sent;
    ghost_set(&a.home, 1);
    take_upcalls();
}

static void send_ipi(void)
{
    atomic_write(&a.sent, a.sent + 1);
    smp_wmb();
    must(evtchn_send(a.ch), "evtchn_send");
}

static void move_ipi(void)
{
    if (evtchn_bind_vcpu(a.ch, 1) != -XEN_EINVAL)
        explore_fail("an IPI was moved");
    send_ipi();
}

static const struct scenario refused = {
    .name = "move-ipi-refused",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, move_ipi } },
    .arrange = one_ipi,
};

/* --- a queue that is ready and has nothing -----------------------------------------------------
 */

/* Heads that lead nowhere: what is counted, and the event besides, is delivered. */
static void stray(void)
{
    connect(&a, 0, GPR);
    take_upcalls();
    evtchn_vcpus[0]->fifo_control.head[3] = 5000;  /* beyond the array */
    evtchn_vcpus[0]->fifo_control.head[4] = 70000; /* just beyond a page's end, and so on */
    evtchn_vcpus[0]->fifo_control.head[5] = 1024;
}

static void ready_for_nothing(void)
{
    uint32_t *ready = &evtchn_vcpus[0]->fifo_control.ready;

    for (unsigned int q = 2; q <= 5; q++)
        (void)atomic_test_and_set_bit32(ready, q);
    raise_event(&a);
}

static void strays_are_counted(void)
{
    if (evtchn_vcpus[0]->fifo_stray != 3)
        explore_fail("%lu stray heads were counted", (unsigned long)evtchn_vcpus[0]->fifo_stray);
}

static const struct scenario stray_heads = {
    .name = "stray-heads",
    .abis = ABI_FIFO,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, ready_for_nothing } },
    .arrange = stray,
    .check = strays_are_counted,
};

static const struct scenario two_vcpus_raise = {
    .name = "two-vcpus-two-raisers",
    .abis = BITMAPS,
    .threads = { { "VCPU 0", 0, idle },
                 { "VCPU 1", 1, idle },
                 { "peer 1", PEER, raise_a },
                 { "peer 2", PEER, raise_b } },
    .arrange = one_each,
};

const struct scenario *const neighbours[] = { &two_vcpus,   &mask_mask,       &unmask_raise,
                                              &raise_own,   &two_words,       &two_l2_words,
                                              &two_queues,  &bind_mask,       &refused,
                                              &stray_heads, &two_vcpus_raise, NULL };
