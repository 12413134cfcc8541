/* SPDX-License-Identifier: MIT */
/* Waiting: for handlers, for ports, for time; and no wake-up that is lost. */
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR
#define MS  1000000ull

struct waited {
    struct evtchn *ch;
    unsigned int seen, looked;
};

/*
 * The event comes after the look and before the sleep, the worst moment there is: upcalls are masked
 * while we are called. A wait that unmasked before it slept would sleep on.
 */
static bool raise_after_the_look(void *arg)
{
    struct waited *w = arg;
    bool done = w->seen != 0;

    if (w->looked++ == 0)
        EXPECT_EQ(evtchn_send(w->ch), 0);
    return done;
}

TEST(wait_loses_no_wake_up)
{
    for (int i = 0; i < 100; i++) {
        struct waited w = { .seen = 0 };
        uint64_t start;

        CHECK_EQ(evtchn_bind_ipi(0, count_event, &w.seen, GPR, &w.ch), 0);
        start = clock_now();
        EXPECT_EQ(evtchn_wait(raise_after_the_look, &w, clock_after(2 * PATIENCE)), 0);
        EXPECT(clock_now() - start < PATIENCE);
        EXPECT_EQ(w.seen, 1);
        CHECK_EQ(evtchn_close(w.ch), 0);
    }
}

static bool count_looks(void *arg)
{
    ++*(unsigned int *)arg;
    return false;
}

TEST(wait_ends_at_its_deadline)
{
    unsigned int looks = 0;
    uint64_t start = clock_now();

    CHECK_EQ(evtchn_wait(count_looks, &looks, start + 100 * MS), -XEN_ETIME);
    EXPECT(clock_now() - start >= 100 * MS);
    /* It slept: nothing woke it but the end. Xen's 100 Hz periodic timer would have, ten times. */
    EXPECT(looks >= 1 && looks <= 4);

    looks = 0;
    CHECK_EQ(evtchn_wait(count_looks, &looks, 1), -XEN_ETIME);
    EXPECT_EQ(looks, 1);
}

TEST(wait_is_refused_with_upcalls_masked)
{
    unsigned long flags = platform_upcalls_save();
    unsigned int looks = 0;

    EXPECT_EQ(evtchn_wait(count_looks, &looks, clock_after(MS)), -XEN_EDEADLK);
    EXPECT_EQ(looks, 0);
    platform_upcalls_restore(flags);
}

TEST(sleeps_of_all_lengths)
{
    static const uint64_t lengths[] = { 0, 1, 1000, 100000, MS, 3 * MS };

    for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint64_t start = clock_now(), took;

        clock_sleep(lengths[i]);
        took = clock_now() - start;
        CHECK(took >= lengths[i]);
        CHECK(took < lengths[i] + PATIENCE);
    }
}

TEST(poll_finds_what_is_pending)
{
    struct evtchn *ch[3];

    for (int i = 0; i < 3; i++)
        CHECK_EQ(evtchn_bind_ipi(0, NULL, NULL, 0, &ch[i]), 0);
    EXPECT_EQ(evtchn_poll(ch, 3, clock_after(2 * MS)), -XEN_ETIME);
    EXPECT_EQ(evtchn_poll(ch, 3, 0), -XEN_ETIME);
    EXPECT_EQ(evtchn_send(ch[1]), 0);
    EXPECT_EQ(evtchn_poll(ch, 3, XENLET_FOREVER), 0);
    EXPECT_EQ(evtchn_poll(ch, 1, 0), -XEN_ETIME); /* another one's event */
    EXPECT(evtchn_take_pending(ch[1]));
    EXPECT_EQ(evtchn_poll(ch, 3, 0), -XEN_ETIME);
    EXPECT_EQ(evtchn_poll(ch, 0, 0), -XEN_EINVAL);
    EXPECT_EQ(evtchn_poll(ch, 129, 0), -XEN_EINVAL);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(evtchn_close(ch[i]), 0);
}

TEST(poll_sees_masked_channels)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_poll(&ch, 1, clock_after(PATIENCE)), 0);
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(evtchn_unmask(ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(poll_of_many_ports)
{
    static struct evtchn *ch[128];

    for (int i = 0; i < 128; i++)
        CHECK_EQ(evtchn_bind_ipi(0, NULL, NULL, 0, &ch[i]), 0);
    EXPECT_EQ(evtchn_send(ch[127]), 0);
    EXPECT_EQ(evtchn_poll(ch, 128, clock_after(PATIENCE)), 0);
    for (int i = 0; i < 128; i++)
        CHECK_EQ(evtchn_close(ch[i]), 0);
}

/* SCHEDOP_block as such: pending before it, it returns at once and the handler has run. */
TEST(block_returns_when_something_is_pending)
{
    unsigned long flags = platform_upcalls_save();
    unsigned int seen = 0;
    struct evtchn *ch;

    EXPECT_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(hypercall_sched_block(), 0); /* unmasks upcalls */
    EXPECT_EQ(seen, 1);
    platform_upcalls_restore(flags);
    CHECK_EQ(evtchn_close(ch), 0);
}
