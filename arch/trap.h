/* SPDX-License-Identifier: MIT */
/*
 * Exceptions, as both CPUs have them. Each CPU's own trap.h includes this, and says what
 * struct trap_regs is; what they share in code is in kernel/report.c.
 */
#ifndef XENLET_ARCH_TRAP_H
#define XENLET_ARCH_TRAP_H

#include <xenlet/types.h>

struct trap_regs;

/*
 * Asked first at every exception, when set: true means handled, go on with `regs` as they are now.
 * For tests and debuggers. It runs with upcalls masked.
 */
typedef bool arch_trap_hook_t(struct trap_regs *regs);
extern arch_trap_hook_t *arch_trap_hook;

/* Print `regs`; and the calls that led there, named where the image has symbols. */
void arch_show_regs(const struct trap_regs *regs);
void arch_show_calls(const struct trap_regs *regs);

/* Print the calls that led to the return address `pc`, with the frames from `fp` on. */
void arch_backtrace(uint64_t pc, uint64_t fp);

#endif
