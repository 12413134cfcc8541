/* SPDX-License-Identifier: MIT */
/*
 * Time, and timers. System time is nanoseconds since Xen booted (public/xen.h, struct
 * vcpu_time_info). It never goes back, whichever VCPU asks. After a restore it goes on from where
 * it stood, and differs from Xen's own from then on: see platform_xen_time().
 */
#ifndef XENLET_CLOCK_H
#define XENLET_CLOCK_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * System time now, in ns.
 * From: anywhere; does not block.
 * ABI: public/xen.h, struct vcpu_time_info.
 */
uint64_t clock_now(void);

/*
 * `ns` from now, as a deadline; saturates at XENLET_FOREVER.
 * From: anywhere; does not block.
 * ABI: as clock_now().
 */
uint64_t clock_after(uint64_t ns);

/*
 * Wall clock time: ns since 1970-01-01 00:00 UTC without leap seconds, as the toolstack's domain
 * sets it in Xen. It may jump when it is set there.
 * From: anywhere; does not block.
 * ABI: public/xen.h, struct shared_info, wc_*.
 */
uint64_t clock_wall(void);

/*
 * How long, in ns since it first came up, the calling VCPU wanted to run while Xen ran something
 * else.
 * From: anywhere; does not block.
 * ABI: public/vcpu.h, RUNSTATE_runnable and RUNSTATE_offline.
 */
uint64_t clock_stolen(void);

/*
 * Sleep for `ns`; handlers run meanwhile. In a handler, or with upcalls masked, it returns at once.
 * From: main, any VCPU; blocks.
 * ABI: public/sched.h, SCHEDOP_block.
 */
void clock_sleep(uint64_t ns);

/* A timer that is not set is all zeroes. Its fields are the library's. */
struct clock_timer {
    uint64_t at;                  /* system time */
    void (*function)(void *data); /* what to call */
    void *data;                   /* with what */
    struct clock_timer *next;     /* of the VCPU's queue */
    uint32_t vcpu;                /* on whose queue, plus 1; 0: not set */
};

/*
 * Have `function(data)` called once, as soon as system time is `at`, on the calling VCPU: as a
 * handler, with upcalls masked; it may use FP registers, and set the timer again. A timer that is
 * set is moved to the new time. After 64 calls in a row a VCPU's timers rest for a millisecond.
 * Timers of a VCPU that goes down go off when it is up again.
 * From: main and handlers, any VCPU; does not block. Not for a timer that another VCPU uses at the
 * same time.
 * ABI: public/xen.h, HYPERVISOR_set_timer_op and VIRQ_TIMER; on arm64 the CPU's virtual timer.
 */
void clock_timer_set(struct clock_timer *timer, uint64_t at, void (*function)(void *data),
                     void *data);

/*
 * Cancel a timer; returns whether it was set. If it was not, its function may still be running on
 * the VCPU that had set it.
 * From: main and handlers, any VCPU; does not block.
 * ABI: as clock_timer_set().
 */
bool clock_timer_cancel(struct clock_timer *timer);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
