/* SPDX-License-Identifier: MIT */
/* The registers around an instruction: see pattern.h. */
#include "tests/guest/pattern.h"
#include "tests/guest/test.h"

struct pattern pattern_in, pattern_out;

static const char *const names[PATTERN_GPRS] = { "rax", "rbx", "rcx", "rdx", "rsi",
                                                 "rdi", "rbp", "r8",  "r9",  "r10",
                                                 "r11", "r12", "r13", "r14", "r15" };

_Static_assert(offsetof(struct pattern, rflags) == 8 * PATTERN_GPRS, "");
_Static_assert(offsetof(struct pattern, rsp) == 8 * PATTERN_GPRS + 8, "");

/* mov, push, pop and ret leave the flags alone. */
__asm__(".pushsection .text.pattern, \"ax\", @progbits\n"
        ".macro pattern_each op:vararg\n\t"
        ".set pattern_at, 0\n\t"
        ".irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n\t"
        "\\op \\reg\n\t"
        ".set pattern_at, pattern_at + 8\n\t"
        ".endr\n"
        ".endm\n"
        ".macro pattern_load_one reg\n\t"
        "mov pattern_in + pattern_at, %\\reg\n"
        ".endm\n"
        ".macro pattern_store_one reg\n\t"
        "mov %\\reg, pattern_out + pattern_at\n"
        ".endm\n\t"
        ".type pattern_load, @function\n"
        "pattern_load:\n\t"
        "lea 8(%rsp), %rax\n\t"
        "mov %rax, pattern_in + 128\n\t"
        "push pattern_in + 120\n\t"
        "popfq\n\t"
        "pattern_each pattern_load_one\n\t"
        "ret\n\t"
        ".size pattern_load, . - pattern_load\n\t"
        ".type pattern_store, @function\n"
        "pattern_store:\n\t"
        "pattern_each pattern_store_one\n\t"
        "pushfq\n\t"
        "pop pattern_out + 120\n\t"
        "cld\n\t"
        "lea 8(%rsp), %rax\n\t"
        "mov %rax, pattern_out + 128\n\t"
        "ret\n\t"
        ".size pattern_store, . - pattern_store\n\t"
        ".globl pattern_load, pattern_store\n\t"
        ".popsection");

void pattern_fill(unsigned int seed, uint64_t rflags)
{
    for (unsigned int i = 0; i < PATTERN_GPRS; i++) {
        uint64_t value = (seed * PATTERN_GPRS + i + 1) * 0x9e3779b97f4a7c15ul;

        pattern_in.gpr[i] = (value & 0x0000fffffffffffful) | 0x5a5a000000000000ul;
    }
    pattern_in.rflags = rflags & PATTERN_FLAGS;
}

static bool same(const char *name, uint64_t got, uint64_t expected)
{
    if (got != expected)
        test_fail(__FILE__, __LINE__, "%s: expected 0x%lx, got 0x%lx", name, expected, got);
    return got == expected;
}

bool pattern_kept(void)
{
    bool kept = true;

    for (unsigned int i = 0; i < PATTERN_GPRS; i++)
        kept &= same(names[i], pattern_out.gpr[i], pattern_in.gpr[i]);
    kept &= same("rflags", pattern_out.rflags & PATTERN_FLAGS, pattern_in.rflags);
    kept &= same("rsp", pattern_out.rsp, pattern_in.rsp);
    return kept;
}
