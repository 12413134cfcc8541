/* SPDX-License-Identifier: MIT */
/*
 * 2-level, Xen's side (public/xen.h): a bit of evtchn_pending, a bit of the VCPU's selector, and
 * evtchn_upcall_pending, in this order; each is looked at only when the one before it was clear.
 */
#include "tests/host/model/internal.h"

static uint32_t nr_ports(const struct domain *d)
{
    (void)d;
    return WORD_BITS * WORD_BITS;
}

static void init_port(struct domain *d, struct port *p)
{
    (void)d;
    (void)p;
}

/* From the selector on. */
static void announce(struct vcpu *v, const struct port *p)
{
    if (!atomic_test_and_set_bit(&v->info->evtchn_pending_sel, p->number / WORD_BITS))
        vcpu_mark_pending(v);
}

static void set_pending(struct vcpu *v, struct port *p)
{
    struct shared_info *s = v->domain->shared;
    unsigned int word = p->number / WORD_BITS, bit = p->number % WORD_BITS;

    if (atomic_test_and_set_bit(&s->evtchn_pending[word], bit))
        return;
    if (!test_bit(&s->evtchn_mask[word], bit))
        announce(v, p);
    vcpus_check_pollers(v->domain, p->number);
}

static void clear_pending(struct domain *d, struct port *p)
{
    atomic_clear_bit(&d->shared->evtchn_pending[p->number / WORD_BITS], p->number % WORD_BITS);
}

static bool is_pending(const struct domain *d, const struct port *p)
{
    return test_bit(&d->shared->evtchn_pending[p->number / WORD_BITS], p->number % WORD_BITS);
}

/* Only what was masked is unmasked: a guest that has cleared the bit gets nothing. */
static void unmask(struct domain *d, struct port *p)
{
    struct vcpu *v = &d->vcpus[atomic_read(&p->vcpu)];
    unsigned int word = p->number / WORD_BITS, bit = p->number % WORD_BITS;

    if (!atomic_test_and_clear_bit(&d->shared->evtchn_mask[word], bit))
        return;
    if (is_pending(d, p))
        announce(v, p);
}

static bool is_busy(const struct domain *d, const struct port *p)
{
    (void)d;
    (void)p;
    return false;
}

const struct abi model_2l = {
    .name = "2l",
    .nr_ports = nr_ports,
    .init_port = init_port,
    .set_pending = set_pending,
    .clear_pending = clear_pending,
    .unmask = unmask,
    .is_pending = is_pending,
    .is_busy = is_busy,
};
