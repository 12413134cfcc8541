/* SPDX-License-Identifier: MIT */
/* Time as a PV guest has it: vcpu_time_info (public/xen.h), VIRQ_TIMER and set_timer_op. */
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include "arch/atomic.h"
#include "platform_arch.h"

uint64_t arch_system_time(void)
{
    const struct vcpu_time_info *t = arch_time_info();
    uint64_t system, ticks;
    uint32_t version, scale;
    int8_t shift;

    /*
     * Xen makes the version odd, writes, and makes it even (__update_vcpu_system_time(), with a
     * barrier between each): take only what was read while it was even and stayed the same.
     */
    do {
        version = atomic_read_acquire(&t->version);
        system = atomic_read(&t->system_time);
        scale = atomic_read(&t->tsc_to_system_mul);
        shift = atomic_read(&t->tsc_shift);
        ticks = arch_counter() - atomic_read(&t->tsc_timestamp);
        smp_rmb();
    } while ((version & 1) || atomic_read(&t->version) != version);

    /* A CPU whose counter is behind its own stamp: no time has passed, rather than centuries. */
    if ((int64_t)ticks < 0)
        ticks = 0;
    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return system + arch_mul_shift32(ticks, scale);
}

uint64_t arch_hypercall_time(uint64_t system_time)
{
    return system_time;
}

void arch_runstate_init(const struct vcpu_runstate_info *runstate)
{
    (void)runstate;
}

/* Every VCPU begins with a periodic timer of 100 Hz, which nothing here uses. */
int arch_timer_start(void)
{
    return hypercall_vcpu_op(VCPUOP_stop_periodic_timer, platform_vcpu(), NULL);
}

int arch_timer_bind(void (*fired)(struct evtchn *ch, void *data), void *data)
{
    struct evtchn *channel;
    int rc = evtchn_bind_virq(VIRQ_TIMER, platform_vcpu(), fired, data,
                              EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE, &channel);

    if (rc == 0)
        evtchn_set_priority(channel, EVTCHN_FIFO_PRIORITY_MAX); /* where there are any */
    return rc;
}

/* In the far past it fires at once. */
void arch_timer_set(uint64_t system_time)
{
    hypercall_set_timer_op(system_time);
}
