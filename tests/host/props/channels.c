/* SPDX-License-Identifier: MIT */
/* Channels: bound, used, closed; what the peer does with its ends; and what handlers do. */
#include <string.h>
#include "evtchn/internal.h"
#include "tests/host/platform/host.h"
#include "tests/host/props/props.h"
#include <xenlet/hypercall.h>

struct life *slots[SLOTS];
uint64_t nr_delivered;

static void props_handler(struct evtchn *ch, void *data);

/* --- bound ---------------------------------------------------------------------------------- */

static unsigned int flags_of(const struct life *l)
{
    return (l->gpr ? EVTCHN_HANDLER_GPR : 0) | (l->late ? EVTCHN_LATE_EOI : 0) |
           (l->no_share ? EVTCHN_NO_SHARE : 0) | (l->masked ? EVTCHN_MASKED : 0);
}

static struct life *conceive(const struct op *op, int type)
{
    struct life *l = life_new();

    l->type = type;
    l->polled = (op->arg & 7) == 0;
    l->masked = (op->arg & 7) == 1;
    l->late = (op->arg & 24) == 8;
    l->gpr = op->arg & 32;
    l->no_share = (op->arg & 192) == 64;
    l->behave = below(24);
    l->left = below(4) ? below(6) : below(200);
    return l;
}

/* -ENOSPC and -ENOMEM are what a program has to live with; nothing else is. */
static bool bound(struct life *l, unsigned int slot, int rc)
{
    host_memory_fail_after(UINT32_MAX);
    if (rc) {
        PROPS_CHECK(rc == -XEN_ENOSPC || rc == -XEN_ENOMEM || rc == -XEN_EEXIST ||
                        (rc == -XEN_ENOENT && may_move(l) && evtchn_vcpus[l->vcpu]->left),
                    "bind: error %d", rc);
        PROPS_CHECK(!l->delivered, "channel %u: not bound, but delivered", l->number);
        l->closed_done = true;
        l->ch = NULL;
        return false;
    }
    if (!l->closed) /* by its own handler, already */
        slots[slot] = l;
    return true;
}

static evtchn_handler_t *handler_of(const struct life *l)
{
    return l->polled ? NULL : props_handler;
}

static void bind_ipi(struct life *l, unsigned int vcpu, unsigned int slot)
{
    l->vcpu = vcpu;
    bound(l, slot, evtchn_bind_ipi(vcpu, handler_of(l), l, flags_of(l), &l->ch));
}

static void bind_unbound(struct life *l, domid_t remote, unsigned int slot)
{
    bound(l, slot, evtchn_bind_unbound(remote, handler_of(l), l, flags_of(l), &l->ch));
}

/* The peer offers a port, and we take it. */
static void bind_interdomain(struct life *l, unsigned int slot)
{
    struct evtchn_alloc_unbound offer = { .dom = DOMID_SELF, .remote_dom = 0 };
    struct evtchn_close back;

    if (model_peer_op(EVTCHNOP_alloc_unbound, &offer) != 0)
        return;
    l->peer_port = offer.port;
    life_may_see(l); /* Xen tells the binder to look */
    if (!bound(l, slot,
               evtchn_bind_interdomain(model_peer(), offer.port, handler_of(l), l, flags_of(l),
                                       &l->ch))) {
        back.port = offer.port;
        model_peer_op(EVTCHNOP_close, &back);
    }
}

static void bind_loopback(const struct op *op)
{
    unsigned int other = (op->slot + 1 + below(SLOTS - 1)) % SLOTS;
    struct life *a, *b;

    if (slots[other])
        return;
    a = conceive(op, LOOP);
    bind_unbound(a, DOMID_SELF, op->slot);
    if (!a->ch)
        return;
    b = conceive(op, LOOP);
    a->in_api = true;
    life_may_see(b);
    if (bound(b, other,
              evtchn_bind_interdomain(DOMID_SELF, evtchn_port(a->ch), handler_of(b), b, flags_of(b),
                                      &b->ch)) &&
        !a->closed && !b->closed) {
        a->partner = b;
        b->partner = a;
    }
    a->in_api = false;
}

static void bind_virq(struct life *l, const struct op *op)
{
    static const uint32_t virqs[] = { VIRQ_XENOPROF, VIRQ_DEBUG, VIRQ_TBUF, VIRQ_ARGO };

    l->virq = virqs[below(4)];
    l->vcpu = op->vcpu;
    bound(l, op->slot, evtchn_bind_virq(l->virq, op->vcpu, handler_of(l), l, flags_of(l), &l->ch));
}

/* A port that somebody else bound before, with what came in meanwhile. */
static void bind_port(struct life *l, unsigned int vcpu, unsigned int slot)
{
    evtchn_port_t port;

    if (hypercall_evtchn_bind_ipi(vcpu, &port) != 0)
        return;
    l->vcpu = vcpu;
    life_may_see(l); /* it may have been there before the ABI was */
    for (unsigned int i = below(3); i > 0; i--) {
        life_sent(l);
        hypercall_evtchn_send(port);
    }
    if (!bound(l, slot, evtchn_bind_port(port, handler_of(l), l, flags_of(l), &l->ch)))
        hypercall_evtchn_close(port);
}

void do_bind(const struct op *op)
{
    struct life *l;

    if (slots[op->slot])
        return;
    if (below(16) == 0)
        host_memory_fail_after(below(3));
    if (op->kind == OP_bind_loopback) {
        bind_loopback(op);
        host_memory_fail_after(UINT32_MAX);
        return;
    }
    l = conceive(op, op->kind == OP_bind_virq                                         ? VIRQ_OF
                     : op->kind == OP_bind_unbound || op->kind == OP_bind_interdomain ? PEER
                                                                                      : IPI);
    if (op->kind == OP_bind_ipi)
        bind_ipi(l, op->arg % config.vcpus, op->slot);
    else if (op->kind == OP_bind_unbound)
        bind_unbound(l, model_peer(), op->slot);
    else if (op->kind == OP_bind_interdomain)
        bind_interdomain(l, op->slot);
    else if (op->kind == OP_bind_virq)
        bind_virq(l, op);
    else
        bind_port(l, op->arg % config.vcpus, op->slot);
    host_memory_fail_after(UINT32_MAX);
}

void do_close(struct life *l)
{
    struct evtchn *ch = l->ch;
    bool own = l->inside;

    if (l->closed)
        return;
    l->closed = true;
    if (l->partner)
        l->partner->partner = NULL;
    for (unsigned int i = 0; i < SLOTS; i++) {
        if (slots[i] == l)
            slots[i] = NULL;
    }
    PROPS_CHECK(evtchn_close(ch) == 0, "channel %u: close failed", l->number);
    l->closed_done = !own;
    l->ch = NULL;
}

/* --- what the peer and Xen do --------------------------------------------------------------- */

void peer_bind(struct life *l)
{
    struct evtchn_bind_interdomain op = { .remote_dom = 0 };

    if (l->type != PEER || l->peer_port)
        return;
    op.remote_port = evtchn_port(l->ch);
    if (model_peer_op(EVTCHNOP_bind_interdomain, &op) == 0)
        l->peer_port = op.local_port;
}

void peer_send(struct life *l)
{
    struct evtchn_send op = { .port = l->peer_port };

    if (l->type != PEER || !l->peer_port)
        return;
    life_sent(l);
    PROPS_CHECK(model_peer_op(EVTCHNOP_send, &op) == 0, "the peer cannot send");
}

void peer_close(struct life *l)
{
    struct evtchn_close op = { .port = l->peer_port };

    if (l->type != PEER || !l->peer_port)
        return;
    l->peer_port = 0;
    PROPS_CHECK(model_peer_op(EVTCHNOP_close, &op) == 0, "the peer cannot close");
}

void raise_virq(struct life *l)
{
    if (l->type != VIRQ_OF)
        return;
    life_sent(l);
    /* A global one is VCPU 0's for Xen, wherever it is delivered. */
    model_raise_virq(l->virq == VIRQ_XENOPROF || l->virq == VIRQ_DEBUG ? l->vcpu : 0, l->virq);
}

/* Before a step of the guest's. */
void props_inject(void)
{
    struct life *l = slots[below(SLOTS)];

    if (!l || l->closed || !l->ch)
        return;
    if (below(2))
        peer_send(l);
    else
        raise_virq(l);
}

/* --- used ----------------------------------------------------------------------------------- */

bool is_lost(const struct life *l)
{
    return l->ch->kind == KIND_LOST;
}

void do_send(struct life *l)
{
    struct life *far = l->type == IPI ? l : l->partner;
    int rc;

    if (is_lost(l))
        return;
    if (l->type == IPI || (l->type == LOOP && far))
        life_sent(far);
    rc = evtchn_send(l->ch);
    PROPS_CHECK(rc == (l->type == VIRQ_OF ? -XEN_EINVAL : 0), "channel %u: send: error %d",
                l->number, rc);
    if (l->type == PEER && l->peer_port)
        PROPS_CHECK(model_peer_take(l->peer_port), "the peer saw nothing");
}

void do_raise(struct life *l)
{
    if (is_lost(l))
        return;
    life_sent(l);
    PROPS_CHECK(evtchn_raise(l->ch) == 0, "channel %u: raise failed", l->number);
}

void do_unmask(struct life *l)
{
    bool nested = l->unmasking;
    int rc;

    l->masked = false;
    l->unmasking = true;
    rc = evtchn_unmask(l->ch);
    l->unmasking = nested;
    if (l->masked) /* by a handler that came in between: before ours took effect, or after */
        l->masked = l->ch->reasons & REASON_USER;
    PROPS_CHECK(rc == 0 || is_lost(l) || (l->polled && rc == -XEN_EINVAL),
                "channel %u: unmask: error %d", l->number, rc);
}

void do_mask(struct life *l)
{
    int rc = evtchn_mask(l->ch);

    PROPS_CHECK(rc == 0 || is_lost(l), "channel %u: mask: error %d", l->number, rc);
    l->raised_at = SOMEWHERE;
    l->masked = !is_lost(l);
}

bool may_move(const struct life *l)
{
    return l->type != IPI && !(l->type == VIRQ_OF && l->virq != VIRQ_TBUF && l->virq != VIRQ_ARGO);
}

void do_move(struct life *l, unsigned int vcpu)
{
    int rc;

    if (is_lost(l))
        return;
    l->moving++;
    life_may_see(l);
    rc = evtchn_bind_vcpu(l->ch, vcpu);
    l->moving--;
    PROPS_CHECK(rc == (evtchn_vcpus[vcpu]->left ? -XEN_ENOENT
                       : may_move(l)            ? 0
                                                : -XEN_EINVAL),
                "channel %u: move: error %d", l->number, rc);
    if (rc == 0 && l->ch)
        l->vcpu = evtchn_vcpu(l->ch);
    l->raised_at = SOMEWHERE;
}

void do_priority(struct life *l, unsigned int priority)
{
    bool fifo = strcmp(evtchn_abi(), "fifo") == 0;
    int rc;

    if (is_lost(l))
        return;
    life_may_see(l);
    rc = evtchn_set_priority(l->ch, priority);
    PROPS_CHECK(rc == (priority > 15 ? -XEN_EINVAL
                       : fifo        ? 0
                                     : -XEN_ENOSYS),
                "channel %u: priority: error %d", l->number, rc);
    if (rc == 0 && l->ch)
        l->priority = l->ch->priority; /* its handler, called meanwhile, may have set another */
    l->raised_at = SOMEWHERE;
}

bool late_and_awaited(const struct life *l)
{
    return (l->ch->reasons & REASON_EOI) && !l->ch->rest_on;
}

void do_eoi(struct life *l, bool spurious)
{
    bool awaited = l->awaits_eoi;
    uint64_t delivered = l->delivered;
    int rc;

    l->awaits_eoi = false;
    l->raised_at = SOMEWHERE;
    l->ends_eoi = !l->inside;
    rc = evtchn_eoi(l->ch, spurious);
    l->ends_eoi = false;
    if (!awaited && l->delivered != delivered) { /* an upcall came first: this was for that */
        l->awaits_eoi = late_and_awaited(l);
        return;
    }
    PROPS_CHECK(rc == (awaited ? 0 : -XEN_EINVAL) || is_lost(l), "channel %u: EOI: error %d",
                l->number, rc);
}

void do_take(struct life *l)
{
    uint64_t sent = l->sent;

    if (evtchn_take_pending(l->ch)) {
        life_taken(l);
        l->raised_at = SOMEWHERE; /* what is not pending may be linked still */
    } else {
        PROPS_CHECK(l->seen >= sent || is_lost(l) || !l->polled,
                    "channel %u: %lu were sent, %lu seen, and none is pending", l->number,
                    (unsigned long)sent, (unsigned long)l->seen);
    }
}

void do_poll(struct life *l)
{
    bool pending = evtchn_is_pending(l->ch);
    int rc = evtchn_poll(&l->ch, 1, platform_now_ns());

    PROPS_CHECK(is_lost(l) ? rc == -XEN_ENOTCONN : rc == 0 || rc == -XEN_ETIME,
                "channel %u: poll: error %d", l->number, rc);
    if (l->polled && pending)
        PROPS_CHECK(rc == 0, "channel %u: poll does not see what is pending", l->number);
}

/* --- handlers ------------------------------------------------------------------------------- */

static struct life *other_life(void)
{
    struct life *l = slots[below(SLOTS)];

    return l && !l->closed && l->ch ? l : NULL;
}

static void handler_acts(struct life *l)
{
    struct life *other = other_life();

    if (l->late && l->behave < 12) {
        do_eoi(l, l->behave < 4);
        if (l->left == 0)
            return;
    }
    if (l->left == 0)
        return;
    l->left--;
    switch (l->behave) {
    case 12:
    case 13:
        if (l->type == IPI)
            do_send(l);
        else
            do_raise(l);
        break;
    case 14:
        do_mask(l);
        break;
    case 15:
        do_mask(l);
        do_raise(l);
        do_unmask(l);
        break;
    case 16:
        if (!l->in_api) /* nor may a program: what it interrupts is not done with the handle */
            do_close(l);
        break;
    case 17:
        if (other && !other->in_api)
            do_close(other);
        break;
    case 18:
    case 19:
        if (other)
            do_raise(other);
        break;
    case 20:
        do_move(l, below(config.vcpus));
        break;
    case 21:
        if (other)
            do_move(other, below(config.vcpus));
        break;
    case 22:
        do_priority(l, below(16));
        break;
    case 23:
        if (other)
            do_mask(other);
        break;
    default:
        break;
    }
}

static void props_handler(struct evtchn *ch, void *data)
{
    struct life *l = data;
    bool closing = l->closed; /* by what we interrupt */

    if (!l->ch)
        l->ch = ch; /* within its own bind */
    PROPS_CHECK(l->ch == ch || l->closed, "channel %u: called with another's handle", l->number);
    if (props_verbose)
        fprintf(stderr, "    VCPU %u: channel %u, port %u, delivered; does %u, %u times more\n",
                host_this, l->number, evtchn_port(ch), l->behave, l->left);
    life_delivered(l);
    nr_delivered++;
    l->awaits_eoi = l->late;
    l->inside = true;
    handler_acts(l);
    l->inside = false;
    if (l->closed && !closing)
        l->closed_done = true;
}
