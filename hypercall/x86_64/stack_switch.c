/* SPDX-License-Identifier: MIT */
/* The kernel stack Xen uses when user mode traps. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_stack_switch(unsigned long ss, unsigned long sp)
{
    return (int)arch_hypercall2(__HYPERVISOR_stack_switch, ss, sp);
}
