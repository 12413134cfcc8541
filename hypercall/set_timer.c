/* SPDX-License-Identifier: MIT */
/* The one-shot timer of the calling VCPU, as public/xen.h gives it. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_set_timer_op(uint64_t deadline)
{
    return (int)arch_hypercall1(__HYPERVISOR_set_timer_op, deadline);
}
