/* SPDX-License-Identifier: MIT */
/*
 * A front end's ring: requests out, responses in (public/io/ring.h), and the channel that goes with
 * it. The other end may write any of the memory at any time: our own indices are kept here, its one
 * is checked each time it is read, and a response is copied before anybody looks at it.
 *
 * An event is ended (evtchn_eoi()) when the ring is found empty: until then another one would say
 * nothing new. It is called spurious if no response was taken since the event before it.
 */
#include <xenlet/console.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include "arch/atomic.h"
#include "kernel/offer.h"
#include "kernel/string.h"
#include "kernel/xenbus.h"
#include <xen/io/ring.h>

#define ENTRY_MAX 1024u
#define ORDER_MAX 4u

/* The head is the same whatever the entries are. */
DEFINE_RING_TYPES(any, uint64_t, uint64_t);

struct xenbus_ring {
    struct xenbus_device *device;
    struct any_sring *shared;
    struct offer *offer;
    struct evtchn *ch;
    uint32_t entry_size, size;  /* bytes; entries, a power of two */
    uint32_t requested, pushed; /* who asks: entries filled, and published */
    uint32_t answered;          /* who takes: responses taken */
    uint32_t served;            /* of them, since an event was ended */
    uint32_t due;               /* an event is to be ended */
    int error;                  /* the ring is broken; or 0 */
    xenbus_ring_event_t *event;
    void *data;
};

/* --- requests --------------------------------------------------------------------------------- */

static void *entry(const struct xenbus_ring *r, uint32_t index)
{
    return (char *)r->shared->ring + (size_t)(index & (r->size - 1)) * r->entry_size;
}

void *xenbus_ring_request(struct xenbus_ring *r)
{
    /* A response was copied before its entry is free: xenbus_ring_response(). */
    if (atomic_read(&r->error) || r->requested - atomic_read_acquire(&r->answered) == r->size)
        return NULL;
    return entry(r, r->requested++);
}

int xenbus_ring_push(struct xenbus_ring *r)
{
    uint32_t before = r->pushed, now = r->requested;

    if (atomic_read(&r->error))
        return r->error;
    if (now == before)
        return 0;
    /* The limit for responses, raised before the other end can see the requests. */
    atomic_write(&r->pushed, now);
    smp_wmb(); /* requests before the index: the back end's barrier after reading req_prod */
    atomic_write(&r->shared->req_prod, now);
    /*
     * Write the index, then read req_event: the back end writes req_event, has a full barrier,
     * reads req_prod.
     */
    smp_mb();
    if (now - atomic_read(&r->shared->req_event) < now - before)
        return evtchn_send(r->ch);
    return 0;
}

/* --- responses -------------------------------------------------------------------------------- */

static void end_event(struct xenbus_ring *r)
{
    if (!atomic_xchg32(&r->due, 0))
        return;
    evtchn_eoi(r->ch, r->served == 0);
    r->served = 0;
}

/* How many there are; an event was asked for, and let through, if there are none. Or -XEN_EIO. */
static int available(struct xenbus_ring *r, uint32_t *n)
{
    uint32_t produced = atomic_read(&r->shared->rsp_prod);

    if (r->error)
        return r->error;
    if (produced == r->answered) {
        atomic_write(&r->shared->rsp_event, r->answered + 1);
        smp_mb(); /* then look again: the back end writes rsp_prod, has a barrier, reads rsp_event
                   */
        produced = atomic_read(&r->shared->rsp_prod);
        if (produced == r->answered)
            end_event(r);
    }
    *n = produced - r->answered;
    if (*n > atomic_read(&r->pushed) - r->answered) {
        atomic_write(&r->error, -XEN_EIO);
        return -XEN_EIO;
    }
    smp_rmb(); /* the index before the entries: the back end's barrier before it writes rsp_prod */
    return 0;
}

int xenbus_ring_response(struct xenbus_ring *r, void *response)
{
    uint32_t n;
    int rc = available(r, &n);

    if (rc || !n)
        return rc ? rc : -XEN_EAGAIN;
    memcpy(response, entry(r, r->answered), r->entry_size);
    r->served++;
    atomic_write_release(&r->answered, r->answered + 1);
    return 0;
}

static bool is_connected(const struct xenbus_device *d)
{
    return !xenbus_status(d) && xenbus_peer_state(d) == XenbusStateConnected;
}

static bool something_came(void *arg)
{
    struct xenbus_ring *r = arg;
    uint32_t n;

    return available(r, &n) || n || !is_connected(r->device);
}

int xenbus_ring_wait(struct xenbus_ring *r, uint64_t deadline)
{
    int rc = xenbus_wait(r->device, something_came, r, deadline);
    uint32_t n = 0;

    if (rc == 0)
        rc = available(r, &n);
    return rc || n ? rc : -XEN_ENOTCONN;
}

static void event(struct evtchn *ch, void *data)
{
    struct xenbus_ring *r = data;

    (void)ch;
    atomic_write(&r->due, 1);
    smp_mb(); /* before whoever is woken, or called, looks */
    if (r->event)
        r->event(r, r->data);
    xenbus_wake(r->device);
}

/* --- set up and torn down --------------------------------------------------------------------- */

struct publish {
    struct xenbus_ring *r;
    const char *ref, *channel;
    unsigned int order;
    uint64_t deadline;
};

static int publish_refs(const struct xenstore_tx *tx, const struct publish *p, const char *path)
{
    const struct offer *o = p->r->offer;
    char name[32];
    int rc;

    if (p->order == 0)
        return xenbus_tx_write_number(tx, path, p->ref, o->refs[0], p->deadline);
    rc = xenbus_tx_write_number(tx, path, "ring-page-order", p->order, p->deadline);
    for (unsigned int i = 0; i < o->n && rc == 0; i++) {
        if (xenlet_snprintf(name, sizeof(name), "%s%u", p->ref, i) >= (int)sizeof(name))
            return -XEN_E2BIG;
        rc = xenbus_tx_write_number(tx, path, name, o->refs[i], p->deadline);
    }
    return rc;
}

static int publish(const struct xenstore_tx *tx, void *arg)
{
    const struct publish *p = arg;
    const char *path = xenbus_path(p->r->device);
    uint32_t state;
    /*
     * Only if the directory is there: a write alone would bring back what the toolstack has
     * removed.
     */
    int rc = xenbus_tx_read_number(tx, path, "state", &state, p->deadline);

    if (rc == 0)
        rc = publish_refs(tx, p, path);
    if (rc == 0)
        rc = xenbus_tx_write_number(tx, path, p->channel, evtchn_port(p->r->ch), p->deadline);
    return rc;
}

/* Before anybody else sees it. */
static int lay_out(struct xenbus_ring *r, const struct xenbus_ring_setup *setup)
{
    size_t room = (XENLET_PAGE_SIZE << setup->page_order) - offsetof(struct any_sring, ring);

    int rc = offer_new(xenbus_peer(r->device), (size_t)1 << setup->page_order, &r->offer);

    if (rc)
        return rc;
    r->shared = (void *)r->offer->pages;
    SHARED_RING_INIT(r->shared);
    r->size = __RD32((uint32_t)(room / r->entry_size));
    return 0;
}

int xenbus_ring_open(struct xenbus_device *d, const struct xenbus_ring_setup *setup,
                     uint64_t deadline, struct xenbus_ring **ring)
{
    struct xenbus_ring *r;
    struct publish p = { .ref = setup->ref_name ? setup->ref_name : "ring-ref",
                         .channel = setup->channel_name ? setup->channel_name : "event-channel",
                         .order = setup->page_order,
                         .deadline = deadline };
    int rc = xenbus_status(d);

    offer_clear();
    if (rc)
        return rc;
    if (!setup->entry_size || setup->entry_size > ENTRY_MAX || setup->page_order > ORDER_MAX)
        return -XEN_EINVAL;
    r = xenlet_alloc(sizeof(*r));
    if (!r)
        return -XEN_ENOMEM;
    *r = (struct xenbus_ring){ .device = d,
                               .entry_size = (uint32_t)setup->entry_size,
                               .event = setup->event,
                               .data = setup->data };
    p.r = r;
    rc = lay_out(r, setup);
    if (rc == 0)
        rc = evtchn_bind_unbound(xenbus_peer(d), event, r, EVTCHN_LATE_EOI, &r->ch);
    if (rc == 0)
        rc = xenstore_transaction(publish, &p, deadline);
    if (rc)
        xenbus_ring_close(r);
    else
        *ring = r;
    return rc;
}

void xenbus_ring_close(struct xenbus_ring *r)
{
    if (r->ch)
        evtchn_close(r->ch);
    if (r->offer)
        offer_end(r->offer);
    xenlet_free(r);
    offer_clear();
}

unsigned int xenbus_ring_size(const struct xenbus_ring *r)
{
    return r->size;
}

struct evtchn *xenbus_ring_channel(const struct xenbus_ring *r)
{
    return r->ch;
}
