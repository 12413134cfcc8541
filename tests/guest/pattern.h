/* SPDX-License-Identifier: MIT */
/*
 * Every general register and the flags, loaded with known values before a few instructions and read
 * back after them. What an exception or an upcall loses on the way shows as a difference.
 */
#ifndef XENLET_TEST_PATTERN_H
#define XENLET_TEST_PATTERN_H

#include <xenlet/types.h>

#define PATTERN_GPRS 15

/* Carry, parity, adjust, zero, sign, direction, overflow: what a program may have set. */
#define PATTERN_FLAGS 0xcd5ul

/* For hooks and handlers whose caller saves no FP registers for them. */
#define GPR_ONLY __attribute__((target("general-regs-only")))

/* The assembly of pattern.c knows this layout. */
struct pattern {
    uint64_t gpr[PATTERN_GPRS]; /* rax rbx rcx rdx rsi rdi rbp r8 ... r15 */
    uint64_t rflags, rsp;
};

extern struct pattern pattern_in, pattern_out;

/* Values of this round: different for each register and each `seed`, no one a canonical address. */
void pattern_fill(unsigned int seed, uint64_t rflags);

/* Whether the registers came back as they were; the first that did not is a failure of the test. */
bool pattern_kept(void);

/*
 * Defines void name(void), which loads pattern_in, executes `instructions` and fills pattern_out.
 * They begin at name_at and end at name_end. rsp is added to pattern_in on the way.
 */
#define PATTERN_FUNCTION(name, instructions)                                           \
    void name(void);                                                                   \
    extern const char name##_at[], name##_end[];                                       \
    __asm__(".pushsection .text." #name ", \"ax\", @progbits\n\t"                      \
            ".globl " #name ", " #name "_at, " #name "_end\n\t"                        \
            ".type " #name ", @function\n" #name ":\n\t"                               \
            "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n\t"     \
            "call pattern_load\n" #name "_at:\n\t" instructions "\n" #name "_end:\n\t" \
            "call pattern_store\n\t"                                                   \
            "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n\t"           \
            "ret\n\t"                                                                  \
            ".size " #name ", . - " #name "\n\t"                                       \
            ".popsection")

#endif
