/* SPDX-License-Identifier: MIT */
/* Sleeping, polling, late EOI and storms, against raises. */
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "evtchn/internal.h"
#include "tests/host/explore/guest.h"
#include "tests/host/model/model.h"

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

static void one_channel(void)
{
    connect(&a, 0, GPR);
}

/* --- sleep ----------------------------------------------------------------------------------- */

static bool has_come(void *arg)
{
    (void)arg;
    return a.data != 0;
}

static void wait_for_a(void)
{
    must(evtchn_wait(has_come, NULL, XENLET_FOREVER), "evtchn_wait");
    ghost_set(&c.delivered, 1);
}

static void waited(void)
{
    if (!ghost(&c.delivered))
        explore_fail("VCPU 0 sleeps for ever: the wake-up was lost");
}

static const struct scenario block = {
    .name = "block",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, wait_for_a }, { "peer", PEER, raise_a } },
    .arrange = one_channel,
    .check = waited,
};

static void one_polled(void)
{
    connect(&a, 0, EVTCHN_MASKED);
    ghost_set(&a.masked, 1);
    ghost_set(&a.gone, 1); /* it is taken, not delivered */
    take_upcalls();
    (void)evtchn_take_pending(a.ch);
}

static void poll_a(void)
{
    must(evtchn_poll(&a.ch, 1, XENLET_FOREVER), "evtchn_poll");
    if (!evtchn_take_pending(a.ch))
        explore_fail("evtchn_poll() returned, and nothing was pending");
    if (atomic_read(&a.sent) == 0)
        explore_fail("evtchn_poll() returned, and what the peer wrote is not there");
    ghost_set(&c.delivered, 1);
}

static const struct scenario poll = {
    .name = "poll",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, poll_a }, { "peer", PEER, raise_a } },
    .arrange = one_polled,
    .check = waited,
};

/* --- late EOI -------------------------------------------------------------------------------- */

static void one_late(void)
{
    connect(&a, 0, GPR | EVTCHN_LATE_EOI);
    a.extra = 1;
}

static void eoi_a(void)
{
    explore_point("the event was served");
    (void)evtchn_eoi(a.ch, false);
}

/* The first delivery came of binding: its EOI is still to come. */
static const struct scenario eoi = {
    .name = "eoi",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, eoi_a }, { "peer", PEER, raise_a } },
    .arrange = one_late,
};

static const struct scenario eoi_remote = {
    .name = "eoi-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, eoi_a }, { "peer", PEER, raise_a } },
    .arrange = one_late,
};

static void mask_eoi_unmask(void)
{
    mask_channel(&a);
    eoi_a();
    unmask_channel(&a);
}

static const struct scenario eoi_masked = {
    .name = "eoi-mask-unmask",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, mask_eoi_unmask }, { "peer", PEER, raise_a } },
    .arrange = one_late,
};

/* --- storms ---------------------------------------------------------------------------------- */

static void one_that_storms(void)
{
    connect(&a, 0, GPR);
    must(evtchn_set_share(a.ch, 1), "evtchn_set_share");
}

/* Time goes on, and VCPU 0's timer is looked at: as VIRQ_TIMER's handler does. */
static void tick(void)
{
    unsigned long flags;

    explore_point("2 ms later");
    flags = platform_upcalls_save();
    clock_set(platform_now_ns() + 2000000);
    evtchn_tick();
    platform_upcalls_restore(flags);
}

static void tick_twice(void)
{
    tick();
    tick();
}

static const struct scenario storm = {
    .name = "storm-tick",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, tick_twice }, { "peer", PEER, raise_a_twice } },
    .arrange = one_that_storms,
};

static void close_a(void)
{
    close_channel(&a);
}

/* Its share is used up: it is about to rest when it is closed. */
static void about_to_rest(void)
{
    one_that_storms();
    take_upcalls();
}

static const struct scenario storm_close = {
    .name = "storm-close-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, close_a }, { "peer", PEER, raise_a } },
    .arrange = about_to_rest,
};

/* Its port is bound anew: the new channel has not been delivered too often. */
static void about_to_rest_in_fp(void)
{
    connect(&a, 0, 0);
    must(evtchn_set_share(a.ch, 1), "evtchn_set_share");
    take_upcalls();
}

static void rebind_a(void)
{
    close_a();
    b.from = &a.sent;
    b.extra = 1;
    must(evtchn_bind_interdomain(model_peer(), a.peer_port, handler, &b, GPR, &b.ch),
         "evtchn_bind_interdomain");
}

static void new_one_does_not_rest(void)
{
    if (b.ch->rest_on || b.ch->reasons)
        explore_fail("a new channel is held as the one before it was to be");
}

static const struct scenario storm_rebind = {
    .name = "storm-rebind-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, rebind_a }, { "peer", PEER, raise_a } },
    .arrange = about_to_rest_in_fp,
    .check = new_one_does_not_rest,
};

static void move_to_1(void)
{
    must(evtchn_bind_vcpu(a.ch, 1), "evtchn_bind_vcpu");
}

static void about_to_rest_or_move(void)
{
    about_to_rest();
    a.extra = 1;
}

static const struct scenario storm_move = {
    .name = "storm-move-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, move_to_1 }, { "peer", PEER, raise_a } },
    .arrange = about_to_rest_or_move,
};

const struct scenario *const others[] = { &block,        &poll,  &eoi,         &eoi_remote,
                                          &eoi_masked,   &storm, &storm_close, &storm_move,
                                          &storm_rebind, NULL };
