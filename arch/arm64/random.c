/* SPDX-License-Identifier: MIT */
/* RNDR, of FEAT_RNG. */
#include "platform_arch.h"

#define ISAR0_RNDR_SHIFT 60
#define TRIES            10

int arch_random(uint64_t *word)
{
    uint64_t isar0;
    bool ok = false;

    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
    if (!(isar0 >> ISAR0_RNDR_SHIFT & 15))
        return -XEN_EOPNOTSUPP;
    /* s3_3_c2_c4_0 is RNDR; it sets Z when it has nothing to give. */
    for (int i = 0; i < TRIES && !ok; i++)
        __asm__ volatile("mrs %0, s3_3_c2_c4_0" : "=r"(*word), "=@ccne"(ok));
    return ok ? 0 : -XEN_EIO;
}
