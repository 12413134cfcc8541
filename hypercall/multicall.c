/* SPDX-License-Identifier: MIT */
/* Several hypercalls in one, as public/xen.h gives it. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_multicall(multicall_entry_t *calls, unsigned int nr)
{
    return (int)arch_hypercall2(__HYPERVISOR_multicall, calls, nr);
}
