/* SPDX-License-Identifier: MIT */
/*
 * System time from vcpu_time_info (public/xen.h), and the one timer evtchn/ asks for, on
 * VIRQ_TIMER.
 */
#include <xenlet/clock.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "platform_arch.h"

static struct evtchn *timers[XENLET_MAX_VCPUS];

uint64_t clock_now(void)
{
    const struct vcpu_time_info *t = arch_time_info();
    uint64_t system, ticks;
    uint32_t version, scale;
    int8_t shift;

    /* Xen makes the version odd, writes, and makes it even: take only what stood between. */
    do {
        version = atomic_read_acquire(&t->version);
        system = atomic_read(&t->system_time);
        scale = atomic_read(&t->tsc_to_system_mul);
        shift = atomic_read(&t->tsc_shift);
        ticks = arch_counter() - atomic_read(&t->tsc_timestamp);
        smp_rmb();
    } while ((version & 1) || atomic_read(&t->version) != version);

    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return system + arch_mul_shift32(ticks, scale);
}

uint64_t clock_after(uint64_t ns)
{
    uint64_t now = clock_now();

    return ns < XENLET_FOREVER - now ? now + ns : XENLET_FOREVER;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void clock_sleep(uint64_t ns)
{
    evtchn_wait(never, NULL, clock_after(ns));
}

uint64_t platform_now_ns(void)
{
    return clock_now();
}

void platform_tick_at(uint64_t ns)
{
    /* 0 would disarm the timer; in the far past it fires at once. */
    hypercall_set_timer_op(ns ? ns : 1);
}

static void timer_event(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    evtchn_tick();
}

int clock_init(void)
{
    unsigned int vcpu = platform_vcpu();
    /* Every VCPU is born with a periodic timer of 100 Hz that nobody here wants. */
    int rc = hypercall_vcpu_op(VCPUOP_stop_periodic_timer, vcpu, NULL);

    if (rc)
        return rc;
    if (timers[vcpu]) {
        evtchn_tick(); /* up again: what rested here when it went down */
        return 0;
    }
    rc = evtchn_bind_virq(VIRQ_TIMER, vcpu, timer_event, NULL, EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE,
                          &timers[vcpu]);
    if (rc == 0)
        evtchn_set_priority(timers[vcpu], EVTCHN_FIFO_PRIORITY_MAX); /* where there are any */
    return rc;
}

void clock_fini(void)
{
    hypercall_set_timer_op(0);
}
