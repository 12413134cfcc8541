/* SPDX-License-Identifier: MIT */
/*
 * Lossless, counted: whoever raises increments the channel's counter first, the handler reads it.
 * At rest seen equals sent for every channel, and no channel was delivered more often than it was
 * raised, but for the deliveries that binding allows.
 */
#include "tests/guest/test.h"

#define CHANNELS 96

static struct counted {
    struct evtchn *ch;
    unsigned int sent, seen, delivered, allowed;
    bool masked;
} counted[CHANNELS];

static uint64_t seed;

static unsigned int random_below(unsigned int n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned int)(seed >> 33) % n;
}

static void counted_event(struct evtchn *ch, void *data)
{
    struct counted *c = data;

    if (ch != c->ch || c->masked)
        test_fail(__FILE__, __LINE__, "channel %u: delivered while masked or closed",
                  (unsigned int)(c - counted));
    c->seen = c->sent;
    c->delivered++;
    /* Some handlers raise on. */
    if (random_below(4) == 0) {
        struct counted *next = &counted[random_below(CHANNELS)];

        if (next->ch) {
            next->sent++;
            next->allowed++;
            EXPECT_EQ(evtchn_send(next->ch), 0);
        }
    }
}

static int open_counted(struct counted *c)
{
    *c = (struct counted){ .ch = NULL };
    return evtchn_bind_ipi(0, counted_event, c, EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE, &c->ch);
}

static void raise_counted(struct counted *c)
{
    c->sent++;
    c->allowed++;
    EXPECT_EQ(random_below(2) ? evtchn_send(c->ch) : evtchn_raise(c->ch), 0);
}

static void step(struct counted *c)
{
    unsigned long flags;

    switch (random_below(16)) {
    case 0:
        /* Set before, since masking takes effect within the call; and cleared before. */
        EXPECT_EQ(evtchn_mask(c->ch), 0);
        c->masked = true;
        break;
    case 1:
        c->masked = false;
        EXPECT_EQ(evtchn_unmask(c->ch), 0);
        break;
    case 2:
        if (random_below(8) == 0) {
            struct evtchn *ch = c->ch;

            c->ch = NULL;
            EXPECT_EQ(evtchn_close(ch), 0);
            EXPECT_EQ(open_counted(c), 0);
        }
        break;
    case 3:
        /* Many at once. */
        flags = platform_upcalls_save();
        for (int i = 0; i < 20; i++)
            raise_counted(&counted[random_below(CHANNELS)]);
        platform_upcalls_restore(flags);
        break;
    default:
        raise_counted(c);
        break;
    }
}

TEST(what_is_sent_is_seen)
{
    unsigned int steps = test_number("steps", 50000);

    seed = test_number("seed", 1);
    for (int i = 0; i < CHANNELS; i++)
        CHECK_EQ(open_counted(&counted[i]), 0);
    for (unsigned int i = 0; i < steps; i++)
        step(&counted[random_below(CHANNELS)]);
    for (int i = 0; i < CHANNELS; i++) {
        struct counted *c = &counted[i];

        c->masked = false;
        EXPECT_EQ(evtchn_unmask(c->ch), 0);
    }
    for (int i = 0; i < CHANNELS; i++) {
        struct counted *c = &counted[i];

        if (c->seen != c->sent || c->delivered > c->allowed)
            test_fail(__FILE__, __LINE__, "channel %d: sent %u, seen %u, delivered %u times", i,
                      c->sent, c->seen, c->delivered);
        CHECK_EQ(evtchn_close(c->ch), 0);
    }
}
