/* SPDX-License-Identifier: MIT */
/* Shares, rests and masks, to the nanosecond and to the event; and which timer is asked for. */
#include <string.h>
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

#define GPR  EVTCHN_HANDLER_GPR
#define TICK EVTCHN_TICK_DEFAULT

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

static struct evtchn *bind(unsigned int *seen, unsigned int flags)
{
    struct evtchn *ch;

    SAME(evtchn_bind_ipi(0, unit_count, seen, flags, &ch), 0);
    return ch;
}

/* --- which timer ---------------------------------------------------------------------------- */

static void earlier_time_is_asked_for(void)
{
    static const uint64_t none = 0, soon = 50000000, late = 70000000;
    const struct {
        uint64_t rest, wait, timer;
    } cases[] = { { none, none, 0 },    { none, XENLET_FOREVER, 0 },    { none, soon, soon },
                  { soon, none, soon }, { soon, late, soon },           { late, soon, soon },
                  { soon, soon, soon }, { soon, XENLET_FOREVER, soon }, { 1, none, 1 } };

    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evtchn_vcpu v = { .rest_until = cases[i].rest, .wait_until = cases[i].wait };

        unit_boot("2l");
        (void)platform_upcalls_save();
        evtchn_arm(&v);
        if (cases[i].timer == 0)
            SAME(model_timer(0), 0);
        else if (cases[i].timer == 1)
            HOLDS(model_timer(0) && model_timer(0) <= world_now());
        else
            SAME(model_timer(0), cases[i].timer);
    }
}

/* Waking up was all that evtchn_wait() wanted: its time is over when it has come. */
static void deadline_of_a_wait_is_over_when_it_has_come(void)
{
    struct evtchn_vcpu *v;

    unit_boot("2l");
    (void)platform_upcalls_save();
    v = evtchn_vcpus[0];
    v->wait_until = platform_now_ns() + 10000000;
    evtchn_tick();
    HOLDS(v->wait_until);
    world_skip(v->wait_until - platform_now_ns() - 100);
    evtchn_tick();
    SAME(v->wait_until, 0);
}

/* --- late EOI ------------------------------------------------------------------------------- */

/* 0, then 1, 2, 4, ... ticks, 1,024 at most; a good one begins anew. */
static void spurious_events_rest_longer_and_longer(void)
{
    unsigned int seen = 0;
    struct evtchn_counters counters;
    struct evtchn *ch;

    unit_boot("2l");
    ch = bind(&seen, GPR | EVTCHN_LATE_EOI);
    for (unsigned int i = 0; i < 14; i++) {
        uint64_t now;

        SAME(evtchn_send(ch), 0);
        SAME(seen, i + 1);
        HOLDS(ch->reasons == REASON_EOI && !ch->rest_on);
        (void)platform_upcalls_save();
        now = platform_now_ns();
        SAME(evtchn_eoi(ch, true), 0);
        if (i == 0) {
            HOLDS(!ch->reasons && !ch->rest_on);
        } else {
            SAME(evtchn_eoi(ch, true), -XEN_EINVAL); /* one is enough */
            HOLDS(ch->rest_on == evtchn_vcpus[0] && ch->rest_reason == REASON_EOI);
            SAME(ch->rest_until - now - 100, (uint64_t)TICK << (i < 11 ? i - 1 : 10));
            SAME(evtchn_vcpus[0]->rest_until, ch->rest_until);
            world_skip(ch->rest_until - platform_now_ns());
            platform_upcalls_restore(0);
            evtchn_upcall();
            HOLDS(!ch->rest_on && !ch->reasons);
        }
        platform_upcalls_restore(0);
    }
    evtchn_get_counters(ch, &counters);
    SAME(counters.spurious, 14);
    SAME(counters.deferred, 13);
    SAME(evtchn_send(ch), 0);
    SAME(evtchn_eoi(ch, false), 0);
    SAME(ch->spurious_run, 0);
    HOLDS(!ch->reasons);
    SAME(evtchn_eoi(ch, false), -XEN_EINVAL); /* nothing was delivered */
}

/* --- shares --------------------------------------------------------------------------------- */

static void share_counts_what_was_used(void)
{
    static const struct {
        unsigned int share, budget;
    } cases[] = { { 20, 10 }, { 5, 0 }, { 10, 0 }, { 11, 1 }, { 100, 90 } };
    unsigned int seen = 0;
    struct evtchn *ch;

    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unit_boot("2l");
        SAME(host_add_vcpu(1), 0);
        ch = bind(&seen, GPR);
        SAME(ch->share, EVTCHN_SHARE_DEFAULT);
        SAME(ch->given, EVTCHN_SHARE_DEFAULT);
        SAME(ch->budget, EVTCHN_SHARE_DEFAULT);
        ch->budget = ch->given - 10;
        SAME(evtchn_set_share(ch, 0), -XEN_EINVAL);
        SAME(ch->share, EVTCHN_SHARE_DEFAULT);
        SAME(evtchn_set_share(ch, cases[i].share), 0);
        SAME(ch->share, cases[i].share);
        SAME(ch->budget, cases[i].budget);
        SAME(ch->given, 10 + cases[i].budget); /* so the counter stays */
        /* Another VCPU's, or one that another may still run: from the next share on. */
        ch->moved_from = evtchn_vcpus[1];
        SAME(evtchn_set_share(ch, 7), 0);
        SAME(ch->share, 7);
        SAME(ch->budget, cases[i].budget);
        ch->moved_from = NULL;
        host_this = 1;
        SAME(evtchn_set_share(ch, 8), 0);
        host_this = 0;
        SAME(ch->share, 8);
        SAME(ch->budget, cases[i].budget);
    }
}

/* A tick after the last one, to the nanosecond, and not twice in an upcall. */
static void new_share_comes_after_a_tick(void)
{
    for (unsigned int i = 0; i < 4; i++) {
        struct evtchn_counters counters;
        unsigned int seen = 0;
        struct evtchn *ch;
        bool due = i == 1;

        unit_boot("2l");
        ch = bind(&seen, i == 3 ? GPR | EVTCHN_NO_SHARE : GPR);
        ch->share = 40;
        ch->budget = 3;
        ch->refilled_in = evtchn_vcpus[0]->upcalls - (i == 2 ? 0 : 1);
        ch->refilled = platform_now_ns() + 100 - TICK + (due || i == 2 ? 0 : 1);
        SAME(evtchn_refill(evtchn_vcpus[0], ch), due || i == 3);
        evtchn_get_counters(ch, &counters);
        SAME(counters.delivered, EVTCHN_SHARE_DEFAULT - 3); /* what was used stays counted */
        SAME(ch->budget, due || i == 3 ? 40 : 3);
        SAME(ch->refilled_in == evtchn_vcpus[0]->upcalls, due || i >= 2);
        SAME(ch->refilled == platform_now_ns() - 100, due || i == 3);
    }
}

static uint64_t counted;

static void count_and_look(struct evtchn *ch, void *data)
{
    struct evtchn_counters counters;

    evtchn_get_counters(ch, &counters);
    counted = counters.delivered;
    ++*(unsigned int *)data;
}

/* Its handler sees itself counted: it may close the channel. */
static void delivery_is_counted_before_its_handler(void)
{
    static const unsigned int flags[] = { GPR, 0, GPR | EVTCHN_LATE_EOI };

    for (unsigned int i = 0; i < 6; i++) {
        unsigned int seen = 0;
        struct evtchn *ch;

        unit_boot("fifo");
        world_skip(2 * TICK);
        SAME(evtchn_bind_ipi(0, count_and_look, &seen, flags[i % 3], &ch), 0);
        if (i >= 3)
            ch->budget = ch->given = 0; /* a share begins */
        SAME(evtchn_send(ch), 0);
        SAME(seen, 1);
        SAME(counted, 1);
    }
}

/* What rests keeps its event, and goes on with a share of its own. */
static void storm_rests_and_goes_on(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch;

        unit_boot(abis[i]);
        world_skip(5 * TICK);
        ch = bind(&seen, GPR);
        (void)platform_upcalls_save();
        ch->budget = 0;
        ch->refilled = platform_now_ns();
        SAME(evtchn_send(ch), 0);
        evtchn_upcall();
        SAME(seen, 0);
        HOLDS(ch->rest_on == evtchn_vcpus[0] && ch->reasons == REASON_STORM);
        HOLDS(evtchn_is_pending(ch));
        SAME(ch->deferred, 1);
        /* A tick from when the upcall was over. */
        HOLDS(ch->rest_until - platform_now_ns() <= TICK &&
              ch->rest_until - platform_now_ns() > TICK - 3000);
        world_skip(ch->rest_until - platform_now_ns());
        evtchn_tick();
        HOLDS(!ch->rest_on && !ch->reasons);
        SAME(ch->budget, EVTCHN_SHARE_DEFAULT);
        platform_upcalls_restore(0);
        SAME(seen, 1);
    }
}

/* --- masks ---------------------------------------------------------------------------------- */

/* The gate lets those through that are masked for nothing and are run here, and says what else is
 * to be done for each. */
static void gate_says_who_may_deliver_and_how(void)
{
    struct evtchn ch = { .port = 77, .vcpu = 2 };

    unit_boot("2l");
    for (unsigned int i = 0; i < 64; i++) {
        ch.reasons = i & 1 ? REASON_USER : i & 2 ? REASON_CLOSED : 0;
        ch.flags = (uint8_t)((i & 4 ? EVTCHN_HANDLER_GPR : 0) | (i & 8 ? EVTCHN_LATE_EOI : 0) |
                             (i & 32 ? EVTCHN_NO_SHARE | FLAG_STATIC : 0));
        ch.moved_from = i & 16 ? evtchn_vcpus[0] : NULL;
        evtchn_set_gate(&ch);
        HOLDS(ch.gate == (i & 19 ? GATE_SHUT
                                 : ((uint64_t)2 << 32 | 77 | (i & 8 ? GATE_LATE_EOI : 0) |
                                    (i & 4 ? 0 : GATE_FP))));
    }
}

static unsigned int exchanges;

static void count_exchange(enum host_access kind, const volatile void *p)
{
    (void)p;
    exchanges += kind == HOST_RMW;
}

static unsigned int during(void (*f)(struct evtchn *ch, unsigned int reason), struct evtchn *ch,
                           unsigned int reason)
{
    exchanges = 0;
    host_on_access = count_exchange;
    f(ch, reason);
    host_on_access = NULL;
    return exchanges;
}

/* The shared bit changes with the first reason and the last; one exchange is the lock's. */
static void port_is_masked_by_the_first_reason(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch;

        unit_boot(abis[i]);
        ch = bind(&seen, GPR);
        HOLDS(!evtchn_ops->is_masked(ch->port));
        SAME(during(evtchn_release, ch, REASON_USER), 1);
        SAME(during(evtchn_hold, ch, REASON_USER), 2);
        HOLDS(evtchn_ops->is_masked(ch->port));
        SAME(during(evtchn_hold, ch, REASON_EOI), 1);
        SAME(during(evtchn_release, ch, REASON_USER), 1);
        HOLDS(evtchn_ops->is_masked(ch->port));
        SAME(ch->reasons, REASON_EOI);
        SAME(during(evtchn_release, ch, REASON_EOI), 2);
        HOLDS(!evtchn_ops->is_masked(ch->port));
        SAME(evtchn_mask(ch), 0);
        evtchn_ops->set_pending(ch->port);
        evtchn_kick(ch);
        HOLDS(evtchn_ops->is_masked(ch->port));
        SAME(seen, 0);
        SAME(evtchn_unmask(ch), 0);
        SAME(seen, 1);
    }
}

const struct unit rest_units[] = {
    { "earlier_time_is_asked_for", earlier_time_is_asked_for },
    { "deadline_of_a_wait_is_over_when_it_has_come", deadline_of_a_wait_is_over_when_it_has_come },
    { "spurious_events_rest_longer_and_longer", spurious_events_rest_longer_and_longer },
    { "share_counts_what_was_used", share_counts_what_was_used },
    { "new_share_comes_after_a_tick", new_share_comes_after_a_tick },
    { "delivery_is_counted_before_its_handler", delivery_is_counted_before_its_handler },
    { "storm_rests_and_goes_on", storm_rests_and_goes_on },
    { "gate_says_who_may_deliver_and_how", gate_says_who_may_deliver_and_how },
    { "port_is_masked_by_the_first_reason", port_is_masked_by_the_first_reason },
    { NULL, NULL }
};
