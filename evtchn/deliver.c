/* SPDX-License-Identifier: MIT */
/* The upcall, where it is not straight on; and the deliveries evtchn_begin() leaves to others. */
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
 * What the walk took it has not looked at, or it is meant for another ABI: whatever may be there is
 * looked for.
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
 * The channel was closed meanwhile. What was taken may be the event of a new one, which is just
 * being bound to the port: PENDING stays for it, and is set before we look whether it is there
 * already.
 */
SELDOM void evtchn_give_back(evtchn_port_t port)
{
    struct evtchn *ch;

    evtchn_ops->set_pending(port);
    ch = evtchn_lookup(port);
    if (ch)
        evtchn_kick(ch);
}

/* No handle: a port that is being bound or closed just now. PENDING stays for who binds it. */
static void orphan(struct evtchn_vcpu *v, evtchn_port_t port)
{
    struct evtchn *ch;

    v->orphans++;
    evtchn_ops->mask(port);
    /* If it was bound and unmasked between our two looks, we have just masked it for good. */
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
 * The channel came here while its handler may have been running where it was: it does not run here
 * before that is over. `current` must not name the last channel we ran meanwhile, or two VCPUs
 * could wait for each other. The gate was shut before `moved_from` was set, and we look through
 * that: no barrier is needed for it.
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
    /* The handle may lead another life by now, and that may have begun a move of its own. */
    if (atomic_read(&ch->vcpu) == v->id && ch->moved_from == from &&
        atomic_read(&from->current) != ch) {
        atomic_write(&ch->moved_from, NULL);
        evtchn_set_gate(ch);
    }
    spin_unlock(&ch->lock);
}

/*
 * The share is used up, and with it goes the channel's budget and mask: only for whoever is in it.
 * The barrier is that of evtchn_begin(): who moves or closes the channel sees us, or we see it.
 * Returns whether it may be delivered all the same.
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
 * Masked meanwhile: PENDING stays, and whoever unmasks has it raised. Another VCPU's: off a queue
 * it must be put on the right one. In a bitmap it stands for its own VCPU too, which has a selector
 * bit for it, but for one case: evtchn_send() looks once where to notify (notify_vcpu_id), and may
 * set PENDING there after the channel has moved, and after the raise that evtchn_bind_vcpu() ends
 * with. Then nobody but us knows; and as the selector bit comes after PENDING, there is a walk that
 * begins after both, and so after the move.
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
        return; /* evtchn_take_pending() was faster */
    if (atomic_is(&ch->gate, gate))
        run(v, ch);
    else
        evtchn_give_back(port);
}

/*
 * PENDING is taken already. Once the channel is masked for the storm it stays set for the tick; or
 * is raised at once, if the channel was moved in between, and so storms no more.
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
