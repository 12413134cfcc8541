/* SPDX-License-Identifier: MIT */
/* Clocks that never go back, and timers that go off in order and in time. */
#include "arch/atomic.h"
#include "tests/guest/test.h"

#define MS     1000000ull
#define TIMERS 32

/* --- clocks --------------------------------------------------------------------------------- */

static uint64_t newest;
static unsigned int went_back;
static uint32_t racing;

/* Each reads what another published before it reads the clock: that may not be later. */
static void race_clock(void *arg)
{
    (void)arg;
    while (atomic_read(&racing)) {
        uint64_t published = __atomic_load_n(&newest, __ATOMIC_SEQ_CST), now = clock_now();

        if (now < published)
            __atomic_fetch_add(&went_back, 1, __ATOMIC_SEQ_CST);
        __atomic_store_n(&newest, now, __ATOMIC_SEQ_CST);
    }
}

TEST(clock_never_goes_back_on_any_vcpu)
{
    uint64_t end = clock_after(50 * MS), last = 0;

    racing = 1;
    went_back = 0;
    for (unsigned int i = 1; i < vcpu_count(); i++)
        CHECK_EQ(vcpu_start(i, race_clock, NULL), 0);
    while (last < end) {
        uint64_t published = __atomic_load_n(&newest, __ATOMIC_SEQ_CST), now = clock_now();

        EXPECT(now >= last && now >= published);
        last = now;
        __atomic_store_n(&newest, now, __ATOMIC_SEQ_CST);
    }
    atomic_write(&racing, 0);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        EXPECT_EQ(vcpu_join(i, clock_after(PATIENCE)), 0);
    EXPECT_EQ(went_back, 0);
}

/* After 2020 and before 2100, in step with system time. */
TEST(wall_clock_goes_on_with_system_time)
{
    uint64_t before = clock_now(), wall = clock_wall(), start = clock_now(), slept;

    if (wall < start + 1000000000)
        SKIP("nobody has told Xen the time of day");
    EXPECT(wall / 1000000000 > 1577836800 && wall / 1000000000 < 4102444800);
    clock_sleep(20 * MS);
    slept = clock_now() - start;
    wall = clock_wall() - wall;
    EXPECT(wall >= slept && wall <= clock_now() - before + 20 * MS);
}

TEST(stolen_time_is_accounted_for)
{
    uint64_t stolen = clock_stolen(), end = clock_after(30 * MS), start = clock_now();

    while (clock_now() < end)
        ;
    EXPECT(clock_stolen() >= stolen);
    EXPECT(clock_stolen() - stolen <= clock_now() - start);
}

/* --- timers --------------------------------------------------------------------------------- */

static struct {
    struct clock_timer timer;
    uint64_t at;
} set[TIMERS];

static unsigned int order[TIMERS], gone_off, early;

static void note_timer(void *data)
{
    unsigned int i = (unsigned int)(uintptr_t)data;

    if (clock_now() < set[i].at)
        early++;
    order[gone_off++] = i;
}

static void set_all(uint64_t start)
{
    unsigned long flags = platform_upcalls_save(); /* none goes off before all are set */

    gone_off = early = 0;
    for (unsigned int i = 0; i < TIMERS; i++) {
        set[i].at = start + (i * 7 % TIMERS) * MS / 4;
        clock_timer_set(&set[i].timer, set[i].at, note_timer, (void *)(uintptr_t)i);
    }
    platform_upcalls_restore(flags);
}

static bool all_gone_off(void)
{
    uint64_t end = clock_after(PATIENCE);

    while (atomic_read(&gone_off) < TIMERS && clock_now() < end)
        clock_sleep(MS);
    return gone_off == TIMERS;
}

TEST(timers_go_off_in_order_and_not_early)
{
    set_all(clock_now());
    CHECK(all_gone_off());
    for (unsigned int i = 1; i < TIMERS; i++)
        EXPECT(set[order[i - 1]].at <= set[order[i]].at);
    EXPECT_EQ(early, 0);
    for (unsigned int i = 0; i < TIMERS; i++)
        EXPECT(!clock_timer_cancel(&set[i].timer));
}

/* Also while main is not waiting for anything. */
TEST(timer_interrupts_a_program_that_runs)
{
    uint64_t end = clock_after(PATIENCE);

    gone_off = early = 0;
    set[0].at = clock_now() + 2 * MS;
    clock_timer_set(&set[0].timer, set[0].at, note_timer, NULL);
    while (!atomic_read(&gone_off) && clock_now() < end)
        ;
    EXPECT_EQ(gone_off, 1);
    EXPECT_EQ(early, 0);
}

TEST(timers_can_be_cancelled_and_moved)
{
    unsigned long flags = platform_upcalls_save(); /* nor does one go off before all is said */

    set_all(clock_after(20 * MS));
    for (unsigned int i = 0; i < TIMERS; i += 2)
        EXPECT(clock_timer_cancel(&set[i].timer));
    EXPECT(!clock_timer_cancel(&set[0].timer));
    /* The one that would be the last goes first; a time long past is now. */
    set[1].at = 0;
    clock_timer_set(&set[1].timer, 0, note_timer, (void *)1ul);
    platform_upcalls_restore(flags);
    clock_sleep(60 * MS);
    EXPECT_EQ(gone_off, TIMERS / 2);
    EXPECT_EQ(order[0], 1);
    EXPECT_EQ(early, 0);
}

static struct clock_timer again;
static unsigned int times;

static void set_again(void *data)
{
    (void)data;
    if (++times < 1000)
        clock_timer_set(&again, clock_now(), set_again, NULL);
}

/* A timer that sets itself for now, for ever, leaves the VCPU time for others. */
TEST(timer_that_sets_itself_again_starves_nobody)
{
    uint64_t end = clock_after(PATIENCE);
    unsigned int rounds = 0;

    times = 0;
    clock_timer_set(&again, 0, set_again, NULL);
    while (atomic_read(&times) < 1000 && clock_now() < end)
        rounds++;
    EXPECT_EQ(times, 1000);
    EXPECT(rounds > 10);
}

static void chime(void *data)
{
    (void)data;
    if (++times < 5)
        clock_timer_set(&again, clock_after(5 * MS), chime, NULL);
}

static bool has_chimed(void *arg)
{
    (void)arg;
    return times >= 5;
}

/* What falls due beside it has the timer go off; its function must come to run before the deadline
 * does. */
TEST(timer_goes_off_again_beside_a_deadline)
{
    times = 0;
    clock_timer_set(&again, clock_after(5 * MS), chime, NULL);
    EXPECT_EQ(evtchn_wait(has_chimed, NULL, clock_after(PATIENCE)), 0);
    EXPECT_EQ(times, 5);
    clock_timer_cancel(&again);
}

static uint32_t is_set;

static void set_on_1(void *data)
{
    clock_timer_set(&set[0].timer, clock_after(*(uint64_t *)data), note_timer, NULL);
    atomic_write(&is_set, 1);
}

static void set_and_stay(void *arg)
{
    set_on_1(arg);
    while (atomic_read(&racing))
        clock_sleep(MS);
}

static bool run_on_1(void (*program)(void *arg), void *arg)
{
    return vcpu_start(1, program, arg) == 0 && vcpu_join(1, clock_after(PATIENCE)) == 0;
}

/* Set on VCPU 1 and cancelled here; then left behind when it goes down, for when it is up again. */
TEST(timers_belong_to_the_vcpu_that_set_them)
{
    uint64_t never = 3600000 * MS, soon = 300 * MS, start;

    if (vcpu_count() < 2)
        SKIP("the domain has fewer than 2 VCPUs");
    gone_off = early = is_set = 0;
    set[0].at = 0;
    racing = 1;
    CHECK_EQ(vcpu_start(1, set_and_stay, &never), 0);
    while (!atomic_read(&is_set))
        clock_sleep(MS);
    EXPECT(clock_timer_cancel(&set[0].timer));
    EXPECT(!clock_timer_cancel(&set[0].timer));
    atomic_write(&racing, 0);
    EXPECT_EQ(vcpu_join(1, clock_after(PATIENCE)), 0);

    start = clock_now();
    CHECK(run_on_1(set_on_1, &soon)); /* it goes down long before that, unless all stands still */
    if (clock_now() - start < soon) {
        clock_sleep(soon + 20 * MS);
        EXPECT_EQ(gone_off, 0);
    }
    CHECK(run_on_1(race_clock, NULL)); /* at once over */
    EXPECT_EQ(gone_off, 1);
}
