/* SPDX-License-Identifier: MIT */
/* Time: the CPU's (arch_system_time()), the wall clock of shared_info (public/xen.h), runstates. */
#include <xenlet/clock.h>
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "platform_arch.h"

/* --- system time ---------------------------------------------------------------------------- */

/*
 * After a restore our time goes on where it stood; Xen's is that of another machine. `ahead` is the
 * difference.
 */
static uint64_t latest, ahead;

/*
 * Each VCPU's clock is calibrated on its own, so one may lag behind another by some ticks: never
 * return less than was returned before.
 */
uint64_t clock_now(void)
{
    uint64_t now = arch_system_time() + ahead, seen = atomic_read(&latest);

    while (seen < now) {
        uint64_t was = atomic_cas64(&latest, seen, now);

        if (was == seen)
            return now;
        seen = was;
    }
    return seen;
}

uint64_t clock_after(uint64_t ns)
{
    uint64_t now = clock_now();

    return ns < XENLET_FOREVER - now ? now + ns : XENLET_FOREVER;
}

uint64_t platform_now_ns(void)
{
    return clock_now();
}

uint64_t clock_to_system(uint64_t ns)
{
    uint64_t system = ns - ahead;

    /* 0 would mean none, and a time before Xen's began is long past */
    return (int64_t)system > 0 ? system : 1;
}

uint64_t platform_xen_time(uint64_t ns)
{
    return arch_hypercall_time(clock_to_system(ns));
}

void clock_resume(void)
{
    ahead = latest - arch_system_time();
}

/* --- wall clock ----------------------------------------------------------------------------- */

#define SECOND 1000000000ull

/* wc_* say what it was when system time was 0. */
uint64_t clock_wall(void)
{
    uint32_t version, sec, high, ns;

    do {
        version = atomic_read_acquire(&shared_info->wc_version);
        sec = atomic_read(&shared_info->wc_sec);
        high = atomic_read(&shared_info->xen_wc_sec_hi);
        ns = atomic_read(&shared_info->wc_nsec);
        smp_rmb();
    } while ((version & 1) || atomic_read(&shared_info->wc_version) != version);
    return ((uint64_t)high << 32 | sec) * SECOND + ns + arch_system_time();
}

/* --- stolen time ---------------------------------------------------------------------------- */

static struct vcpu_runstate_info runstates[XENLET_MAX_VCPUS];

uint64_t clock_stolen(void)
{
    const struct vcpu_runstate_info *r = &runstates[platform_vcpu()];
    uint64_t entered, stolen;

    /*
     * Xen writes it when it schedules the VCPU, so between two of our reads if we lose the CPU
     * there.
     */
    do {
        entered = atomic_read_acquire(&r->state_entry_time);
        stolen = atomic_read(&r->time[RUNSTATE_runnable]) + atomic_read(&r->time[RUNSTATE_offline]);
        smp_rmb();
    } while (atomic_read(&r->state_entry_time) != entered);
    return stolen;
}

int clock_init(void)
{
    struct vcpu_register_runstate_memory_area area = { 0 };

    int rc;

    area.addr.v = &runstates[platform_vcpu()];
    rc = hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, platform_vcpu(), &area);
    if (rc == 0)
        arch_runstate_init(area.addr.v);
    return rc;
}
