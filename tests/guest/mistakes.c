/* SPDX-License-Identifier: MIT */
/*
 * Mistakes guests make, those that no other test of the suite would show. The list is in
 * docs/testing.md, with the test for each.
 */
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR

#define ARRAY_PAGE 1024u /* ports that FIFO has words for as soon as one is bound */

/* A fresh domain's ports are unmasked: an event nobody handles would come in before its handler. */
TEST(ports_without_a_handler_are_masked)
{
    for (evtchn_port_t port = 0; port < ARRAY_PAGE; port++) {
        if (!evtchn_lookup(port) && !evtchn_ops->is_masked(port)) {
            test_fail(__FILE__, __LINE__, "port %u is not masked", port);
            return;
        }
    }
}

/* Xen calls with nothing to deliver: when a vcpu_info was registered, to begin with. */
TEST(spurious_upcalls_deliver_nothing)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    unsigned int seen = 0;
    unsigned long flags;
    struct evtchn *ch;
    uint64_t orphans = v->orphans;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    for (int i = 0; i < 10; i++) {
        flags = platform_upcalls_save();
        v->info->evtchn_pending_sel = ~0ul;
        v->fifo_control.ready = ~0u;
        test_upcall(v->info, flags);
    }
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(v->orphans, orphans);
    EXPECT_EQ(evtchn_ops->unlinks ? v->fifo_control.ready : v->info->evtchn_pending_sel, 0);
    EXPECT_EQ(v->info->evtchn_upcall_pending, 0);
    v->info->evtchn_pending_sel = 0;
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

/* An event on a port that has no handle is neither run nor lost: it waits for who binds the port. */
TEST(event_without_a_handle_waits_for_one)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    uint64_t orphans = v->orphans;
    unsigned int seen = 0;
    evtchn_port_t port;
    struct evtchn *ch;

    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_unmask(port), 0);
    EXPECT_EQ(hypercall_evtchn_send(port), 0);
    EXPECT_EQ(v->orphans, orphans + 1);
    EXPECT(evtchn_ops->is_masked(port)); /* and does not come again and again */
    EXPECT_EQ(hypercall_evtchn_send(port), 0);
    EXPECT_EQ(v->orphans, orphans + 1);
    CHECK_EQ(evtchn_bind_port(port, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

/* After an upcall no trace of it is left that a walk would have had to clear. */
TEST(an_upcall_leaves_nothing_undone)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    unsigned int seen = 0;
    unsigned long flags;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, 0, &ch), 0);
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT(v->current == NULL);
        EXPECT(!v->after_walk && !v->fp_saved);
        flags = platform_upcalls_save();
        EXPECT_EQ(flags, 0);
        platform_upcalls_restore(flags);
        EXPECT(!evtchn_is_pending(ch));
    }
    EXPECT_EQ(seen, 20);
    CHECK_EQ(evtchn_close(ch), 0);
}

static char name_a = 'a', name_b = 'b';
static char order[8];
static unsigned int nr_order;

static void note(struct evtchn *ch, void *data)
{
    (void)ch;
    order[nr_order++] = *(const char *)data;
}

#define APART 150 /* ports between the two: they stand in different words */

/* With two words always pending each is served first half of the time. */
TEST(words_are_served_round_robin)
{
    static struct evtchn *between[APART];
    struct evtchn *a, *b;
    unsigned int a_first = 0;

    if (evtchn_ops->unlinks)
        SKIP("queues have no words");
    CHECK_EQ(evtchn_bind_ipi(0, note, &name_a, GPR | EVTCHN_NO_SHARE, &a), 0);
    for (int i = 0; i < APART; i++)
        CHECK_EQ(evtchn_bind_ipi(0, NULL, NULL, GPR, &between[i]), 0);
    CHECK_EQ(evtchn_bind_ipi(0, note, &name_b, GPR | EVTCHN_NO_SHARE, &b), 0);
    for (int i = 0; i < 100; i++) {
        unsigned long flags = platform_upcalls_save();

        nr_order = 0;
        EXPECT_EQ(evtchn_send(a), 0);
        EXPECT_EQ(evtchn_send(b), 0);
        platform_upcalls_restore(flags);
        EXPECT_EQ(nr_order, 2);
        a_first += order[0] == 'a';
    }
    EXPECT(a_first >= 40 && a_first <= 60);
    for (int i = 0; i < APART; i++)
        CHECK_EQ(evtchn_close(between[i]), 0);
    CHECK_EQ(evtchn_close(a), 0);
    CHECK_EQ(evtchn_close(b), 0);
}
