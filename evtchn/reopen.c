/* SPDX-License-Identifier: MIT */
/*
 * Opening channels again behind their handles, when all ports are gone, after EVTCHNOP_reset or
 * because the domain was restored. What each was bound to is known, or Xen was asked before.
 */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

static domid_t self; /* as Xen says it, before the ports go */

/* Our domain's number: asked who may bind a port for DOMID_SELF, Xen answers with the number. */
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

/* The other end of the loop-back channel `ch`, among those that are still to be opened. */
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

static bool is_foreign(const struct evtchn *ch)
{
    return (ch->kind == KIND_INTERDOMAIN || ch->kind == KIND_UNBOUND) && ch->remote_dom != self &&
           ch->remote_dom != DOMID_SELF;
}

/* Take the port that the toolstack has given the channel in the restored domain. */
static int take_over(struct evtchn *ch)
{
    struct evtchn_status status = { .dom = DOMID_SELF, .port = ch->resume_port };
    int rc = hypercall_evtchn_status(&status);

    ch->port = ch->resume_port;
    return rc ? rc : evtchn_identify(ch, &status);
}

static int find_port(struct evtchn *ch, bool restored)
{
    if (restored && ch->resume_port)
        return take_over(ch);
    if (restored && is_foreign(ch))
        return -XEN_ENOTCONN; /* that domain number may be anybody's now */
    if (ch->kind == KIND_INTERDOMAIN && ch->remote_dom == self)
        return open_loopback(ch);
    return evtchn_open(ch);
}

static int reopen(struct evtchn *ch, bool restored)
{
    unsigned int vcpu = ch->vcpu;
    int rc = find_port(ch, restored);

    if (rc)
        return rc;
    ch->vcpu = vcpu;
    ch->resume_port = 0;
    rc = evtchn_attach(ch);
    if (rc) {
        hypercall_evtchn_close(ch->port);
        return rc;
    }
    if (ch->priority != PRIORITY_UNSET && evtchn_ops->set_priority)
        evtchn_ops->set_priority(ch->port, ch->priority);
    if (vcpu &&
        (ch->kind == KIND_UNBOUND || ch->kind == KIND_INTERDOMAIN || ch->kind == KIND_PIRQ)) {
        atomic_write(&ch->has_moved, true);
        hypercall_evtchn_bind_vcpu(ch->port, vcpu);
    }
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

/* Once all other channels are back. Owners may close what they like, even other lost channels. */
void evtchn_tell_owners(void)
{
    while (lost_channels) {
        struct evtchn *ch = lost_channels;

        lost_channels = ch->next;
        if (ch->lost)
            ch->lost(ch, ch->data);
    }
}

static void reopen_all(struct evtchn *list, bool restored)
{
    /* Before new ports come: the old numbers mean nothing any more. */
    for (struct evtchn *ch = list; ch; ch = ch->next)
        evtchn_unpublish(ch);
    while (list) {
        struct evtchn *ch = list;
        int rc;

        /* Xen's own is gone, and what takes its place we may close */
        ch->flags &= (uint8_t)~FLAG_STATIC;
        rc = reopen(ch, restored);

        list = ch->next;
        if (rc) {
            lose(ch, rc);
            continue;
        }
        evtchn_release_by_xen(ch, REASON_MOVE | REASON_STORM | REASON_EOI);
        if (!(ch->flags & EVTCHN_NO_RERAISE))
            evtchn_raise(ch); /* what was pending is gone: have the handler look */
    }
}

int evtchn_reopen_prepare(void)
{
    int rc = own_domid(&self);

    if (rc)
        return rc;
    evtchn_for_each(look_up_peer, NULL);
    evtchn_for_each(hold, NULL);
    return 0;
}

void evtchn_reopen_cancel(void)
{
    evtchn_for_each(let_go, NULL);
}

void evtchn_reopen(bool restored)
{
    struct evtchn *list = NULL;

    evtchn_for_each(collect, &list);
    evtchn_leave_abi();
    evtchn_choose_abi();
    reopen_all(list, restored);
}

void evtchn_on_lost(struct evtchn *ch, evtchn_handler_t *lost)
{
    ch->lost = lost;
}
