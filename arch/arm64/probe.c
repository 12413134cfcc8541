/* SPDX-License-Identifier: MIT */
/* Accesses that may fault: each has an entry in the exception table (kernel/report.c). */
#include <xenlet/memory.h>

/*
 * After a fault at label 1, or in a call that returns to label 1, go on at label 3, with rc as it
 * was.
 */
#define EXTABLE                                    \
    ".pushsection .extable, \"a\", %%progbits\n\t" \
    ".balign 8\n\t"                                \
    ".quad 1b, 3b\n\t"                             \
    ".popsection\n\t"

int xenlet_probe_read(const void *p, uint8_t *value)
{
    long rc = -XEN_EFAULT;
    uint32_t v = 0;

    __asm__ volatile("1: ldrb %w1, [%2]\n\t"
                     "mov %0, #0\n"
                     "3:\n\t" EXTABLE
                     : "+&r"(rc), "+&r"(v)
                     : "r"(p)
                     : "memory");
    if (rc == 0)
        *value = (uint8_t)v;
    return (int)rc;
}

int xenlet_probe_write(void *p, uint8_t value)
{
    long rc = -XEN_EFAULT;

    __asm__ volatile("1: strb %w2, [%1]\n\t"
                     "mov %0, #0\n"
                     "3:\n\t" EXTABLE
                     : "+&r"(rc)
                     : "r"(p), "r"((uint32_t)value)
                     : "memory");
    return (int)rc;
}

int xenlet_probe_exec(const void *p)
{
    register long rc __asm__("x19") = -XEN_EFAULT;

    __asm__ volatile("blr %1\n"
                     "1: mov %0, #0\n"
                     "3:\n\t" EXTABLE
                     : "+r"(rc)
                     : "r"(p)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17", "x30", "memory", "cc");
    return (int)rc;
}
