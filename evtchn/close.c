/* SPDX-License-Identifier: MIT */
/* Closing a channel, so that its handler's data may be freed afterwards. */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

/* The VCPU besides us that runs the handler of `ch`, or may be about to; NULL for none. */
static struct evtchn_vcpu *runner(const struct evtchn *ch)
{
    unsigned int me = platform_vcpu();

    for (unsigned int i = 0; i < XENLET_MAX_VCPUS; i++) {
        struct evtchn_vcpu *v = atomic_read(&evtchn_vcpus[i]);

        if (v && i != me && atomic_read(&v->current) == ch)
            return v;
    }
    return NULL;
}

/*
 * Handlers on several VCPUs may close each other's channels, in a cycle of any length: to wait for
 * one that waits, directly or not, for ours would never end. A VCPU publishes what it waits for,
 * and looks again and again at what others do, so of two that begin at once at least one sees the
 * other.
 */
static bool waits_for_us(const struct evtchn_vcpu *me, const struct evtchn_vcpu *v)
{
    for (unsigned int steps = 0; v && steps < XENLET_MAX_VCPUS; steps++) {
        const struct evtchn *closing = atomic_read(&v->closing);

        if (!closing)
            return false;
        if (closing == atomic_read(&me->current))
            return true;
        v = runner(closing);
    }
    return true;
}

/*
 * Wait until no other VCPU runs the handler; false if that would never end. The gate was shut
 * before the barrier in evtchn_rest_forget(), and we look at `current` after it: see
 * evtchn_begin().
 */
static bool wait_for_others(struct evtchn_vcpu *me, struct evtchn *ch)
{
    bool over = true;
    struct evtchn_vcpu *v;

    atomic_write(&me->closing, ch);
    while (over && (v = runner(ch)) != NULL) {
        if (atomic_read(&me->current) && waits_for_us(me, v))
            over = false;
        arch_cpu_relax();
    }
    atomic_write(&me->closing, NULL);
    return over;
}

void evtchn_free_closed(struct evtchn_vcpu *v)
{
    struct evtchn **link = &v->closed;

    while (*link) {
        struct evtchn *ch = *link;

        if (runner(ch)) {
            v->after_walk = true; /* look again after the next upcall */
            link = &ch->next;
        } else {
            *link = ch->next;
            evtchn_handle_free(ch);
        }
    }
}

/* Xen frees the port; what was pending goes with it. */
static int close_port(struct evtchn *ch)
{
    evtchn_unpublish(ch);
    return hypercall_evtchn_close(ch->port);
}

/*
 * A static channel's port stays as it was found: masked, on VCPU 0, and with what is pending kept
 * for whoever binds it next. So it is unpublished only when no VCPU is about to run the handler:
 * one that has cleared PENDING, and then sees the gate shut, gives the event back to the channel it
 * finds published.
 */
static int leave_port(struct evtchn *ch)
{
    evtchn_unpublish(ch);
    return ch->vcpu ? hypercall_evtchn_bind_vcpu(ch->port, 0) : 0;
}

int evtchn_close(struct evtchn *ch)
{
    bool has_port = ch->kind != KIND_LOST, is_static = ch->flags & FLAG_STATIC;
    struct evtchn_vcpu *me;
    unsigned long flags;
    bool over;
    int rc = 0;

    /* Until the handle is used anew; twice among those that are free, it would be two channels'. */
    if (atomic_read(&ch->reasons) & REASON_CLOSED) {
        platform_log("evtchn_close() of a channel that is closed already, port %u", ch->port);
        return -XEN_EINVAL;
    }
    evtchn_hold(ch, REASON_CLOSED);
    evtchn_rest_forget(ch, REASON_ANY);
    if (!has_port)
        evtchn_lost_forget(ch);
    else if (!is_static)
        rc = close_port(ch);
    flags = platform_upcalls_save();
    me = this_evtchn_vcpu();
    over = atomic_read(&me->current) != ch && wait_for_others(me, ch);
    if (has_port && is_static)
        rc = leave_port(ch);
    if (over) {
        evtchn_handle_free(ch);
    } else {
        ch->next = me->closed;
        me->closed = ch;
        me->after_walk = true;
    }
    platform_upcalls_restore(flags);
    return rc;
}
