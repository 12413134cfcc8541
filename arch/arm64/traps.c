/* SPDX-License-Identifier: MIT */
/* Exceptions: survived where an exception table says how, reported otherwise. */
#include <xenlet/domain.h>
#include <xenlet/console.h>
#include "arch/arm64/percpu.h"
#include "arch/arm64/trap.h"
#include "kernel/internal.h"

#define ESR_EC(esr)    ((esr) >> 26 & 63)
#define ESR_WNR        0x40ul
#define ESR_FSC(esr)   ((esr)&0x3c)
#define FSC_PERMISSION 0x0c

/* A fault at `at`, or in a call that returns to `at`, goes on at `fixup`. */
struct extable_entry {
    uint64_t at, fixup;
};
extern const struct extable_entry xenlet_extable_start[], xenlet_extable_end[];

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

static bool extable_fixup(struct trap_regs *regs, uint64_t at)
{
    for (const struct extable_entry *e = xenlet_extable_start; e < xenlet_extable_end; e++) {
        if (e->at == at) {
            regs->pc = e->fixup;
            return true;
        }
    }
    return false;
}

static bool recover(struct trap_regs *regs)
{
    if (extable_fixup(regs, regs->pc))
        return true;
    /* A call to where nothing can be executed: the fault is there, but the call is to blame. */
    return (ESR_EC(regs->esr) == TRAP_EXEC || ESR_EC(regs->esr) == TRAP_PC) &&
           regs->pc == regs->far && extable_fixup(regs, regs->x[30]);
}

static void report_address(const struct trap_regs *regs)
{
    const char *what = ESR_EC(regs->esr) == TRAP_EXEC ? "execute"
                       : regs->esr & ESR_WNR          ? "write"
                                                      : "read";
    const char *stack;
    bool guard = false;

    console_printf("cannot %s address 0x%lx: %s\n", what, regs->far,
                   ESR_FSC(regs->esr) == FSC_PERMISSION ? "not allowed there"
                                                        : "nothing is mapped there");
    stack = arch_stack_of(regs->far, &guard);
    if (stack && guard)
        console_printf("stack overflow: the address is in the guard page of %s\n", stack);
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
    arch_symbol(name, sizeof(name), pc);
    console_printf("\nVCPU %u: %s, which never comes (syndrome 0x%lx, address 0x%lx) at 0x%lx %s\n",
                   percpu()->vcpu, what[which], esr, far, pc, name);
    panic_end();
}
