/* SPDX-License-Identifier: MIT */
/*
 * Waiting for handlers: asleep, and without losing the event that came just before. In a file of
 * its own, so that a kernel with threads can link another evtchn_wait() in its place.
 */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

int evtchn_wait(bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    unsigned long flags = platform_upcalls_save();
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    int rc = 0;

    if (flags)
        return -XEN_EDEADLK;
    while (!done(arg)) {
        if (deadline != XENLET_FOREVER && platform_now_ns() >= deadline) {
            rc = -XEN_ETIME;
            break;
        }
        v->wait_until = deadline;
        evtchn_arm(v);
        /* Unmasks and sleeps in one step: what came since upcalls were masked ends it at once. */
        hypercall_sched_block();
        (void)platform_upcalls_save();
    }
    v->wait_until = 0;
    platform_upcalls_restore(0);
    return rc;
}
