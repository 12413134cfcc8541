/* SPDX-License-Identifier: MIT */
/*
 * The ring shared with xenstored (public/io/xs_wire.h, docs/misc/xenstore-ring.txt): bytes in and
 * out. The other side can write anywhere in it: our own indices are kept outside, the other ones
 * are read once and checked.
 */
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include "kernel/internal.h"
#include "kernel/xenstore.h"
#include "platform_arch.h"

static struct xenstore_domain_interface *ring;
static XENSTORE_RING_IDX req_prod, rsp_cons; /* ours */
static XENSTORE_RING_IDX rsp_seen;           /* how far answers had come when we last looked */

void store_ring_init(void)
{
    ring = arch_store_ring();
}

int store_ring_begin(void)
{
    req_prod = atomic_read(&ring->req_prod);
    rsp_cons = rsp_seen = atomic_read(&ring->rsp_prod);
    if (atomic_read(&ring->req_cons) != req_prod)
        return -XEN_EIO; /* a part of a request is left: what follows would be taken for its rest */
    smp_mb();
    atomic_write(&ring->rsp_cons, rsp_cons);
    return 0;
}

int store_ring_put(const char *bytes, uint32_t len)
{
    uint32_t used = req_prod - atomic_read(&ring->req_cons), n = 0;

    if (used > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    smp_mb(); /* the bytes that go over were read: xenstored's barrier before req_cons, readchn() */
    while (n < len && used + n < XENSTORE_RING_SIZE) {
        ring->req[MASK_XENSTORE_IDX(req_prod + n)] = bytes[n];
        n++;
    }
    smp_wmb(); /* bytes before the index: xenstored's barrier after it read req_prod, readchn() */
    req_prod += n;
    atomic_write(&ring->req_prod, req_prod);
    return (int)n;
}

int store_ring_look(void)
{
    XENSTORE_RING_IDX prod = atomic_read(&ring->rsp_prod);

    if (prod - rsp_cons > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    smp_rmb(); /* the index before the bytes: xenstored's barrier before rsp_prod, writechn() */
    rsp_seen = prod;
    return 0;
}

uint32_t store_ring_get(char *bytes, uint32_t len)
{
    uint32_t n = 0;

    while (n < len && rsp_cons + n != rsp_seen) {
        bytes[n] = ring->rsp[MASK_XENSTORE_IDX(rsp_cons + n)];
        n++;
    }
    smp_mb(); /* bytes were read before they may be written over: xenstored's in writechn() */
    rsp_cons += n;
    atomic_write(&ring->rsp_cons, rsp_cons);
    return n;
}

void store_ring_notify(void)
{
    evtchn_send(store_channel);
}

bool store_ring_connected(void)
{
    return atomic_read_acquire(&ring->connection) != XENSTORE_RECONNECT;
}

static bool offers(uint32_t feature)
{
    return atomic_read(&ring->server_features) & feature;
}

bool store_ring_given_up(void)
{
    return offers(XENSTORE_SERVER_FEATURE_ERROR) &&
           atomic_read(&ring->error) != XENSTORE_ERROR_NONE;
}

int store_ring_reconnect(void)
{
    if (!offers(XENSTORE_SERVER_FEATURE_RECONNECTION))
        return -XEN_EOPNOTSUPP;
    atomic_write(&ring->connection, XENSTORE_RECONNECT);
    smp_wmb(); /* before the event that tells of it; the other side may look at any time */
    store_ring_notify();
    return 0;
}
