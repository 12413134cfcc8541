/* SPDX-License-Identifier: MIT */
/* Accesses that may fault: each has an entry in the exception table (kernel/report.c). */
#include <xenlet/memory.h>
#include "arch/x86_64/mmu.h"

/*
 * After a fault at label 1, or in a call that returns to label 1, go on at label 3, with rc as it
 * was.
 */
#define EXTABLE                                   \
    ".pushsection .extable, \"a\", @progbits\n\t" \
    ".balign 8\n\t"                               \
    ".quad 1b, 3b\n\t"                            \
    ".popsection\n\t"

int xenlet_probe_read(const void *p, uint8_t *value)
{
    int rc = -XEN_EFAULT;
    uint8_t v = 0;

    __asm__ volatile("1: movb %2, %1\n\t"
                     "xorl %0, %0\n"
                     "3:\n\t" EXTABLE
                     : "+r"(rc), "+q"(v)
                     : "m"(*(const volatile uint8_t *)p));
    if (rc == 0)
        *value = v;
    return rc;
}

int arch_probe_read64(const uint64_t *p, uint64_t *value)
{
    int rc = -XEN_EFAULT;
    uint64_t v = 0;

    __asm__ volatile("1: movq %2, %1\n\t"
                     "xorl %0, %0\n"
                     "3:\n\t" EXTABLE
                     : "+r"(rc), "+r"(v)
                     : "m"(*(const volatile uint64_t *)p));
    if (rc == 0)
        *value = v;
    return rc;
}

int xenlet_probe_write(void *p, uint8_t value)
{
    int rc = -XEN_EFAULT;

    __asm__ volatile("1: movb %2, %1\n\t"
                     "xorl %0, %0\n"
                     "3:\n\t" EXTABLE
                     : "+r"(rc), "=m"(*(volatile uint8_t *)p)
                     : "q"(value)
                     : "memory");
    return rc;
}

int xenlet_probe_exec(const void *p)
{
    int rc = -XEN_EFAULT;

    __asm__ volatile("call *%1\n"
                     "1: xorl %0, %0\n"
                     "3:\n\t" EXTABLE
                     : "+b"(rc)
                     : "r"(p)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    return rc;
}
