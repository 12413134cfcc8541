/* SPDX-License-Identifier: MIT */
/* Reading from a vchan and writing to it, and waiting for that. */
#include <xenlet/clock.h>
#include <xenlet/platform.h>
#include <xenlet/vcpu.h>
#include "arch/atomic.h"
#include "kernel/vchan.h"

#define LOOK_EVERY 100000000u /* ns between two looks whether the other end's domain is there */
#define PIECE      65536u     /* bytes moved at a time: upcalls are masked so long */

/* --- the other end ---------------------------------------------------------------------------- */

static bool passed(uint64_t deadline)
{
    return deadline != XENLET_FOREVER && clock_now() >= deadline;
}

/*
 * Xen closes the ports of a domain that dies, without raising an event at their other ends. Our
 * port may then be bound to another client's of the same domain, which is not our peer either.
 */
static bool peer_has_channel(struct vchan *v)
{
    struct evtchn_status status = { .port = 0 };

    return evtchn_status(v->ch, &status) == 0 && status.status == EVTCHNSTAT_interdomain &&
           status.u.interdomain.dom == v->peer && status.u.interdomain.port == v->peer_port;
}

/* With a ring's lock held. */
static bool peer_is_gone(struct vchan *v)
{
    if (!v->gone && vchan_peer_live(v) == VCHAN_LIVE_NOT)
        v->gone = true;
    if (!v->gone && clock_now() >= v->look_again) {
        v->look_again = clock_after(LOOK_EVERY);
        v->gone = !peer_has_channel(v);
    }
    return v->gone;
}

/* --- one look, with the ring's lock held ------------------------------------------------------ */

/*
 * How many bytes can be moved; if that is less than `want`, the other end is asked to tell when it
 * becomes more. -XEN_ENOTCONN only when there are not as many and never will be.
 */
static int look(struct vchan *v, struct vchan_ring *ring, uint32_t want, uint32_t *n)
{
    bool gone;
    int rc;

    *n = 0;
    if (v->error || !v->connected)
        return v->error ? v->error : -XEN_ENOTCONN;
    if (!ring->shared)
        return 0; /* the domain is being suspended, which may yet be cancelled */
    rc = vchan_ring_look(v, ring, n);
    if (rc == 0 && (*n < want || ring == &v->out)) {
        /* Ask whether it is gone, then read its index: nothing that it left is missed. */
        gone = peer_is_gone(v);
        if (*n < want) {
            vchan_ring_request(v, ring);
            rc = vchan_ring_look(v, ring, n);
        }
        if (rc == 0 && gone && (*n < want || ring == &v->out))
            return -XEN_ENOTCONN;
    }
    if (rc) {
        *n = 0;
        v->error = rc;
    }
    return rc;
}

/* Move at most `len` bytes, if there are `least`; how many in *n. */
static int move(struct vchan *v, struct vchan_ring *ring, char *data, size_t len, uint32_t least,
                uint32_t *n)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&ring->lock);
    rc = look(v, ring, least, n);
    if (rc || *n < least)
        *n = 0;
    if (*n > len)
        *n = (uint32_t)len;
    if (*n && ring == &v->in)
        vchan_ring_get(v, data, *n);
    else if (*n)
        vchan_ring_put(v, data, *n);
    spin_unlock(&ring->lock);
    platform_upcalls_restore(flags);
    return rc;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void wake_waiter(struct vchan_ring *ring)
{
    uint32_t waiter = atomic_read(&ring->waiter);

    /* One that waits on this VCPU looks again when the handler returns. */
    if (waiter && waiter - 1 != vcpu_this())
        vcpu_wake(waiter - 1);
}

void vchan_wake(struct vchan *v)
{
    wake_waiter(&v->in);
    wake_waiter(&v->out);
}

void vchan_event(struct evtchn *ch, void *data)
{
    struct vchan *v = data;

    (void)ch;
    vchan_wake(v);
    if (v->changed)
        v->changed(v, v->changed_data);
}

int vchan_wait(struct vchan_ring *ring, bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    uint64_t until = clock_after(LOOK_EVERY);
    int rc;

    /* Before `done` asks for an event: whoever handles that sees who waits. */
    atomic_write(&ring->waiter, vcpu_this() + 1);
    rc = evtchn_wait(done, arg, until < deadline ? until : deadline);
    atomic_write(&ring->waiter, 0);
    return rc == -XEN_ETIME ? 0 : rc;
}

struct want {
    struct vchan *v;
    struct vchan_ring *ring;
    uint32_t least;
};

/* With upcalls masked. */
static bool can_move(void *arg)
{
    struct want *w = arg;
    uint32_t n;
    int rc;

    spin_lock(&w->ring->lock);
    rc = look(w->v, w->ring, w->least, &n);
    spin_unlock(&w->ring->lock);
    return rc || n >= w->least;
}

/* Wait until there are `least`, or there is no point in waiting; may return before. */
static int wait_for(struct vchan *v, struct vchan_ring *ring, uint32_t least, uint64_t deadline)
{
    struct want want = { v, ring, least };

    return passed(deadline) ? -XEN_ETIME : vchan_wait(ring, can_move, &want, deadline);
}

/* As move(), waiting until there are `least`. */
static int move_waiting(struct vchan *v, struct vchan_ring *ring, char *data, size_t len,
                        uint32_t least, uint32_t *n, uint64_t deadline)
{
    int rc;

    do {
        rc = move(v, ring, data, len, least, n);
        if (rc || *n)
            return rc;
        rc = wait_for(v, ring, least, deadline);
    } while (rc == 0);
    return rc;
}

/* --- what programs call ----------------------------------------------------------------------- */

int vchan_read(struct vchan *v, void *data, size_t len, size_t *got, uint64_t deadline)
{
    uint32_t n = 0;
    int rc = len ? move_waiting(v, &v->in, data, len < PIECE ? len : PIECE, 1, &n, deadline) : 0;

    *got = n;
    return rc;
}

int vchan_write(struct vchan *v, const void *data, size_t len, size_t *written, uint64_t deadline)
{
    size_t done = 0, left;
    uint32_t n;
    int rc = 0;

    while (done < len && rc == 0) {
        left = len - done;
        rc = move_waiting(v, &v->out, (char *)(uintptr_t)data + done, left < PIECE ? left : PIECE,
                          1, &n, deadline);
        done += rc ? 0 : n;
    }
    if (written)
        *written = done;
    return rc;
}

/* A message is moved in one step, however long it is: it may not be torn by an error. */
static int whole(struct vchan *v, struct vchan_ring *ring, char *data, size_t len,
                 uint64_t deadline)
{
    uint32_t n;

    if (len > (size_t)1 << ring->order)
        return -XEN_EMSGSIZE;
    return len ? move_waiting(v, ring, data, len, (uint32_t)len, &n, deadline) : 0;
}

int vchan_recv(struct vchan *v, void *data, size_t len, uint64_t deadline)
{
    return whole(v, &v->in, data, len, deadline);
}

int vchan_send(struct vchan *v, const void *data, size_t len, uint64_t deadline)
{
    return whole(v, &v->out, (char *)(uintptr_t)data, len, deadline);
}

/* With `want` more than there can be an event is asked for in any case. */
static int count(struct vchan *v, struct vchan_ring *ring, uint32_t want, uint32_t *n)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&ring->lock);
    rc = look(v, ring, want, n);
    spin_unlock(&ring->lock);
    platform_upcalls_restore(flags);
    return rc;
}

int vchan_flush(struct vchan *v, uint64_t deadline)
{
    uint32_t size = (uint32_t)1 << v->out.order, n;
    int rc;

    do {
        rc = count(v, &v->out, size, &n);
        if (n == size && rc == -XEN_ENOTCONN)
            return 0; /* it has gone, but not before */
        if (rc || n == size)
            return rc;
        rc = wait_for(v, &v->out, size, deadline);
    } while (rc == 0);
    return rc;
}

int vchan_readable(struct vchan *v, size_t *n)
{
    uint32_t now;
    int rc = count(v, &v->in, UINT32_MAX, &now);

    if (rc == -XEN_ENOTCONN && now)
        rc = 0;
    if (rc == 0)
        *n = now;
    return rc;
}

int vchan_writable(struct vchan *v, size_t *n)
{
    uint32_t now;
    int rc = count(v, &v->out, UINT32_MAX, &now);

    if (rc == 0)
        *n = now;
    return rc;
}

void vchan_on_change(struct vchan *v, vchan_changed_t *changed, void *data)
{
    unsigned long flags = vchan_lock(v);

    v->changed_data = data;
    v->changed = changed;
    vchan_unlock(v, flags);
}
