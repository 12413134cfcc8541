/* SPDX-License-Identifier: MIT */
/*
 * The back end of examples/nullfront.c in another domU, well-behaved or not. `how=`
 *
 *   storm    raises events for a while, for nothing; then it serves, and closes when the other does
 *   lie      answers more than it was asked
 *   back     takes an answer back
 *   vanish   ends with requests unanswered, and says nothing
 *
 * `front=N`: the domain it serves; `requests=N`: how many it will make.
 */
#include <xenlet.h>
#include "arch/atomic.h"
#include "kernel/string.h"
#include <xen/io/ring.h>

#define PATIENCE 120000000000ull
#define STORM    3000000000ull /* ns */

struct entry {
    uint64_t number;
};

DEFINE_RING_TYPES(null, struct entry, struct entry);

static struct xenbus_device *device;
static struct evtchn *channel;
static struct gnttab_mapping *mapping;
static null_back_ring_t ring;

static uint64_t soon(void)
{
    return clock_after(PATIENCE);
}

static unsigned int option(const char *name)
{
    const char *text = xenlet_option(name);
    unsigned int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return n;
}

static void check(const char *what, int rc)
{
    if (rc)
        xenlet_panic("%s: error %d", what, rc);
}

static bool is(const char *how)
{
    const char *asked = xenlet_option("how");

    return asked && strcmp(asked, how) == 0;
}

static void nothing(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
}

static void attach(void)
{
    uint32_t ref, port;

    check("ring-ref", xenbus_read_number(device, true, "ring-ref", &ref, soon()));
    check("event-channel", xenbus_read_number(device, true, "event-channel", &port, soon()));
    check("mapping", gnttab_map(xenbus_peer(device), &ref, 1, true, &mapping));
    BACK_RING_INIT(&ring, (null_sring_t *)gnttab_address(mapping), XENLET_PAGE_SIZE);
    check("binding",
          evtchn_bind_interdomain(xenbus_peer(device), port, nothing, NULL, 0, &channel));
}

/* Answer what there is; how many it was. */
static unsigned int serve(unsigned int most)
{
    RING_IDX end = atomic_read(&ring.sring->req_prod);
    unsigned int n = 0;

    smp_rmb(); /* the index before the requests: the front end's barrier in xenbus_ring_push() */
    for (; ring.req_cons != end && n < most; n++) {
        struct entry e = *RING_GET_REQUEST(&ring, ring.req_cons);

        ring.req_cons++;
        *RING_GET_RESPONSE(&ring, ring.rsp_prod_pvt) = e;
        ring.rsp_prod_pvt++;
    }
    if (!n)
        return 0;
    smp_wmb(); /* responses before the index: its barrier in available() */
    atomic_write(&ring.sring->rsp_prod, ring.rsp_prod_pvt);
    atomic_write(&ring.sring->req_event, ring.req_cons + 1);
    smp_mb(); /* then look again, which our caller does */
    check("send", evtchn_send(channel));
    return n;
}

static bool is_connected(void)
{
    enum xenbus_state state = xenbus_peer_state(device);

    return state == XenbusStateInitialised || state == XenbusStateConnected;
}

static void wait_for_requests(void)
{
    while (is_connected() && atomic_read(&ring.sring->req_prod) == ring.req_cons)
        clock_sleep(1000000);
}

static void storm(void)
{
    uint64_t end = clock_after(STORM);
    unsigned long n = 0;

    for (; clock_now() < end; n++)
        check("send", evtchn_send(channel));
    console_printf("%lu events for nothing\n", n);
}

static void misbehave(void)
{
    wait_for_requests();
    if (is("vanish"))
        return;
    if (is("storm"))
        storm();
    else {
        serve(10);
        clock_sleep(100000000); /* it has taken them */
        atomic_write(&ring.sring->rsp_prod,
                     is("lie") ? ring.req_cons + 1000 : ring.rsp_prod_pvt - 1);
        check("send", evtchn_send(channel));
    }
}

static void shut(void)
{
    check("closing", xenbus_switch_state(device, XenbusStateClosing, soon()));
    check("it closes", xenbus_wait_state(device, XENBUS_IN(XenbusStateClosed), NULL, soon()));
    check("unmapping", gnttab_unmap(mapping));
    check("close", evtchn_close(channel));
    check("closed", xenbus_switch_state(device, XenbusStateClosed, soon()));
}

int main(int argc, char **argv)
{
    char path[32];
    unsigned int total = 0;

    (void)argc;
    (void)argv;
    xenlet_snprintf(path, sizeof(path), "backend/null/%u/0", option("front"));
    console_printf("waiting for %s\n", path);
    check("open", xenbus_open(path, soon(), &device));
    check("state", xenbus_switch_state(device, XenbusStateInitWait, soon()));
    check("it is ready",
          xenbus_wait_state(device, XENBUS_IN(XenbusStateInitialised), NULL, soon()));
    attach();
    check("state", xenbus_switch_state(device, XenbusStateConnected, soon()));
    check("it is connected",
          xenbus_wait_state(device, XENBUS_IN(XenbusStateConnected), NULL, soon()));
    misbehave();
    if (is("vanish"))
        return 0;
    while (is("storm") && is_connected() && total < option("requests")) {
        wait_for_requests();
        total += serve(16);
    }
    while (!is("storm") && is_connected())
        clock_sleep(10000000); /* it finds out */
    shut();
    console_printf("served %u\n", total);
    return 0;
}
