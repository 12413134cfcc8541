/* SPDX-License-Identifier: MIT */
/* Saving the registers of x87, SSE and AVX: XSAVE where there is one, else FXSAVE. See fp.h. */
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/x86_64/cpuid.h"
#include "arch/x86_64/fp.h"
#include "arch/x86_64/percpu.h"
#include "platform_arch.h"
#include "kernel/string.h"

#define CPUID1_ECX_XSAVE (1u << 26)
#define CR4_OSXSAVE      (1ul << 18)
#define XCR0_X87_SSE     0x3ul
#define XCR0_AVX         0x4ul
#define FXSAVE_SIZE      512u

static uint64_t mask;
static uint32_t size;

/* Both are privileged: Xen catches the fault and does it for us. */
static void set_cr4(uint64_t bits)
{
    uint64_t cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | bits) : "memory");
}

static void set_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static uint64_t get_xcr0(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

int arch_fp_init(void)
{
    uint32_t r[4];
    void *area;

    size = FXSAVE_SIZE;
    xen_cpuid(1, 0, r);
    if (r[2] & CPUID1_ECX_XSAVE) {
        set_cr4(CR4_OSXSAVE);
        xen_cpuid(0xd, 0, r);
        set_xcr0(XCR0_X87_SSE | (r[0] & XCR0_AVX));
        mask = get_xcr0();
        xen_cpuid(0xd, 0, r);
        size = r[1]; /* of what XCR0 has on now */
    }
    if (percpu()->fp_area)
        return 0; /* this VCPU was up before */
    area = xenlet_pages_alloc((size + XENLET_PAGE_SIZE - 1) / XENLET_PAGE_SIZE);
    if (!area)
        return -XEN_ENOMEM;
    percpu()->fp_area = memset(area, 0, size); /* XSAVE leaves parts of the header alone */
    return 0;
}

void platform_fp_save(void)
{
    static const uint32_t mxcsr = 0x1f80;
    void *area = percpu()->fp_area;

    if (mask)
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((uint32_t)mask),
                         "d"((uint32_t)(mask >> 32))
                         : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
    __asm__ volatile("fninit; ldmxcsr %0" ::"m"(mxcsr));
}

void platform_fp_restore(void)
{
    void *area = percpu()->fp_area;

    if (mask)
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((uint32_t)mask),
                         "d"((uint32_t)(mask >> 32))
                         : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

uint64_t arch_fp_mask(void)
{
    return mask;
}

uint32_t arch_fp_size(void)
{
    return size;
}
