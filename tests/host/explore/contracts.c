/* SPDX-License-Identifier: MIT */
/*
 * Programs that break the contract of include/xenlet/evtchn.h: mistakes of the list for which there
 * is no code of ours. The explorer tells each what it has overlooked.
 */
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "tests/host/explore/guest.h"
#include "tests/host/model/model.h"

#define GPR EVTCHN_HANDLER_GPR

static void raise_a(void)
{
    raise_event(&a);
}

/* --- 13: a port that was just bound to another domain's is believed to be quiet --------------- */

static void nothing_bound(void)
{
    connect(&b, 0, GPR);
    bind_far(&a);
    a.from = &a.sent;
}

/* The handler believes that it is called for data. */
static void takes_data(void)
{
    if (a.sent == 0)
        explore_fail(
            "the handler takes data that nobody has sent: binding raises the port once, see "
            "evtchn_bind_interdomain()");
}

static void bind_a(void)
{
    a.extra = 1;
    a.then = takes_data;
    must(evtchn_bind_interdomain(model_peer(), a.peer_port, handler, &a, GPR, &a.ch), "bind");
}

static const struct scenario quiet = {
    .name = "contract-13-quiet-port",
    .abis = ANY_ABI,
    .breaks = true,
    .threads = { { "VCPU 0", 0, bind_a }, { "peer", PEER, raise_a } },
    .arrange = nothing_bound,
};

/* --- 17: -EEXIST of a VIRQ is retried ----------------------------------------------------------
 */

static void timer_bound(void)
{
    struct evtchn *ch;

    connect(&b, 0, GPR);
    must(evtchn_bind_virq(VIRQ_TIMER, 0, handler, &a, GPR, &ch), "evtchn_bind_virq");
}

static void retry(void)
{
    struct evtchn *ch;

    while (evtchn_bind_virq(VIRQ_TIMER, 0, handler, &b, GPR, &ch) == -XEN_EEXIST)
        explore_point("evtchn_bind_virq() said -EEXIST: it is bound; who has it, says "
                      "evtchn_bind_port() of each port");
}

static const struct scenario retried = {
    .name = "contract-17-retry",
    .abis = ANY_ABI,
    .breaks = true,
    .threads = { { "VCPU 0", 0, retry }, { "peer", PEER, idle } },
    .arrange = timer_bound,
};

/* --- 19: the event is sent before what it announces --------------------------------------------
 */

static void one_channel(void)
{
    connect(&a, 0, GPR);
    a.extra = 1;
}

static void send_then_write(void)
{
    struct evtchn_send op = { .port = a.peer_port };

    must(model_peer_op(EVTCHNOP_send, &op), "EVTCHNOP_send");
    atomic_write(&a.sent, a.sent + 1);
}

static const struct scenario announced = {
    .name = "contract-19-send-first",
    .abis = ANY_ABI,
    .breaks = true,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, send_then_write } },
    .arrange = one_channel,
};

/* --- 24: 1,024 ports are taken for all there are ------------------------------------------------
 */

#define BELIEVED 1024u

static void counts_by_port(void)
{
    if (a.port >= BELIEVED)
        explore_fail("port %u is beyond the %u the program has room for: evtchn_nr_ports() says %u",
                     a.port, BELIEVED, evtchn_nr_ports());
}

static void many_ports(void)
{
    evtchn_port_t port = 0;

    while (port + 1 < BELIEVED)
        must(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &port), "alloc_unbound");
    connect(&a, 0, GPR);
    a.then = counts_by_port;
}

static const struct scenario ports = {
    .name = "contract-24-ports",
    .abis = ANY_ABI,
    .breaks = true,
    .threads = { { "VCPU 0", 0, idle }, { "peer", PEER, raise_a } },
    .arrange = many_ports,
};

const struct scenario *const contracts[] = { &quiet, &retried, &announced, &ports, NULL };
