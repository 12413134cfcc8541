/* SPDX-License-Identifier: MIT */
/* VCPUs: PSCI (ARM DEN 0022), which Xen answers for its guests. */
#include <xenlet/hypercall_arm64.h>
#include "hypercall_arch.h"

#define CPU_ON 0xc4000003u

static int errno_of(long psci)
{
    switch (psci) {
    case 0:
        return 0;
    case -1:
        return -XEN_ENOSYS;
    case -2:
        return -XEN_ENOENT;
    case -3:
        return -XEN_EPERM;
    case -4:
    case -5:
        return -XEN_EEXIST;
    default:
        return -XEN_EINVAL;
    }
}

int hypercall_psci_on(uint64_t mpidr, uint64_t entry, uint64_t context)
{
    return errno_of((int32_t)arch_smccc3(CPU_ON, mpidr, entry, context));
}
