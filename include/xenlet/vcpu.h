/* SPDX-License-Identifier: MIT */
/*
 * VCPUs: one program each, run to completion. VCPU 0 runs main(); the others are started with a
 * function, and go down when it returns.
 *
 * ABI: public/vcpu.h, VCPUOP_*; on arm64 PSCI.
 */
#ifndef XENLET_VCPU_H
#define XENLET_VCPU_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * The calling VCPU's number; how many the domain has (xl's maxvcpus), at most 128.
 * From: anywhere; does not block.
 */
unsigned int vcpu_this(void);
unsigned int vcpu_count(void);

/*
 * Bring up `vcpu`, which runs `program(arg)` with upcalls unmasked on a stack of 32 KiB of its own,
 * and goes down when that returns; it can then be started again. Returns when it is up: its timer
 * works, and channels can be bound to it.
 *
 * Errors: -XEN_ENOENT no such VCPU; -XEN_EBUSY it is up (VCPU 0 always); -XEN_EDEADLK with upcalls
 * masked, as in handlers; -XEN_ENOMEM; -XEN_ENOSPC no port is free; or what else Xen said.
 * From: main, any VCPU; blocks until it runs.
 */
int vcpu_start(unsigned int vcpu, void (*program)(void *arg), void *arg);

/*
 * Wait until `vcpu` is down, or `deadline` (ns of system time, XENLET_FOREVER) passes. Only the
 * VCPU that started it is woken when it goes down; another one finds out when something else wakes
 * it, at the latest its deadline.
 *
 * Errors: -XEN_ETIME it is up; -XEN_EINVAL VCPU 0, or a number above 127; -XEN_EDEADLK with upcalls
 * masked, as in handlers.
 * From: main, any VCPU; blocks.
 */
int vcpu_join(unsigned int vcpu, uint64_t deadline);

/*
 * Have `vcpu` run `function(arg)` as a handler that may use FP registers, as soon as its upcalls
 * are unmasked. With `wait`, return when it has been run. On the calling VCPU it is run at once.
 *
 * Errors: -XEN_ENOENT the VCPU is not up, or is VCPU 0 and no other was ever started; -XEN_EDEADLK
 * `wait` with upcalls masked, as in handlers; -XEN_ENOMEM without `wait`.
 * From: main and handlers, any VCPU; blocks with `wait`, does not block without.
 */
int vcpu_call(unsigned int vcpu, void (*function)(void *arg), void *arg, bool wait);

/*
 * Have `vcpu` look again at what it waits for in evtchn_wait(), after another VCPU has made that
 * true.
 *
 * Errors: -XEN_ENOENT the VCPU is not up.
 * From: anywhere; does not block.
 */
int vcpu_wake(unsigned int vcpu);

/* A lock between VCPUs; all zeroes is a free one. */
struct vcpu_lock {
    uint32_t held; /* the library's */
};

/*
 * Take a lock, and release it, with what vcpu_lock() returned. Upcalls are masked while it is held,
 * so handlers may take it too; hold it briefly. Not recursive.
 * From: anywhere; does not block, but spins while another VCPU has it.
 */
unsigned long vcpu_lock(struct vcpu_lock *lock);
void vcpu_unlock(struct vcpu_lock *lock, unsigned long flags);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
