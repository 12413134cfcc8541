/* SPDX-License-Identifier: MIT */
/*
 * Rests: channels that stay masked until a time has come. Two things send a channel there.
 *
 * Shares. A channel may be delivered `share` times in a tick. The clock is read only when a share
 * is used up: if a tick has passed since it was given, and it was given in another upcall, the
 * channel gets the next one. If not, it storms, and rests until a tick after this upcall is over.
 * So an upcall ends, however much is raised and however slow the handlers are, and the interrupted
 * code has at least a tick to itself before the storm goes on.
 *
 * Late EOI. Until evtchn_eoi() the channel is masked anyway. A spurious event keeps it masked for
 * longer, and the longer the more of them come in a row.
 *
 * A resting channel is on the list of the VCPU that sent it there, whose timer ends the rest.
 */
#include "evtchn/internal.h"

#define TICK         EVTCHN_TICK_DEFAULT
#define LONGEST_REST 10u /* as a power of two of ticks */

/*
 * This upcall goes on until evtchn_upcall_pending stays clear (evtchn_upcall_end()): were it over
 * after one walk, and the next made at once, there would be another share in that.
 */
static void new_share(struct evtchn_vcpu *v, struct evtchn *ch, uint64_t now)
{
    ch->spent += ch->given - ch->budget;
    ch->given = ch->budget = atomic_read(&ch->share);
    ch->refilled = now;
    ch->refilled_in = v->upcalls;
    v->after_walk = true;
}

bool evtchn_refill(struct evtchn_vcpu *v, struct evtchn *ch)
{
    uint64_t now = platform_now_ns();

    if (!(ch->flags & EVTCHN_NO_SHARE) &&
        (now - ch->refilled < TICK || ch->refilled_in == v->upcalls))
        return false;
    new_share(v, ch, now);
    return true;
}

/* --- the list ------------------------------------------------------------------------------- */

void evtchn_arm(const struct evtchn_vcpu *v)
{
    uint64_t at = v->rest_until;

    if (!at || (v->wait_until && v->wait_until < at))
        at = v->wait_until;
    if (at && at != XENLET_FOREVER)
        platform_tick_at(at);
}

/* `until` 0: the time is not known before the upcall is over. Upcalls are masked here. */
static void rest(struct evtchn_vcpu *v, struct evtchn *ch, unsigned int reason, uint64_t until)
{
    spin_lock(&v->lock);
    /*
     * evtchn_close() sets its reason, has a full barrier, then looks at rest_on, and takes the lock
     * if it is set: either it sees us on the list, or we see that it closes.
     */
    atomic_write(&ch->rest_on, v);
    smp_mb();
    if (atomic_read(&ch->reasons) & REASON_CLOSED) {
        atomic_write(&ch->rest_on, NULL);
    } else {
        ch->rest_reason = (uint8_t)reason;
        ch->rest_until = until;
        ch->next = v->resting;
        v->resting = ch;
    }
    spin_unlock(&v->lock);
}

/* It is on the list, as rest_on says: that changes under the lock only. */
static void unlink_resting(struct evtchn_vcpu *v, struct evtchn *ch)
{
    struct evtchn **link = &v->resting;

    while (*link != ch)
        link = &(*link)->next;
    atomic_write(link, ch->next); /* evtchn_rest_begin() looks at the first without the lock */
    atomic_write(&ch->rest_on, NULL);
}

unsigned int evtchn_rest_forget(struct evtchn *ch, unsigned int reasons)
{
    unsigned long flags = platform_upcalls_save();
    unsigned int forgotten = 0;
    struct evtchn_vcpu *v;

    smp_mb(); /* why it is held, and the gate, before this: see rest(), and close.c */
    v = atomic_read(&ch->rest_on);
    if (v) {
        spin_lock(&v->lock);
        if (ch->rest_on == v && (ch->rest_reason & reasons)) {
            forgotten = ch->rest_reason;
            unlink_resting(v, ch);
        }
        spin_unlock(&v->lock);
    }
    platform_upcalls_restore(flags);
    return forgotten;
}

/* The first channel whose time has come; NULL for none, and then rest_until is up to date. */
static struct evtchn *find_rested(struct evtchn_vcpu *v, uint64_t now)
{
    uint64_t next = 0;

    for (struct evtchn *ch = v->resting; ch; ch = ch->next) {
        if (ch->rest_until && ch->rest_until <= now)
            return ch;
        if (ch->rest_until && (!next || ch->rest_until < next))
            next = ch->rest_until;
    }
    v->rest_until = next;
    return NULL;
}

void evtchn_tick(void)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    uint64_t now = platform_now_ns();
    struct evtchn *ch;

    /*
     * Hold the lock to the end: evtchn_close() takes it before it frees a channel that is on the
     * list.
     */
    spin_lock(&v->lock);
    while ((ch = find_rested(v, now)) != NULL) {
        unlink_resting(v, ch);
        if (ch->rest_reason == REASON_STORM)
            new_share(v, ch, now);
        evtchn_release(ch, ch->rest_reason);
    }
    spin_unlock(&v->lock);
    /* The wake-up was all that evtchn_wait() wanted: it looks at the clock itself. */
    if (v->wait_until && now >= v->wait_until)
        v->wait_until = 0;
    evtchn_arm(v);
}

/* Channels that are not, or not any more, this VCPU's must not wait for one that goes down. */
void evtchn_rest_leave(struct evtchn_vcpu *v)
{
    struct evtchn *ch, *next;

    spin_lock(&v->lock);
    for (ch = v->resting; ch; ch = next) {
        next = ch->next;
        if (ch->vcpu != v->id) {
            unlink_resting(v, ch);
            evtchn_release(ch, ch->rest_reason);
        }
    }
    spin_unlock(&v->lock);
}

/* --- storms --------------------------------------------------------------------------------- */

/* On the channel's own VCPU, in an upcall. */
void evtchn_storm_begin(struct evtchn_vcpu *v, struct evtchn *ch)
{
    evtchn_hold(ch, REASON_STORM);
    ch->deferred++;
    rest(v, ch, REASON_STORM, 0);
    v->after_walk = true;
}

void evtchn_rest_begin(struct evtchn_vcpu *v)
{
    uint64_t until;

    if (!atomic_read(&v->resting))
        return;
    until = platform_now_ns() + TICK;
    spin_lock(&v->lock);
    for (struct evtchn *ch = v->resting; ch; ch = ch->next) {
        if (!ch->rest_until)
            ch->rest_until = until;
        if (!v->rest_until || ch->rest_until < v->rest_until)
            v->rest_until = ch->rest_until;
    }
    spin_unlock(&v->lock);
    evtchn_arm(v);
}

/* --- late EOI ------------------------------------------------------------------------------- */

/* The first one is free: being bound or moved causes one. Then 1, 2, 4, ... ticks. */
static uint64_t rest_of(struct evtchn *ch)
{
    unsigned int run = ch->spurious_run++;

    if (run == 0)
        return 0;
    return (uint64_t)TICK << (run - 1 < LONGEST_REST ? run - 1 : LONGEST_REST);
}

SELDOM void evtchn_eoi_spurious(struct evtchn *ch)
{
    uint64_t ns = rest_of(ch);
    unsigned long flags;

    ch->spurious++;
    if (ns == 0) {
        evtchn_release(ch, REASON_EOI);
        return;
    }
    flags = platform_upcalls_save();
    ch->deferred++;
    rest(this_evtchn_vcpu(), ch, REASON_EOI, platform_now_ns() + ns);
    evtchn_rest_begin(this_evtchn_vcpu());
    platform_upcalls_restore(flags);
}

/* --- what a program sees of it -------------------------------------------------------------- */

int evtchn_set_share(struct evtchn *ch, uint32_t share)
{
    unsigned long flags;

    if (share == 0)
        return -XEN_EINVAL;
    flags = platform_upcalls_save();
    spin_lock(&ch->lock);
    atomic_write(&ch->share, share);
    /* Only the channel's VCPU writes its budget: elsewhere the next share is the first of this
     * size. */
    if (ch->vcpu == platform_vcpu() && !ch->moved_from) {
        uint32_t used = ch->given - ch->budget; /* of the present share; it stays used */

        ch->budget = share > used ? share - used : 0;
        ch->given = used + ch->budget;
    }
    spin_unlock(&ch->lock);
    platform_upcalls_restore(flags);
    return 0;
}

void evtchn_get_counters(struct evtchn *ch, struct evtchn_counters *counters)
{
    counters->delivered =
        atomic_read(&ch->spent) + atomic_read(&ch->given) - atomic_read(&ch->budget);
    counters->spurious = atomic_read(&ch->spurious);
    counters->deferred = atomic_read(&ch->deferred);
}
