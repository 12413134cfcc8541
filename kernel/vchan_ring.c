/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a vchan's rings, its indices and flags. The other end may be any implementation of
 * the protocol; counterparts are named as Xen's library has them (tools/libs/vchan/io.c).
 */
#include <xenlet/clock.h>
#include "arch/atomic.h"
#include "kernel/string.h"
#include "kernel/vchan.h"

/* The live and notify flags are four bytes of one word, of which either end changes bits. */
#define FLAGS_AT 20
_Static_assert(offsetof(struct vchan_interface, cli_live) == FLAGS_AT &&
                   offsetof(struct vchan_interface, cli_notify) == FLAGS_AT + 2 &&
                   offsetof(struct vchan_interface, srv_notify) == FLAGS_AT + 3 &&
                   sizeof(struct vchan_interface) == FLAGS_AT + 4,
               "the ABI");

static uint32_t *flags(const struct vchan *v)
{
    return (uint32_t *)(void *)&v->page->cli_live;
}

/* The bit of VCHAN_NOTIFY_* `what` in the notify byte of the server or the client. */
static unsigned int bit(bool server, uint8_t what)
{
    return (server ? 24 : 16) + (what == VCHAN_NOTIFY_READ);
}

static uint32_t size_of(const struct vchan_ring *ring)
{
    return (uint32_t)1 << ring->order;
}

int vchan_ring_look(const struct vchan *v, const struct vchan_ring *ring, uint32_t *n)
{
    uint32_t used;

    /*
     * Acquire. Of `prod`: the bytes are read after it; libxenvchan_write() has written them before,
     * by the xen_wmb() of do_send(). Of `cons`: bytes are written after it, over those which the
     * peer's do_recv() has read before its xen_mb().
     */
    if (ring == &v->in)
        used = atomic_read_acquire(&ring->shared->prod) - ring->own;
    else
        used = ring->own - atomic_read_acquire(&ring->shared->cons);
    if (used > size_of(ring))
        return -XEN_EIO;
    *n = ring == &v->in ? used : size_of(ring) - used;
    return 0;
}

void vchan_ring_request(struct vchan *v, const struct vchan_ring *ring)
{
    /*
     * In the byte that the other end looks at. A full barrier: either we see its index move when we
     * look again, or it sees the bit. Counterpart: the xen_mb() of its send_notify(), which is
     * between the index and the bit; here, that of tell().
     */
    atomic_test_and_set_bit32(flags(v), bit(!v->server, ring->notify));
}

/* Our index has moved: raise an event if the other end has asked for one. */
static void tell(struct vchan *v, uint8_t what)
{
    /* A full barrier; counterpart: the xen_mb() of its request_notify(). */
    if (atomic_test_and_clear_bit32(flags(v), bit(v->server, what)))
        evtchn_send(v->ch);
}

/* How many of `n` bytes lie before the ring's end, and where they begin. */
static char *first_part(const struct vchan_ring *ring, uint32_t *n)
{
    uint32_t at = ring->own & (size_of(ring) - 1);

    if (*n > size_of(ring) - at)
        *n = size_of(ring) - at;
    return ring->data + at;
}

void vchan_ring_get(struct vchan *v, char *data, uint32_t n)
{
    uint32_t part = n;
    const char *from = first_part(&v->in, &part);

    memcpy(data, from, part);
    memcpy(data + part, v->in.data, n - part);
    v->in.own += n;
    /* Release: the bytes were read before. Counterpart: the index in its raw_get_buffer_space(),
     * and the xen_mb() behind it. */
    atomic_write_release(&v->in.shared->cons, v->in.own);
    tell(v, VCHAN_NOTIFY_READ);
}

void vchan_ring_put(struct vchan *v, const char *data, uint32_t n)
{
    uint32_t part = n;
    char *to = first_part(&v->out, &part);

    memcpy(to, data, part);
    memcpy(v->out.data, data + part, n - part);
    v->out.own += n;
    /* Release: the bytes are there. Counterpart: the index in its raw_get_data_ready(), and the
     * xen_mb() behind it. */
    atomic_write_release(&v->out.shared->prod, v->out.own);
    tell(v, VCHAN_NOTIFY_WRITE);
}

uint8_t vchan_peer_live(const struct vchan *v)
{
    /* Acquire: what it wrote before it closed is seen by whoever sees that it did. */
    return atomic_read_acquire(v->server ? &v->page->cli_live : &v->page->srv_live);
}

void vchan_own_live(struct vchan *v, uint8_t live)
{
    /* Release; counterpart: libxenvchan_is_open(), which its callers ask before they read on. */
    atomic_write_release(v->server ? &v->page->srv_live : &v->page->cli_live, live);
}
