/* SPDX-License-Identifier: MIT */
/* What is done with a channel while it is bound. */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

/*
 * The owner changes under the lock. The new one waits for a delivery on the old one that had passed
 * the gate: see settle() in deliver.c.
 */
static void change_owner(struct evtchn *ch, unsigned int vcpu)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&ch->lock);
    if (!ch->moved_from && ch->vcpu != vcpu)
        atomic_write(&ch->moved_from, evtchn_vcpus[ch->vcpu]);
    atomic_write(&ch->has_moved, true);
    atomic_write(&ch->vcpu, vcpu);
    spin_unlock(&ch->lock);
    platform_upcalls_restore(flags);
}

static int move(struct evtchn *ch, unsigned int vcpu)
{
    unsigned int storm = 0;
    int rc;

    evtchn_hold(ch, REASON_MOVE);
    rc = hypercall_evtchn_bind_vcpu(ch->port, vcpu);
    if (rc == 0) {
        change_owner(ch, vcpu);
        storm = evtchn_rest_forget(ch, REASON_STORM); /* it rests on the old VCPU's list */
    }
    /* What is pending was raised on the old VCPU: only Xen can raise it on the new one. */
    evtchn_release_by_xen(ch, REASON_MOVE | storm);
    if (rc == 0 && evtchn_ops->unlinks)
        evtchn_raise(ch); /* Xen drops an event whose queue changes three times under it */
    return rc;
}

/* Moves happen here in the order in which they do in Xen, and none goes to a VCPU that has left. */
static struct spinlock move_lock;

int evtchn_bind_vcpu(struct evtchn *ch, unsigned int vcpu)
{
    unsigned long flags;
    int rc = evtchn_usable(ch);

    if (rc)
        return rc;
    if (!evtchn_vcpu_exists(vcpu))
        return -XEN_ENOENT;
    flags = platform_upcalls_save();
    spin_lock(&move_lock);
    /*
     * On a VCPU that has left, FIFO would link the channel by the raise at the end of a move, and
     * nobody would unlink it.
     */
    rc = evtchn_vcpus[vcpu]->left ? -XEN_ENOENT : move(ch, vcpu);
    spin_unlock(&move_lock);
    platform_upcalls_restore(flags);
    return rc;
}

void evtchn_vcpu_set_left(struct evtchn_vcpu *v, bool left)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&move_lock);
    v->left = left;
    spin_unlock(&move_lock);
    platform_upcalls_restore(flags);
}

bool evtchn_vcpu_has_left(const struct evtchn_vcpu *v)
{
    unsigned long flags = platform_upcalls_save();
    bool left;

    spin_lock(&move_lock);
    left = v->left;
    spin_unlock(&move_lock);
    platform_upcalls_restore(flags);
    return left;
}

int evtchn_set_priority(struct evtchn *ch, unsigned int priority)
{
    int rc = evtchn_usable(ch);

    if (rc)
        return rc;
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -XEN_EINVAL;
    if (!evtchn_ops->set_priority)
        return -XEN_ENOSYS;
    rc = evtchn_ops->set_priority(ch->port, priority);
    if (rc)
        return rc;
    atomic_write(&ch->priority, (uint8_t)priority);
    evtchn_raise(ch); /* as after a change of VCPU */
    return 0;
}

int evtchn_send(struct evtchn *ch)
{
    int rc = evtchn_usable(ch);

    return rc ? rc : hypercall_evtchn_send(ch->port);
}

int evtchn_status(struct evtchn *ch, struct evtchn_status *status)
{
    int rc = evtchn_usable(ch);

    if (rc)
        return rc;
    *status = (struct evtchn_status){ .dom = DOMID_SELF, .port = ch->port };
    return hypercall_evtchn_status(status);
}

int evtchn_pirq_eoi(struct evtchn *ch)
{
    int rc = evtchn_usable(ch);

    if (rc)
        return rc;
    return ch->kind == KIND_PIRQ ? hypercall_physdev_eoi(ch->source) : -XEN_EINVAL;
}

evtchn_port_t evtchn_port(struct evtchn *ch)
{
    return ch->port;
}

unsigned int evtchn_vcpu(struct evtchn *ch)
{
    return ch->vcpu;
}
