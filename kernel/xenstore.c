/* SPDX-License-Identifier: MIT */
/*
 * Requests to xenstored, several at a time, and the answers matched to them.
 *
 * Requests wait in `queue`. Whoever adds one, and the handler when there is room again, moves bytes
 * of the first into the ring; a request that is there as a whole goes to `in_flight` and is found
 * by the number in its answer. A request that nobody waits for any more stays in that list, so that
 * its number is known, until it is answered. Only the handler takes answers out of the ring, and
 * only it calls functions of others, without the lock.
 */
#include <xenlet/clock.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include <xenlet/suspend.h>
#include <xenlet/vcpu.h>
#include "kernel/internal.h"
#include "kernel/xenstore.h"

/*
 * Requests without an answer yet. xenstored reads no more from us while it has 20; those that
 * nobody waits for count, so that what it does not answer cannot use up our memory.
 */
#define MAX_IN_FLIGHT 16u
#define NOBODY        (~0u)
#define PATIENCE      2000000000ull /* ns, for what was begun before a suspend */

static enum {
    UNOPENED,   /* nothing was asked of us yet */
    ABSENT,     /* the domain has no store */
    CONNECTING, /* the other side has the ring for now; requests wait */
    CONNECTED,
    HELD,   /* about to be suspended: what was begun is ended, the rest waits */
    BROKEN, /* until a reconnection or a restore */
} state;

struct list {
    struct store_request *first, **last;
};

static struct spinlock lock;
static struct list queue = { NULL, &queue.first };
static struct list in_flight = { NULL, &in_flight.first };
static struct list finished = { NULL, &finished.first }; /* for the handler to call or free */
static unsigned int nr_in_flight;
static uint32_t connection, next_id;
static unsigned int dispatcher = NOBODY; /* the VCPU that runs the handler */

unsigned long store_lock(void)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    return flags;
}

void store_unlock(unsigned long flags)
{
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

bool store_in_handler(void)
{
    return atomic_read(&dispatcher) == platform_vcpu();
}

/* --- lists ---------------------------------------------------------------------------------- */

static void append(struct list *list, struct store_request *r)
{
    r->next = NULL;
    *list->last = r;
    list->last = &r->next;
}

static bool take(struct list *list, struct store_request *r)
{
    struct store_request **link = &list->first;

    while (*link && *link != r)
        link = &(*link)->next;
    if (!*link)
        return false;
    *link = r->next;
    if (!*link)
        list->last = link;
    return true;
}

static struct store_request *take_first(struct list *list)
{
    struct store_request *r = list->first;

    if (r)
        take(list, r);
    return r;
}

/* --- the end of a request ------------------------------------------------------------------- */

/*
 * With the lock held, as in all functions up to the handler. The waiter may free the request right
 * after.
 */
static void settle(struct store_request *r, int rc)
{
    unsigned int waiter = r->waiter;

    r->rc = rc;
    if (r->finish || r->abandoned) {
        append(&finished, r);
        return;
    }
    atomic_write_release(&r->is_done, 1);
    if (waiter != platform_vcpu())
        vcpu_wake(waiter);
}

static void settle_all(struct list *list, int rc)
{
    struct store_request *r;

    while ((r = take_first(list)) != NULL)
        settle(r, rc);
}

struct store_request *store_in_flight(uint32_t id)
{
    struct store_request *r = in_flight.first;

    while (r && r->header.req_id != id)
        r = r->next;
    return r;
}

void store_answered(struct store_request *r, int rc)
{
    take(&in_flight, r);
    nr_in_flight--;
    settle(r, rc);
}

static bool begun(const struct list *list)
{
    return list->first && list->first->sent;
}

/* Both sides forget what was under way. */
static void start_over(int rc)
{
    settle_all(&in_flight, rc);
    nr_in_flight = 0;
    if (begun(&queue))
        settle(take_first(&queue), rc);
    store_in_reset();
}

static void wake_all(void)
{
    for (unsigned int vcpu = 0; vcpu < platform_nr_vcpus(); vcpu++) {
        if (vcpu != platform_vcpu())
            vcpu_wake(vcpu);
    }
}

static void broken(void)
{
    state = BROKEN;
    start_over(-XEN_ENOTCONN);
    settle_all(&queue, -XEN_ENOTCONN);
    wake_all(); /* those that wait for a watch */
    if (finished.first && !store_in_handler())
        evtchn_raise(store_channel);
}

/* --- out ------------------------------------------------------------------------------------ */

/* Put the rest of a request into the ring: 1 it is all there, 0 the ring is full, or an errno. */
static int put(struct store_request *r)
{
    const uint32_t head = sizeof(r->header), all = head + r->header.len;
    int n;

    r->connection = connection;
    while (r->sent < all) {
        if (r->sent < head)
            n = store_ring_put((const char *)&r->header + r->sent, head - r->sent);
        else
            n = store_ring_put(r->payload + (r->sent - head), all - r->sent);
        if (n <= 0)
            return n;
        r->sent += (uint32_t)n;
    }
    return 1;
}

static bool may_put(void)
{
    if (!queue.first)
        return false;
    return queue.first->sent || (state == CONNECTED && nr_in_flight < MAX_IN_FLIGHT);
}

static void put_some(void)
{
    int rc = 1;
    bool any = false;

    while (rc > 0 && may_put()) {
        rc = put(queue.first);
        any = true;
        if (rc > 0) {
            append(&in_flight, take_first(&queue));
            nr_in_flight++;
        }
    }
    if (any)
        store_ring_notify();
    if (rc < 0)
        broken();
}

/* --- the connection ------------------------------------------------------------------------- */

static void connected(void)
{
    struct store_request *r, *next;

    state = CONNECTED;
    connection++;
    /* The new connection does not know the transactions of the old one. */
    for (r = queue.first; r; r = next) {
        next = r->next;
        if (r->header.tx_id && take(&queue, r))
            settle(r, -XEN_EAGAIN);
    }
    if (store_ring_begin())
        broken();
    else
        store_watch_again();
    wake_all(); /* those that wait for it */
}

static void connect(void)
{
    if (store_ring_connected())
        connected();
    else
        state = CONNECTING;
}

static bool is_alive(void)
{
    return state == CONNECTED || state == HELD;
}

static void serve(void)
{
    int rc = 0;

    if (state == CONNECTING && store_ring_connected())
        connected();
    if (is_alive()) {
        rc = store_in_take();
        if (rc < 0 || store_ring_given_up())
            broken();
        else if (rc > 0)
            store_ring_notify(); /* there is room again */
    }
    if (is_alive())
        put_some();
}

/*
 * Nobody waits for the request any more; but if it has begun a transaction, that has to be ended.
 */
static void finish_abandoned(struct store_request *r)
{
    struct xenstore_tx tx = { .connection = r->connection };

    if (r->rc == 0 && store_tx_began(r, &tx) && store_submit(r, &tx) == 0)
        return;
    xenlet_free(r->answer);
    xenlet_free(r);
}

static void finish(struct store_request *r)
{
    while (r) {
        struct store_request *next = r->next;

        if (r->finish)
            r->finish(r);
        else
            finish_abandoned(r);
        r = next;
    }
}

static void store_event(struct evtchn *ch, void *data)
{
    struct store_request *done;
    struct store_event *events;
    bool lost;

    (void)ch;
    (void)data;
    spin_lock(&lock);
    atomic_write(&dispatcher, platform_vcpu());
    serve();
    done = finished.first;
    finished = (struct list){ NULL, &finished.first };
    events = store_in_events(&lost);
    spin_unlock(&lock);

    finish(done);
    store_watch_events(events, lost);
    atomic_write(&dispatcher, NOBODY);
}

static void open(void)
{
    if (!store_channel) {
        state = ABSENT;
        return;
    }
    store_ring_init();
    connect();
    store_handler = store_event;
    evtchn_unmask(store_channel);
}

int store_status_locked(void)
{
    if (state == UNOPENED)
        open();
    return state == ABSENT ? -XEN_ENODEV : state == BROKEN ? -XEN_ENOTCONN : 0;
}

/* --- requests ------------------------------------------------------------------------------- */

static int check(struct store_request *r, const struct xenstore_tx *tx)
{
    int rc = store_status_locked();

    if (rc)
        return rc;
    if (tx && tx->connection != connection)
        return -XEN_EAGAIN;
    r->header.tx_id = tx ? tx->id : 0;
    /* 0 is that of watch events. */
    r->header.req_id = ++next_id ? next_id : ++next_id;
    r->sent = 0;
    r->waiter = platform_vcpu();
    return 0;
}

int store_submit_locked(struct store_request *r, const struct xenstore_tx *tx)
{
    int rc = check(r, tx);

    if (rc)
        return rc;
    append(&queue, r);
    put_some();
    return 0;
}

int store_submit(struct store_request *r, const struct xenstore_tx *tx)
{
    unsigned long flags = store_lock();
    int rc = store_submit_locked(r, tx);

    store_unlock(flags);
    return rc;
}

static bool is_done(void *arg)
{
    const struct store_request *r = arg;

    return atomic_read_acquire(&r->is_done);
}

/*
 * Take back a request that was not begun, other than the end of a transaction, which the store has
 * to hear of. One that was begun is finished by the handler.
 */
static int give_up(struct store_request *r)
{
    r->abandoned = true;
    if (!r->sent && r->header.type != XS_TRANSACTION_END && take(&queue, r))
        xenlet_free(r);
    return -XEN_ETIME;
}

int store_wait(struct store_request *r, uint64_t deadline)
{
    int rc = evtchn_wait(is_done, r, deadline);
    unsigned long flags;

    if (rc == 0)
        return r->rc;
    flags = store_lock();
    rc = r->is_done ? r->rc : give_up(r);
    store_unlock(flags);
    return rc;
}

/* --- a new connection ----------------------------------------------------------------------- */

static bool is_settled(void *arg)
{
    (void)arg;
    return atomic_read(&state) != CONNECTING;
}

int xenstore_reconnect(uint64_t deadline)
{
    unsigned long flags;
    int rc;

    if (upcalls_masked())
        return -XEN_EDEADLK;
    flags = store_lock();
    rc = store_status_locked();
    if (rc != -XEN_ENODEV && state != CONNECTING) {
        rc = store_ring_reconnect();
        if (rc == 0) {
            state = CONNECTING;
            start_over(-XEN_EAGAIN);
        }
    }
    if (finished.first)
        evtchn_raise(store_channel);
    store_unlock(flags);
    if (rc)
        return rc;
    rc = evtchn_wait(is_settled, NULL, deadline);
    return rc ? rc : atomic_read(&state) == BROKEN ? -XEN_ENOTCONN : 0;
}

/* --- around a suspend ----------------------------------------------------------------------- */

static bool is_quiet(void)
{
    return state != HELD || (!nr_in_flight && !begun(&queue));
}

/*
 * What was begun has to be answered first: a restored domain's store would take the rest of it for
 * something new. The handler cannot run now; what has come for others it passes on afterwards.
 */
int store_before_suspend(void *data)
{
    uint64_t deadline = clock_after(PATIENCE);
    unsigned long flags = store_lock();
    int rc = 0;

    (void)data;
    if (state == CONNECTED)
        state = HELD;
    while (rc == 0 && !is_quiet()) {
        store_unlock(flags);
        rc = evtchn_poll(&store_channel, 1, deadline);
        flags = store_lock();
        evtchn_take_pending(store_channel);
        serve();
    }
    store_unlock(flags);
    if (rc)
        store_after_suspend(NULL, true);
    return rc;
}

void store_after_suspend(void *data, bool cancelled)
{
    unsigned long flags = store_lock();

    (void)data;
    if (state != UNOPENED && state != ABSENT) {
        if (!cancelled) {
            start_over(-XEN_EAGAIN);
            store_ring_init();
            connect();
        } else if (state == HELD) {
            state = CONNECTED;
        }
        evtchn_raise(store_channel); /* the handler goes on with the rest */
    }
    store_unlock(flags);
}

/* Weak: a guest that does not link suspend.c is never suspended. */
extern __typeof__(suspend_register) suspend_register __attribute__((weak));

static __attribute__((constructor)) void register_hook(void)
{
    static struct suspend_hook hook = { .order = SUSPEND_XENSTORE,
                                        .before = store_before_suspend,
                                        .after = store_after_suspend };

    if (suspend_register)
        suspend_register(&hook);
}
