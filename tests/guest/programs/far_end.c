/* SPDX-License-Identifier: MIT */
/*
 * One end of a static channel that Xen has made; another of these domUs has the other. One knocks
 * until the other answers. Then, or before:
 *
 *   port=N    which end we have
 *   pending   it must be pending from the start, in whichever ABI we are by now
 *   switch    from 2-level, where we are, to FIFO, once an event has come that nobody has taken
 *   knock     knock, until there is an answer; knock=once, and wait for it
 *   left      then the other end must become closed
 *   reset     after the answer reset all channels, and see what is left of ours
 */
#include <xenlet.h>
#include <xenlet/evtchn_static.h>
#include "evtchn/internal.h"

#define MS      1000000ull
#define PATIENT (60000 * MS)

static unsigned int seen, faults;
static bool answers;

static void check(bool holds, const char *what)
{
    if (!holds) {
        console_printf("FAULT: %s\n", what);
        faults++;
    }
}

static void heard(struct evtchn *ch, void *data)
{
    (void)data;
    seen++;
    if (answers)
        evtchn_send(ch);
}

static bool has_heard(void *arg)
{
    (void)arg;
    return seen;
}

static evtchn_port_t own_port(void)
{
    const char *text = xenlet_option("port");
    evtchn_port_t port = 0;

    while (text && *text >= '0' && *text <= '9')
        port = port * 10 + (evtchn_port_t)(*text++ - '0');
    return port;
}

/* As the library does at boot, but with an event of the other end there already. */
static void switch_over(evtchn_port_t port)
{
    uint64_t end = clock_after(PATIENT);
    unsigned long flags;

    check(evtchn_ops == &evtchn_ops_2l, "it is not in 2-level");
    while (!evtchn_ops->is_pending(port) && clock_now() < end)
        clock_sleep(MS);
    check(evtchn_ops->is_pending(port), "no event came");
    flags = platform_upcalls_save();
    check(evtchn_ops_fifo.init(this_evtchn_vcpu()) == 0, "FIFO was refused");
    evtchn_use(&evtchn_ops_fifo);
    check(evtchn_ops->is_pending(port), "the event is not pending any more");
    platform_upcalls_restore(flags);
    console_printf("in FIFO with an event of 2-level\n");
}

/* What is pending from the start says nothing; but what we waited for is to be delivered. */
static int bind(evtchn_port_t port, struct evtchn **ch)
{
    struct evtchn_static what = EVTCHN_STATIC_PORT(port);
    int rc = evtchn_bind_static(&what, heard, NULL, EVTCHN_MASKED, ch);

    if (rc)
        return rc;
    if (!xenlet_option("switch"))
        evtchn_take_pending(*ch);
    return evtchn_unmask(*ch);
}

static void knock(struct evtchn *ch, bool once)
{
    uint64_t end = clock_after(PATIENT);

    do {
        check(evtchn_send(ch) == 0, "send");
        evtchn_wait(has_heard, NULL, once ? end : clock_after(10 * MS));
    } while (!seen && clock_now() < end);
}

static void see_it_leave(struct evtchn *ch)
{
    uint64_t end = clock_after(PATIENT);
    bool first = false;
    int rc;

    while ((rc = evtchn_static_check(ch, &first)) == 0 && clock_now() < end)
        clock_sleep(MS);
    check(rc == -XEN_ENOTCONN, "the other end is still there");
    check(first, "nobody was the first to see it");
    rc = evtchn_static_check(ch, &first);
    check(rc == -XEN_ENOTCONN && !first, "it was seen for the first time twice");
    check(evtchn_send(ch) == 0, "a send to nobody is an error");
    console_printf("the other end has left\n");
}

/* Between two domUs Debian's policy lets nobody make another channel. */
static void reset(struct evtchn *ch)
{
    check(evtchn_reset() == -XEN_EISCONN, "a reset without force");
    check(evtchn_reset_forced() == 0, "a reset by force");
    check(evtchn_send(ch) == -XEN_ENOTCONN, "the channel outlived it");
    console_printf("after a reset the channel is lost\n");
}

int main(int argc, char **argv)
{
    const char *knocks = xenlet_option("knock");
    evtchn_port_t port = own_port();
    struct evtchn *ch;
    int rc;

    (void)argc, (void)argv;
    answers = !knocks;
    if (xenlet_option("pending"))
        check(evtchn_ops->is_pending(port), "it is not pending from the start");
    if (xenlet_option("switch"))
        switch_over(port);
    rc = bind(port, &ch);
    if (rc)
        console_printf("bind: error %d\n", rc);
    check(rc == 0, "bind");
    if (rc == 0) {
        if (knocks)
            knock(ch, knocks[0]);
        else
            evtchn_wait(has_heard, NULL, clock_after(PATIENT));
        check(seen, "nothing was heard");
        if (xenlet_option("left"))
            see_it_leave(ch);
        if (xenlet_option("reset"))
            reset(ch);
    }
    console_printf("Test result: %s\n", faults ? "FAILURE" : "SUCCESS");
    return 0;
}
