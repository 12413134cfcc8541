/* SPDX-License-Identifier: MIT */
/*
 * The front end of a null device, which answers each request with the number that was in it. All of
 * a driver that has to do with its back end is here: to copy from.
 *
 * `device=PATH`, device/null/0 without it; `requests=N` to make each time it is connected, none
 * without it. It goes along with the back end's states until that has closed, or is gone.
 */
#include <xenlet.h>

#define PATIENCE 120000000000ull /* ns for the back end to do anything at all */

struct entry {
    uint64_t number;
};

static struct xenbus_device *device;
static struct xenbus_ring *ring;
static unsigned int requests;

static uint64_t soon(void)
{
    return clock_after(PATIENCE);
}

static int connect(void)
{
    static const struct xenbus_ring_setup setup = { .entry_size = sizeof(struct entry) };
    int rc = ring ? 0 : xenbus_ring_open(device, &setup, soon(), &ring);

    return rc ? rc : xenbus_switch_state(device, XenbusStateInitialised, soon());
}

static int disconnect(void)
{
    int rc = xenbus_switch_state(device, XenbusStateClosing, soon());

    if (ring)
        xenbus_ring_close(ring);
    ring = NULL;
    return rc ? rc : xenbus_switch_state(device, XenbusStateClosed, soon());
}

/* As many as there is room for. */
static int ask(uint64_t *asked)
{
    struct entry *e;

    while (*asked < requests && (e = xenbus_ring_request(ring)) != NULL)
        e->number = (*asked)++;
    return xenbus_ring_push(ring);
}

static int take(uint64_t *taken)
{
    struct entry e;
    int rc;

    while ((rc = xenbus_ring_response(ring, &e)) == 0) {
        if (e.number != (*taken)++)
            return -XEN_EIO;
    }
    return rc == -XEN_EAGAIN ? 0 : rc;
}

static int work(void)
{
    struct evtchn_counters c;
    uint64_t asked = 0, taken = 0;
    int rc = 0;

    while (taken < requests && rc == 0) {
        rc = ask(&asked);
        if (rc == 0)
            rc = xenbus_ring_wait(ring, soon());
        if (rc == 0)
            rc = take(&taken);
    }
    evtchn_get_counters(xenbus_ring_channel(ring), &c);
    console_printf("%lu of %u answered; %lu events, %lu for nothing, %lu put off\n", taken,
                   requests, c.delivered, c.spurious, c.deferred);
    return rc;
}

/* What the back end's state asks of us. */
static int react(enum xenbus_state state)
{
    int rc;

    switch (state) {
    case XenbusStateInitWait:
    case XenbusStateInitialised:
        return connect();
    case XenbusStateConnected:
        if (!ring)
            return connect();
        rc = xenbus_switch_state(device, XenbusStateConnected, soon());
        return rc ? rc : work();
    case XenbusStateReconfiguring:
        return xenbus_switch_state(device, XenbusStateReconfiguring, soon());
    case XenbusStateReconfigured:
        return xenbus_switch_state(device, XenbusStateConnected, soon());
    case XenbusStateClosing:
        return disconnect();
    case XenbusStateClosed:
        return ring ? disconnect() : xenbus_switch_state(device, XenbusStateClosed, soon());
    default:
        return 0;
    }
}

static int follow(void)
{
    const unsigned int all = XENBUS_IN(XenbusStateReconfigured + 1) - 1;
    enum xenbus_state state = XenbusStateUnknown;
    int rc = xenbus_switch_state(device, XenbusStateInitialising, soon());

    while (rc == 0 && state != XenbusStateClosed) {
        rc = xenbus_wait_state(device, all & ~XENBUS_IN(XenbusStateUnknown) & ~XENBUS_IN(state),
                               &state, soon());
        if (rc == 0) {
            console_printf("the back end is in state %d\n", state);
            rc = react(state);
        }
    }
    return rc;
}

static unsigned int number(const char *text)
{
    unsigned int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return n;
}

int main(int argc, char **argv)
{
    const char *path = xenlet_option("device");
    int rc;

    (void)argc;
    (void)argv;
    requests = number(xenlet_option("requests"));
    path = path ? path : "device/null/0";
    console_printf("waiting for %s\n", path);
    rc = xenbus_open(path, soon(), &device);
    if (rc) {
        console_printf("no device: error %d\n", rc);
        return 1;
    }
    console_printf("%s is served by domain %u\n", path, xenbus_peer(device));
    rc = follow();
    if (rc) {
        console_printf("%s: error %d\n",
                       rc == -XEN_ENOTCONN ? "the back end is gone"
                       : rc == -XEN_EIO    ? "the back end lies"
                                           : "no service",
                       rc);
        disconnect();
    }
    xenbus_close(device);
    console_printf("closed\n");
    return 0;
}
