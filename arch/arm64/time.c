/* SPDX-License-Identifier: MIT */
/*
 * Time: the generic timer's virtual counter and comparator (Arm ARM, D11). The counter begins with
 * the domain, and shared_info's wall clock is that of this moment; Xen's own time begins earlier.
 */
#include <xenlet/platform.h>
#include <xen/vcpu.h>
#include "arch/arm64/gic.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/timer.h"
#include "arch/arm64/tree.h"
#include "arch/atomic.h"
#include "platform_arch.h"

#define SECOND     1000000000ull
#define VIRT_PPI   27u
#define VIRT_INDEX 2u /* interrupts of the timer node: secure, non-secure, virtual, hypervisor */
#define CTL_ENABLE 1ul

/* The isb keeps the read from being done early, before loads in front of it. */
static uint64_t counter(void)
{
    uint64_t ticks;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

static uint64_t frequency(void)
{
    uint64_t hz;

    __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

uint64_t arch_system_time(void)
{
    uint64_t ticks = counter(), hz = frequency();

    return ticks / hz * SECOND + ticks % hz * SECOND / hz;
}

/* Rounded up: the timer may be late, and must not be early. */
static uint64_t to_ticks(uint64_t ns)
{
    uint64_t hz = frequency();

    if (ns / SECOND >= UINT64_MAX / hz - 1)
        return UINT64_MAX;
    return ns / SECOND * hz + (ns % SECOND * hz + SECOND - 1) / SECOND;
}

/* --- Xen's time ----------------------------------------------------------------------------- */

static uint64_t xen_ahead;

/*
 * Xen does not tell how far ahead its time is, but notes it when it lets us run. We have run for a
 * while since, so the difference to our time now is too small by that, and deadlines are early.
 */
void arch_runstate_init(const struct vcpu_runstate_info *runstate)
{
    uint64_t entered = atomic_read(&runstate->state_entry_time), now = arch_system_time();

    if (entered > now && entered - now > xen_ahead)
        xen_ahead = entered - now;
}

uint64_t arch_hypercall_time(uint64_t system_time)
{
    return system_time + xen_ahead;
}

/* --- the timer ------------------------------------------------------------------------------ */

uint32_t arch_timer_irq(void)
{
    static uint32_t irq;

    if (!irq)
        irq = arch_tree_interrupt("arm,armv8-timer", VIRT_INDEX, VIRT_PPI);
    return irq;
}

void arch_timer_set(uint64_t system_time)
{
    if (system_time) {
        __asm__ volatile("msr cntv_cval_el0, %0" ::"r"(to_ticks(system_time)));
        __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" ::"r"(CTL_ENABLE));
    } else {
        __asm__ volatile("msr cntv_ctl_el0, xzr\n\tisb");
    }
}

/* The interrupt follows the comparator's level: silence that before the end of the interrupt. */
void arch_timer_fired(void)
{
    struct percpu *cpu = percpu();

    arch_timer_set(0);
    if (cpu->timer)
        cpu->timer(NULL, cpu->timer_data);
}

int arch_timer_start(void)
{
    arch_timer_set(0);
    arch_gic_enable(arch_timer_irq());
    return 0;
}

int arch_timer_bind(void (*fired)(struct evtchn *ch, void *data), void *data)
{
    percpu()->timer = fired;
    percpu()->timer_data = data;
    return 0;
}
