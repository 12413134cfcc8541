/* SPDX-License-Identifier: MIT */
/* Optional behaviour of the hypervisor, as public/xen.h gives it. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_vm_assist(unsigned int cmd, unsigned int type)
{
    return (int)arch_hypercall2(__HYPERVISOR_vm_assist, cmd, type);
}
