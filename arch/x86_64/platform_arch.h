/* SPDX-License-Identifier: MIT */
/* What kernel/ needs of the CPU it runs on. */
#ifndef XENLET_PLATFORM_ARCH_H
#define XENLET_PLATFORM_ARCH_H

#include <xenlet/platform.h>

/*
 * First of all: this VCPU's own data, and the numbers of pages. After it platform_vcpu(),
 * platform_upcalls_save() and xenlet_gfn() work.
 */
void arch_init(const struct start_info *si);

/* Trap handlers, and W^X with guard pages. Panics when Xen refuses. */
void arch_protect(const struct start_info *si);

/* Register this VCPU's vcpu_info with Xen, and give it. 0 or Xen's answer. */
int arch_vcpu_info_init(struct vcpu_info **info);

/*
 * Other VCPUs. First its own data and stack, and its vcpu_info registered with Xen: once in a life.
 * Then its first instructions, which end in vcpu_main() on it, with upcalls masked. 0, -XEN_ENOMEM,
 * -XEN_ENOENT no such VCPU, or what Xen said.
 */
int arch_vcpu_prepare(unsigned int vcpu, struct vcpu_info **info);
int arch_vcpu_up(unsigned int vcpu);

/* Take this VCPU down; returns when it is brought up again. */
void arch_vcpu_down(void);

/* In a restored domain: a VCPU that is down, and may have been up, is as on the first day. */
int arch_vcpu_restored(unsigned int vcpu);

/* Whether Xen has such a VCPU, and whether it is up. */
bool arch_vcpu_exists(unsigned int vcpu);
bool arch_vcpu_is_up(unsigned int vcpu);

/* Map shared_info; NULL when Xen refuses. */
struct shared_info *arch_map_shared_info(const struct start_info *si);

/* As mapped, so that no mapping of what is not the domain's is left; Xen's answer. */
int arch_unmap_shared_info(void);

/* Show the toolstack the way to the p2m. -XEN_ENOMEM, -XEN_E2BIG. */
int arch_suspend_init(void);

/*
 * The suspend itself, on VCPU 0 while all others stand still. 0: restored, and VCPU 0 is registered
 * with Xen again; 1: cancelled; else Xen refused.
 */
int arch_suspend(void);

/* The free memory begins at pfn boot_used; of it what lies below boot_mapped is mapped already. */
xen_pfn_t arch_mmu_boot_used(void);
xen_pfn_t arch_mmu_boot_mapped(void);

/*
 * Map pfns [from, to) read-write in the linear map; takes page_alloc_for_table() pages for page
 * tables. 0, -XEN_ENOMEM.
 */
int arch_mmu_map_linear(xen_pfn_t from, xen_pfn_t to);

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

/*
 * Find out what FP state there is to save, switch on what Xen lets us have, and give this VCPU an
 * area for it: on each VCPU, whenever it comes up. 0, -XEN_ENOMEM.
 */
int arch_fp_init(void);

/* Print the calls that led here. */
void arch_backtrace_here(void);

#endif
