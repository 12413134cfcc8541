/* SPDX-License-Identifier: MIT */
/* What kernel/ needs of the CPU, on the host, where the model is an x86 PV guest's Xen. */
#ifndef XENLET_PLATFORM_ARCH_H
#define XENLET_PLATFORM_ARCH_H

#include "arch/platform.h"

const struct vcpu_time_info *arch_time_info(void);

/* The model's vcpu_time_info has one tick a nanosecond. */
uint64_t arch_counter(void);

static inline uint64_t arch_mul_shift32(uint64_t a, uint32_t b)
{
    uint64_t lo = (uint32_t)a * (uint64_t)b, hi = (a >> 32) * b;

    return hi + (lo >> 32);
}

#endif
