/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: what entry.S saves, and how a fault is survived.
 */
#ifndef XENLET_TRAP_H
#define XENLET_TRAP_H

#include <xenlet/types.h>

/* ESR_EL1.EC */
enum {
    TRAP_UNKNOWN = 0x00,
    TRAP_FP = 0x07,
    TRAP_EXEC = 0x21,
    TRAP_PC = 0x22,
    TRAP_DATA = 0x25,
    TRAP_SP = 0x26,
    TRAP_BRK = 0x3c,
};

/* The layout entry.S builds. */
struct trap_regs {
    uint64_t x[31], sp, pc, pstate, esr, far;
};

/*
 * Asked first at every exception, when set: true means handled, go on with `regs` as they are now.
 * For tests and debuggers. It runs with upcalls masked.
 */
typedef bool arch_trap_hook_t(struct trap_regs *regs);
extern arch_trap_hook_t *arch_trap_hook;

/* Print `regs`; and the calls that led there, named where the image has symbols. */
void arch_show_regs(const struct trap_regs *regs);
void arch_show_calls(const struct trap_regs *regs);

/* Print the calls that led to return address `pc`, with the frames from `fp` on. */
void arch_backtrace(uint64_t pc, uint64_t fp);

/* Where in the program: "name+0x12", or "(not in a function)". */
void arch_symbol(char *buf, size_t size, uint64_t addr);

/* The name of VCPU stack that holds `addr`, or whose guard page does; NULL for none. */
const char *arch_stack_of(uint64_t addr, bool *guard);

#endif
