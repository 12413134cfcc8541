/* SPDX-License-Identifier: MIT */
/*
 * The upcall where it is not a straight line, and the deliveries that evtchn_begin() does not make.
 */
#include "evtchn/internal.h"

void evtchn_upcall(void)
{
    const struct evtchn_vcpu *v = this_evtchn_vcpu();

    do {
        evtchn_upcall_t *upcall = atomic_read(&evtchn_upcall_now);

        upcall(v->id);
    } while (atomic_read(&v->info->evtchn_upcall_pending));
}

/* What must wait until no handler runs on this VCPU. */
static void after_walk(struct evtchn_vcpu *v)
{
    v->after_walk = false;
    evtchn_free_closed(v);
    evtchn_rest_begin(v);
    if (v->fp_saved) {
        v->fp_saved = false;
        platform_fp_restore();
    }
}

SELDOM void evtchn_upcall_end(struct evtchn_vcpu *v)
{
    struct vcpu_info *info = v->info;

    while (atomic_read(&info->evtchn_upcall_pending)) {
        const struct evtchn_port_ops *ops = atomic_read(&evtchn_ops);

        atomic_write(&info->evtchn_upcall_pending, 0);
        ops->walk(v, info);
    }
    atomic_write_release(&v->current, IN_UPCALL); /* after what handlers wrote */
    after_walk(v);
}

SELDOM void evtchn_upcall_stopped(unsigned long vcpu)
{
    evtchn_upcall_t *upcall;

    while ((upcall = atomic_read_acquire(&evtchn_upcall_now)) == evtchn_upcall_stopped)
        arch_cpu_relax();
    upcall(vcpu);
}

/*
 * What the walk took from the selector it has not looked at, or it was meant for another ABI: set
 * all of the selector, so that the next walk looks everywhere.
 */
SELDOM void evtchn_wait_for_reset(struct evtchn_vcpu *v)
{
    atomic_write_release(&v->current, NULL);
    while (atomic_read_acquire(&evtchn_upcall_now) == evtchn_upcall_stopped)
        arch_cpu_relax();
    atomic_write(&v->current, IN_UPCALL);
    atomic_xchg_word(&v->info->evtchn_pending_sel, ~(xen_ulong_t)0);
    atomic_write(&v->info->evtchn_upcall_pending, 1);
}

/*
 * The channel was closed, moved or masked meanwhile. What was taken may even be the event of a new
 * channel that is just being bound to the port: PENDING is set for it before we look whether it is
 * there already.
 */
SELDOM void evtchn_give_back(evtchn_port_t port)
{
    struct evtchn *ch;

    evtchn_ops->set_pending(port);
    ch = evtchn_lookup(port);
    if (ch)
        evtchn_kick(ch);
}

/*
 * No handle: a port that nobody bound, or that is being bound or closed just now. PENDING stays for
 * whoever binds it.
 */
static void orphan(struct evtchn_vcpu *v, evtchn_port_t port)
{
    struct evtchn *ch;

    v->orphans++;
    evtchn_ops->mask(port);
    /* If it was bound and unmasked between our two looks, we have just masked it: undo that. */
    ch = evtchn_lookup(port);
    if (ch)
        evtchn_kick(ch);
}

static void save_fp(struct evtchn_vcpu *v)
{
    if (v->fp_saved)
        return;
    platform_fp_save();
    v->fp_saved = true;
    v->after_walk = true;
}

/*
 * The channel was moved here while its handler may have been running on its old VCPU: wait until
 * that is over. Meanwhile `current` must not name the last channel that we ran, or two VCPUs could
 * wait for each other. The gate was shut before `moved_from` was set, by which we came to look: no
 * barrier is needed for that.
 */
static void settle(struct evtchn_vcpu *v, struct evtchn *ch)
{
    struct evtchn_vcpu *from = atomic_read(&ch->moved_from);

    if (!from)
        return;
    atomic_write_release(&v->current, IN_UPCALL);
    while (atomic_read(&from->current) == ch)
        arch_cpu_relax();
    spin_lock(&ch->lock);
    /* The handle may belong to another channel by now, which may have been moved itself. */
    if (atomic_read(&ch->vcpu) == v->id && ch->moved_from == from &&
        atomic_read(&from->current) != ch) {
        atomic_write(&ch->moved_from, NULL);
        evtchn_set_gate(ch);
    }
    spin_unlock(&ch->lock);
}

/*
 * The share is used up, so budget and mask have to change: only the VCPU that is in the channel may
 * do that. The barrier is that of evtchn_begin(): who moves or closes the channel sees us in
 * `current`, or we see that. Returns whether it may be delivered all the same.
 */
static bool has_new_share(struct evtchn_vcpu *v, struct evtchn *ch, uint64_t gate)
{
    smp_mb();
    if (!atomic_is(&ch->gate, gate)) {
        evtchn_give_back((evtchn_port_t)(gate & ~GATE_KINDS));
        return false;
    }
    if (evtchn_refill(v, ch))
        return true;
    evtchn_storm_begin(v, ch);
    return false;
}

/*
 * If the channel is masked, PENDING stays, and whoever unmasks it has it raised. If it is another
 * VCPU's, a port that was taken off a queue must be put on the right one. In a bitmap its own VCPU
 * finds it, having a selector bit for it too, with one exception: Xen's evtchn_send() reads only
 * once whom to notify (notify_vcpu_id), and may set PENDING and a selector bit here after the
 * channel has moved, and after the raise at the end of evtchn_bind_vcpu(). Then nobody but us knows
 * of it; and as the selector bit comes after PENDING, some walk begins after both, and so after the
 * move.
 */
static void hand_on(struct evtchn *ch)
{
    if (evtchn_ops->unlinks || atomic_read(&ch->has_moved))
        evtchn_kick(ch);
}

/* Its event is taken. */
static void run(struct evtchn_vcpu *v, struct evtchn *ch)
{
    if (ch->flags & EVTCHN_LATE_EOI)
        evtchn_hold(ch, REASON_EOI);
    if (!(ch->flags & EVTCHN_HANDLER_GPR))
        save_fp(v);
    (void)atomic_dec_own(&ch->budget);
    ch->handler(ch, ch->data);
}

SELDOM void evtchn_deliver_slow(struct evtchn_vcpu *v, evtchn_port_t port)
{
    struct evtchn *ch = evtchn_lookup(port);
    uint64_t gate;

    if (!ch) {
        orphan(v, port);
        return;
    }
    if (atomic_read(&ch->vcpu) == v->id)
        settle(v, ch);
    gate = atomic_read(&ch->gate);
    if ((gate & ~GATE_KINDS) != v->gate + port) {
        hand_on(ch);
        return;
    }
    atomic_write_release(&v->current, ch);
    if (atomic_read(&ch->budget) == 0 && !has_new_share(v, ch, gate))
        return;
    if (!evtchn_ops->clear_pending(port))
        return; /* evtchn_take_pending() has taken it */
    if (atomic_is(&ch->gate, gate))
        run(v, ch);
    else
        evtchn_give_back(port);
}

/*
 * PENDING is taken already, so it is given back. If the channel is masked for the storm by then, it
 * stays set until the tick; if it was moved in between, and so storms no more, it is raised at
 * once.
 */
SELDOM void evtchn_overspent(struct evtchn *ch, struct evtchn_vcpu *v)
{
    evtchn_port_t port = ch->port;

    atomic_write(&ch->budget, 0);
    if (evtchn_refill(v, ch)) {
        run(v, ch);
    } else {
        evtchn_storm_begin(v, ch);
        evtchn_give_back(port);
    }
}
