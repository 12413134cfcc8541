/* SPDX-License-Identifier: MIT */
/* Time, from what Xen publishes: vcpu_time_info and shared_info (public/xen.h), and runstates. */
#include <xenlet/clock.h>
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "platform_arch.h"

/* --- system time ---------------------------------------------------------------------------- */

static uint64_t system_time(void)
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

/* Ours goes on where it stood after a restore; Xen's there is another machine's. */
static uint64_t latest, ahead;

/* Each VCPU's clock is calibrated by itself, and one may be behind another by some ticks. */
uint64_t clock_now(void)
{
    uint64_t now = system_time() + ahead, seen = atomic_read(&latest);

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

uint64_t platform_xen_time(uint64_t ns)
{
    uint64_t xen = ns - ahead;

    return (int64_t)xen > 0 ? xen : 1; /* 0 would mean none; before Xen's time began is long ago */
}

void clock_resume(void)
{
    ahead = latest - system_time();
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
        high = atomic_read(&shared_info->wc_sec_hi);
        ns = atomic_read(&shared_info->wc_nsec);
        smp_rmb();
    } while ((version & 1) || atomic_read(&shared_info->wc_version) != version);
    return ((uint64_t)high << 32 | sec) * SECOND + ns + system_time();
}

/* --- stolen time ---------------------------------------------------------------------------- */

static struct vcpu_runstate_info runstates[XENLET_MAX_VCPUS];

uint64_t clock_stolen(void)
{
    const struct vcpu_runstate_info *r = &runstates[platform_vcpu()];
    uint64_t entered, stolen;

    /* Xen writes it when the VCPU is scheduled: while we look, if we are interrupted between. */
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

    area.addr.v = &runstates[platform_vcpu()];
    return hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, platform_vcpu(), &area);
}
