/* SPDX-License-Identifier: MIT */
/* Page table pinning, base pointers and TLB flushes. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_mmuext_op(const struct mmuext_op *op, unsigned int nr)
{
    return (int)arch_hypercall4(__HYPERVISOR_mmuext_op, op, nr, NULL, DOMID_SELF);
}
