/* SPDX-License-Identifier: MIT */
/* FS and GS bases. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_set_segment_base(unsigned int which, unsigned long base)
{
    return (int)arch_hypercall2(__HYPERVISOR_set_segment_base, which, base);
}
