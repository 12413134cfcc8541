/* SPDX-License-Identifier: MIT */
/* Exceptions: their numbers, and the registers that entry.S saves. */
#ifndef XENLET_TRAP_H
#define XENLET_TRAP_H

#include "arch/trap.h"

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

#endif
