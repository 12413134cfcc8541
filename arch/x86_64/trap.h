/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: what entry.S saves, and how a fault is survived.
 */
#ifndef XENLET_TRAP_H
#define XENLET_TRAP_H

#include <xenlet/types.h>

enum {
    TRAP_DEBUG = 1,
    TRAP_BREAKPOINT = 3,
    TRAP_INVALID_OPCODE = 6,
    TRAP_PAGE_FAULT = 14,
    TRAP_NR = 22,
};

/* The layout entry.S builds; `error` is 0 for exceptions without an error code. */
struct trap_regs {
    uint64_t vector, r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    uint64_t rax, r11, rcx, error, rip, cs, rflags, rsp, ss;
};

/* Tell Xen where this VCPU's exceptions and upcalls go. Returns Xen's answer. */
int arch_traps_init(void);

/* The same table, as the context of a VCPU that is not up yet holds it. */
void arch_traps_fill(struct trap_info table[256]);

/*
 * Asked first at every exception, when set: true means handled, go on with `regs` as they are now.
 * For tests and debuggers. It runs with upcalls masked.
 */
typedef bool arch_trap_hook_t(struct trap_regs *regs);
extern arch_trap_hook_t *arch_trap_hook;

/* Print `regs`; and the calls that led there, named where the image has symbols. */
void arch_show_regs(const struct trap_regs *regs);
void arch_show_calls(const struct trap_regs *regs);

/* Print the calls that led to return address `rip`, with the frames from `rbp` on. */
void arch_backtrace(uint64_t rip, uint64_t rbp);

/* Where in the program: "name+0x12", or "(not in a function)". */
void arch_symbol(char *buf, size_t size, uint64_t addr);

/* The name of VCPU stack that holds `addr`, or whose guard page does; NULL for none. */
const char *arch_stack_of(uint64_t addr, bool *guard);

#endif
