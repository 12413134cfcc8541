/* SPDX-License-Identifier: MIT */
/* What the CPU has, as Xen grants it. */
#ifndef XENLET_CPUID_H
#define XENLET_CPUID_H

#include <xenlet/types.h>

/* Xen answers this CPUID, with what it grants to the guest; the plain one may reach the CPU. */
static inline void xen_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("ud2a; .ascii \"xen\"; cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "0"(leaf), "2"(sub));
}

#endif
