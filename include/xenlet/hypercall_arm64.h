/* SPDX-License-Identifier: MIT */
/*
 * Calls that only an arm64 guest makes: PSCI (ARM DEN 0022), which Xen implements for its guests.
 * The rules of hypercall.h hold; a VCPU is named by the `reg` of its node below /cpus.
 *
 * ABI: ARM DEN 0022, CPU_ON and its like.
 */
#ifndef XENLET_HYPERCALL_ARM64_H
#define XENLET_HYPERCALL_ARM64_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Start a VCPU at physical address `entry`, MMU off, with `context` in x0.
 *
 * Errors: -ENOENT no such VCPU; -EEXIST it is up; -EINVAL the address; -ENOSYS no PSCI.
 * From: anywhere; does not block.
 */
int hypercall_psci_on(uint64_t mpidr, uint64_t entry, uint64_t context);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
