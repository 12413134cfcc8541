/* SPDX-License-Identifier: MIT */
/* What kernel/ needs of this CPU, and what a PV guest has besides. */
#ifndef XENLET_PLATFORM_ARCH_H
#define XENLET_PLATFORM_ARCH_H

#include "arch/platform.h"
#include "boot/x86_64/layout.h"

/* As mapped, so that no mapping of what is not the domain's is left; Xen's answer. */
int arch_unmap_shared_info(void);

/* This VCPU's time, as Xen publishes it. */
const struct vcpu_time_info *arch_time_info(void);

/* The counter vcpu_time_info speaks of, read after every load before it. */
static inline uint64_t arch_counter(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}

/* (a * b) >> 32 without losing bits. */
static inline uint64_t arch_mul_shift32(uint64_t a, uint32_t b)
{
    uint64_t lo, hi;

    __asm__("mulq %3" : "=a"(lo), "=d"(hi) : "a"(a), "r"((uint64_t)b) : "cc");
    return lo >> 32 | hi << 32;
}

#endif
