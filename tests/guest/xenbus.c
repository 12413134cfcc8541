/* SPDX-License-Identifier: MIT */
/* Xenbus with both ends in this domain: our directories below data/, the back end played here. */
#include "arch/atomic.h"
#include "kernel/string.h"
#include "tests/guest/vchan.h"
#include "tests/guest/xenstore.h"

#define xen_mb()  smp_mb()
#define xen_wmb() smp_wmb()
#include <xen/io/ring.h>

#define FRONT "data/bus/front"
#define BACK  "data/bus/back"

struct entry {
    uint64_t number;
};

DEFINE_RING_TYPES(bus, struct entry, struct entry);

static bool put_number(const char *path, unsigned int n)
{
    char text[12];

    xenlet_snprintf(text, sizeof(text), "%u", n);
    return put(NULL, path, text) == 0;
}

/* As a toolstack; the back end is in state 2. */
static bool make_device(void)
{
    return put(NULL, FRONT "/state", "1") == 0 && put(NULL, BACK "/state", "2") == 0 &&
           put(NULL, FRONT "/backend", own_path(BACK)) == 0 &&
           put_number(FRONT "/backend-id", own_number());
}

static void remove_device(void)
{
    EXPECT_EQ(xenstore_rm(NULL, "data/bus", soon()), 0);
}

static struct xenbus_device *open_device(void)
{
    struct xenbus_device *d = NULL;

    EXPECT(make_device());
    EXPECT_EQ(xenbus_open(FRONT, soon(), &d), 0);
    return d;
}

static void count_change(struct xenbus_device *d, void *data)
{
    (void)d;
    ++*(unsigned int *)data;
}

TEST(xenstore_xenbus_states)
{
    struct xenbus_device *d;
    enum xenbus_state state = 99;
    unsigned int changes = 0;
    uint32_t own = 0;

    NEEDS_VCHAN();
    d = open_device();
    CHECK(d);
    EXPECT_EQ(xenbus_peer(d), own_number());
    EXPECT_EQ(strcmp(xenbus_peer_path(d), own_path(BACK)), 0);
    EXPECT_EQ(xenbus_peer_state(d), XenbusStateInitWait);
    xenbus_on_change(d, count_change, &changes);
    EXPECT_EQ(xenbus_switch_state(d, XenbusStateInitialised, soon()), 0);
    EXPECT_EQ(xenbus_read_number(d, false, "state", &own, soon()), 0);
    EXPECT_EQ(own, XenbusStateInitialised);
    EXPECT_EQ(xenbus_wait_state(d, XENBUS_IN(XenbusStateConnected), &state, clock_after(20000000)),
              -XEN_ETIME);
    EXPECT_EQ(put(NULL, BACK "/state", "4"), 0);
    EXPECT_EQ(xenbus_wait_state(d, XENBUS_IN(XenbusStateConnected), &state, soon()), 0);
    EXPECT_EQ(state, XenbusStateConnected);
    EXPECT_EQ(put(NULL, BACK "/state", "nonsense"), 0);
    EXPECT_EQ(xenbus_wait_state(d, XENBUS_IN(XenbusStateUnknown), NULL, soon()), 0);
    EXPECT_EQ(xenbus_wait_state(d, XENBUS_IN(XenbusStateClosed), NULL, soon()), -XEN_ENOTCONN);
    EXPECT_EQ(changes, 2);
    xenbus_close(d);
    remove_device();
}

TEST(xenstore_xenbus_directories_that_go)
{
    struct xenbus_device *d;
    uint32_t n;

    NEEDS_VCHAN();
    d = open_device();
    CHECK(d);
    EXPECT_EQ(xenstore_rm(NULL, BACK, soon()), 0);
    EXPECT_EQ(xenbus_wait_state(d, XENBUS_IN(XenbusStateConnected), NULL, soon()), -XEN_ENOTCONN);
    EXPECT_EQ(xenstore_rm(NULL, FRONT, soon()), 0);
    EXPECT_EQ(xenbus_switch_state(d, XenbusStateClosed, soon()), -XEN_ENOENT);
    EXPECT_EQ(xenbus_read_number(d, false, "state", &n, soon()), -XEN_ENOENT);
    xenbus_close(d);
    remove_device();
}

TEST(xenstore_xenbus_nodes_that_cannot_be)
{
    char path[XENBUS_PATH_MAX + 1];
    struct xenbus_device *d;
    char *text;
    uint32_t n;

    NEEDS_VCHAN();
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    EXPECT_EQ(xenbus_open(path, soon(), &d), -XEN_E2BIG);
    EXPECT_EQ(xenbus_open("data/bus/none", clock_after(20000000), &d), -XEN_ETIME);
    CHECK(make_device());
    EXPECT_EQ(put(NULL, FRONT "/backend-id", "1x"), 0);
    EXPECT_EQ(xenbus_open(FRONT, soon(), &d), -XEN_EIO);
    EXPECT_EQ(put(NULL, FRONT "/backend-id", "65535"), 0);
    EXPECT_EQ(xenbus_open(FRONT, soon(), &d), -XEN_EIO);
    EXPECT_EQ(put(NULL, FRONT "/backend", "no/path"), 0);
    EXPECT_EQ(xenbus_open(FRONT, soon(), &d), -XEN_EIO);
    d = open_device();
    CHECK(d);
    EXPECT_EQ(put(NULL, BACK "/n", "4294967295"), 0);
    EXPECT_EQ(xenbus_read_number(d, true, "n", &n, soon()), 0);
    EXPECT_EQ(n, 4294967295u);
    EXPECT_EQ(put(NULL, BACK "/n", "4294967296"), 0);
    EXPECT_EQ(xenbus_read_number(d, true, "n", &n, soon()), -XEN_EIO);
    EXPECT_EQ(xenbus_write(d, "name", "a word", soon()), 0);
    EXPECT_EQ(xenbus_read(d, false, "name", &text, soon()), 0);
    EXPECT_EQ(strcmp(text, "a word"), 0);
    xenlet_free(text);
    xenbus_close(d);
    remove_device();
}

/* --- rings ------------------------------------------------------------------------------------ */

static struct xenbus_device *device;
static struct xenbus_ring *ring;
static bus_back_ring_t back;
static struct gnttab_mapping *mapping;
static struct evtchn *channel;

static void nothing(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
}

static bool connect(void)
{
    static const struct xenbus_ring_setup setup = { .entry_size = sizeof(struct entry) };
    uint32_t ref = 0, port = 0;

    device = open_device();
    ring = NULL;
    if (!device ||
        !test_same(__FILE__, __LINE__, "open", xenbus_ring_open(device, &setup, soon(), &ring), 0))
        return false;
    EXPECT_EQ(put(NULL, BACK "/state", "4"), 0);
    EXPECT_EQ(xenbus_wait_state(device, XENBUS_IN(XenbusStateConnected), NULL, soon()), 0);
    EXPECT_EQ(xenbus_read_number(device, false, "ring-ref", &ref, soon()), 0);
    EXPECT_EQ(xenbus_read_number(device, false, "event-channel", &port, soon()), 0);
    EXPECT_EQ(gnttab_map(own_number(), &ref, 1, true, &mapping), 0);
    EXPECT_EQ(evtchn_bind_interdomain(own_number(), port, nothing, NULL, 0, &channel), 0);
    BACK_RING_INIT(&back, (bus_sring_t *)gnttab_address(mapping), XENLET_PAGE_SIZE);
    return true;
}

static void disconnect(void)
{
    EXPECT_EQ(gnttab_unmap(mapping), 0);
    EXPECT_EQ(evtchn_close(channel), 0);
    xenbus_ring_close(ring);
    xenbus_close(device);
    remove_device();
}

static void answer(unsigned int n)
{
    int notify;

    for (unsigned int i = 0; i < n; i++) {
        struct entry *e = RING_GET_RESPONSE(&back, back.rsp_prod_pvt++);

        e->number = RING_GET_REQUEST(&back, back.req_cons++)->number + 1000;
    }
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
    if (notify)
        EXPECT_EQ(evtchn_send(channel), 0);
}

static unsigned int ask(unsigned int n)
{
    unsigned int asked = 0;
    struct entry *e;

    while (asked < n && (e = xenbus_ring_request(ring)) != NULL)
        e->number = asked++;
    EXPECT_EQ(xenbus_ring_push(ring), 0);
    return asked;
}

TEST(xenstore_xenbus_ring_carries_requests)
{
    struct entry e;
    unsigned int size;

    NEEDS_VCHAN();
    CHECK(connect());
    size = xenbus_ring_size(ring);
    EXPECT_EQ(size, back.nr_ents);
    EXPECT_EQ(xenbus_ring_response(ring, &e), -XEN_EAGAIN);
    for (unsigned int round = 0; round < 3; round++) {
        EXPECT_EQ(ask(size + 1), size);
        answer(size);
        EXPECT_EQ(xenbus_ring_wait(ring, soon()), 0);
        for (unsigned int i = 0; i < size; i++) {
            EXPECT_EQ(xenbus_ring_response(ring, &e), 0);
            EXPECT_EQ(e.number, i + 1000);
        }
        EXPECT_EQ(xenbus_ring_response(ring, &e), -XEN_EAGAIN);
    }
    EXPECT_EQ(xenbus_ring_wait(ring, clock_after(20000000)), -XEN_ETIME);
    EXPECT_EQ(put(NULL, BACK "/state", "5"), 0);
    EXPECT_EQ(xenbus_ring_wait(ring, soon()), -XEN_ENOTCONN);
    disconnect();
}

TEST(xenstore_xenbus_ring_that_lies)
{
    static const int32_t lies[] = { 1, 1000, INT32_MIN, -1, -5 };
    struct entry e;

    NEEDS_VCHAN();
    for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        CHECK(connect());
        EXPECT_EQ(ask(10), 10);
        answer(5);
        for (unsigned int n = 0; n < 5; n++)
            EXPECT_EQ(xenbus_ring_response(ring, &e), 0);
        back.sring->rsp_prod = (lies[i] > 0 ? 10u : 5u) + (uint32_t)lies[i];
        EXPECT_EQ(xenbus_ring_wait(ring, soon()), -XEN_EIO);
        back.sring->rsp_prod = 6; /* once a liar */
        EXPECT_EQ(xenbus_ring_response(ring, &e), -XEN_EIO);
        EXPECT(!xenbus_ring_request(ring));
        EXPECT_EQ(xenbus_ring_push(ring), -XEN_EIO);
        disconnect();
    }
}

TEST(xenstore_xenbus_events_for_nothing_come_ever_later)
{
    struct evtchn_counters c = { 0 };
    uint64_t end = soon();

    NEEDS_VCHAN();
    CHECK(connect());
    while (c.spurious < 6 && clock_now() < end) {
        EXPECT_EQ(evtchn_send(channel), 0);
        EXPECT_EQ(xenbus_ring_wait(ring, clock_after(100000)), -XEN_ETIME);
        evtchn_get_counters(xenbus_ring_channel(ring), &c);
    }
    EXPECT(c.spurious >= 6 && c.deferred >= 4);
    /* It is heard all the same, when there is something. */
    EXPECT_EQ(ask(1), 1);
    answer(1);
    EXPECT_EQ(xenbus_ring_wait(ring, soon()), 0);
    disconnect();
}

TEST(xenstore_xenbus_ring_of_several_pages)
{
    struct xenbus_ring_setup setup = { .entry_size = 112, .page_order = 2 };
    struct xenbus_ring *r;
    uint32_t n = 0;

    NEEDS_VCHAN();
    device = open_device();
    CHECK(device);
    EXPECT_EQ(xenbus_ring_open(device, &setup, soon(), &r), 0);
    EXPECT_EQ(xenbus_ring_size(r), 128);
    EXPECT_EQ(xenbus_read_number(device, false, "ring-page-order", &n, soon()), 0);
    EXPECT_EQ(n, 2);
    EXPECT_EQ(xenbus_read_number(device, false, "ring-ref3", &n, soon()), 0);
    EXPECT_EQ(xenbus_read_number(device, false, "ring-ref4", &n, soon()), -XEN_ENOENT);
    xenbus_ring_close(r);
    setup.page_order = 5;
    EXPECT_EQ(xenbus_ring_open(device, &setup, soon(), &r), -XEN_EINVAL);
    setup = (struct xenbus_ring_setup){ .entry_size = 1025 };
    EXPECT_EQ(xenbus_ring_open(device, &setup, soon(), &r), -XEN_EINVAL);
    EXPECT_EQ(xenstore_rm(NULL, FRONT, soon()), 0);
    setup.entry_size = 8;
    EXPECT_EQ(xenbus_ring_open(device, &setup, soon(), &r), -XEN_ENOENT);
    xenbus_close(device);
    remove_device();
}

/* What the other end has still mapped is nobody else's memory. */
TEST(xenstore_xenbus_ring_closed_while_mapped)
{
    void *page;

    NEEDS_VCHAN();
    CHECK(connect());
    page = gnttab_address(mapping);
    xenbus_ring_close(ring);
    *(volatile uint64_t *)page = 1;
    EXPECT_EQ(gnttab_unmap(mapping), 0);
    EXPECT_EQ(evtchn_close(channel), 0);
    xenbus_close(device);
    CHECK(connect()); /* ends the old offer */
    disconnect();
}
