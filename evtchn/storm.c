/* SPDX-License-Identifier: MIT */
/*
 * Shares. A channel may be delivered `share` times in a tick. The clock is read only when a share is
 * used up: if a tick has passed since it was given, and it was given in another upcall, the channel
 * gets the next one. If not it storms, and is masked until a tick after this upcall is over.
 *
 * So an upcall ends, however much is raised and however slow the handlers are, and what it
 * interrupted has at least a tick for itself before the storm goes on.
 */
#include "evtchn/internal.h"

static void new_share(const struct evtchn_vcpu *v, struct evtchn *ch, uint64_t now)
{
    ch->spent += ch->given - ch->budget;
    ch->given = ch->budget = atomic_read(&ch->share);
    ch->refilled = now;
    ch->refilled_in = v->upcalls;
}

bool evtchn_refill(const struct evtchn_vcpu *v, struct evtchn *ch)
{
    uint64_t now = platform_now_ns();

    if (!(ch->flags & EVTCHN_NO_SHARE) &&
        (now - ch->refilled < EVTCHN_TICK_DEFAULT || ch->refilled_in == v->upcalls))
        return false;
    new_share(v, ch, now);
    return true;
}

void evtchn_arm(const struct evtchn_vcpu *v)
{
    uint64_t at = v->storm_until;

    if (!at || (v->wait_until && v->wait_until < at))
        at = v->wait_until;
    if (at && at != XENLET_FOREVER)
        platform_tick_at(at);
}

/* On the channel's own VCPU, which has upcalls masked. */
void evtchn_storm_begin(struct evtchn_vcpu *v, struct evtchn *ch)
{
    evtchn_hold(ch, REASON_STORM);
    ch->storms++;
    spin_lock(&v->lock);
    /* evtchn_close() sets this reason, then takes the lock to look for the channel here. */
    if (!(atomic_read(&ch->reasons) & REASON_CLOSED)) {
        ch->next = v->storming;
        v->storming = ch;
    }
    spin_unlock(&v->lock);
    v->after_walk = true;
}

void evtchn_storm_rest(struct evtchn_vcpu *v)
{
    if (!atomic_read(&v->storming) || v->storm_until)
        return;
    v->storm_until = platform_now_ns() + EVTCHN_TICK_DEFAULT;
    evtchn_arm(v);
}

void evtchn_storm_forget(struct evtchn *ch)
{
    unsigned long flags = platform_upcalls_save();
    struct evtchn_vcpu *v = evtchn_vcpus[ch->vcpu];

    spin_lock(&v->lock);
    for (struct evtchn **link = &v->storming; *link; link = &(*link)->next) {
        if (*link == ch) {
            *link = ch->next;
            break;
        }
    }
    spin_unlock(&v->lock);
    platform_upcalls_restore(flags);
}

static struct evtchn *take_one(struct evtchn_vcpu *v)
{
    struct evtchn *ch;

    spin_lock(&v->lock);
    ch = v->storming;
    if (ch)
        v->storming = ch->next;
    spin_unlock(&v->lock);
    return ch;
}

void evtchn_tick(void)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    uint64_t now = platform_now_ns();
    struct evtchn *ch;

    if (v->storm_until && now >= v->storm_until) {
        v->storm_until = 0;
        while ((ch = take_one(v)) != NULL) {
            new_share(v, ch, now);
            evtchn_release(ch, REASON_STORM);
        }
    }
    /* evtchn_wait() looks at the clock itself; waking up was all it wanted. */
    if (v->wait_until && now >= v->wait_until)
        v->wait_until = 0;
    evtchn_arm(v);
}

int evtchn_set_share(struct evtchn *ch, uint32_t share)
{
    unsigned long flags;

    if (share == 0)
        return -XEN_EINVAL;
    flags = platform_upcalls_save();
    spin_lock(&ch->lock);
    atomic_write(&ch->share, share);
    /* Only the channel's VCPU writes its budget: elsewhere the next share is the first of this size. */
    if (ch->vcpu == platform_vcpu() && !ch->moved_from) {
        ch->spent += ch->given - ch->budget;
        ch->given = ch->budget = share;
    }
    spin_unlock(&ch->lock);
    platform_upcalls_restore(flags);
    return 0;
}

void evtchn_get_counters(struct evtchn *ch, struct evtchn_counters *counters)
{
    counters->delivered = atomic_read(&ch->spent) + atomic_read(&ch->given) -
                          atomic_read(&ch->budget);
    counters->storms = atomic_read(&ch->storms);
}
