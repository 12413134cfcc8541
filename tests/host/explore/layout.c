/* SPDX-License-Identifier: MIT */
/* What lies in the guest's and in the model's structures, for who prints a schedule. */
#include "evtchn/internal.h"
#include "tests/host/explore/layout.h"
#include "tests/host/model/internal.h"

#define PAGE 4096u

#define MEMBER(type, name)                                        \
    {                                                             \
#name, offsetof(type, name), sizeof(((type *)0)->name), 1 \
    }
#define ARRAY(type, name)                                            \
    {                                                                \
#name, offsetof(type, name), sizeof(((type *)0)->name[0]),   \
            sizeof(((type *)0)->name) / sizeof(((type *)0)->name[0]) \
    }
#define E(name) MEMBER(struct evtchn, name)
#define V(name) MEMBER(struct evtchn_vcpu, name)

static const struct member channel[] = {
    E(handler),   E(data),        E(gate),       E(budget),     E(port),       E(vcpu),
    E(reasons),   E(kind),        E(flags),      E(priority),   E(share),      E(given),
    E(refilled),  E(refilled_in), E(spent),      E(spurious),   E(deferred),   E(spurious_run),
    E(peer_gone), E(rest_reason), E(rest_until), E(rest_on),    E(lock.held),  E(moved_from),
    E(has_moved), E(resume_port), E(source),     E(pirq_flags), E(remote_dom), E(remote_port),
    E(next),      E(lost),        { 0 },
};

static const struct member vcpu[] = {
    V(info),
    V(id),
    V(start_word),
    V(current),
    V(upcalls),
    V(after_walk),
    V(fp_saved),
    V(closed),
    V(closing),
    V(orphans),
    V(lock.held),
    V(resting),
    V(rest_until),
    V(wait_until),
    V(fifo_ready),
    ARRAY(struct evtchn_vcpu, fifo_head),
    V(fifo_stray),
    V(fifo_control.ready),
    ARRAY(struct evtchn_vcpu, fifo_control.head),
    V(l2_registered),
    ARRAY(struct evtchn_vcpu, l2_start),
    ARRAY(struct evtchn_vcpu, l2_selector),
    { 0 },
};

static const struct member shared[] = {
    ARRAY(struct shared_info, evtchn_pending),
    ARRAY(struct shared_info, evtchn_mask),
    { 0 },
};

static const struct member slots[] = { { "", 0, sizeof(void *), PAGE / sizeof(void *) }, { 0 } };
static const struct member words[] = { { "", 0, sizeof(event_word_t), PAGE / sizeof(event_word_t) },
                                       { 0 } };
static const struct member l3[] = { { "", 0, sizeof(xen_ulong_t), PAGE / sizeof(xen_ulong_t) },
                                    { 0 } };

#define P(name) MEMBER(struct port, name)
static const struct member xen_port[] = {
    P(lock.readers), P(number), P(state),       P(priority),     P(pending), P(vcpu),
    P(last_queue),   P(remote), P(remote_port), P(remote_domid), P(source),  { 0 },
};

#define X(name) MEMBER(struct vcpu, name)
static const struct member xen_vcpu[] = {
    X(sleep_lock.held), X(asleep),  X(polls), X(poll_port), X(poll_any), X(sleeps_until),
    X(timer),           X(control), X(l2),    X(info),      { 0 },
};

static const struct member xen_queue[] = { MEMBER(struct queue, lock.held),
                                           MEMBER(struct queue, tail),
                                           { 0 } };

static void add_xen(const char *port, const char *queue, struct domain *d)
{
    names_add(port, d->buckets[0], sizeof(struct port), BUCKET, xen_port, false);
    for (unsigned int i = 0; i < d->nr_vcpus; i++) {
        names_add(queue, d->vcpus[i].queues, sizeof(struct queue), FIFO_QUEUES, xen_queue, false);
        names_add("Xen's VCPU", &d->vcpus[i], sizeof(d->vcpus[i]), 1, xen_vcpu, false);
    }
}

void layout_add(const struct evtchn *a_channel, unsigned int nr_vcpus)
{
    static const char *const names[] = { "VCPU 0's", "VCPU 1's", "VCPU 2's" };
    struct domain *guest = domain_of(NULL, model_config.domid);
    struct domain *peer = domain_of(NULL, model_peer());

    names_add("channel", (const char *)((uintptr_t)a_channel & ~(uintptr_t)(PAGE - 1)),
              sizeof(struct evtchn), PAGE / sizeof(struct evtchn), channel, true);
    for (unsigned int i = 0; i < nr_vcpus && i < 3; i++)
        names_add(names[i], evtchn_vcpus[i], PAGE, 1, vcpu, true);
    for (unsigned int i = 0; i < nr_vcpus; i++)
        access_ignore(&evtchn_vcpus[i]->upcalls);
    if (evtchn_rows[0])
        names_add("handle of port", evtchn_rows[0], PAGE, 1, slots, true);
    names_add("shared_info", guest->shared, PAGE, 1, shared, false);
    if (guest->nr_fifo_pages)
        names_add("event word", guest->fifo_pages[0], PAGE, 1, words, false);
    if (guest->l3_registered) {
        names_add("L3 pending", guest->l3_pending[0], PAGE, 1, l3, false);
        names_add("L3 mask", guest->l3_mask[0], PAGE, 1, l3, false);
    }
    add_xen("Xen's port", "Xen's queue", guest);
    add_xen("the peer's port", "the peer's queue", peer);
    names_add("the peer's shared_info", peer->shared, PAGE, 1, shared, false);
}

/* At rest: nothing linked, nothing ready, every list empty. NULL, or what is wrong. */
const char *layout_queues_wrong(void)
{
    struct domain *d = domain_of(NULL, model_config.domid);

    for (unsigned int port = 0; d->nr_fifo_pages && port < BUCKET; port++) {
        if (d->fifo_pages[0][port] & 1u << EVTCHN_FIFO_BUSY)
            return "a word is BUSY";
        if (d->fifo_pages[0][port] & 1u << EVTCHN_FIFO_LINKED)
            return "a port is still LINKED";
    }
    for (unsigned int i = 0; i < d->nr_vcpus; i++) {
        struct evtchn_vcpu *v = evtchn_vcpus[i];

        if (v->fifo_control.ready)
            return "a ready bit is set";
        for (unsigned int q = 0; q < FIFO_QUEUES; q++) {
            if (v->fifo_head[q])
                return "a queue goes on";
        }
        if (!d->nr_fifo_pages && v->info->evtchn_pending_sel && !v->info->evtchn_upcall_pending)
            return "a selector bit is set, and the upcall flag is not";
        for (const struct evtchn *ch = v->resting; ch; ch = ch->next) {
            if (ch->rest_on != v || (ch->reasons & REASON_CLOSED))
                return "a channel is on the list of those that rest, and is closed";
        }
        if (v->info->evtchn_upcall_pending && !v->left)
            return "the upcall flag is set, and no upcall comes";
    }
    return NULL;
}
