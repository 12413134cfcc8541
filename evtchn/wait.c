/* SPDX-License-Identifier: MIT */
/*
 * Waiting for handlers: asleep, but without missing an event that came just before. In a file of
 * its own, so that a kernel with threads can link another evtchn_wait() instead.
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
        /*
         * Xen unmasks and blocks in one step (vcpu_block_enable_events()): what has come since
         * upcalls were masked ends the sleep at once.
         */
        hypercall_sched_block();
        (void)platform_upcalls_save();
    }
    v->wait_until = 0;
    platform_upcalls_restore(0);
    return rc;
}
