/* SPDX-License-Identifier: MIT */
/* Page table writes by machine address. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_mmu_update(const struct mmu_update *req, unsigned int nr)
{
    return (int)arch_hypercall4(__HYPERVISOR_mmu_update, req, nr, NULL, DOMID_SELF);
}
