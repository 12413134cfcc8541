/* SPDX-License-Identifier: MIT */
/* Raises against deliveries, masks, and each other. */
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "tests/host/explore/entry.h"
#include "tests/host/explore/guest.h"

#define GPR EVTCHN_HANDLER_GPR

static void raise_a(void)
{
    raise_event(&a);
}

static void raise_a_twice(void)
{
    raise_event(&a);
    raise_event(&a);
}

static void raise_b(void)
{
    raise_event(&b);
}

static void one_channel(void)
{
    connect(&a, 0, GPR);
}

static void two_channels(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
}

/* EVTCHNOP_unmask looks at PENDING, then sets it: in FIFO it may raise what was delivered between.
 */
static void unmasked_once(void)
{
    a.extra = evtchn_abi()[0] == 'f';
}

static void one_masked(void)
{
    connect(&a, 0, GPR | EVTCHN_MASKED);
    unmasked_once();
    (void)evtchn_take_pending(a.ch); /* which came of binding */
    ghost_set(&a.masked, 1);
}

static void unmask_a(void)
{
    unmask_channel(&a);
}

static void one_unmasked(void)
{
    connect(&a, 0, GPR);
    unmasked_once();
}

static void mask_and_unmask_a(void)
{
    mask_channel(&a);
    unmask_channel(&a);
}

static const struct scenario raise_handler = {
    .name = "raise-handler",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, raise_a_twice } },
    .arrange = one_channel,
};

static const struct scenario two_raisers = {
    .name = "two-raisers",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "peer 1", PEER, raise_a }, { "peer 2", PEER, raise_b } },
    .arrange = two_channels,
};

static const struct scenario raise_unmask = {
    .name = "raise-unmask",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_a }, { "peer", PEER, raise_a } },
    .arrange = one_masked,
};

static const struct scenario raise_unmask_twice = {
    .name = "raise-unmask-twice",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_a }, { "peer", PEER, raise_a_twice } },
    .arrange = one_masked,
};

/* From a VCPU that the port is not bound to. */
static const struct scenario raise_unmask_remote = {
    .name = "raise-unmask-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, unmask_a }, { "peer", PEER, raise_a } },
    .arrange = one_masked,
};

static const struct scenario raise_mask = {
    .name = "raise-mask-unmask",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, mask_and_unmask_a }, { "peer", PEER, raise_a } },
    .arrange = one_unmasked,
};

static const struct scenario raise_mask_remote = {
    .name = "raise-mask-unmask-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle },
                 { "VCPU 1", 1, mask_and_unmask_a },
                 { "peer", PEER, raise_a } },
    .arrange = one_unmasked,
};

/* --- the way in and out of an upcall, by arch/x86_64/entry.S ---------------------------------- */

static void by_entry(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
    take_upcalls();
    entry_load();
}

static const struct scenario upcall_return = {
    .name = "upcall-return",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, raise_a_twice } },
    .arrange = by_entry,
};

static const struct scenario upcall_return_twice = {
    .name = "upcall-return-two-raisers",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle },
                 { "peer 1", PEER, raise_a_twice },
                 { "peer 2", PEER, raise_b } },
    .arrange = by_entry,
};

/* --- a queue that holds one already: linking behind it, and taking it off -------------------- */

static void a_is_linked(void)
{
    unsigned long flags;

    two_channels();
    take_upcalls();
    flags = platform_upcalls_save();
    raise_event(&a);
    (void)flags; /* they stay masked: VCPU 0 begins by unmasking them */
}

static void unmask_upcalls(void)
{
    platform_upcalls_restore(0);
}

static void raise_b_then_a(void)
{
    raise_event(&b);
    raise_event(&a);
}

static const struct scenario append_unlink = {
    .name = "append-unlink",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "peer", PEER, raise_b } },
    .arrange = a_is_linked,
};

static const struct scenario append_unlink_again = {
    .name = "append-unlink-again",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "peer", PEER, raise_b_then_a } },
    .arrange = a_is_linked,
};

/* The tail is masked and unmasked while Xen links behind it: BUSY. */
static void mask_and_unmask_masked(void)
{
    mask_channel(&a);
    unmask_channel(&a);
    platform_upcalls_restore(0);
}

static const struct scenario append_mask = {
    .name = "append-mask-unmask",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, mask_and_unmask_masked }, { "peer", PEER, raise_b } },
    .arrange = a_is_linked,
};

/* --- the guest raises its own end ------------------------------------------------------------ */

static void raise_own(void)
{
    must(evtchn_raise(a.ch), "evtchn_raise");
}

static void one_extra(void)
{
    connect(&a, 0, GPR);
    a.extra = 1;
}

static void one_extra_elsewhere(void)
{
    connect(&a, 1, GPR);
    a.extra = 1;
}

static const struct scenario raise_raise = {
    .name = "raise-own-end",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, raise_own }, { "peer", PEER, raise_a } },
    .arrange = one_extra,
};

static const struct scenario raise_raise_remote = {
    .name = "raise-own-end-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, raise_own }, { "VCPU 1", 1, idle }, { "peer", PEER, raise_a } },
    .arrange = one_extra_elsewhere,
};

const struct scenario *const races[] = {
    &raise_handler,       &upcall_return,       &upcall_return_twice,
    &two_raisers,         &raise_unmask,        &raise_unmask_twice,
    &raise_unmask_remote, &raise_mask,          &raise_mask_remote,
    &append_unlink,       &append_unlink_again, &append_mask,
    &raise_raise,         &raise_raise_remote,  NULL
};
