/* SPDX-License-Identifier: MIT */
/* What a walk does on its less straight ways, with two VCPUs: late EOI, FP handlers, arrivals. */
#include <xenlet/platform.h>
#include "evtchn/internal.h"
#include "tests/host/explore/guest.h"
#include "tests/host/model/model.h"

#define GPR EVTCHN_HANDLER_GPR

static void unmask_upcalls(void)
{
    platform_upcalls_restore(0);
}

static void close_a(void)
{
    close_channel(&a);
}

static void close_b(void)
{
    close_channel(&b);
}

static void mask_b(void)
{
    mask_channel(&b);
}

static void raise_a_twice(void)
{
    raise_event(&a);
    raise_event(&a);
}

static void raise_both(void)
{
    raise_event(&a);
    raise_event(&b);
}

/* --- late EOI: the walk itself holds the channel ------------------------------------------------
 */

/* The event that came of binding is served: its gate is open. */
static void one_late(void)
{
    connect(&a, 0, GPR | EVTCHN_LATE_EOI);
    take_upcalls();
    must(evtchn_eoi(a.ch, false), "evtchn_eoi");
}

static void late_and_neighbour(void)
{
    one_late();
    connect(&b, 0, GPR);
}

/* VCPU 0 begins by unmasking upcalls. */
static void late_is_pending(void)
{
    late_and_neighbour();
    take_upcalls();
    (void)platform_upcalls_save();
    raise_event(&a);
}

static const struct scenario late_raise = {
    .name = "late-raise",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, raise_a_twice } },
    .arrange = one_late,
};

static const struct scenario late_neighbour = {
    .name = "late-raise-neighbour",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, raise_both } },
    .arrange = late_and_neighbour,
};

static const struct scenario late_close = {
    .name = "late-close-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "VCPU 1", 1, close_a } },
    .arrange = late_is_pending,
};

static void b_is_masked(void)
{
    if (!evtchn_ops->is_masked(b.port))
        explore_fail("a mask bit that was set is lost");
}

static const struct scenario late_mask = {
    .name = "late-mask-neighbour",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "VCPU 1", 1, mask_b } },
    .arrange = late_is_pending,
    .check = b_is_masked,
};

/* --- FP handlers: not the straight way, and something is to do after the walk -------------------
 */

static void fp_is_pending(void)
{
    connect(&a, 0, 0);
    take_upcalls();
    (void)platform_upcalls_save();
    raise_event(&a);
}

static const struct scenario fp_close = {
    .name = "fp-close-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "VCPU 1", 1, close_a } },
    .arrange = fp_is_pending,
};

/* From b, which is closed, to the FP handler of a. */
static void fp_is_next(void)
{
    connect(&b, 0, GPR);
    connect(&a, 0, 0);
    take_upcalls();
    (void)platform_upcalls_save();
    raise_event(&b);
    raise_event(&a);
}

static const struct scenario fp_next = {
    .name = "close-remote-before-fp",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "VCPU 1", 1, close_b } },
    .arrange = fp_is_next,
};

/* --- from b, which is closed, to a, which has come here -----------------------------------------
 */

static void a_has_come(void)
{
    connect(&b, 1, GPR);
    a.extra = 3;
    take_upcalls();
    be_vcpu(1);
    take_upcalls();
    (void)platform_upcalls_save();
    be_vcpu(0);
    connect(&a, 0, GPR);
    take_upcalls();
    must(evtchn_bind_vcpu(a.ch, 1), "evtchn_bind_vcpu");
    raise_event(&b);
    raise_event(&a);
}

static const struct scenario arrival = {
    .name = "close-remote-before-arrival",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, close_b }, { "VCPU 1", 1, unmask_upcalls } },
    .arrange = a_has_come,
};

/* --- a queue becomes ready while another one that did is taken ----------------------------------
 */

static void two_are_ready(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
    connect(&c, 0, GPR);
    a.extra = c.extra = 1;
    must(evtchn_set_priority(a.ch, 3), "evtchn_set_priority");
    must(evtchn_set_priority(c.ch, 1), "evtchn_set_priority");
    take_upcalls();
    (void)platform_upcalls_save();
    raise_event(&a);
    raise_event(&b);
}

static void raise_c_then_a(void)
{
    raise_event(&c);
    raise_event(&a);
}

static const struct scenario three_queues = {
    .name = "three-queues",
    .abis = ABI_FIFO,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "peer", PEER, raise_c_then_a } },
    .arrange = two_are_ready,
};

/* --- a port is bound, and is on a queue at once, where another comes behind it -------------------
 */

static void far_end_of_c(void)
{
    connect(&b, 0, GPR);
    bind_far(&c);
    c.from = &c.sent;
    c.extra = 1;
}

static void bind_c(void)
{
    must(evtchn_bind_interdomain(model_peer(), c.peer_port, handler, &c, GPR, &c.ch),
         "evtchn_bind_interdomain");
}

static void raise_b(void)
{
    raise_event(&b);
}

static const struct scenario bind_neighbour = {
    .name = "bind-raise-neighbour",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, bind_c }, { "peer", PEER, raise_b } },
    .arrange = far_end_of_c,
};

const struct scenario *const walks[] = { &late_raise, &late_neighbour, &late_close,
                                         &late_mask,  &fp_close,       &fp_next,
                                         &arrival,    &three_queues,   &bind_neighbour,
                                         NULL };
