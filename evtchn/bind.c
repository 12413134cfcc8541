/* SPDX-License-Identifier: MIT */
/* Binding a channel to its source. */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

#define ALL_FLAGS \
    (EVTCHN_HANDLER_GPR | EVTCHN_MASKED | EVTCHN_NO_SHARE | EVTCHN_LATE_EOI | EVTCHN_NO_RERAISE)

/* --- Xen's side ----------------------------------------------------------------------------- */

static int bind_virq(struct evtchn *ch)
{
    int rc = hypercall_evtchn_bind_virq(ch->source, ch->vcpu, &ch->port);

    /* Xen binds global and per-domain VIRQs on VCPU 0 only: move it. No VIRQ at all fails again. */
    if (rc != -XEN_EINVAL || ch->vcpu == 0)
        return rc;
    if (atomic_read(&evtchn_vcpus[ch->vcpu]->left))
        return -XEN_ENOENT; /* as evtchn_bind_vcpu() answers */
    rc = hypercall_evtchn_bind_virq(ch->source, 0, &ch->port);
    if (rc)
        return rc;
    ch->has_moved = true;
    rc = hypercall_evtchn_bind_vcpu(ch->port, ch->vcpu);
    if (rc)
        hypercall_evtchn_close(ch->port);
    return rc;
}

int evtchn_open(struct evtchn *ch)
{
    switch (ch->kind) {
    case KIND_UNBOUND:
        return hypercall_evtchn_alloc_unbound(DOMID_SELF, ch->remote_dom, &ch->port);
    case KIND_INTERDOMAIN:
        return hypercall_evtchn_bind_interdomain(ch->remote_dom, ch->remote_port, &ch->port);
    case KIND_VIRQ:
        return bind_virq(ch);
    case KIND_PIRQ:
        return hypercall_evtchn_bind_pirq(ch->source, ch->pirq_flags, &ch->port);
    case KIND_IPI:
        return hypercall_evtchn_bind_ipi(ch->vcpu, &ch->port);
    default:
        return -XEN_ENOTCONN;
    }
}

int evtchn_attach(struct evtchn *ch)
{
    int rc;

    if (ch->port >= evtchn_ops->nr_ports)
        return -XEN_ENOSPC;
    rc = evtchn_ops->port_setup(ch->port);
    return rc ? rc : evtchn_publish(ch);
}

/* --- binding -------------------------------------------------------------------------------- */

static struct evtchn *new_channel(evtchn_handler_t *handler, void *data, unsigned int flags)
{
    struct evtchn *ch = evtchn_handle_alloc();

    if (!ch)
        return NULL;
    ch->handler = handler;
    ch->data = data;
    ch->flags = (uint8_t)flags;
    ch->priority = PRIORITY_UNSET;
    ch->share = EVTCHN_SHARE_DEFAULT;
    ch->given = ch->budget = ch->share;
    if (!handler || (flags & EVTCHN_MASKED))
        atomic_write(&ch->reasons, REASON_MOVE | REASON_USER);
    return ch;
}

int evtchn_bind_like(const struct evtchn *like, evtchn_handler_t *handler, void *data,
                     unsigned int flags, struct evtchn **out)
{
    struct evtchn *ch;
    int rc;

    if (flags & ~ALL_FLAGS)
        return -XEN_EINVAL;
    if (!evtchn_vcpu_exists(like->vcpu))
        return -XEN_ENOENT; /* Xen would drop what it cannot deliver */
    ch = new_channel(handler, data, flags | like->flags);
    if (!ch)
        return -XEN_ENOMEM;
    ch->kind = like->kind;
    ch->port = like->port;
    atomic_write(&ch->vcpu, like->vcpu);
    ch->source = like->source;
    ch->pirq_flags = like->pirq_flags;
    ch->remote_dom = like->remote_dom;
    ch->remote_port = like->remote_port;

    rc = like->port ? 0 : evtchn_open(ch);
    if (rc == 0) {
        rc = evtchn_attach(ch);
        if (rc && !like->port)
            hypercall_evtchn_close(ch->port);
    }
    if (rc) {
        evtchn_handle_free(ch);
        return rc;
    }
    /*
     * The port is older than the ABI: what was sent while Xen switched may be where nobody looks.
     */
    if (like->port && handler && evtchn_ops != &evtchn_ops_2l)
        evtchn_ops->set_pending(ch->port);
    *out = ch; /* before the first delivery: its handler may use it */
    /*
     * Its VCPU may have left after Xen bound the port there, too early to find the channel and move
     * it. What Xen does not move waits until the VCPU is up again.
     */
    if (ch->vcpu && evtchn_vcpu_has_left(evtchn_vcpus[ch->vcpu]))
        (void)evtchn_bind_vcpu(ch, 0);
    evtchn_release(ch, REASON_MOVE);
    return 0;
}

int evtchn_bind_unbound(domid_t remote, evtchn_handler_t *handler, void *data, unsigned int flags,
                        struct evtchn **ch)
{
    struct evtchn like = { .kind = KIND_UNBOUND, .remote_dom = remote };

    return evtchn_bind_like(&like, handler, data, flags, ch);
}

int evtchn_bind_interdomain(domid_t remote, evtchn_port_t remote_port, evtchn_handler_t *handler,
                            void *data, unsigned int flags, struct evtchn **ch)
{
    struct evtchn like = { .kind = KIND_INTERDOMAIN,
                           .remote_dom = remote,
                           .remote_port = remote_port };

    return evtchn_bind_like(&like, handler, data, flags, ch);
}

int evtchn_bind_virq(uint32_t virq, unsigned int vcpu, evtchn_handler_t *handler, void *data,
                     unsigned int flags, struct evtchn **ch)
{
    struct evtchn like = { .kind = KIND_VIRQ, .source = virq, .vcpu = vcpu };

    return evtchn_bind_like(&like, handler, data, flags, ch);
}

int evtchn_bind_pirq(uint32_t pirq, bool share, evtchn_handler_t *handler, void *data,
                     unsigned int flags, struct evtchn **ch)
{
    struct evtchn like = { .kind = KIND_PIRQ,
                           .source = pirq,
                           .pirq_flags = share ? BIND_PIRQ__WILL_SHARE : 0 };

    return evtchn_bind_like(&like, handler, data, flags, ch);
}

int evtchn_bind_ipi(unsigned int vcpu, evtchn_handler_t *handler, void *data, unsigned int flags,
                    struct evtchn **ch)
{
    struct evtchn like = { .kind = KIND_IPI, .vcpu = vcpu };

    return evtchn_bind_like(&like, handler, data, flags, ch);
}

int evtchn_identify(struct evtchn *ch, const struct evtchn_status *s)
{
    atomic_write(&ch->vcpu, s->vcpu);
    switch (s->status) {
    case EVTCHNSTAT_unbound:
        ch->kind = KIND_UNBOUND;
        ch->remote_dom = s->u.unbound.dom;
        return 0;
    case EVTCHNSTAT_interdomain:
        ch->kind = KIND_INTERDOMAIN;
        ch->remote_dom = s->u.interdomain.dom;
        ch->remote_port = s->u.interdomain.port;
        return 0;
    case EVTCHNSTAT_virq:
        ch->kind = KIND_VIRQ;
        ch->source = s->u.virq;
        return 0;
    case EVTCHNSTAT_pirq:
        ch->kind = KIND_PIRQ;
        ch->source = s->u.pirq;
        return 0;
    case EVTCHNSTAT_ipi:
        ch->kind = KIND_IPI;
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

int evtchn_bind_port(evtchn_port_t port, evtchn_handler_t *handler, void *data, unsigned int flags,
                     struct evtchn **ch)
{
    struct evtchn_status status = { .dom = DOMID_SELF, .port = port };
    struct evtchn like = { .port = port };
    int rc = port ? hypercall_evtchn_status(&status) : -XEN_EINVAL;

    if (rc == 0)
        rc = evtchn_identify(&like, &status);
    return rc ? rc : evtchn_bind_like(&like, handler, data, flags, ch);
}
