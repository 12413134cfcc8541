/* SPDX-License-Identifier: MIT */
/*
 * examples/heartbeat.c, whose main() is heartbeat_main() here, with a peer: ourselves, over a
 * loop-back channel with the ports of the tree's "heartbeat", 0xc and 0xd. The peer answers 20
 * beats; then it is silent, or with `close` on the command line closes its end.
 */
#include <xenlet/hypercall.h>
#include "tests/guest/test.h"

#define OWN   0xcu
#define PEER  0xdu
#define BEATS 20u

int heartbeat_main(int argc, char **argv);

static bool closing, closed;

static void answer(struct evtchn *ch, void *data)
{
    unsigned int *beats = data;

    if (*beats < BEATS) {
        ++*beats;
        evtchn_send(ch);
    } else if (closing && !closed) {
        closed = true;
        evtchn_close(ch);
    }
}

/* Xen gives out the lowest free port: those below are taken, and stay so. */
static int make_channel(void)
{
    evtchn_port_t port = 0;
    int rc = 0;

    while (rc == 0 && port != OWN)
        rc = hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &port);
    if (rc == 0)
        rc = hypercall_evtchn_bind_interdomain(DOMID_SELF, OWN, &port);
    return rc ? rc : port == PEER ? 0 : -XEN_EBUSY;
}

int main(int argc, char **argv)
{
    unsigned int beats = 0;
    struct evtchn *ch;
    int rc = make_channel();

    closing = xenlet_option("close");
    if (rc == 0)
        rc = evtchn_bind_port(PEER, answer, &beats, 0, &ch);
    if (rc == 0)
        rc = heartbeat_main(argc, argv);
    console_printf("Test result: %s\n", rc == 0 && beats == BEATS ? "SUCCESS" : "FAILURE");
    return 0;
}
