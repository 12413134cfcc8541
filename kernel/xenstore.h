/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the xenstore client share: the ring (xenstore_ring.c), requests on it
 * (xenstore.c), waiting for them and the operations on nodes (xenstore_nodes.c), transactions
 * (xenstore_tx.c), watches (xenstore_watch.c).
 */
#ifndef XENLET_KERNEL_XENSTORE_H
#define XENLET_KERNEL_XENSTORE_H

#include <xenlet/platform.h>
#include <xenlet/xenstore.h>
#include "arch/spinlock.h"

/* One lock for the whole client; whoever holds it neither calls functions of the program nor waits.
 */
unsigned long store_lock(void);
void store_unlock(unsigned long flags);

/* Whether this VCPU is in a function that the client called: in the store's handler. */
bool store_in_handler(void);

/* --- xenstore_ring.c: bytes. With the lock held. --------------------------------------------- */

/* Find the ring; again after a restore, when its frame is another. */
void store_ring_init(void);

/*
 * Begin with the indices as they are: old answers are dropped. -XEN_EIO if a part of an old request
 * is left.
 */
int store_ring_begin(void);

/* Put in as many of the bytes as there is room for: how many, or -XEN_EIO, an impossible index. */
int store_ring_put(const char *bytes, uint32_t len);

/*
 * See how much has come: 0, or -XEN_EIO. Then take out at most `len` bytes of that; returns how
 * many.
 */
int store_ring_look(void);
uint32_t store_ring_get(char *bytes, uint32_t len);

/* Tell the other side that the ring changed. */
void store_ring_notify(void);

/*
 * Whether the connection is not just being made anew; whether the other side says that it has given
 * us up.
 */
bool store_ring_connected(void);
bool store_ring_given_up(void);

/* Ask for a new connection: 0, or -XEN_EOPNOTSUPP. */
int store_ring_reconnect(void);

/* --- xenstore.c: requests, and the connection ------------------------------------------------ */

#define STORE_BRIEF 16u /* more than the longest name of an error, or number of a transaction */

struct store_request {
    struct store_request *next;
    struct xsd_sockmsg header;
    const char *payload; /* header.len bytes of it */
    uint32_t sent;       /* bytes in the ring, of header and payload */
    uint32_t connection; /* the one it was sent on */
    bool abandoned;      /* nobody waits for it any more */
    unsigned int waiter; /* the VCPU to be woken when it is done */
    /* Called then, in the handler; the request is its own. NULL: somebody waits for is_done. */
    void (*finish)(struct store_request *request);
    xenstore_done_t *done; /* the program's, of xenstore_start() */
    void *data;
    uint32_t is_done; /* what follows is there; read with acquire */
    int rc;
    char *answer; /* xenlet_alloc()'s, with a NUL behind it; only of types that read something */
    uint32_t len;
    char brief[STORE_BRIEF]; /* the beginning of other answers, with a NUL behind it */
};

/*
 * Queue a request of which type, payload, header.len and finish are set, the rest zero or as it was
 * left. It must stay until `finish` is called, or store_wait() is through. -XEN_ENODEV,
 * -XEN_ENOTCONN and -XEN_EAGAIN as in xenstore.h. The second with the lock held.
 */
int store_submit(struct store_request *request, const struct xenstore_tx *tx);
int store_submit_locked(struct store_request *request, const struct xenstore_tx *tx);

/*
 * Wait for a submitted request; its result. -XEN_ETIME: it is not the caller's any more, and freed
 * with xenlet_free() in time.
 */
int store_wait(struct store_request *request, uint64_t deadline);

/* What a request would be answered for want of a connection; 0 if there is one. */
int store_status_locked(void);

/* The request with that number that is in flight, or NULL; and its end, with `answer` and so on
 * set. */
struct store_request *store_in_flight(uint32_t id);
void store_answered(struct store_request *request, int rc);

/*
 * The hooks of a suspend. Before: what was begun is answered, the rest waits; -XEN_ETIME, and all
 * goes on. After: if it was restored watches are set again, and transactions end with -XEN_EAGAIN.
 */
int store_before_suspend(void *data);
void store_after_suspend(void *data, bool cancelled);

/* --- xenstore_in.c: what comes. With the lock held. ------------------------------------------ */

/* A change that a watch noticed: path, NUL, token, NUL, as the store sent it. */
struct store_event {
    struct store_event *next;
    char *text;
};

void store_event_free(struct store_event *event);

/* Take in all that came; returns how many bytes, or -XEN_EIO for something impossible. */
int store_in_take(void);

/* Forget the message that has come in part. */
void store_in_reset(void);

/* The events that came, in order; in *lost whether there was no memory for one. */
struct store_event *store_in_events(bool *lost);

/* --- xenstore_nodes.c ------------------------------------------------------------------------ */

/* A request whose payload is path, NUL and value, all of it in one xenlet_alloc(). */
int store_request_new(enum xsd_sockmsg_type type, const char *path, const void *value, size_t len,
                      struct store_request **request);

/* Submit and wait; on success the request is the caller's to look at and to free, else gone. */
int store_call(struct store_request *request, const struct xenstore_tx *tx, uint64_t deadline);

/* --- xenstore_tx.c --------------------------------------------------------------------------- */

/* If the answered request began a transaction, tx->id, make it the one that ends it. */
bool store_tx_began(struct store_request *request, struct xenstore_tx *tx);

/* --- xenstore_watch.c ------------------------------------------------------------------------ */

/*
 * Changes came, which this frees; with `lost`, some could not be kept. In the handler, without the
 * lock.
 */
void store_watch_events(struct store_event *events, bool lost);

/* The connection is new: set all watches again. With the lock held. */
void store_watch_again(void);

#endif
