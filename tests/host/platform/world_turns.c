/* SPDX-License-Identifier: MIT */
/*
 * One thread: VCPUs take turns by the test's hand, and time goes on only when it is asked for or
 * slept through. The same program runs the same way each time.
 */
#include <xenlet/platform.h>
#include "tests/host/platform/host.h"

#define STEP_NS 100u /* what a look at the clock, or a turn of a spin, takes */

static uint64_t now;

void world_start(void)
{
    now = 1000000; /* Xen has been up for a while: 0 is never a time */
}

uint64_t world_now(void)
{
    return now;
}

static void check_timers(void)
{
    for (unsigned int i = 0; i < MODEL_MAX_VCPUS && host_vcpus[i]; i++) {
        model_timer_check(i, now);
        model_sleep_check(i, now);
    }
}

void world_pass(void)
{
    now += STEP_NS;
    if (host_vcpus[0])
        check_timers();
}

void world_skip(uint64_t ns)
{
    now += ns;
    check_timers();
}

static void earlier(uint64_t *first, uint64_t time)
{
    if (time && (!*first || time < *first))
        *first = time;
}

/* Straight to whatever happens next. Nothing ever: the wake-up it waits for was lost. */
void world_sleep(unsigned int vcpu)
{
    while (model_sleeps(vcpu)) {
        uint64_t next = 0;

        for (unsigned int i = 0; i < MODEL_MAX_VCPUS && host_vcpus[i]; i++)
            earlier(&next, model_timer(i));
        earlier(&next, model_sleeps_until(vcpu));
        if (!next)
            platform_panic("VCPU %u sleeps for ever", vcpu);
        now = next > now ? next : now;
        check_timers();
    }
}

void world_wake(unsigned int vcpu)
{
    (void)vcpu;
}

void world_kick(unsigned int vcpu)
{
    (void)vcpu; /* it looks at each step anyway */
}

void world_up(unsigned int vcpu)
{
    platform_panic("VCPU %u cannot be started: VCPUs take turns here", vcpu);
}

void world_down(unsigned int vcpu)
{
    platform_panic("VCPU %u cannot go down: VCPUs take turns here", vcpu);
}
