/* SPDX-License-Identifier: MIT */
/* Channels that come and go while they are raised. */
#include <xenlet/platform.h>
#include "evtchn/internal.h"
#include "tests/host/explore/guest.h"
#include "tests/host/model/model.h"

#define GPR EVTCHN_HANDLER_GPR

static void raise_a(void)
{
    raise_event(&a);
}

static void one_channel(void)
{
    connect(&a, 0, GPR);
}

static void close_a(void)
{
    close_channel(&a);
}

static const struct scenario close_own = {
    .name = "close",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, close_a }, { "peer", PEER, raise_a } },
    .arrange = one_channel,
};

static const struct scenario close_remote = {
    .name = "close-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, close_a }, { "peer", PEER, raise_a } },
    .arrange = one_channel,
};

/* And its VCPU goes on to another channel. */
static void two_are_pending(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
    take_upcalls();
    (void)platform_upcalls_save(); /* VCPU 0 begins by unmasking them */
    raise_event(&a);
    raise_event(&b);
}

static void unmask_upcalls(void)
{
    platform_upcalls_restore(0);
}

static const struct scenario close_of_two = {
    .name = "close-remote-of-two",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "VCPU 1", 1, close_a } },
    .arrange = two_are_pending,
};

/* The handler closes its own channel: its data is freed only after it. */
static void close_a_in_handler(void)
{
    ghost_set(&a.gone, 1);
    must(evtchn_close(a.ch), "evtchn_close");
}

static void closes_itself(void)
{
    connect(&a, 0, GPR);
    take_upcalls();
    a.then = close_a_in_handler;
}

static void raise_a_twice(void)
{
    raise_event(&a);
    raise_event(&a);
}

static void once(void)
{
    if (ghost(&a.delivered) != 1)
        explore_fail("the handler that closed its channel ran %u times", ghost(&a.delivered));
}

static const struct scenario close_in_handler = {
    .name = "close-in-handler",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, raise_a_twice } },
    .arrange = closes_itself,
    .check = once,
};

/* --- bound anew, to the same port ------------------------------------------------------------ */

/* Binding raises the port: whatever was sent before is seen. */
static void rebind_a(void)
{
    close_channel(&a);
    b.from = &a.sent;
    b.extra = 1;
    must(evtchn_bind_interdomain(model_peer(), a.peer_port, handler, &b, GPR, &b.ch),
         "evtchn_bind_interdomain");
}

static const struct scenario rebind = {
    .name = "rebind",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, rebind_a }, { "peer", PEER, raise_a } },
    .arrange = one_channel,
};

static const struct scenario rebind_remote = {
    .name = "rebind-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, rebind_a }, { "peer", PEER, raise_a } },
    .arrange = one_channel,
};

/* --- an event that comes before its handler --------------------------------------------------- */

static evtchn_port_t early;

/* A port of ours that the peer is bound to, and nobody has a handle of. */
static void nobodys(void)
{
    struct evtchn_bind_interdomain op;
    struct evtchn *ch;

    connect(&b, 0, GPR);
    must(evtchn_bind_unbound(model_peer(), NULL, NULL, 0, &ch), "evtchn_bind_unbound");
    early = evtchn_port(ch);
    op = (struct evtchn_bind_interdomain){ .remote_dom = 5, .remote_port = early };
    must(model_peer_op(EVTCHNOP_bind_interdomain, &op), "EVTCHNOP_bind_interdomain");
    a.peer_port = op.local_port;
    a.from = &a.sent;
    a.extra = 1;
    evtchn_unpublish(ch); /* as if a toolstack had made it */
    evtchn_handle_free(ch);
}

static void bind_early(void)
{
    must(evtchn_bind_port(early, handler, &a, GPR, &a.ch), "evtchn_bind_port");
}

static const struct scenario event_before = {
    .name = "event-before-handler",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, bind_early }, { "peer", PEER, raise_a } },
    .arrange = nobodys,
};

static const struct scenario event_before_remote = {
    .name = "event-before-handler-remote",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, bind_early }, { "peer", PEER, raise_a } },
    .arrange = nobodys,
};

/* --- handlers that close each other's channels ------------------------------------------------ */

static void close_b_in_handler(void)
{
    ghost_set(&b.gone, 1);
    must(evtchn_close(b.ch), "evtchn_close");
}

static void each_other(void)
{
    connect(&a, 0, GPR);
    connect(&b, 1, GPR);
    take_upcalls();
    be_vcpu(1);
    take_upcalls();
    be_vcpu(0);
    a.then = close_b_in_handler;
    b.then = close_a_in_handler;
}

static void raise_both(void)
{
    raise_event(&a);
    raise_event(&b);
}

static const struct scenario close_each_other = {
    .name = "close-each-other",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, idle }, { "peer", PEER, raise_both } },
    .arrange = each_other,
};

const struct scenario *const lives[] = {
    &close_own,     &close_remote, &close_of_two,        &close_in_handler, &rebind,
    &rebind_remote, &event_before, &event_before_remote, &close_each_other, NULL
};
