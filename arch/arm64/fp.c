/* SPDX-License-Identifier: MIT */
/* Saving the FP and vector registers: q0 to q31, FPSR and FPCR. */
#include <xenlet/memory.h>
#include "arch/arm64/percpu.h"
#include "platform_arch.h"

void arch_fp_store(void *area);
void arch_fp_load(const void *area);

int arch_fp_init(void)
{
    if (!percpu()->fp_area)
        percpu()->fp_area = xenlet_pages_alloc(1);
    return percpu()->fp_area ? 0 : -XEN_ENOMEM;
}

void platform_fp_save(void)
{
    arch_fp_store(percpu()->fp_area);
}

void platform_fp_restore(void)
{
    arch_fp_load(percpu()->fp_area);
}
