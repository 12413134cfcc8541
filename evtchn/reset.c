/* SPDX-License-Identifier: MIT */
/*
 * EVTCHNOP_reset closes every port of the domain. The channels are opened again behind their
 * handles: see reopen.c.
 */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

/* Xen answers EAGAIN if a port was bound while it closed the others: once more closes that too. */
static int reset(void)
{
    int rc;

    do
        rc = hypercall_evtchn_reset(DOMID_SELF);
    while (rc == -XEN_EAGAIN);
    if (rc == 0)
        evtchn_2l_forget_all();
    return rc;
}

/* Called with upcalls masked: one of our own would wait for us for ever. */
void evtchn_stop_upcalls(void)
{
    atomic_write(&evtchn_upcall_now, evtchn_upcall_stopped);
    smp_mb(); /* before we look at `current`: the first full barrier of each walk, see internal.h */
    for (unsigned int i = 0; i < XENLET_MAX_VCPUS; i++) {
        struct evtchn_vcpu *v = atomic_read(&evtchn_vcpus[i]);

        while (v && i != platform_vcpu() && atomic_read_acquire(&v->current))
            arch_cpu_relax();
    }
}

void evtchn_let_upcalls_go(void)
{
    atomic_write_release(&evtchn_upcall_now, evtchn_ops->upcall);
}

#define MAX_KEPT 64u /* at boot there are two: xenstore's and the console's */

static bool is_kept(const struct evtchn_status *s)
{
    return s->status == EVTCHNSTAT_interdomain || s->status == EVTCHNSTAT_unbound;
}

/*
 * If the far end has not bound its port yet, it will find an unbound one, as before. A port that is
 * not kept, or was none, is allocated all the same, so that the next one gets the right number.
 */
static int rebind(const struct evtchn_status *s, evtchn_port_t *got)
{
    if (s->status == EVTCHNSTAT_interdomain)
        return hypercall_evtchn_bind_interdomain(s->u.interdomain.dom, s->u.interdomain.port, got);
    return hypercall_evtchn_alloc_unbound(DOMID_SELF, is_kept(s) ? s->u.unbound.dom : DOMID_SELF,
                                          got);
}

/*
 * Xen gives out the lowest free port: bind them in order, and close those that only took a number.
 */
static void rebind_kept(const struct evtchn_status *kept, unsigned int end)
{
    for (unsigned int port = 1; port < end; port++) {
        evtchn_port_t got = 0;
        int rc = rebind(&kept[port], &got);

        if (rc || got != port)
            platform_log("event channel at port %u is lost (error %d)", port, rc);
    }
    for (unsigned int port = 1; port < end; port++) {
        if (!is_kept(&kept[port]))
            hypercall_evtchn_close(port);
    }
}

/* Called with evtchn_abi_lock held. */
void evtchn_reset_keeping_ports(void)
{
    struct evtchn_status kept[MAX_KEPT];
    unsigned int end = 1;

    for (unsigned int port = 1; port < MAX_KEPT; port++) {
        kept[port] = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
        if (hypercall_evtchn_status(&kept[port]) == 0 && is_kept(&kept[port]))
            end = port + 1;
    }
    if (reset() == 0)
        rebind_kept(kept, end);
}

static int reset_and_reopen(void)
{
    int rc = evtchn_reopen_prepare();

    if (rc)
        return rc;
    spin_lock(&evtchn_abi_lock);
    rc = reset();
    spin_unlock(&evtchn_abi_lock);
    if (rc)
        evtchn_reopen_cancel();
    else
        evtchn_reopen(false);
    return rc;
}

static int reset_beside_others(void)
{
    int rc;

    evtchn_stop_upcalls();
    rc = reset_and_reopen();
    evtchn_let_upcalls_go();
    evtchn_tell_owners();
    return rc;
}

/*
 * The PV shim passes a reset on to Xen, which closes the shim's own ports too; and it keeps a table
 * of our ports that the reset does not clear, so that every bind afterwards is refused. We
 * recognise it by the error for a number that is too large: it has neither physical interrupts nor
 * priorities, where Xen has and looks at the number first. A Xen on Arm has no physical interrupts
 * either, but priorities.
 */
static bool in_pv_shim(void)
{
    evtchn_port_t port;

    return hypercall_evtchn_bind_pirq(UINT32_MAX, 0, &port) == -XEN_EOPNOTSUPP &&
           hypercall_evtchn_set_priority(UINT32_MAX, 0) == -XEN_EOPNOTSUPP;
}

static void look_for_static(struct evtchn *ch, void *arg)
{
    bool *found = arg;

    *found |= ch->flags & FLAG_STATIC;
}

int evtchn_reset_forced(void)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    if (flags)
        return -XEN_EDEADLK;
    if (platform_vcpu() != 0)
        rc = -XEN_EINVAL;
    else if (in_pv_shim())
        rc = -XEN_EOPNOTSUPP;
    else
        rc = reset_beside_others();
    platform_upcalls_restore(flags);
    return rc;
}

int evtchn_reset(void)
{
    bool has_static = false;

    evtchn_for_each(look_for_static, &has_static);
    return has_static ? -XEN_EISCONN : evtchn_reset_forced();
}
