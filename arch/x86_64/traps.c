/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: told to Xen, survived where an exception table says how, reported otherwise.
 */
#include <xenlet/domain.h>
#include <xenlet/console.h>
#include <xenlet/hypercall_pv.h>
#include "arch/x86_64/entry.h"
#include "arch/x86_64/mmu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "kernel/internal.h"
#include "kernel/report.h"

/* The error code of a page fault. */
#define PF_PRESENT 1u
#define PF_WRITE   2u
#define PF_FETCH   16u

extern const uint64_t arch_trap_entries[TRAP_NR];

arch_trap_hook_t *arch_trap_hook;

static const char *const trap_names[TRAP_NR] = {
    "divide error",
    "debug",
    NULL,
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "device not available",
    NULL,
    NULL,
    "invalid TSS",
    "segment not present",
    "stack segment",
    "general protection",
    "page fault",
    NULL,
    "x87 FP error",
    "alignment check",
    "machine check",
    "SIMD FP error",
    "virtualization",
    "control protection",
};

static struct trap_info trap_info(unsigned int vector)
{
    struct trap_info info = { .vector = (uint8_t)vector,
                              .cs = FLAT_KERNEL_CS,
                              .address = arch_trap_entries[vector] };

    /* int3 and into are ours to execute, and to Xen we are ring 3. */
    if (vector == 3 || vector == 4)
        TI_SET_DPL(&info, 3);
    TI_SET_IF(&info, 1);
    return info;
}

void arch_traps_fill(struct trap_info table[256])
{
    for (unsigned int v = 0; v < TRAP_NR; v++) {
        if (arch_trap_entries[v])
            table[v] = trap_info(v);
    }
}

int arch_traps_init(void)
{
    struct trap_info table[TRAP_NR + 1];
    unsigned int nr = 0;
    int rc;

    for (unsigned int v = 0; v < TRAP_NR; v++) {
        if (arch_trap_entries[v])
            table[nr++] = trap_info(v);
    }
    table[nr] = (struct trap_info){ 0 };
    rc = hypercall_set_trap_table(table);
    if (rc)
        return rc;
    rc = hypercall_callback_register(CALLBACKTYPE_failsafe, (unsigned long)arch_failsafe_entry,
                                     CALLBACKF_mask_events);
    if (rc)
        return rc;
    return hypercall_callback_register(CALLBACKTYPE_event, (unsigned long)arch_upcall_entry, 0);
}

static bool recover(struct trap_regs *regs)
{
    uint64_t fixup = report_fixup(regs->rip);

    /* A call to where nothing can be executed faults there, but the entry is that of the call. */
    if (!fixup && regs->vector == TRAP_PAGE_FAULT && regs->rip == percpu()->info.arch.cr2) {
        fixup = report_fixup(*(const uint64_t *)regs->rsp);
        if (fixup)
            regs->rsp += 8;
    }
    if (fixup)
        regs->rip = fixup;
    return fixup;
}

static void report_page_fault(uint64_t error)
{
    const char *what = error & PF_FETCH ? "execute" : error & PF_WRITE ? "write" : "read";

    report_fault(what, percpu()->info.arch.cr2, error & PF_PRESENT);
}

void arch_trap(struct trap_regs *regs);
void arch_trap(struct trap_regs *regs)
{
    if (arch_trap_hook && arch_trap_hook(regs))
        return;
    if (recover(regs))
        return;
    panic_begin();
    console_printf("\nVCPU %u: %s (vector %lu, error code 0x%lx)\n", percpu()->vcpu,
                   trap_names[regs->vector], regs->vector, regs->error);
    if (regs->vector == TRAP_PAGE_FAULT)
        report_page_fault(regs->error);
    arch_show_regs(regs);
    arch_show_calls(regs);
    panic_end();
}

void arch_failsafe(void) __attribute__((noreturn));
void arch_failsafe(void)
{
    xenlet_panic("Xen could not return to us: a segment register is not valid");
}
