/* SPDX-License-Identifier: MIT */
/* Exceptions: survived where an exception table says how, reported otherwise. */
#include <xenlet/domain.h>
#include <xenlet/console.h>
#include "arch/arm64/percpu.h"
#include "arch/arm64/trap.h"
#include "kernel/internal.h"
#include "kernel/report.h"

#define ESR_EC(esr)    ((esr) >> 26 & 63)
#define ESR_WNR        0x40ul
#define ESR_FSC(esr)   ((esr)&0x3c)
#define FSC_PERMISSION 0x0c

arch_trap_hook_t *arch_trap_hook;

static const char *trap_name(uint64_t esr)
{
    switch (ESR_EC(esr)) {
    case TRAP_UNKNOWN:
        return "undefined instruction";
    case TRAP_FP:
        return "FP not available";
    case TRAP_EXEC:
        return "instruction abort";
    case TRAP_PC:
        return "PC alignment";
    case TRAP_DATA:
        return "data abort";
    case TRAP_SP:
        return "SP alignment";
    case TRAP_BRK:
        return "breakpoint";
    default:
        return "exception";
    }
}

static bool recover(struct trap_regs *regs)
{
    uint64_t fixup = report_fixup(regs->pc);

    /* A call to where nothing can be executed faults there, but the entry is that of the call. */
    if (!fixup && regs->pc == regs->far &&
        (ESR_EC(regs->esr) == TRAP_EXEC || ESR_EC(regs->esr) == TRAP_PC))
        fixup = report_fixup(regs->x[30]);
    if (fixup)
        regs->pc = fixup;
    return fixup;
}

static void report_address(const struct trap_regs *regs)
{
    const char *what = ESR_EC(regs->esr) == TRAP_EXEC ? "execute"
                       : regs->esr & ESR_WNR          ? "write"
                                                      : "read";

    report_fault(what, regs->far, ESR_FSC(regs->esr) == FSC_PERMISSION);
}

void arch_trap(struct trap_regs *regs);
void arch_trap(struct trap_regs *regs)
{
    if (arch_trap_hook && arch_trap_hook(regs))
        return;
    if (recover(regs))
        return;
    panic_begin();
    console_printf("\nVCPU %u: %s (class 0x%lx, syndrome 0x%lx)\n", percpu()->vcpu,
                   trap_name(regs->esr), ESR_EC(regs->esr), regs->esr & 0x1ffffff);
    if (ESR_EC(regs->esr) == TRAP_DATA || ESR_EC(regs->esr) == TRAP_EXEC)
        report_address(regs);
    arch_show_regs(regs);
    arch_show_calls(regs);
    panic_end();
}

void arch_bad_entry(unsigned int which, uint64_t pc, uint64_t esr, uint64_t far)
    __attribute__((noreturn));
void arch_bad_entry(unsigned int which, uint64_t pc, uint64_t esr, uint64_t far)
{
    static const char *const what[] = { "an exception with SP_EL0", "an interrupt with SP_EL0",
                                        "an FIQ", "an SError", "an exception from EL0" };
    char name[96];

    panic_begin();
    report_place(name, sizeof(name), pc, pc);
    console_printf("\nVCPU %u: %s, which never comes (syndrome 0x%lx, address 0x%lx) at 0x%lx %s\n",
                   percpu()->vcpu, what[which], esr, far, pc, name);
    panic_end();
}
