/* SPDX-License-Identifier: MIT */
/* Setting up a vchan and tearing it down, and what is done around a suspend. */
#include <xenlet/clock.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include <xenlet/suspend.h>
#include "arch/atomic.h"
#include "kernel/string.h"
#include "kernel/vchan.h"

#define TRY_EVERY 50000000u /* ns between two looks for a server */

static struct vchan *all;
static struct spinlock all_lock;

unsigned long vchan_lock(struct vchan *v)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&v->in.lock);
    spin_lock(&v->out.lock);
    return flags;
}

void vchan_unlock(struct vchan *v, unsigned long flags)
{
    spin_unlock(&v->out.lock);
    spin_unlock(&v->in.lock);
    platform_upcalls_restore(flags);
}

/* --- the list --------------------------------------------------------------------------------- */

static void put_on_list(struct vchan *v)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&all_lock);
    v->next = all;
    all = v;
    spin_unlock(&all_lock);
    platform_upcalls_restore(flags);
}

static void take_off_list(const struct vchan *v)
{
    unsigned long flags = platform_upcalls_save();
    struct vchan **link = &all;

    spin_lock(&all_lock);
    while (*link != v)
        link = &(*link)->next;
    *link = v->next;
    spin_unlock(&all_lock);
    platform_upcalls_restore(flags);
}

/* --- down ------------------------------------------------------------------------------------- */

/* Tell the other end, and let go of memory and channel; afterwards the vchan is like a new one. */
static void disconnect(struct vchan *v)
{
    unsigned long flags = vchan_lock(v);

    if (v->page)
        vchan_own_live(v, VCHAN_LIVE_NOT);
    if (v->server)
        vchan_memory_withdraw(v);
    else
        vchan_memory_unmap(v);
    v->connected = false;
    v->error = -XEN_ENOTCONN;
    vchan_unlock(v, flags);
    if (v->ch) {
        /* Without asking whether it wants to know, as libxenvchan_close() does. */
        evtchn_send(v->ch);
        evtchn_close(v->ch);
        v->ch = NULL;
    }
    xenlet_free(v->refs);
    v->refs = NULL;
    v->gone = false;
    v->look_again = 0;
}

void vchan_close(struct vchan *v)
{
    disconnect(v);
    if (v->server)
        vchan_store_remove(v);
    take_off_list(v);
    xenlet_free(v);
    offer_clear();
}

/* --- up: the server --------------------------------------------------------------------------- */

static int serve(struct vchan *v, uint64_t deadline)
{
    int rc = evtchn_bind_unbound(v->peer, vchan_event, v, 0, &v->ch);

    if (rc == 0) {
        unsigned long flags = vchan_lock(v);

        rc = vchan_memory_offer(v);
        v->error = rc;
        vchan_unlock(v, flags);
    }
    return rc ? rc : vchan_store_publish(v, deadline);
}

static bool client_came(void *arg)
{
    struct vchan *v = arg;
    bool came;

    spin_lock(&v->in.lock);
    came = v->error || (v->page && vchan_peer_live(v) != VCHAN_LIVE_LATER);
    spin_unlock(&v->in.lock);
    return came;
}

/* Note the client's port: another client in the same domain would have another. */
static void note_client(struct vchan *v)
{
    struct evtchn_status status = { .port = 0 };

    if (evtchn_status(v->ch, &status) == 0 && status.status == EVTCHNSTAT_interdomain)
        v->peer_port = status.u.interdomain.port;
    else
        v->gone = true;
}

int vchan_accept(struct vchan *v, uint64_t deadline)
{
    uint64_t now;
    int rc = 0;

    if (!v->server || v->connected)
        return v->server ? 0 : -XEN_EINVAL;
    for (;;) {
        unsigned long flags = platform_upcalls_save();
        bool came = client_came(v);

        platform_upcalls_restore(flags);
        if (v->error)
            return v->error;
        if (came)
            break;
        now = clock_now();
        if (deadline != XENLET_FOREVER && now >= deadline)
            return -XEN_ETIME;
        /* It may fail: a client that can read the nodes already comes all the same. */
        (void)vchan_store_allow(v, deadline);
        rc = vchan_wait(&v->in, client_came, v, deadline);
        if (rc)
            return rc;
    }
    note_client(v);
    v->connected = true;
    return 0;
}

/* --- up: the client --------------------------------------------------------------------------- */

/* Map the memory that was found. The channel is bound by now, since this tells the server of us. */
static int enter(struct vchan *v)
{
    unsigned long flags = vchan_lock(v);
    int rc = vchan_memory_map(v);

    if (rc == 0 && vchan_peer_live(v) != VCHAN_LIVE) {
        vchan_memory_unmap(v);
        rc = -XEN_ENOENT; /* a server that has closed */
    }
    if (rc == 0) {
        v->connected = true;
        v->error = 0;
        vchan_own_live(v, VCHAN_LIVE);
        vchan_ring_request(v, &v->in);
    }
    vchan_unlock(v, flags);
    return rc;
}

static int try_connect(struct vchan *v, uint64_t deadline)
{
    int rc = vchan_store_find(v, deadline);

    if (rc)
        return rc;
    rc = evtchn_bind_interdomain(v->peer, v->peer_port, vchan_event, v, 0, &v->ch);
    if (rc == -XEN_EINVAL)
        rc = -XEN_ENOENT; /* taken by another client, or closed */
    if (rc == 0)
        rc = enter(v);
    if (rc == 0)
        rc = evtchn_send(v->ch);
    if (rc)
        disconnect(v);
    return rc;
}

/* Whether to try again: the server is not there yet, not there any more, or taken. */
static bool may_pass(int rc)
{
    return rc == -XEN_ENOENT || rc == -XEN_EACCES || rc == -XEN_EAGAIN || rc == -XEN_ESRCH;
}

static int connect(struct vchan *v, uint64_t deadline)
{
    int rc;

    for (;;) {
        rc = try_connect(v, deadline);
        if (!may_pass(rc))
            return rc;
        if (deadline != XENLET_FOREVER && clock_now() >= deadline)
            return -XEN_ETIME;
        clock_sleep(TRY_EVERY);
    }
}

/* --- both ------------------------------------------------------------------------------------- */

static int set_path(struct vchan *v, const char *path)
{
    if (path == v->path)
        return 0;
    if (strlen(path) >= sizeof(v->path))
        return -XEN_E2BIG;
    memcpy(v->path, path, strlen(path) + 1);
    return 0;
}

static int new_vchan(bool server, domid_t peer, const char *path, struct vchan **vchan)
{
    struct vchan *v = xenlet_alloc(sizeof(*v));
    int rc;

    offer_clear();
    if (!v)
        return -XEN_ENOMEM;
    memset(v, 0, sizeof(*v));
    v->server = server;
    v->peer = peer;
    v->in.notify = VCHAN_NOTIFY_WRITE;
    v->out.notify = VCHAN_NOTIFY_READ;
    v->error = -XEN_ENOTCONN;
    rc = set_path(v, path);
    if (rc) {
        xenlet_free(v);
        return rc;
    }
    put_on_list(v);
    *vchan = v;
    return 0;
}

static int set_up(struct vchan *v, uint64_t deadline)
{
    int rc = v->server ? serve(v, deadline) : connect(v, deadline);

    if (rc)
        disconnect(v);
    return rc;
}

static int open(struct vchan *v, uint64_t deadline, struct vchan **vchan)
{
    int rc = set_up(v, deadline);

    if (rc == 0) {
        *vchan = v;
        return 0;
    }
    take_off_list(v);
    xenlet_free(v);
    return rc;
}

int vchan_server(domid_t client, const char *path, unsigned int in_order, unsigned int out_order,
                 uint64_t deadline, struct vchan **vchan)
{
    struct vchan *v;
    int rc;

    if (in_order > VCHAN_ORDER_MAX || out_order > VCHAN_ORDER_MAX)
        return -XEN_EINVAL;
    rc = new_vchan(true, client, path, &v);
    if (rc)
        return rc;
    v->in.order = (uint8_t)in_order;
    v->out.order = (uint8_t)out_order;
    return open(v, deadline, vchan);
}

int vchan_client(domid_t server, const char *path, uint64_t deadline, struct vchan **vchan)
{
    struct vchan *v;
    int rc = new_vchan(false, server, path, &v);

    return rc ? rc : open(v, deadline, vchan);
}

int vchan_reconnect(struct vchan *v, domid_t peer, const char *path, uint64_t deadline)
{
    int rc;

    disconnect(v);
    offer_clear();
    rc = set_path(v, path ? path : v->path);
    if (rc)
        return rc;
    v->peer = peer;
    return set_up(v, deadline);
}

/* --- around a suspend ------------------------------------------------------------------------- */

/* Nothing of others may be mapped then. All that use a ring on other VCPUs have its lock. */
static int put_away(struct vchan *v)
{
    unsigned long flags = vchan_lock(v);
    int rc = v->page_map ? vchan_memory_unmap(v) : 0;

    vchan_unlock(v, flags);
    return rc;
}

/*
 * If nothing was saved, map all of it again; else the other domain may not even be on this machine.
 */
static void take_back(struct vchan *v, bool cancelled)
{
    unsigned long flags = vchan_lock(v);

    if (cancelled && v->refs && !v->page_map && vchan_memory_map(v))
        v->error = -XEN_ENOTCONN;
    if (!cancelled && v->error == 0)
        v->error = -XEN_ENOTCONN;
    vchan_unlock(v, flags);
    vchan_wake(v);
    if (!cancelled && v->changed)
        v->changed(v, v->changed_data);
}

/* On VCPU 0, as handlers are; the list changes on others meanwhile. */
static void after_suspend(void *data, bool cancelled)
{
    (void)data;
    spin_lock(&all_lock);
    for (struct vchan *v = all; v; v = v->next)
        take_back(v, cancelled);
    spin_unlock(&all_lock);
}

static int before_suspend(void *data)
{
    int rc = 0;

    spin_lock(&all_lock);
    for (struct vchan *v = all; v && rc == 0; v = v->next)
        rc = put_away(v);
    spin_unlock(&all_lock);
    if (rc)
        after_suspend(data, true);
    return rc;
}

/* Weak: a guest that does not link suspend.c is never suspended. */
extern __typeof__(suspend_register) suspend_register __attribute__((weak));

static __attribute__((constructor)) void register_hook(void)
{
    static struct suspend_hook hook = { .order = SUSPEND_DRIVERS,
                                        .before = before_suspend,
                                        .after = after_suspend };

    if (suspend_register)
        suspend_register(&hook);
}
