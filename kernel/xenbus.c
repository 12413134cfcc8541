/* SPDX-License-Identifier: MIT */
/*
 * Devices: the two directories, and the states of both ends.
 *
 * The other end's state is watched. When it changes a handler asks for it and another takes the
 * answer, both on VCPU 0; whoever waits looks at what they left.
 */
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include <xenlet/suspend.h>
#include <xenlet/vcpu.h>
#include "arch/atomic.h"
#include "kernel/string.h"
#include "kernel/xenbus.h"

#define NODE_MAX (XENBUS_PATH_MAX + 64)

static struct xenbus_device *all;
static struct spinlock all_lock;

/* --- nodes ------------------------------------------------------------------------------------ */

static int node_of(char *node, const char *directory, const char *name)
{
    int len = xenlet_snprintf(node, NODE_MAX, "%s/%s", directory, name);

    return len < (int)NODE_MAX ? 0 : -XEN_E2BIG;
}

static int read_text(const struct xenstore_tx *tx, const char *directory, const char *name,
                     char **value, uint64_t deadline)
{
    char node[NODE_MAX];
    int rc = node_of(node, directory, name);

    return rc ? rc : xenstore_read(tx, node, value, NULL, deadline);
}

static int to_number(const char *text, uint32_t *number)
{
    uint64_t n = 0;
    const char *p = text;

    while (*p >= '0' && *p <= '9' && n <= UINT32_MAX)
        n = n * 10 + (uint64_t)(*p++ - '0');
    if (p == text || *p || n > UINT32_MAX)
        return -XEN_EIO;
    *number = (uint32_t)n;
    return 0;
}

int xenbus_tx_read_number(const struct xenstore_tx *tx, const char *directory, const char *name,
                          uint32_t *number, uint64_t deadline)
{
    char *text;
    int rc = read_text(tx, directory, name, &text, deadline);

    if (rc)
        return rc;
    rc = to_number(text, number);
    xenlet_free(text);
    return rc;
}

static int write_text(const struct xenstore_tx *tx, const char *directory, const char *name,
                      const char *value, uint64_t deadline)
{
    char node[NODE_MAX];
    int rc = node_of(node, directory, name);

    return rc ? rc : xenstore_write(tx, node, value, strlen(value), deadline);
}

int xenbus_tx_write_number(const struct xenstore_tx *tx, const char *directory, const char *name,
                           uint32_t number, uint64_t deadline)
{
    char text[12];

    xenlet_snprintf(text, sizeof(text), "%u", number);
    return write_text(tx, directory, name, text, deadline);
}

static const char *directory_of(const struct xenbus_device *d, bool theirs)
{
    return theirs ? d->peer_path : d->path;
}

int xenbus_read(struct xenbus_device *d, bool theirs, const char *name, char **value,
                uint64_t deadline)
{
    int rc = xenbus_status(d);

    return rc ? rc : read_text(NULL, directory_of(d, theirs), name, value, deadline);
}

int xenbus_read_number(struct xenbus_device *d, bool theirs, const char *name, uint32_t *number,
                       uint64_t deadline)
{
    int rc = xenbus_status(d);

    return rc ? rc : xenbus_tx_read_number(NULL, directory_of(d, theirs), name, number, deadline);
}

int xenbus_write(struct xenbus_device *d, const char *name, const char *value, uint64_t deadline)
{
    int rc = xenbus_status(d);

    return rc ? rc : write_text(NULL, d->path, name, value, deadline);
}

int xenbus_write_number(struct xenbus_device *d, const char *name, uint32_t number,
                        uint64_t deadline)
{
    int rc = xenbus_status(d);

    return rc ? rc : xenbus_tx_write_number(NULL, d->path, name, number, deadline);
}

/* --- waiting ---------------------------------------------------------------------------------- */

int xenbus_status(const struct xenbus_device *d)
{
    return atomic_read(&d->lost) ? -XEN_ENOTCONN : 0;
}

void xenbus_wake(struct xenbus_device *d)
{
    uint32_t waiter;

    smp_mb(); /* what has come, before who waits: xenbus_wait() */
    waiter = atomic_read(&d->waiter);
    /* One that waits on this VCPU looks again when the handler returns. */
    if (waiter && waiter - 1 != vcpu_this())
        vcpu_wake(waiter - 1);
}

int xenbus_wait(struct xenbus_device *d, bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    int rc;

    /* Before `done` looks: a handler that makes it true afterwards sees who waits. */
    atomic_write(&d->waiter, vcpu_this() + 1);
    smp_mb(); /* xenbus_wake() */
    rc = evtchn_wait(done, arg, deadline);
    atomic_write(&d->waiter, 0);
    return rc;
}

/* --- the other end's state: in handlers on VCPU 0 --------------------------------------------- */

/* With the lock held, so that nothing is told once xenbus_close() has it. */
static void tell(struct xenbus_device *d)
{
    xenbus_wake(d);
    if (d->changed)
        d->changed(d, d->changed_data);
}

static void note(struct xenbus_device *d, int rc, const char *text)
{
    uint32_t state = XenbusStateUnknown, before = d->peer_state;
    bool first = !d->known;

    if (rc == -XEN_EAGAIN)
        return; /* the store was connected to anew: the watch is set again, and reports a change */
    if (rc == 0 && (to_number(text, &state) || state > XenbusStateReconfigured))
        state = XenbusStateUnknown;
    atomic_write(&d->error, rc == -XEN_ENOENT || rc == -XEN_EACCES ? 0 : rc);
    atomic_write(&d->peer_state, state);
    /* What was noted, before that something was: xenbus_wait() reads it behind `known`. */
    atomic_write_release(&d->known, 1);
    if (first || rc || state != before)
        tell(d);
}

static unsigned long lock(struct xenbus_device *d)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&d->lock);
    return flags;
}

static void unlock(struct xenbus_device *d, unsigned long flags)
{
    spin_unlock(&d->lock);
    platform_upcalls_restore(flags);
}

static void start_reading(struct xenbus_device *d);

/* The device is there until this, or xenbus_close() if nothing is read, has let go of it. */
static void was_read(void *data, int rc, char *answer, size_t len)
{
    struct xenbus_device *d = data;
    unsigned long flags = lock(d);
    bool closed = d->closed, again = d->again;

    (void)len;
    if (!closed)
        note(d, rc, answer);
    d->again = false;
    d->reading = again;
    unlock(d, flags);
    xenlet_free(answer);
    if (closed)
        xenlet_free(d);
    else if (again)
        start_reading(d);
}

static void start_reading(struct xenbus_device *d)
{
    int rc = xenstore_start(XS_READ, NULL, d->peer_state_path, NULL, 0, was_read, d);

    if (rc)
        was_read(d, rc, NULL, 0);
}

static void look(struct xenbus_device *d)
{
    unsigned long flags = lock(d);
    bool busy = d->reading;

    d->again = busy;
    d->reading = true;
    unlock(d, flags);
    if (!busy)
        start_reading(d);
}

static void state_changed(struct xenstore_watch *w, const char *path, void *data)
{
    struct xenbus_device *d = data;

    (void)w;
    if (path)
        look(d);
    else {
        unsigned long flags = lock(d);

        note(d, -XEN_EIO, NULL); /* it cannot be watched any more */
        unlock(d, flags);
    }
}

/* --- states ----------------------------------------------------------------------------------- */

enum xenbus_state xenbus_peer_state(const struct xenbus_device *d)
{
    return atomic_read(&d->peer_state);
}

void xenbus_on_change(struct xenbus_device *d, xenbus_changed_t *changed, void *data)
{
    unsigned long flags = lock(d);

    d->changed_data = data;
    d->changed = changed;
    unlock(d, flags);
}

struct want {
    struct xenbus_device *d;
    unsigned int states;
};

static bool in_set(uint32_t state, unsigned int states)
{
    return states & XENBUS_IN(state);
}

static bool has_come(void *arg)
{
    const struct want *w = arg;
    uint32_t known = atomic_read_acquire(&w->d->known), state = atomic_read(&w->d->peer_state);

    return xenbus_status(w->d) || atomic_read(&w->d->error) ||
           (known && (in_set(state, w->states) || state == XenbusStateUnknown));
}

int xenbus_wait_state(struct xenbus_device *d, unsigned int states, enum xenbus_state *state,
                      uint64_t deadline)
{
    struct want want = { d, states };
    int rc = xenbus_wait(d, has_come, &want, deadline);
    enum xenbus_state now = xenbus_peer_state(d);

    if (rc == 0)
        rc = xenbus_status(d);
    if (rc == 0)
        rc = atomic_read(&d->error);
    if (rc)
        return rc;
    if (!in_set(now, states))
        return -XEN_ENOTCONN;
    if (state)
        *state = now;
    return 0;
}

struct change {
    struct xenbus_device *d;
    enum xenbus_state state;
    uint64_t deadline;
};

/* With a look at what is there: a write alone would make anew what the toolstack has removed. */
static int change_state(const struct xenstore_tx *tx, void *arg)
{
    const struct change *c = arg;
    uint32_t now = XenbusStateUnknown;
    int rc = xenbus_tx_read_number(tx, c->d->path, "state", &now, c->deadline);

    if (rc && rc != -XEN_EIO)
        return rc;
    return now == (uint32_t)c->state
               ? 0
               : xenbus_tx_write_number(tx, c->d->path, "state", c->state, c->deadline);
}

int xenbus_switch_state(struct xenbus_device *d, enum xenbus_state state, uint64_t deadline)
{
    struct change change = { d, state, deadline };
    int rc = xenbus_status(d);

    return rc ? rc : xenstore_transaction(change_state, &change, deadline);
}

/* --- open and close --------------------------------------------------------------------------- */

domid_t xenbus_peer(const struct xenbus_device *d)
{
    return d->peer;
}

const char *xenbus_path(const struct xenbus_device *d)
{
    return d->path;
}

const char *xenbus_peer_path(const struct xenbus_device *d)
{
    return d->peer_path;
}

static int copy_path(char *to, const char *path)
{
    if (strlen(path) >= XENBUS_PATH_MAX)
        return -XEN_E2BIG;
    memcpy(to, path, strlen(path) + 1);
    return 0;
}

struct find {
    struct xenbus_device *d;
    uint64_t deadline;
};

static int find_end(const struct xenstore_tx *tx, struct find *f, const char *end,
                    const char *end_id)
{
    uint32_t peer = 0;
    char *path;
    int rc = read_text(tx, f->d->path, end, &path, f->deadline);

    if (rc)
        return rc;
    rc = *path == '/' ? copy_path(f->d->peer_path, path) : -XEN_EIO;
    xenlet_free(path);
    if (rc == 0)
        rc = xenbus_tx_read_number(tx, f->d->path, end_id, &peer, f->deadline);
    if (rc == 0 && peer >= DOMID_FIRST_RESERVED)
        rc = -XEN_EIO;
    f->d->peer = (domid_t)peer;
    return rc;
}

static int find_both(const struct xenstore_tx *tx, void *arg)
{
    int rc = find_end(tx, arg, "backend", "backend-id");

    return rc == -XEN_ENOENT ? find_end(tx, arg, "frontend", "frontend-id") : rc;
}

/* The other end's directory, as soon as ours says which that is. */
static int find(struct xenbus_device *d, uint64_t deadline)
{
    struct find f = { d, deadline };
    struct xenstore_watch *watch;
    int rc = xenstore_watch(d->path, NULL, NULL, &watch, deadline);

    if (rc)
        return rc;
    do {
        rc = xenstore_transaction(find_both, &f, deadline);
        if (rc != -XEN_ENOENT && rc != -XEN_EACCES)
            break;
        rc = xenstore_watch_wait(watch, NULL, deadline);
    } while (rc == 0);
    xenstore_unwatch(watch);
    return rc;
}

static bool is_there(void *arg)
{
    const struct xenbus_device *d = arg;

    return xenbus_status(d) || atomic_read(&d->error) ||
           (atomic_read_acquire(&d->known) && atomic_read(&d->peer_state) != XenbusStateUnknown);
}

static int follow(struct xenbus_device *d, uint64_t deadline)
{
    int rc;

    xenlet_snprintf(d->peer_state_path, sizeof(d->peer_state_path), "%s/state", d->peer_path);
    rc = xenstore_watch(d->peer_state_path, state_changed, d, &d->watch, deadline);
    if (rc == 0)
        rc = xenbus_wait(d, is_there, d, deadline);
    if (rc == 0)
        rc = xenbus_status(d);
    return rc ? rc : atomic_read(&d->error);
}

static void put_on_list(struct xenbus_device *d)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&all_lock);
    d->next = all;
    all = d;
    spin_unlock(&all_lock);
    platform_upcalls_restore(flags);
}

static void take_off_list(const struct xenbus_device *d)
{
    unsigned long flags = platform_upcalls_save();
    struct xenbus_device **link = &all;

    spin_lock(&all_lock);
    while (*link != d)
        link = &(*link)->next;
    *link = d->next;
    spin_unlock(&all_lock);
    platform_upcalls_restore(flags);
}

int xenbus_open(const char *path, uint64_t deadline, struct xenbus_device **device)
{
    struct xenbus_device *d = xenlet_alloc(sizeof(*d));
    int rc;

    if (!d)
        return -XEN_ENOMEM;
    memset(d, 0, sizeof(*d));
    put_on_list(d);
    rc = copy_path(d->path, path);
    if (rc == 0)
        rc = find(d, deadline);
    if (rc == 0)
        rc = follow(d, deadline);
    if (rc)
        xenbus_close(d);
    else
        *device = d;
    return rc;
}

void xenbus_close(struct xenbus_device *d)
{
    unsigned long flags;
    bool reading;

    if (d->watch)
        xenstore_unwatch(d->watch);
    take_off_list(d);
    flags = lock(d);
    d->closed = true;
    reading = d->reading;
    unlock(d, flags);
    if (!reading)
        xenlet_free(d); /* else by was_read() */
}

/* --- around a suspend ------------------------------------------------------------------------- */

/* On VCPU 0, as handlers are. */
static void after_suspend(void *data, bool cancelled)
{
    (void)data;
    if (cancelled)
        return;
    spin_lock(&all_lock);
    for (struct xenbus_device *d = all; d; d = d->next) {
        unsigned long flags = lock(d);

        atomic_write(&d->lost, 1);
        tell(d);
        unlock(d, flags);
    }
    spin_unlock(&all_lock);
}

/* Weak: a guest that does not link suspend.c is never suspended. */
extern __typeof__(suspend_register) suspend_register __attribute__((weak));

static __attribute__((constructor)) void register_hook(void)
{
    static struct suspend_hook hook = { .order = SUSPEND_DRIVERS, .after = after_suspend };

    if (suspend_register)
        suspend_register(&hook);
}
