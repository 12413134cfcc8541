/* SPDX-License-Identifier: MIT */
/* What kernel/ needs of the CPU, on the host; see arch/x86_64/platform_arch.h for the contracts. */
#ifndef XENLET_PLATFORM_ARCH_H
#define XENLET_PLATFORM_ARCH_H

#include <xenlet/platform.h>

int arch_vcpu_info_init(struct vcpu_info **info);
int arch_vcpu_prepare(unsigned int vcpu, struct vcpu_info **info);
int arch_vcpu_up(unsigned int vcpu);
void arch_vcpu_down(void);
bool arch_vcpu_exists(unsigned int vcpu);
bool arch_vcpu_is_up(unsigned int vcpu);
int arch_fp_init(void);

const struct vcpu_time_info *arch_time_info(void);

/* The model's vcpu_time_info has one tick a nanosecond. */
uint64_t arch_counter(void);

static inline uint64_t arch_mul_shift32(uint64_t a, uint32_t b)
{
    uint64_t lo = (uint32_t)a * (uint64_t)b, hi = (a >> 32) * b;

    return hi + (lo >> 32);
}

#endif
