/* SPDX-License-Identifier: MIT */
/* CR0.TS and the debug registers. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_fpu_taskswitch(bool set)
{
    return (int)arch_hypercall1(__HYPERVISOR_fpu_taskswitch, set);
}

int hypercall_set_debugreg(unsigned int reg, unsigned long value)
{
    return (int)arch_hypercall2(__HYPERVISOR_set_debugreg, reg, value);
}
