/* SPDX-License-Identifier: MIT */
/* Descriptor tables. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_set_gdt(const unsigned long *frames, unsigned int entries)
{
    return (int)arch_hypercall2(__HYPERVISOR_set_gdt, frames, entries);
}

int hypercall_update_descriptor(uint64_t ma, uint64_t desc)
{
    return (int)arch_hypercall2(__HYPERVISOR_update_descriptor, ma, desc);
}
