/* SPDX-License-Identifier: MIT */
/*
 * The table of ports of a domain, and the operations of public/event_channel.h on them. The order
 * of checks is Xen's: it decides which of two errors a guest sees.
 */
#include <stdlib.h>
#include "tests/host/model/internal.h"

struct port *port_of(struct domain *d, evtchn_port_t number)
{
    if (number >= atomic_read(&d->nr_valid))
        return NULL;
    return &d->buckets[number / BUCKET][number % BUCKET];
}

bool port_usable(const struct port *p)
{
    return p->state != FREE && p->state != RESERVED;
}

/* --- giving out and taking back ------------------------------------------------------------- */

static int add_bucket(struct domain *d)
{
    struct port *bucket = calloc(BUCKET, sizeof(*bucket));

    if (!bucket)
        return -XEN_ENOMEM;
    for (uint32_t i = 0; i < BUCKET; i++)
        bucket[i].number = d->nr_valid + i;
    d->buckets[d->nr_valid / BUCKET] = bucket;
    atomic_write_release(&d->nr_valid, d->nr_valid + BUCKET);
    return 0;
}

/*
 * The lowest that is free; one that its queue has not let go of yet is passed over. None below the
 * hint is free: so says docs/abi-3level.md of the test hypervisor; stock Xen looks at all.
 */
static int get_free_port(struct domain *d, struct port **out)
{
    for (evtchn_port_t number = d->free_hint;; number++) {
        struct port *p;
        int rc;

        if (number > d->max_port || number >= abi_of(d)->nr_ports(d))
            return -XEN_ENOSPC;
        if (number >= d->nr_valid) {
            rc = add_bucket(d);
            if (rc)
                return rc;
        }
        p = port_of(d, number);
        if (p->state == FREE && !abi_of(d)->is_busy(d, p)) {
            *out = p;
            return 0;
        }
        if (p->state != FREE && number == d->free_hint)
            d->free_hint++;
    }
}

static void bind(struct domain *d, struct port *p, enum state state, uint32_t vcpu)
{
    p->state = (uint8_t)state;
    atomic_write(&p->vcpu, vcpu);
    abi_of(d)->init_port(d, p);
    d->nr_bound++;
}

static void free_port(struct domain *d, struct port *p)
{
    abi_of(d)->clear_pending(d, p);
    p->state = FREE;
    atomic_write(&p->vcpu, 0);
    if (p->number < d->free_hint)
        d->free_hint = p->number;
    d->nr_bound--;
}

/* Two ports at a time are locked in the order of their addresses. */
static void lock_both(struct port *a, struct port *b)
{
    write_lock(a < b ? &a->lock : &b->lock);
    if (a != b)
        write_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_both(struct port *a, struct port *b)
{
    write_unlock(&a->lock);
    if (a != b)
        write_unlock(&b->lock);
}

void ports_start(struct domain *d)
{
    struct port *zero;

    for (uint32_t i = 0; i < d->nr_valid / BUCKET; i++) {
        free(d->buckets[i]);
        d->buckets[i] = NULL;
    }
    d->nr_valid = d->nr_bound = d->free_hint = 0;
    if (get_free_port(d, &zero) == 0)
        zero->state = RESERVED;
}

/* --- binding; all under model_lock ---------------------------------------------------------- */

static int alloc_unbound(struct vcpu *caller, struct evtchn_alloc_unbound *op)
{
    struct domain *d = domain_of(caller->domain, op->dom);
    struct port *p;
    int rc;

    if (!d)
        return -XEN_ESRCH;
    rc = get_free_port(d, &p);
    if (rc)
        return rc;
    if (d != caller->domain && caller->domain->id != 0)
        return -XEN_EPERM;
    write_lock(&p->lock);
    p->remote_domid = op->remote_dom == DOMID_SELF ? caller->domain->id : op->remote_dom;
    bind(d, p, UNBOUND, 0);
    write_unlock(&p->lock);
    op->port = p->number;
    return 0;
}

static int bind_interdomain(struct vcpu *caller, struct evtchn_bind_interdomain *op)
{
    struct domain *near = caller->domain, *far = domain_of(near, op->remote_dom);
    struct port *p, *peer;
    int rc;

    if (!far)
        return -XEN_ESRCH;
    rc = get_free_port(near, &p);
    if (rc)
        return rc;
    peer = port_of(far, op->remote_port);
    if (!peer || peer->state != UNBOUND || peer->remote_domid != near->id)
        return -XEN_EINVAL;
    lock_both(p, peer);
    p->remote = far;
    p->remote_port = peer->number;
    bind(near, p, INTERDOMAIN, 0);
    peer->remote = near;
    peer->remote_port = p->number;
    peer->state = INTERDOMAIN;
    /* An event may have been sent before the near end was there: it is told to look. */
    abi_of(near)->set_pending(&near->vcpus[p->vcpu], p);
    unlock_both(p, peer);
    op->local_port = p->number;
    return 0;
}

static bool per_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

static int bind_virq(struct vcpu *caller, struct evtchn_bind_virq *op)
{
    struct domain *d = caller->domain;
    struct port *p;
    int rc;

    if (op->virq >= NR_VIRQS || (!per_vcpu(op->virq) && op->vcpu != 0))
        return -XEN_EINVAL;
    if (op->vcpu >= d->nr_vcpus)
        return -XEN_ENOENT;
    if (d->vcpus[op->vcpu].virqs[op->virq])
        return -XEN_EEXIST;
    rc = get_free_port(d, &p);
    if (rc)
        return rc;
    write_lock(&p->lock);
    p->source = op->virq;
    bind(d, p, VIRQ, op->vcpu);
    write_unlock(&p->lock);
    atomic_write(&d->vcpus[op->vcpu].virqs[op->virq], p->number);
    op->port = p->number;
    return 0;
}

static bool pirq_is_bound(struct domain *d, uint32_t pirq)
{
    for (evtchn_port_t number = 1; number < d->nr_valid; number++) {
        const struct port *p = port_of(d, number);

        if (p->state == PIRQ && p->source == pirq)
            return true;
    }
    return false;
}

static int bind_pirq(struct vcpu *caller, struct evtchn_bind_pirq *op)
{
    struct domain *d = caller->domain;
    struct port *p;
    int rc;

    if (op->pirq >= model_config.nr_pirqs)
        return -XEN_EINVAL;
    if (pirq_is_bound(d, op->pirq))
        return -XEN_EEXIST;
    rc = get_free_port(d, &p);
    if (rc)
        return rc;
    write_lock(&p->lock);
    p->source = op->pirq;
    bind(d, p, PIRQ, 0);
    write_unlock(&p->lock);
    op->port = p->number;
    return 0;
}

static int bind_ipi(struct vcpu *caller, struct evtchn_bind_ipi *op)
{
    struct domain *d = caller->domain;
    struct port *p;
    int rc;

    if (op->vcpu >= d->nr_vcpus)
        return -XEN_ENOENT;
    rc = get_free_port(d, &p);
    if (rc)
        return rc;
    write_lock(&p->lock);
    bind(d, p, IPI, op->vcpu);
    write_unlock(&p->lock);
    op->port = p->number;
    return 0;
}

/* --- closing -------------------------------------------------------------------------------- */

static void forget_virq(struct domain *d, const struct port *p)
{
    for (unsigned int i = 0; i < d->nr_vcpus; i++) {
        if (d->vcpus[i].virqs[p->source] == p->number)
            atomic_write(&d->vcpus[i].virqs[p->source], 0);
    }
}

/* The peer keeps its port, its mask and what is pending. */
static void close_interdomain(struct domain *d, struct port *p)
{
    struct port *peer = port_of(p->remote, p->remote_port);

    lock_both(p, peer);
    peer->state = UNBOUND;
    peer->remote_domid = d->id;
    free_port(d, p);
    unlock_both(p, peer);
}

static int close_port(struct domain *d, evtchn_port_t number)
{
    struct port *p = port_of(d, number);

    if (!p || !port_usable(p))
        return -XEN_EINVAL;
    if (p->state == INTERDOMAIN) {
        close_interdomain(d, p);
        return 0;
    }
    if (p->state == VIRQ)
        forget_virq(d, p);
    write_lock(&p->lock);
    free_port(d, p);
    write_unlock(&p->lock);
    return 0;
}

int ports_reset(struct vcpu *caller, const struct evtchn_reset *op)
{
    struct domain *d = domain_of(caller->domain, op->dom);

    if (!d)
        return -XEN_ESRCH;
    if (d != caller->domain)
        return -XEN_EINVAL;
    for (evtchn_port_t number = 1; number < d->nr_valid; number++)
        close_port(d, number);
    if (d->nr_bound)
        return -XEN_EAGAIN;
    fifo_destroy(d);
    l3_destroy(d);
    d->abi = &model_2l;
    return 0;
}

/* --- the rest ------------------------------------------------------------------------------- */

static int status(struct vcpu *caller, struct evtchn_status *op)
{
    struct domain *d = domain_of(caller->domain, op->dom);
    const struct port *p;

    if (!d)
        return -XEN_ESRCH;
    p = port_of(d, op->port);
    if (!p)
        return -XEN_EINVAL;
    if (d != caller->domain && caller->domain->id != 0)
        return -XEN_EPERM;
    switch (p->state) {
    case UNBOUND:
        op->status = EVTCHNSTAT_unbound;
        op->u.unbound.dom = p->remote_domid;
        break;
    case INTERDOMAIN:
        op->status = EVTCHNSTAT_interdomain;
        op->u.interdomain.dom = p->remote->id;
        op->u.interdomain.port = p->remote_port;
        break;
    case VIRQ:
        op->status = EVTCHNSTAT_virq;
        op->u.virq = p->source;
        break;
    case PIRQ:
        op->status = EVTCHNSTAT_pirq;
        op->u.pirq = p->source;
        break;
    case IPI:
        op->status = EVTCHNSTAT_ipi;
        break;
    default:
        op->status = EVTCHNSTAT_closed;
        break;
    }
    op->vcpu = atomic_read(&p->vcpu);
    return 0;
}

/* What is pending stays where it is. */
static int bind_vcpu(struct vcpu *caller, const struct evtchn_bind_vcpu *op)
{
    struct domain *d = caller->domain;
    struct port *p;

    if (op->vcpu >= d->nr_vcpus)
        return -XEN_ENOENT;
    p = port_of(d, op->port);
    if (!p || !port_usable(p) || p->state == IPI || (p->state == VIRQ && per_vcpu(p->source)))
        return -XEN_EINVAL;
    atomic_write(&p->vcpu, op->vcpu);
    return 0;
}

/* --- without model_lock: any number of senders at a time ------------------------------------- */

static int send_to_peer(const struct port *p)
{
    struct domain *far = p->remote;
    struct port *peer = port_of(far, p->remote_port);

    abi_of(far)->set_pending(&far->vcpus[atomic_read(&peer->vcpu)], peer);
    return 0;
}

static int send(struct domain *d, struct port *p)
{
    switch (p->state) {
    case INTERDOMAIN:
        return send_to_peer(p);
    case IPI:
        abi_of(d)->set_pending(&d->vcpus[atomic_read(&p->vcpu)], p);
        return 0;
    case UNBOUND:
        return 0; /* dropped */
    default:
        return -XEN_EINVAL;
    }
}

static int unmask(struct domain *d, struct port *p)
{
    if (port_usable(p))
        abi_of(d)->unmask(d, p);
    return 0;
}

static int set_priority(struct domain *d, struct port *p, uint32_t priority)
{
    if (!abi_of(d)->set_priority)
        return -XEN_ENOSYS;
    if (!port_usable(p))
        return -XEN_EACCES;
    return abi_of(d)->set_priority(d, p, priority);
}

static int on_port(struct vcpu *caller, unsigned int cmd, const void *arg)
{
    /* All three begin with the port's number. */
    const struct evtchn_set_priority *op = arg;
    struct domain *d = caller->domain;
    struct port *p = port_of(d, *(const evtchn_port_t *)arg);
    int rc;

    if (!p)
        return -XEN_EINVAL;
    read_lock(&p->lock);
    if (cmd == EVTCHNOP_send)
        rc = send(d, p);
    else if (cmd == EVTCHNOP_unmask)
        rc = unmask(d, p);
    else
        rc = set_priority(d, p, op->priority);
    read_unlock(&p->lock);
    return rc;
}

/* --- by number ------------------------------------------------------------------------------ */

static int locked_op(struct vcpu *caller, unsigned int cmd, void *arg)
{
    switch (cmd) {
    case EVTCHNOP_alloc_unbound:
        return alloc_unbound(caller, arg);
    case EVTCHNOP_bind_interdomain:
        return bind_interdomain(caller, arg);
    case EVTCHNOP_bind_virq:
        return bind_virq(caller, arg);
    case EVTCHNOP_bind_ipi:
        return bind_ipi(caller, arg);
    case EVTCHNOP_bind_pirq:
        return bind_pirq(caller, arg);
    case EVTCHNOP_close:
        return close_port(caller->domain, ((const struct evtchn_close *)arg)->port);
    case EVTCHNOP_status:
        return status(caller, arg);
    case EVTCHNOP_bind_vcpu:
        return bind_vcpu(caller, arg);
    case EVTCHNOP_reset:
        return ports_reset(caller, arg);
    case EVTCHNOP_init_control:
        return fifo_init_control(caller->domain, arg);
    case EVTCHNOP_expand_array:
        return fifo_expand_array(caller->domain, arg);
    default:
        return l3_op(caller->domain, cmd, arg);
    }
}

static struct refusal {
    unsigned int cmd, skip, times;
    int error;
} refusals[2];

void model_refuse(unsigned int cmd, unsigned int skip, unsigned int times, int error)
{
    refusals[0] = (struct refusal){ cmd, skip, times, error };
    refusals[1].times = 0;
}

void model_refuse_too(unsigned int cmd, unsigned int skip, unsigned int times, int error)
{
    refusals[1] = (struct refusal){ cmd, skip, times, error };
}

/* Xen's answer for a call that is to be refused, else 0. */
static int refusal_of(const struct vcpu *caller, unsigned int cmd)
{
    for (unsigned int i = 0; i < 2; i++) {
        struct refusal *r = &refusals[i];

        if (!r->times || cmd != r->cmd || caller->domain->id != model_config.domid)
            continue;
        if (r->skip) {
            r->skip--;
            continue;
        }
        r->times--;
        return r->error;
    }
    return 0;
}

int ports_op(struct vcpu *caller, unsigned int cmd, void *arg)
{
    int rc;

    if (!arg)
        return -XEN_EFAULT;
    rc = refusal_of(caller, cmd);
    if (rc)
        return rc;
    if (cmd == EVTCHNOP_send || cmd == EVTCHNOP_unmask || cmd == EVTCHNOP_set_priority)
        return on_port(caller, cmd, arg);
    spin_lock(&model_lock);
    rc = locked_op(caller, cmd, arg);
    spin_unlock(&model_lock);
    return rc;
}
