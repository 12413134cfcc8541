/* SPDX-License-Identifier: MIT */
/* Shares: channels that raise themselves without end yield to others, and lose nothing by it. */
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define GPR    EVTCHN_HANDLER_GPR
#define STORMS 130 /* in three words of the bitmaps */
#define TICK   EVTCHN_TICK_DEFAULT

static struct storm {
    struct evtchn *ch;
    unsigned int sent, seen;
} storms[STORMS];

static bool storming;

static void storm_on(struct evtchn *ch, void *data)
{
    struct storm *s = data;

    s->seen = s->sent;
    if (storming) {
        s->sent++;
        EXPECT_EQ(evtchn_send(ch), 0);
    }
}

/* All begin in the same upcall. */
static bool start_storms(unsigned int n)
{
    unsigned long flags;

    storming = true;
    for (unsigned int i = 0; i < n; i++) {
        storms[i] = (struct storm){ .sent = 1 };
        if (evtchn_bind_ipi(0, storm_on, &storms[i], GPR, &storms[i].ch) != 0)
            return false;
    }
    flags = platform_upcalls_save();
    for (unsigned int i = 0; i < n; i++)
        EXPECT_EQ(evtchn_send(storms[i].ch), 0);
    platform_upcalls_restore(flags);
    return true;
}

/* Afterwards everything sent was seen, and nothing is left masked or armed. */
static void end_storms(unsigned int n)
{
    storming = false;
    clock_sleep(3 * TICK);
    for (unsigned int i = 0; i < n; i++) {
        EXPECT_EQ(storms[i].seen, storms[i].sent);
        EXPECT_EQ(storms[i].ch->reasons, 0);
        EXPECT_EQ(evtchn_close(storms[i].ch), 0);
    }
    EXPECT_EQ(this_evtchn_vcpu()->rest_until, 0);
    EXPECT(this_evtchn_vcpu()->resting == NULL);
}

/* While it storms main goes on, which it could not if the walk never ended. */
TEST(storm_leaves_time_for_main)
{
    uint64_t start, end;
    struct evtchn_counters c;

    CHECK(start_storms(1));
    start = clock_now();
    do {
        evtchn_get_counters(storms[0].ch, &c);
        end = clock_now();
    } while (end - start < (c.deferred < 2 ? PATIENCE : 20 * TICK));
    EXPECT(c.deferred >= 2);
    EXPECT(c.delivered >= 2 * EVTCHN_SHARE_DEFAULT);
    EXPECT(c.delivered <= ((end - start) / TICK + 3) * EVTCHN_SHARE_DEFAULT);
    end_storms(1);
}

static void note_order(struct evtchn *ch, void *data)
{
    unsigned int *at = data;

    (void)ch;
    *at = 0;
    for (unsigned int i = 0; i < STORMS; i++)
        *at += storms[i].seen;
}

/* A quiet port waits at most for the storming ones' shares, wherever it stands among them. */
TEST(quiet_port_waits_for_shares_at_most)
{
    unsigned int before = 0, after = 0;
    struct evtchn *first, *last;
    unsigned long flags;

    CHECK_EQ(evtchn_bind_ipi(0, note_order, &before, GPR, &first), 0);
    CHECK(start_storms(STORMS));
    CHECK_EQ(evtchn_bind_ipi(0, note_order, &after, GPR, &last), 0);
    for (int i = 0; i < 10; i++) {
        unsigned int base = 0, value;

        flags = platform_upcalls_save();
        for (unsigned int j = 0; j < STORMS; j++)
            base += storms[j].seen;
        before = after = ~0u;
        EXPECT_EQ(evtchn_send(first), 0);
        EXPECT_EQ(evtchn_send(last), 0);
        platform_upcalls_restore(flags);
        value = before;
        EXPECT(value != ~0u && value - base <= STORMS * EVTCHN_SHARE_DEFAULT);
        value = after;
        EXPECT(value != ~0u && value - base <= STORMS * EVTCHN_SHARE_DEFAULT);
        clock_sleep(TICK / 2);
    }
    EXPECT_EQ(evtchn_close(first), 0);
    EXPECT_EQ(evtchn_close(last), 0);
    end_storms(STORMS);
}

/* No port of the storm gets more than its part of it. */
TEST(storms_share_alike)
{
    struct evtchn_counters c;
    uint64_t least = UINT64_MAX, most = 0;
    unsigned long flags;

    CHECK(start_storms(STORMS));
    clock_sleep(10 * TICK);
    flags = platform_upcalls_save(); /* all at one time: an upcall may come in between any two */
    for (unsigned int i = 0; i < STORMS; i++) {
        evtchn_get_counters(storms[i].ch, &c);
        least = c.delivered < least ? c.delivered : least;
        most = c.delivered > most ? c.delivered : most;
    }
    platform_upcalls_restore(flags);
    EXPECT(least >= EVTCHN_SHARE_DEFAULT);
    EXPECT(most - least <= 2 * EVTCHN_SHARE_DEFAULT);
    end_storms(STORMS);
}

TEST(share_can_be_set)
{
    struct evtchn_counters c;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, storm_on, &storms[0], GPR, &ch), 0);
    EXPECT_EQ(evtchn_set_share(ch, 0), -XEN_EINVAL);
    EXPECT_EQ(evtchn_set_share(ch, 5), 0);
    storms[0] = (struct storm){ .ch = ch, .sent = 1 };
    storming = true;
    EXPECT_EQ(evtchn_send(ch), 0);
    evtchn_get_counters(ch, &c);
    EXPECT(c.delivered >= 5 && c.delivered % 5 == 0);
    end_storms(1);
}

/* A channel may be closed while it is put off; masked by its user then, it stays masked. */
TEST(storming_channel_can_be_closed_and_masked)
{
    unsigned int seen;

    CHECK(start_storms(2));
    EXPECT_EQ(evtchn_mask(storms[0].ch), 0);
    EXPECT_EQ(evtchn_close(storms[1].ch), 0);
    seen = storms[0].seen;
    clock_sleep(3 * TICK);
    EXPECT_EQ(storms[0].seen, seen);
    EXPECT_EQ(evtchn_unmask(storms[0].ch), 0);
    EXPECT(storms[0].seen > seen);
    end_storms(1);
}

/* A source that only we raise is let go on. */
TEST(no_share_is_never_put_off)
{
    struct evtchn_counters c;
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR | EVTCHN_NO_SHARE, &ch), 0);
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 1000);
    evtchn_get_counters(ch, &c);
    EXPECT_EQ(c.delivered, 1000);
    EXPECT_EQ(c.deferred, 0);
    CHECK_EQ(evtchn_close(ch), 0);
}

/* A storm at the highest priority leaves its turn to the lowest. */
/* How often the storms were delivered by the time a lower priority was. */
struct low {
    unsigned int seen, storms_before;
};

static unsigned int storms_delivered(void)
{
    unsigned int sum = 0;

    for (unsigned int i = 0; i < 20; i++)
        sum += storms[i].seen;
    return sum;
}

static void low_on(struct evtchn *ch, void *data)
{
    struct low *l = data;

    (void)ch;
    l->seen++;
    l->storms_before = storms_delivered();
}

TEST(storm_at_priority_0_does_not_starve_15)
{
    struct low l = { 0 };
    struct evtchn *low;

    if (!evtchn_ops->set_priority)
        SKIP("event channels are %s, without priorities", evtchn_abi());
    CHECK_EQ(evtchn_bind_ipi(0, low_on, &l, 0, &low), 0);
    EXPECT_EQ(evtchn_set_priority(low, 15), 0);
    l.seen = 0;
    CHECK(start_storms(20));
    for (unsigned int i = 0; i < 20; i++)
        EXPECT_EQ(evtchn_set_priority(storms[i].ch, 0), 0);
    for (unsigned int i = 1; i <= 20; i++) {
        unsigned long flags = platform_upcalls_save();
        unsigned int before = storms_delivered();

        EXPECT_EQ(evtchn_send(low), 0);
        platform_upcalls_restore(flags);
        EXPECT_EQ(l.seen, i);
        /* By then, not by now: a VCPU that had to wait for a CPU has had another tick. */
        EXPECT(l.storms_before - before <= 20 * 2 * EVTCHN_SHARE_DEFAULT);
    }
    EXPECT_EQ(evtchn_close(low), 0);
    end_storms(20);
}
