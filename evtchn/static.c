/* SPDX-License-Identifier: MIT */
/* Static channels, once it is known where they are: binding, and whether the peer is there. */
#include <xenlet/evtchn_static.h>
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

/* Whether `what` is a channel that Xen has made, and the peer has not undone. */
static int confirm(const struct evtchn_static *what, struct evtchn_status *status)
{
    int rc;

    *status = (struct evtchn_status){ .dom = DOMID_SELF, .port = what->port };
    rc = what->port ? hypercall_evtchn_status(status) : -XEN_EINVAL;
    if (rc)
        return rc;
    if (status->status == EVTCHNSTAT_unbound)
        return -XEN_ENOTCONN;
    if (status->status != EVTCHNSTAT_interdomain)
        return -XEN_EINVAL;
    if (what->peer_port && status->u.interdomain.port != what->peer_port)
        return -XEN_EXDEV;
    if (what->peer_domid != DOMID_INVALID && status->u.interdomain.dom != what->peer_domid)
        return -XEN_EXDEV;
    return 0;
}

int evtchn_bind_static(const struct evtchn_static *what, evtchn_handler_t *handler, void *data,
                       unsigned int flags, struct evtchn **ch)
{
    struct evtchn like = { .port = what->port, .flags = FLAG_STATIC };
    struct evtchn_status status;
    int rc = confirm(what, &status);

    if (rc == 0)
        rc = evtchn_identify(&like, &status);
    return rc ? rc : evtchn_bind_like(&like, handler, data, flags, ch);
}

/* Note whether the peer is gone; true if it was there when we last looked. */
static bool newly_gone(struct evtchn *ch, bool gone)
{
    unsigned long flags = platform_upcalls_save();
    bool was;

    spin_lock(&ch->lock);
    was = ch->peer_gone;
    ch->peer_gone = gone;
    spin_unlock(&ch->lock);
    platform_upcalls_restore(flags);
    return gone && !was;
}

int evtchn_static_check(struct evtchn *ch, bool *first)
{
    struct evtchn_status status;
    int rc = evtchn_usable(ch);
    bool news;

    if (rc == 0 && !(ch->flags & FLAG_STATIC))
        rc = -XEN_EINVAL;
    if (rc == 0)
        rc = evtchn_status(ch, &status);
    if (rc)
        return rc;
    news = newly_gone(ch, status.status != EVTCHNSTAT_interdomain);
    if (news)
        platform_log("event channel at port %u: its peer, domain %u, has closed its end", ch->port,
                     status.status == EVTCHNSTAT_unbound ? status.u.unbound.dom : ch->remote_dom);
    if (first)
        *first = news;
    return status.status == EVTCHNSTAT_interdomain ? 0 : -XEN_ENOTCONN;
}
