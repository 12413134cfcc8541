/* SPDX-License-Identifier: MIT */
/* Exceptions: their numbers, and the registers that entry.S saves. */
#ifndef XENLET_TRAP_H
#define XENLET_TRAP_H

#include "arch/trap.h"

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

#endif
