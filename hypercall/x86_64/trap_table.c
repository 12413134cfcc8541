/* SPDX-License-Identifier: MIT */
/* The exception table of a PV guest. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_set_trap_table(const struct trap_info *table)
{
    return (int)arch_hypercall1(__HYPERVISOR_set_trap_table, table);
}
