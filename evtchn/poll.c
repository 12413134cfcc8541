/* SPDX-License-Identifier: MIT */
/* Waiting for ports to be pending, without running handlers. */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

#define POLL_MAX 128u /* SCHEDOP_poll's limit */

static bool any_pending(struct evtchn *const *ch, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        if (evtchn_is_pending(ch[i]))
            return true;
    }
    return false;
}

int evtchn_poll(struct evtchn *const *ch, unsigned int n, uint64_t deadline)
{
    evtchn_port_t ports[POLL_MAX];
    int rc;

    if (n == 0 || n > POLL_MAX)
        return -XEN_EINVAL;
    for (unsigned int i = 0; i < n; i++) {
        rc = evtchn_usable(ch[i]);
        if (rc)
            return rc;
        ports[i] = ch[i]->port;
    }
    while (!any_pending(ch, n)) {
        if (deadline != XENLET_FOREVER && platform_now_ns() >= deadline)
            return -XEN_ETIME;
        /* Xen looks at the ports again before it lets the VCPU sleep; it takes 0 for no deadline.
         */
        rc = hypercall_sched_poll(ports, n,
                                  deadline == XENLET_FOREVER ? 0 : platform_xen_time(deadline));
        if (rc)
            return rc;
    }
    return 0;
}
