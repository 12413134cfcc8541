/* SPDX-License-Identifier: MIT */
/*
 * EVTCHNOP_reset closes every port of the domain. What each channel was bound to is known, or is
 * asked of Xen before, so that it can be bound again behind its handle.
 */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

/* Our own number: Xen puts it in place of DOMID_SELF when it tells who may bind a port. */
static int own_domid(domid_t *domid)
{
    struct evtchn_status status = { .dom = DOMID_SELF };
    int rc = hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &status.port);

    if (rc)
        return rc;
    rc = hypercall_evtchn_status(&status);
    *domid = status.u.unbound.dom;
    hypercall_evtchn_close(status.port);
    return rc;
}

static void hold(struct evtchn *ch, void *arg)
{
    (void)arg;
    evtchn_hold(ch, REASON_MOVE);
}

static void let_go(struct evtchn *ch, void *arg)
{
    (void)arg;
    evtchn_release_by_xen(ch, REASON_MOVE);
}

/* A port that was unbound may have found its peer since. */
static void look_up_peer(struct evtchn *ch, void *arg)
{
    struct evtchn_status status = { .dom = DOMID_SELF, .port = ch->port };

    (void)arg;
    if (hypercall_evtchn_status(&status) == 0)
        evtchn_identify(ch, &status);
}

static void collect(struct evtchn *ch, void *arg)
{
    struct evtchn **list = arg;

    evtchn_rest_forget(ch, REASON_ANY);
    ch->next = *list;
    *list = ch;
}

/* The other end of loop-back channel `ch` among those that were not opened yet. */
static struct evtchn *find_peer(struct evtchn *list, const struct evtchn *ch)
{
    while (list && list->port != ch->remote_port)
        list = list->next;
    return list;
}

/*
 * Both ends of a loop-back channel are gone. The end met first becomes an unbound port; the other
 * one binds to that when it is met. DOMID_SELF, which Xen never reports, marks it as prepared.
 */
static int open_loopback(struct evtchn *ch)
{
    struct evtchn *peer = find_peer(ch->next, ch);
    int rc;

    if (!peer)
        return -XEN_ENOTCONN;
    ch->kind = KIND_UNBOUND;
    ch->remote_dom = DOMID_SELF;
    rc = evtchn_open(ch);
    if (rc == 0) {
        peer->remote_dom = DOMID_SELF;
        peer->remote_port = ch->port;
    }
    return rc;
}

static int reopen(struct evtchn *ch, domid_t self)
{
    unsigned int vcpu = ch->vcpu;
    int rc;

    if (ch->kind == KIND_INTERDOMAIN && ch->remote_dom == self)
        rc = open_loopback(ch);
    else
        rc = evtchn_open(ch);
    if (rc)
        return rc;
    rc = evtchn_attach(ch);
    if (rc) {
        hypercall_evtchn_close(ch->port);
        return rc;
    }
    if (ch->priority != PRIORITY_UNSET && evtchn_ops->set_priority)
        evtchn_ops->set_priority(ch->port, ch->priority);
    if (vcpu && (ch->kind == KIND_UNBOUND || ch->kind == KIND_INTERDOMAIN || ch->kind == KIND_PIRQ))
        hypercall_evtchn_bind_vcpu(ch->port, vcpu);
    return 0;
}

static struct evtchn *lost_channels; /* whose owners are to be told; on VCPU 0 only */

static void lose(struct evtchn *ch, int error)
{
    platform_log("event channel at port %u is lost: its far end is gone (error %d)", ch->port,
                 error);
    ch->kind = KIND_LOST;
    ch->next = lost_channels;
    lost_channels = ch;
}

void evtchn_lost_forget(struct evtchn *ch)
{
    struct evtchn **link = &lost_channels;

    while (*link && *link != ch)
        link = &(*link)->next;
    if (*link)
        *link = ch->next;
}

/* When all the others are back. Owners may close what they like, lost channels too. */
static void tell_owners(void)
{
    while (lost_channels) {
        struct evtchn *ch = lost_channels;

        lost_channels = ch->next;
        if (ch->lost)
            ch->lost(ch, ch->data);
    }
}

static void reopen_all(struct evtchn *list, domid_t self)
{
    /* Their ports mean nothing any more; before new ones come. */
    for (struct evtchn *ch = list; ch; ch = ch->next)
        evtchn_unpublish(ch);
    while (list) {
        struct evtchn *ch = list;
        int rc;

        ch->flags &= (uint8_t)~FLAG_STATIC; /* Xen's is gone; what comes is ours */
        rc = reopen(ch, self);

        list = ch->next;
        if (rc) {
            lose(ch, rc);
            continue;
        }
        evtchn_release_by_xen(ch, REASON_MOVE | REASON_STORM | REASON_EOI);
        evtchn_raise(ch); /* what was pending is gone: have the handler look */
    }
}

/* Xen answers EAGAIN when a port was bound while it closed them: once more, and that one is gone.
 */
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

#define MAX_KEPT 64u /* at boot there are two: xenstore's and the console's */

static bool is_kept(const struct evtchn_status *s)
{
    return s->status == EVTCHNSTAT_interdomain || s->status == EVTCHNSTAT_unbound;
}

/*
 * The far end may not have bound its port yet: then it finds an unbound one, as before. What is not
 * kept was no port, or is nobody's: it takes a number, so that the next one gets the right one.
 */
static int rebind(const struct evtchn_status *s, evtchn_port_t *got)
{
    if (s->status == EVTCHNSTAT_interdomain)
        return hypercall_evtchn_bind_interdomain(s->u.interdomain.dom, s->u.interdomain.port, got);
    return hypercall_evtchn_alloc_unbound(DOMID_SELF, is_kept(s) ? s->u.unbound.dom : DOMID_SELF,
                                          got);
}

/* Xen gives ports out from the lowest on. */
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
    struct evtchn *list = NULL;
    domid_t self;
    int rc = own_domid(&self);

    if (rc)
        return rc;
    evtchn_for_each(look_up_peer, NULL);
    evtchn_for_each(hold, NULL);
    spin_lock(&evtchn_abi_lock);
    rc = reset();
    spin_unlock(&evtchn_abi_lock);
    if (rc) {
        evtchn_for_each(let_go, NULL);
        return rc;
    }
    evtchn_for_each(collect, &list);
    evtchn_leave_abi();
    evtchn_choose_abi();
    reopen_all(list, self);
    tell_owners();
    return 0;
}

/*
 * The PV shim passes a reset on to Xen, which closes ports of the shim's own too; and keeps a table
 * of ports of ours that the reset does not clear, so that each bind after it is refused. It is
 * known by its refusal of physical interrupts, where Xen looks at the number first.
 */
static bool in_pv_shim(void)
{
    evtchn_port_t port;

    return hypercall_evtchn_bind_pirq(UINT32_MAX, 0, &port) == -XEN_EOPNOTSUPP;
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
        rc = reset_and_reopen();
    platform_upcalls_restore(flags);
    return rc;
}

int evtchn_reset(void)
{
    bool has_static = false;

    evtchn_for_each(look_for_static, &has_static);
    return has_static ? -XEN_EISCONN : evtchn_reset_forced();
}

void evtchn_on_lost(struct evtchn *ch, evtchn_handler_t *lost)
{
    ch->lost = lost;
}
