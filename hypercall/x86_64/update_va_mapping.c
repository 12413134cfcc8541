/* SPDX-License-Identifier: MIT */
/* The L1 entry of one virtual address. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_update_va_mapping(unsigned long va, uint64_t pte, unsigned long flags)
{
    return (int)arch_hypercall3(__HYPERVISOR_update_va_mapping, va, pte, flags);
}
