/* SPDX-License-Identifier: MIT */
/* Rests of several channels at a time, and what becomes of them in a reset and in a close. */
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define GPR  EVTCHN_HANDLER_GPR
#define LATE (EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI)
#define TICK EVTCHN_TICK_DEFAULT

struct rester {
    struct evtchn *ch;
    unsigned int seen;
};

static bool open_late(struct rester *r)
{
    r->seen = 0;
    return test_same(__FILE__, __LINE__, "bind",
                     evtchn_bind_ipi(0, count_event, &r->seen, LATE, &r->ch), 0);
}

/* An event for nothing, the `run`th one in a row: it rests for 2^(run - 2) ticks; one more waits.
 */
static void rest_for_run(struct rester *r, unsigned int run)
{
    unsigned int seen = r->seen;

    EXPECT_EQ(evtchn_send(r->ch), 0);
    EXPECT(wait_count(&r->seen, seen + 1));
    r->ch->spurious_run = run - 1;
    EXPECT_EQ(evtchn_eoi(r->ch, true), 0);
    EXPECT_EQ(evtchn_send(r->ch), 0);
}

/* The VCPU has its timer for the first rest that ends; or earlier, for one that was closed. */
static void expect_first(const struct rester *r, unsigned int n)
{
    unsigned long flags = platform_upcalls_save();
    uint64_t first = 0;

    for (unsigned int i = 0; i < n; i++) {
        if (r[i].ch->rest_on && (!first || r[i].ch->rest_until < first))
            first = r[i].ch->rest_until;
    }
    EXPECT(!first || (this_evtchn_vcpu()->rest_until && this_evtchn_vcpu()->rest_until <= first));
    platform_upcalls_restore(flags);
}

static void rests_in_order(unsigned int first, unsigned int second, unsigned int third)
{
    const unsigned int runs[] = { first, second, third };
    struct rester r[3];
    uint64_t end;

    for (unsigned int i = 0; i < 3; i++) {
        CHECK(open_late(&r[i]));
        rest_for_run(&r[i], runs[i]);
        expect_first(r, i + 1);
    }
    /* Nobody waits or sleeps: the timer was set by evtchn_eoi(), and the shortest comes by itself.
     */
    end = clock_after(PATIENCE);
    for (unsigned int i = 0; i < 3; i++) {
        while (runs[i] == 2 && atomic_read(&r[i].seen) < 2 && clock_now() < end)
            ;
        if (runs[i] == 2)
            EXPECT_EQ(r[i].seen, 2);
    }
    expect_first(r, 3);
    for (unsigned int i = 0; i < 3; i++)
        EXPECT_EQ(evtchn_close(r[i].ch), 0);
}

TEST(rests_of_several_lengths_end_in_order)
{
    rests_in_order(2, 8, 12);
    rests_in_order(12, 8, 2);
    rests_in_order(8, 2, 12);
}

/* A delivery has one EOI: the rest that it began with is not ended by another. */
TEST(late_eoi_is_refused_during_the_rest)
{
    struct evtchn_counters before, after;
    struct rester r;

    CHECK(open_late(&r));
    rest_for_run(&r, 12);
    evtchn_get_counters(r.ch, &before);
    EXPECT_EQ(evtchn_eoi(r.ch, false), -XEN_EINVAL);
    EXPECT_EQ(evtchn_eoi(r.ch, true), -XEN_EINVAL);
    evtchn_get_counters(r.ch, &after);
    EXPECT_EQ(after.spurious, before.spurious);
    EXPECT_EQ(after.deferred, before.deferred);
    EXPECT(r.ch->rest_on != NULL);
    EXPECT_EQ(evtchn_close(r.ch), 0);
}

/* --- over a reset --------------------------------------------------------------------------- */

static bool storming;

static void storm_on(struct evtchn *ch, void *data)
{
    ++*(unsigned int *)data;
    if (storming)
        EXPECT_EQ(evtchn_send(ch), 0);
}

/* No rest is kept over a reset, and none of its handles stays masked for it. */
TEST(reset_ends_rests)
{
    struct rester resting, awaited, storm = { .seen = 0 };

    if (in_pv_shim())
        SKIP("the PV shim does not survive a reset");
    CHECK(open_late(&resting));
    CHECK(open_late(&awaited));
    CHECK_EQ(evtchn_bind_ipi(0, storm_on, &storm.seen, GPR, &storm.ch), 0);
    rest_for_run(&resting, 12);
    EXPECT_EQ(evtchn_send(awaited.ch), 0);
    EXPECT(wait_count(&awaited.seen, 1));
    EXPECT_EQ(evtchn_set_share(storm.ch, 3), 0);
    storming = true;
    EXPECT_EQ(evtchn_send(storm.ch), 0);
    storming = false;
    resting.seen = awaited.seen = storm.seen = 0;
    CHECK_EQ(evtchn_reset(), 0);
    /* Each is called once, and so owes an EOI again. */
    EXPECT_EQ(resting.seen, 1);
    EXPECT_EQ(awaited.seen, 1);
    EXPECT(wait_count(&storm.seen, 1));
    EXPECT_EQ(evtchn_eoi(resting.ch, false), 0);
    EXPECT_EQ(evtchn_eoi(awaited.ch, false), 0);
    EXPECT_EQ(resting.ch->reasons, 0);
    EXPECT_EQ(awaited.ch->reasons, 0);
    clock_sleep(3 * TICK);
    EXPECT_EQ(storm.ch->reasons, 0);
    EXPECT_EQ(evtchn_send(resting.ch), 0);
    EXPECT(wait_count(&resting.seen, 2));
    EXPECT_EQ(evtchn_close(resting.ch), 0);
    EXPECT_EQ(evtchn_close(awaited.ch), 0);
    EXPECT_EQ(evtchn_close(storm.ch), 0);
}

/* --- closed by their own handlers ------------------------------------------------------------ */

static void close_and_bind(struct evtchn *ch, void *data)
{
    struct rester *next = data;

    next->seen++;
    EXPECT_EQ(evtchn_close(ch), 0);
    /* The handle lives until we return: another one gets another. */
    EXPECT_EQ(evtchn_bind_ipi(0, NULL, NULL, 0, &next->ch), 0);
    EXPECT(next->ch != ch);
}

/* Two in one upcall, of each kind of handler; and all handles come back. */
TEST(handles_closed_in_one_upcall_all_come_back)
{
    static const unsigned int kinds[] = { GPR, 0, LATE };
    size_t before = 0;

    for (unsigned int i = 0; i < 300; i++) {
        struct rester next[4] = { { .seen = 0 } };
        struct evtchn *ch[4];
        unsigned long flags;

        for (int j = 0; j < 4; j++)
            CHECK_EQ(evtchn_bind_ipi(0, close_and_bind, &next[j], kinds[i % 3], &ch[j]), 0);
        flags = platform_upcalls_save();
        for (int j = 0; j < 4; j++)
            EXPECT_EQ(evtchn_send(ch[j]), 0);
        platform_upcalls_restore(flags);
        for (int j = 0; j < 4; j++) {
            EXPECT_EQ(next[j].seen, 1);
            CHECK(next[j].ch);
            EXPECT_EQ(evtchn_close(next[j].ch), 0);
        }
        if (i == 2)
            before = xenlet_nr_free_pages();
    }
    CHECK_EQ(xenlet_nr_free_pages(), before);
}

/* --- neighbours ------------------------------------------------------------------------------ */

/* A port that is pending and masked is not looked at when its neighbour is delivered. */
TEST(masked_port_without_a_handle_is_left_alone)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    uint64_t orphans = v->orphans;
    evtchn_port_t port;
    struct rester r = { .seen = 0 };

    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    CHECK_EQ(evtchn_ops->port_setup(port), 0);
    EXPECT_EQ(hypercall_evtchn_send(port), 0);
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &r.seen, GPR, &r.ch), 0);
    EXPECT_EQ(evtchn_send(r.ch), 0);
    EXPECT(wait_count(&r.seen, 1));
    EXPECT_EQ(v->orphans, orphans);
    EXPECT(evtchn_ops->is_pending(port));
    EXPECT_EQ(evtchn_close(r.ch), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
}
