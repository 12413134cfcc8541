/* SPDX-License-Identifier: MIT */
/* Late EOI: masked from each delivery until the driver says it is done, longer when it was for nothing. */
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define FLAGS (EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI)
#define TICK  EVTCHN_TICK_DEFAULT

TEST(late_eoi_masks_until_it_comes)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, FLAGS, &ch), 0);
    EXPECT_EQ(evtchn_eoi(ch, false), -XEN_EINVAL); /* nothing was delivered */
    for (unsigned int i = 1; i <= 10; i++) {
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT_EQ(seen, 2 * i - 1);
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT_EQ(seen, 2 * i - 1);
        EXPECT_EQ(evtchn_eoi(ch, false), 0); /* what came meanwhile, merged */
        EXPECT_EQ(seen, 2 * i);
        EXPECT_EQ(evtchn_eoi(ch, false), 0);
        EXPECT_EQ(seen, 2 * i);
        EXPECT_EQ(evtchn_eoi(ch, false), -XEN_EINVAL);
    }
    CHECK_EQ(evtchn_close(ch), 0);
}

static void eoi_within(struct evtchn *ch, void *data)
{
    unsigned int *left = data;

    EXPECT_EQ(evtchn_eoi(ch, false), 0);
    if (*left && --*left)
        EXPECT_EQ(evtchn_send(ch), 0);
}

TEST(late_eoi_within_the_handler)
{
    unsigned int left = 30;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, eoi_within, &left, FLAGS, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(left, 0);
    CHECK_EQ(evtchn_close(ch), 0);
}

static void spurious(struct evtchn *ch, void *data)
{
    ++*(unsigned int *)data;
    EXPECT_EQ(evtchn_eoi(ch, true), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
}

/* An endless stream of events for nothing slows down by itself: 1, 2, 4, ... ticks apart. */
TEST(late_eoi_pushes_spurious_events_back)
{
    struct evtchn_counters counters;
    unsigned int seen = 0;
    struct evtchn *ch;
    uint64_t start = clock_now();

    CHECK_EQ(evtchn_bind_ipi(0, spurious, &seen, FLAGS, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(seen >= 2); /* the first one is free */
    clock_sleep(40 * TICK);
    /* Rests of 1, 2, 4, 8 and 16 fit into 40 ticks; those of 32 do not. */
    EXPECT(seen >= 3 && seen <= 7);
    EXPECT(clock_now() - start >= ((1ull << (seen - 2)) - 1) * TICK);
    evtchn_get_counters(ch, &counters);
    EXPECT_EQ(counters.delivered, seen);
    EXPECT_EQ(counters.spurious, seen);
    EXPECT_EQ(counters.deferred, seen - 1);
    CHECK_EQ(evtchn_close(ch), 0); /* while it rests */
    clock_sleep(TICK);
    EXPECT_EQ(counters.delivered, seen);
}

TEST(late_eoi_good_one_ends_the_rests)
{
    unsigned int seen = 0;
    struct evtchn *ch;
    uint64_t start;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, FLAGS, &ch), 0);
    for (unsigned int i = 0; i < 5; i++) {
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT(wait_count(&seen, 3 * i + 1));
        EXPECT_EQ(evtchn_eoi(ch, true), 0);
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT(wait_count(&seen, 3 * i + 2));
        start = clock_now();
        EXPECT_EQ(evtchn_eoi(ch, true), 0); /* rests for one tick, each time round */
        EXPECT_EQ(ch->spurious_run, 2);
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT(wait_count(&seen, 3 * i + 3));
        EXPECT(clock_now() - start >= TICK);
        EXPECT_EQ(evtchn_eoi(ch, false), 0);
        EXPECT_EQ(ch->spurious_run, 0);
        EXPECT_EQ(ch->reasons, 0);
    }
    CHECK_EQ(evtchn_close(ch), 0);
}

/* The user's mask and the EOI's are apart: one does not undo the other. */
TEST(late_eoi_and_mask_are_two_reasons)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, FLAGS, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_eoi(ch, false), 0);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(evtchn_unmask(ch), 0);
    EXPECT_EQ(seen, 2);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_unmask(ch), 0);
    EXPECT_EQ(seen, 2); /* still awaits its EOI */
    EXPECT_EQ(evtchn_eoi(ch, false), 0);
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(evtchn_eoi(ch, false), 0);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(eoi_is_for_late_eoi_channels)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_eoi(ch, false), -XEN_EINVAL);
    CHECK_EQ(evtchn_close(ch), 0);
}

static unsigned int dumped_lines;

/* Of channels: those of words and queues come and go with what is pending. */
static void count_line(const char *format, ...)
{
    dumped_lines += format[0] == 'p';
}

TEST(dump_has_a_line_for_each_channel)
{
    struct evtchn *ch;
    unsigned int before;

    dumped_lines = 0;
    evtchn_dump(count_line);
    before = dumped_lines;
    CHECK_EQ(evtchn_bind_ipi(0, count_event, NULL, FLAGS, &ch), 0);
    dumped_lines = 0;
    evtchn_dump(count_line);
    EXPECT_EQ(dumped_lines, before + 1);
    CHECK_EQ(evtchn_close(ch), 0);
}
