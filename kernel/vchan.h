/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a vchan share: bytes in its rings (vchan_ring.c), reading and writing, with
 * waiting (vchan.c), setting up and tearing down (vchan_open.c), the shared memory (vchan_memory.c)
 * and xenstore (vchan_store.c).
 */
#ifndef XENLET_KERNEL_VCHAN_H
#define XENLET_KERNEL_VCHAN_H

#include <xenlet/evtchn.h>
#include <xenlet/gnttab.h>
#include <xenlet/vchan.h>
#include <xen/io/libxenvchan.h>
#include "arch/spinlock.h"
#include "kernel/offer.h"

/*
 * One direction. The other end may write any of the shared memory at any time: our own index is
 * kept here and only written there, the other one is checked each time it is read.
 */
struct vchan_ring {
    struct spinlock lock; /* of whoever looks at the ring, or takes it away; upcalls masked */
    uint8_t order;
    uint8_t notify;             /* VCHAN_NOTIFY_*: what the other end is to tell us of */
    struct ring_shared *shared; /* NULL: the vchan has no rings now */
    char *data;
    uint32_t own;    /* our index: `cons` of what we read, `prod` of what we write */
    uint32_t waiter; /* the VCPU that waits, plus 1 */
};

struct vchan {
    struct vchan *next; /* of all */
    struct vchan_ring in, out;
    struct vchan_interface *page; /* as `shared` of the rings */
    struct evtchn *ch;            /* NULL: there is none */
    int error;                    /* why no byte is looked at; or 0 */
    bool gone;                    /* the other end is: only what it left can be read */
    bool server, connected;
    domid_t peer;
    evtchn_port_t peer_port; /* of its end, once connected */
    uint64_t look_again;     /* when to ask Xen whether the other end is there */
    vchan_changed_t *changed;
    void *changed_data;
    struct offer *offer; /* a server's: the page, the pages of the ring it reads, of the other */
    /* A client's: what it maps, and the grants of the page and of the rings. */
    struct gnttab_mapping *page_map, *in_map, *out_map;
    grant_ref_t page_ref, *refs;
    char path[VCHAN_PATH_MAX];
};

/* Both rings' locks, in their order. */
unsigned long vchan_lock(struct vchan *v);
void vchan_unlock(struct vchan *v, unsigned long flags);

/* --- vchan_ring.c: with the ring's lock held, and the ring there ------------------------------ */

/* How many bytes can be read from `in`, or written to `out`: 0, or -XEN_EIO. */
int vchan_ring_look(const struct vchan *v, const struct vchan_ring *ring, uint32_t *n);

/* Ask the other end for an event when that changes; look again after this. */
void vchan_ring_request(struct vchan *v, const struct vchan_ring *ring);

/* Take `n` bytes out, put them in: no more than vchan_ring_look() said; and tell the other end. */
void vchan_ring_get(struct vchan *v, char *data, uint32_t n);
void vchan_ring_put(struct vchan *v, const char *data, uint32_t n);

/* Whether the other end says that it is there: VCHAN_LIVE_*. And say what we are. */
#define VCHAN_LIVE_NOT   0u
#define VCHAN_LIVE       1u
#define VCHAN_LIVE_LATER 2u
uint8_t vchan_peer_live(const struct vchan *v);
void vchan_own_live(struct vchan *v, uint8_t live);

/* --- vchan.c ---------------------------------------------------------------------------------- */

/* The channel's handler. */
void vchan_event(struct evtchn *ch, void *data);

/* Have those look again who wait. */
void vchan_wake(struct vchan *v);

/* Wait for an event, at most until `deadline` or for 100 ms. 0, or -XEN_EDEADLK. */
int vchan_wait(struct vchan_ring *ring, bool (*done)(void *arg), void *arg, uint64_t deadline);

/* --- vchan_memory.c: with both locks held ----------------------------------------------------- */

/* Offer memory for rings of the orders set to the peer, and lay it out. */
int vchan_memory_offer(struct vchan *v);

/*
 * Map what the peer offers, the first time with what its page says of sizes and grants; -XEN_EIO
 * what that says cannot be.
 */
int vchan_memory_map(struct vchan *v);

/* The rings are not there any more. -XEN_EIO: Xen refuses to unmap something. */
int vchan_memory_unmap(struct vchan *v);
void vchan_memory_withdraw(struct vchan *v);

/* --- vchan_store.c ---------------------------------------------------------------------------- */

/* Write page_ref and our port, for the peer to read; let it read them, again; remove them. */
int vchan_store_publish(struct vchan *v, uint64_t deadline);
int vchan_store_allow(struct vchan *v, uint64_t deadline);
void vchan_store_remove(struct vchan *v);

/* Read the server's page_ref and peer_port; -XEN_ENOENT or -XEN_EACCES not there yet. */
int vchan_store_find(struct vchan *v, uint64_t deadline);

#endif
