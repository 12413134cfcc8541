/* SPDX-License-Identifier: MIT */
/* A VCPU's own data and state, and what the rest of the library asks of it. */
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/hypercall_pv.h>
#include <xenlet/memory.h>
#include "arch/x86_64/fp.h"
#include "arch/x86_64/mmu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "boot/x86_64/layout.h"
#include "kernel/internal.h"
#include "platform_arch.h"

extern const char boot_stack[];

/* Upcalls begin masked, before and after this is registered: there is no handler yet. */
static struct percpu boot_percpu = {
    .info.evtchn_upcall_mask = 1,
    .self = &boot_percpu,
    .stack_name = "boot_stack",
    .stack = boot_stack,
};

/* Xen's shared_info is mapped in place of this page, so nothing else may lie in it. */
static char shared_info_page[LAYOUT_PAGE_SIZE] __attribute__((aligned(LAYOUT_PAGE_SIZE)));

void arch_init(const void *boot)
{
    const struct start_info *si = boot;
    int rc = hypercall_set_segment_base(SEGBASE_GS_KERNEL, (unsigned long)&boot_percpu);

    /* Without the GS base not even this could be reported. */
    while (rc)
        hypercall_sched_shutdown(SHUTDOWN_crash);
    start_info = (struct start_info *)(uintptr_t)si;
    arch_mmu_early_init(si);
}

void arch_protect(void)
{
    int rc = arch_traps_init();

    if (rc)
        xenlet_panic("Xen refused our trap handlers (%d)", rc);
    arch_mmu_init(start_info);
}

int arch_vcpu_info_init(struct vcpu_info **info)
{
    struct percpu *cpu = percpu();
    int rc = hypercall_register_vcpu_info(cpu->vcpu, xenlet_gfn(&cpu->info),
                                          (uintptr_t)&cpu->info % LAYOUT_PAGE_SIZE);

    *info = &cpu->info;
    return rc;
}

struct shared_info *arch_map_shared_info(void)
{
    int rc =
        hypercall_update_va_mapping((unsigned long)shared_info_page,
                                    (start_info->shared_info & PTE_FRAME) | PTE_RW, UVMF_INVLPG);

    return rc ? NULL : (struct shared_info *)shared_info_page;
}

int arch_unmap_shared_info(void)
{
    return hypercall_update_va_mapping((unsigned long)shared_info_page, 0, UVMF_INVLPG | UVMF_ALL);
}

const struct vcpu_time_info *arch_time_info(void)
{
    return &percpu()->info.time;
}

void arch_backtrace_here(void)
{
    const uint64_t *frame = __builtin_frame_address(0);

    arch_backtrace(frame[1], frame[0]);
}

unsigned int platform_vcpu(void)
{
    return percpu()->vcpu;
}

unsigned long platform_upcalls_save(void)
{
    return arch_upcalls_save();
}

/*
 * Xen makes an upcall only when it sets the flag: what came in while upcalls were masked we have to
 * look for. It is delivered from here, by a function call, without the hypercall that would have
 * Xen interrupt us.
 */
void platform_upcalls_restore(unsigned long flags)
{
    volatile struct vcpu_info *info = &percpu()->info;

    if (flags)
        return;
    for (;;) {
        __asm__ volatile("" ::: "memory");
        info->evtchn_upcall_mask = 0;
        if (!info->evtchn_upcall_pending)
            return;
        info->evtchn_upcall_mask = 1;
        evtchn_upcall();
    }
}
