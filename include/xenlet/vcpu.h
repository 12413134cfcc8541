/* SPDX-License-Identifier: MIT */
/*
 * VCPUs: one program each, run to completion. VCPU 0 runs main(); the others are started with a
 * function, and go down when it returns.
 */
#ifndef XENLET_VCPU_H
#define XENLET_VCPU_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* The calling VCPU's number; how many the domain has (xl's maxvcpus), at most 128. From anywhere.
 */
unsigned int vcpu_this(void);
unsigned int vcpu_count(void);

/*
 * Bring up `vcpu`, which runs `program(arg)` with upcalls unmasked and its own stack of 32 KiB, and
 * goes down when that returns; it can be started again then. Its timer works, channels can be bound
 * to it. Returns when it runs. -XEN_ENOENT no such VCPU, -XEN_EBUSY it is up (VCPU 0 always),
 * -XEN_ENOMEM, or what Xen said. Not from handlers (-XEN_EDEADLK).
 */
int vcpu_start(unsigned int vcpu, void (*program)(void *arg), void *arg);

/*
 * Wait until `vcpu` is down, or `deadline` passes: 0, -XEN_ETIME, -XEN_EINVAL for VCPU 0. Only the
 * VCPU that started it is woken by its end; another one finds out at its deadline. Not from
 * handlers.
 */
int vcpu_join(unsigned int vcpu, uint64_t deadline);

/*
 * Run `function(arg)` on `vcpu`, as a handler that may use FP registers, soon: when it unmasks
 * upcalls. With `wait`, return when it was run: then not from handlers (-XEN_EDEADLK). On the
 * calling VCPU it is run at once. -XEN_ENOENT the VCPU is not up, -XEN_ENOMEM.
 */
int vcpu_call(unsigned int vcpu, void (*function)(void *arg), void *arg, bool wait);

/*
 * Have `vcpu` look again at what it waits for in evtchn_wait(): for conditions that other VCPUs
 * make true. From anywhere. -XEN_ENOENT the VCPU is not up.
 */
int vcpu_wake(unsigned int vcpu);

/*
 * A lock between VCPUs, held briefly: upcalls are masked meanwhile, so handlers may take it too.
 * vcpu_lock() returns what vcpu_unlock() wants back. Zeroes are a free lock. Not recursive.
 */
struct vcpu_lock {
    uint32_t held;
};
unsigned long vcpu_lock(struct vcpu_lock *lock);
void vcpu_unlock(struct vcpu_lock *lock, unsigned long flags);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
