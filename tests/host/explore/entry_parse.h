/* SPDX-License-Identifier: MIT */
/* The instructions of entry.S that a machine of a few lines can run. */
#ifndef EXPLORE_ENTRY_PARSE_H
#define EXPLORE_ENTRY_PARSE_H

#include <stdint.h>

#define ENTRY_MAX   64u
#define PERCPU_VCPU 2u        /* behind pending and mask: an offset of our own */
#define ENTRY_BASE  0x100000u /* where the first instruction is; each takes 8 bytes */

enum operand_kind {
    NOTHING,
    REGISTER,  /* number */
    IMMEDIATE, /* value */
    STACK,     /* value(%rsp) */
    PERCPU,    /* %gs:value */
    CODE,      /* value: the address of a label */
};

struct operand {
    enum operand_kind kind;
    int64_t value;
};

struct instruction {
    char name[8];
    struct operand a, b;
    char text[64]; /* as in the source */
};

/* From arch_upcall_entry on. How many; 0 with a message in `wrong`. */
unsigned int entry_parse(const char *path, struct instruction *code, char *wrong,
                         unsigned int size);

enum {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    NR_REGISTERS
};
extern const char *const entry_registers[NR_REGISTERS];

#endif
