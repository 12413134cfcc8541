/* SPDX-License-Identifier: MIT */
/* Rests on a VCPU that goes down: its timer goes with it, what rests there does not. */
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define GPR  EVTCHN_HANDLER_GPR
#define TICK EVTCHN_TICK_DEFAULT

static struct evtchn *ch;
static unsigned int seen;

static bool runs_once(void (*program)(void *arg))
{
    return vcpu_start(1, program, NULL) == 0 && vcpu_join(1, clock_after(PATIENCE)) == 0;
}

static void eoi_and_leave(void *arg)
{
    (void)arg;
    ch->spurious_run = 3; /* the fourth: rests for four ticks */
    EXPECT_EQ(evtchn_eoi(ch, true), 0);
}

/* The channel is VCPU 0's; VCPU 1 has only said that an event was for nothing. */
TEST(rest_begun_by_a_vcpu_that_goes_down_ends)
{
    if (vcpu_count() < 2)
        SKIP("the domain has fewer than 2 VCPUs");
    seen = 0;
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR | EVTCHN_LATE_EOI, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(wait_count(&seen, 1));
    CHECK(runs_once(eoi_and_leave));
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(wait_count(&seen, 2));
    EXPECT_EQ(evtchn_close(ch), 0);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void storm_and_leave(void *arg)
{
    (void)arg;
    CHECK_EQ(evtchn_bind_ipi(1, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(evtchn_set_share(ch, 1), 0);
    /* Until it storms; then upcalls stay masked, or the timer could end the rest on the way down. */
    for (int i = 0; i < 1000; i++) {
        EXPECT_EQ(evtchn_send(ch), 0);
        (void)platform_upcalls_save();
        if (ch->reasons)
            return;
        platform_upcalls_restore(0);
    }
    test_fail(__FILE__, __LINE__, "it does not storm");
}

/* Without evtchn_wait(), which would set the timer itself. */
static void look_out_for_it(void *arg)
{
    uint64_t end = clock_after(PATIENCE);

    while (atomic_read(&seen) != *(unsigned int *)arg && clock_now() < end)
        arch_cpu_relax();
}

/* An IPI stays with its VCPU, whose rests go on when it is up again. */
TEST(storm_on_a_vcpu_that_goes_down_goes_on_when_it_is_up_again)
{
    unsigned int want;

    if (vcpu_count() < 2)
        SKIP("the domain has fewer than 2 VCPUs");
    seen = 0;
    CHECK(runs_once(storm_and_leave));
    clock_sleep(2 * TICK);
    want = seen + evtchn_is_pending(ch); /* not if the rest was over before the VCPU was down */
    CHECK_EQ(vcpu_start(1, look_out_for_it, &want), 0);
    EXPECT_EQ(vcpu_join(1, clock_after(2 * PATIENCE)), 0);
    EXPECT_EQ(seen, want);
    EXPECT_EQ(ch->reasons, 0);
    EXPECT_EQ(evtchn_close(ch), 0);
    CHECK(runs_once(nothing));
}
