/* SPDX-License-Identifier: MIT */
/*
 * Masks. A channel is masked for a set of reasons; the bit Xen looks at is clear only when the set
 * is empty. The gate, which deliveries look at, follows in the same step.
 */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

void evtchn_set_gate(struct evtchn *ch)
{
    uint64_t gate = GATE_SHUT;

    if (!ch->reasons && !ch->moved_from) {
        gate = evtchn_gate(ch->vcpu, ch->port);
        if (ch->flags & EVTCHN_LATE_EOI)
            gate |= GATE_LATE_EOI;
        if (!(ch->flags & EVTCHN_HANDLER_GPR))
            gate |= GATE_FP;
    }
    atomic_write(&ch->gate, gate);
}

void evtchn_hold(struct evtchn *ch, unsigned int reason)
{
    unsigned long flags = platform_upcalls_save();
    bool was_open;

    spin_lock(&ch->lock);
    was_open = !ch->reasons;
    atomic_write(&ch->reasons, (uint8_t)(ch->reasons | reason));
    evtchn_set_gate(ch);
    /*
     * Also the full barrier after the gate: a delivery that looks at it from now on sees it shut,
     * see evtchn_begin().
     */
    if (was_open)
        evtchn_ops->mask(ch->port);
    spin_unlock(&ch->lock);
    platform_upcalls_restore(flags);
}

static ALWAYS_INLINE void release(struct evtchn *ch, unsigned int reason, bool by_xen)
{
    unsigned long flags = platform_upcalls_save();
    bool was_shut;

    spin_lock(&ch->lock);
    was_shut = ch->reasons;
    atomic_write(&ch->reasons, (uint8_t)(ch->reasons & ~reason));
    evtchn_set_gate(ch);
    smp_mb(); /* open the gate, then unmask: what that raises must get through */
    if (was_shut && !ch->reasons)
        evtchn_ops->unmask(ch->port, !by_xen && ch->vcpu == platform_vcpu());
    spin_unlock(&ch->lock);
    platform_upcalls_restore(flags);
}

void evtchn_release(struct evtchn *ch, unsigned int reason)
{
    release(ch, reason, false);
}

void evtchn_release_by_xen(struct evtchn *ch, unsigned int reason)
{
    release(ch, reason, true);
}

void evtchn_kick(struct evtchn *ch)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&ch->lock);
    if (!ch->reasons) {
        evtchn_ops->mask(ch->port); /* Xen acts only on a port that is masked */
        evtchn_ops->unmask(ch->port, false);
    }
    spin_unlock(&ch->lock);
    platform_upcalls_restore(flags);
}

int evtchn_mask(struct evtchn *ch)
{
    int rc = evtchn_usable(ch);

    if (rc == 0)
        evtchn_hold(ch, REASON_USER);
    return rc;
}

int evtchn_unmask(struct evtchn *ch)
{
    int rc = evtchn_usable(ch);

    if (rc)
        return rc;
    if (!ch->handler)
        return -XEN_EINVAL;
    evtchn_release(ch, REASON_USER);
    return 0;
}

int evtchn_eoi(struct evtchn *ch, bool spurious)
{
    if (evtchn_usable(ch))
        return -XEN_ENOTCONN;
    if (!(atomic_read(&ch->reasons) & REASON_EOI) || !atomic_is(&ch->rest_on, NULL))
        return -XEN_EINVAL;
    if (spurious) {
        evtchn_eoi_spurious(ch);
    } else {
        ch->spurious_run = 0;
        release(ch, REASON_EOI, false);
    }
    return 0;
}

int evtchn_raise(struct evtchn *ch)
{
    int rc = evtchn_usable(ch);

    if (rc)
        return rc;
    evtchn_ops->set_pending(ch->port);
    evtchn_kick(ch);
    return 0;
}

bool evtchn_is_pending(struct evtchn *ch)
{
    return evtchn_usable(ch) == 0 && evtchn_ops->is_pending(ch->port);
}

bool evtchn_take_pending(struct evtchn *ch)
{
    return evtchn_usable(ch) == 0 && evtchn_ops->clear_pending(ch->port);
}
