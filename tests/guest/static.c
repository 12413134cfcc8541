/* SPDX-License-Identifier: MIT */
/*
 * Static channels without a device tree: loop-back channels that were there before anybody had a
 * handle, as Xen's are. Only the tests close them.
 */
#include <xenlet/evtchn_static.h>
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR

/* What Xen does at boot; the end it met second begins pending. */
static bool connect(evtchn_port_t *first, evtchn_port_t *second)
{
    int rc = hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, first);

    if (rc == 0)
        rc = hypercall_evtchn_bind_interdomain(DOMID_SELF, *first, second);
    EXPECT_EQ(rc, 0);
    return rc == 0;
}

static void disconnect(evtchn_port_t first, evtchn_port_t second)
{
    EXPECT_EQ(hypercall_evtchn_close(first), 0);
    EXPECT_EQ(hypercall_evtchn_close(second), 0);
}

static int bind(evtchn_port_t port, unsigned int *seen, struct evtchn **ch)
{
    struct evtchn_static what = EVTCHN_STATIC_PORT(port);

    *seen = 0;
    return evtchn_bind_static(&what, count_event, seen, GPR, ch);
}

static unsigned int status_of(evtchn_port_t port)
{
    struct evtchn_status status = { .dom = DOMID_SELF, .port = port };

    return hypercall_evtchn_status(&status) == 0 ? status.status : EVTCHNSTAT_closed;
}

TEST(static_event_from_the_start_is_delivered_once)
{
    evtchn_port_t first, second;
    struct evtchn *ch;
    unsigned int seen;

    CHECK(connect(&first, &second));
    CHECK_EQ(bind(second, &seen, &ch), 0);
    EXPECT(wait_count(&seen, 1));
    clock_sleep(1000000);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(evtchn_port(ch), second);
    EXPECT_EQ(evtchn_close(ch), 0);
    disconnect(first, second);
}

TEST(static_channel_carries_both_ways)
{
    unsigned int seen_first, seen_second;
    evtchn_port_t first, second;
    struct evtchn *a, *b;

    CHECK(connect(&first, &second));
    CHECK_EQ(bind(first, &seen_first, &a), 0);
    CHECK_EQ(bind(second, &seen_second, &b), 0);
    EXPECT(wait_count(&seen_second, 1));
    clock_sleep(1000000);
    seen_first = seen_second = 0;
    for (unsigned int i = 1; i <= 20; i++) {
        EXPECT_EQ(evtchn_send(a), 0);
        EXPECT(wait_count(&seen_second, i));
        EXPECT_EQ(evtchn_send(b), 0);
        EXPECT(wait_count(&seen_first, i));
    }
    EXPECT_EQ(seen_first, 20);
    EXPECT_EQ(seen_second, 20);
    EXPECT_EQ(evtchn_close(a), 0);
    EXPECT_EQ(evtchn_close(b), 0);
    disconnect(first, second);
}

/* Between two lives of its handle the channel is there, and keeps what comes. */
TEST(static_channel_outlives_its_handle)
{
    evtchn_port_t first, second;
    struct evtchn *ch;
    unsigned int seen;

    CHECK(connect(&first, &second));
    for (unsigned int life = 0; life < 5; life++) {
        CHECK_EQ(bind(first, &seen, &ch), 0);
        EXPECT(life == 0 || wait_count(&seen, 1));
        clock_sleep(1000000);
        EXPECT(seen <= 1);
        seen = 0;
        EXPECT_EQ(evtchn_close(ch), 0);
        EXPECT_EQ(status_of(first), EVTCHNSTAT_interdomain);
        EXPECT_EQ(status_of(second), EVTCHNSTAT_interdomain);
        EXPECT_EQ(hypercall_evtchn_send(second), 0);
        EXPECT_EQ(hypercall_evtchn_send(second), 0);
        clock_sleep(1000000);
        EXPECT_EQ(seen, 0);
    }
    disconnect(first, second);
}

static void close_it(struct evtchn *ch, void *data)
{
    unsigned int *seen = data;

    ++*seen;
    EXPECT_EQ(evtchn_close(ch), 0);
}

TEST(static_channel_closed_by_its_handler_stays)
{
    struct evtchn_static what;
    evtchn_port_t first, second;
    struct evtchn *ch;
    unsigned int seen = 0;

    CHECK(connect(&first, &second));
    what = EVTCHN_STATIC_PORT(second);
    CHECK_EQ(evtchn_bind_static(&what, close_it, &seen, 0, &ch), 0);
    EXPECT(wait_count(&seen, 1));
    EXPECT_EQ(hypercall_evtchn_send(first), 0);
    clock_sleep(1000000);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(status_of(second), EVTCHNSTAT_interdomain);
    CHECK_EQ(bind(second, &seen, &ch), 0);
    EXPECT(wait_count(&seen, 1));
    EXPECT_EQ(evtchn_close(ch), 0);
    disconnect(first, second);
}

TEST(static_binding_refuses_what_is_wrong)
{
    struct evtchn_static what = EVTCHN_STATIC_PORT(0);
    evtchn_port_t first, second, unbound;
    struct evtchn *ch, *other, *ipi;
    unsigned int seen;

    CHECK(connect(&first, &second));
    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &unbound), 0);
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ipi), 0);
    EXPECT_EQ(bind(0, &seen, &ch), -XEN_EINVAL);
    EXPECT_EQ(bind(4000, &seen, &ch), -XEN_EINVAL);
    EXPECT_EQ(bind(UINT32_MAX, &seen, &ch), -XEN_EINVAL);
    EXPECT_EQ(bind(unbound, &seen, &ch), -XEN_ENOTCONN);
    EXPECT_EQ(bind(evtchn_port(ipi), &seen, &ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_static_check(ipi, NULL), -XEN_EINVAL);

    what.port = first;
    what.peer_port = second + 1;
    EXPECT_EQ(evtchn_bind_static(&what, count_event, &seen, GPR, &ch), -XEN_EXDEV);
    what.peer_port = second;
    what.peer_domid = 4711;
    EXPECT_EQ(evtchn_bind_static(&what, count_event, &seen, GPR, &ch), -XEN_EXDEV);
    what.peer_domid = DOMID_INVALID;
    EXPECT_EQ(evtchn_bind_static(&what, count_event, &seen, 0x40, &ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_bind_static(&what, count_event, &seen, 0x80, &ch), -XEN_EINVAL);
    CHECK_EQ(evtchn_bind_static(&what, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(bind(first, &seen, &other), -XEN_EEXIST);

    EXPECT_EQ(evtchn_close(ch), 0);
    EXPECT_EQ(evtchn_close(ipi), 0);
    EXPECT_EQ(hypercall_evtchn_close(unbound), 0);
    disconnect(first, second);
}

TEST(static_peer_that_went_is_reported_once)
{
    evtchn_port_t first, second;
    struct evtchn *ch;
    unsigned int seen;
    bool news = true;

    CHECK(connect(&first, &second));
    CHECK_EQ(bind(first, &seen, &ch), 0);
    EXPECT_EQ(evtchn_static_check(ch, &news), 0);
    EXPECT(!news);
    for (unsigned int i = 0; i < 3; i++) {
        EXPECT_EQ(hypercall_evtchn_close(second), 0);
        EXPECT_EQ(evtchn_static_check(ch, &news), -XEN_ENOTCONN);
        EXPECT(news);
        EXPECT_EQ(evtchn_static_check(ch, &news), -XEN_ENOTCONN);
        EXPECT(!news);
        EXPECT_EQ(evtchn_static_check(ch, NULL), -XEN_ENOTCONN);
        EXPECT_EQ(evtchn_send(ch), 0); /* Xen drops it, and says nothing */
        CHECK_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, first, &second), 0);
        EXPECT_EQ(evtchn_static_check(ch, &news), 0);
        EXPECT(!news);
    }
    /* Bound again after the peer went: known at once. */
    EXPECT_EQ(hypercall_evtchn_close(second), 0);
    EXPECT_EQ(evtchn_close(ch), 0);
    EXPECT_EQ(bind(first, &seen, &ch), -XEN_ENOTCONN);
    EXPECT_EQ(hypercall_evtchn_close(first), 0);
}

TEST(reset_spares_static_channels_unless_forced)
{
    unsigned int seen_first, seen_second;
    evtchn_port_t first, second;
    struct evtchn *a, *b;

    CHECK(connect(&first, &second));
    CHECK_EQ(bind(first, &seen_first, &a), 0);
    CHECK_EQ(bind(second, &seen_second, &b), 0);
    EXPECT_EQ(evtchn_reset(), -XEN_EISCONN);
    EXPECT_EQ(status_of(first), EVTCHNSTAT_interdomain);
    EXPECT_EQ(evtchn_send(a), 0);
    EXPECT(wait_count(&seen_second, 1));
    if (in_pv_shim()) {
        EXPECT_EQ(evtchn_reset_forced(), -XEN_EOPNOTSUPP);
        EXPECT_EQ(evtchn_close(a), 0);
        EXPECT_EQ(evtchn_close(b), 0);
        disconnect(first, second);
        return;
    }

    /* What comes in their place are channels of our own: they carry events, and are closed. */
    CHECK_EQ(evtchn_reset_forced(), 0);
    seen_first = seen_second = 0;
    EXPECT_EQ(evtchn_send(a), 0);
    EXPECT_EQ(evtchn_send(b), 0);
    EXPECT(wait_count(&seen_first, 1));
    EXPECT(wait_count(&seen_second, 1));
    EXPECT_EQ(evtchn_static_check(a, NULL), -XEN_EINVAL);
    EXPECT_EQ(evtchn_reset(), 0);
    first = evtchn_port(a);
    EXPECT_EQ(evtchn_close(a), 0);
    EXPECT_EQ(status_of(first), EVTCHNSTAT_closed);
    EXPECT_EQ(evtchn_close(b), 0);
}

/* --- other VCPUs ---------------------------------------------------------------------------- */

static bool is_over(void *arg)
{
    return atomic_read((bool *)arg);
}

static void stay(void *arg)
{
    evtchn_wait(is_over, arg, XENLET_FOREVER);
}

TEST(static_channel_comes_back_to_vcpu_0)
{
    static bool over;
    struct evtchn_status status = { .dom = DOMID_SELF };
    evtchn_port_t first, second;
    struct evtchn *ch;
    unsigned int seen;

    if (vcpu_count() < 2)
        SKIP("one VCPU");
    over = false;
    CHECK(connect(&first, &second));
    CHECK_EQ(bind(first, &seen, &ch), 0);
    CHECK_EQ(vcpu_start(1, stay, &over), 0);
    CHECK_EQ(evtchn_bind_vcpu(ch, 1), 0);
    EXPECT_EQ(evtchn_close(ch), 0);
    status.port = first;
    EXPECT_EQ(hypercall_evtchn_status(&status), 0);
    EXPECT_EQ(status.vcpu, 0);
    EXPECT_EQ(hypercall_evtchn_send(second), 0);
    CHECK_EQ(bind(first, &seen, &ch), 0);
    EXPECT(wait_count(&seen, 1));
    EXPECT_EQ(evtchn_close(ch), 0);
    disconnect(first, second);
    atomic_write(&over, true);
    vcpu_wake(1); /* unless it saw that already */
    EXPECT_EQ(vcpu_join(1, clock_after(PATIENCE)), 0);
}

struct race {
    evtchn_port_t port;
    uint32_t sent, seen;
    bool stop;
};

static void send_on(void *arg)
{
    struct race *r = arg;

    while (!atomic_read(&r->stop)) {
        atomic_write(&r->sent, r->sent + 1);
        hypercall_evtchn_send(r->port);
    }
}

static void take(struct evtchn *ch, void *data)
{
    struct race *r = data;

    (void)ch;
    atomic_write(&r->seen, atomic_read(&r->sent));
}

static bool seen_all(void *arg)
{
    struct race *r = arg;

    return atomic_read(&r->seen) == atomic_read(&r->sent);
}

/* Wherever the handle is in its life when an event comes, the last one is seen by the last. */
TEST(static_handle_comes_and_goes_while_another_vcpu_sends)
{
    unsigned int rounds = test_number("rounds", 200);
    struct evtchn_static what;
    struct race race = { .stop = false };
    evtchn_port_t first;
    struct evtchn *ch;

    if (vcpu_count() < 2)
        SKIP("one VCPU");
    CHECK(connect(&first, &race.port));
    what = EVTCHN_STATIC_PORT(first);
    CHECK_EQ(vcpu_start(1, send_on, &race), 0);
    for (unsigned int i = 0; i < rounds; i++) {
        CHECK_EQ(evtchn_bind_static(&what, take, &race, GPR, &ch), 0);
        if (i % 4 == 0)
            EXPECT_EQ(evtchn_bind_vcpu(ch, 1), 0);
        if (i % 8 < 4)
            clock_sleep(20000);
        CHECK_EQ(evtchn_close(ch), 0);
    }
    atomic_write(&race.stop, true);
    EXPECT_EQ(vcpu_join(1, clock_after(PATIENCE)), 0);
    CHECK_EQ(evtchn_bind_static(&what, take, &race, GPR, &ch), 0);
    EXPECT_EQ(evtchn_wait(seen_all, &race, clock_after(PATIENCE)), 0);
    EXPECT_EQ(race.seen, race.sent);
    EXPECT_EQ(evtchn_close(ch), 0);
    disconnect(first, race.port);
}

static void wait_to_stop(void *arg)
{
    while (!atomic_read(&((struct race *)arg)->stop))
        arch_cpu_relax();
}

static bool bind_again(const struct evtchn_static *what, struct race *race, struct evtchn **ch)
{
    EXPECT_EQ(evtchn_bind_static(what, take, race, GPR, ch), 0);
    return evtchn_wait(seen_all, race, clock_after(PATIENCE)) == 0;
}

/* The other VCPU takes the event and finds the handle going: it has to be there for the next. */
TEST(static_event_taken_while_the_handle_goes_is_kept)
{
    unsigned int rounds = test_number("rounds", 500);
    struct evtchn_static what;
    struct race race = { .stop = false };
    evtchn_port_t first;
    struct evtchn *ch;
    bool good = true;

    if (vcpu_count() < 2)
        SKIP("one VCPU");
    CHECK(connect(&first, &race.port));
    what = EVTCHN_STATIC_PORT(first);
    CHECK_EQ(vcpu_start(1, wait_to_stop, &race), 0);
    for (unsigned int i = 0; i < rounds && good; i++) {
        good = bind_again(&what, &race, &ch) && evtchn_bind_vcpu(ch, 1) == 0;
        EXPECT(good);
        atomic_write(&race.sent, race.sent + 1);
        EXPECT_EQ(hypercall_evtchn_send(race.port), 0);
        for (unsigned int spin = i % 100; spin > 0; spin--)
            arch_cpu_relax();
        EXPECT_EQ(evtchn_close(ch), 0);
    }
    EXPECT(good && bind_again(&what, &race, &ch) && evtchn_close(ch) == 0);
    atomic_write(&race.stop, true);
    EXPECT_EQ(vcpu_join(1, clock_after(PATIENCE)), 0);
    disconnect(first, race.port);
}
