/* SPDX-License-Identifier: MIT */
/* RDRAND. */
#include "arch/x86_64/cpuid.h"
#include "platform_arch.h"

#define CPUID1_ECX_RDRAND (1u << 30)
#define TRIES             10 /* in a row, after which Intel calls the generator broken */

int arch_random(uint64_t *word)
{
    uint32_t r[4];
    bool ok = false;

    xen_cpuid(1, 0, r);
    if (!(r[2] & CPUID1_ECX_RDRAND))
        return -XEN_EOPNOTSUPP;
    for (int i = 0; i < TRIES && !ok; i++)
        __asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(ok));
    return ok ? 0 : -XEN_EIO;
}
