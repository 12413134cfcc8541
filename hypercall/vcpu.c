/* SPDX-License-Identifier: MIT */
/* Per-VCPU operations, as public/vcpu.h gives them. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_vcpu_op(unsigned int op, unsigned int vcpu, void *arg)
{
    return (int)arch_hypercall3(__HYPERVISOR_vcpu_op, op, vcpu, arg);
}

int hypercall_register_vcpu_info(unsigned int vcpu, uint64_t gfn, uint32_t offset)
{
    struct vcpu_register_vcpu_info op = { .mfn = gfn, .offset = offset };

    return hypercall_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &op);
}
