/* SPDX-License-Identifier: MIT */
/*
 * Watches on xenstore. A watch has one request for its whole life, with which it is set and, when
 * the program is through with it, unset: neither can fail for want of memory, and the watch is
 * freed when the store has let go of it. The store names it by a token, a number no other ever has.
 */
#include <xenlet/console.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include <xenlet/vcpu.h>
#include "kernel/internal.h"
#include "kernel/string.h"
#include "kernel/xenstore.h"

#define MAX_EVENTS 32u /* kept for who waits; more are merged */
#define TOKEN_TEXT 11u

struct xenstore_watch {
    struct xenstore_watch *next;
    struct store_request request; /* to set it, or to unset it */
    bool busy;                    /* that is under way */
    bool is_set;                  /* it was set; again on each new connection */
    bool ended;                   /* by the program: on no list any more */
    bool held;                    /* xenstore_watch() has not returned; its function may end it */
    bool gone;                    /* to be freed, by who holds it */
    bool changed;                 /* report a change of its own path */
    int rc;                       /* why it could not be set */
    xenstore_changed_t *function; /* NULL: events are kept, for the waiter */
    void *data;
    struct store_event *events;
    unsigned int nr_events;
    unsigned int waiter;
    char *token; /* behind the path */
    char path[]; /* NUL, token, NUL: the payload of the request */
};

/* Under the client's lock. */
static struct xenstore_watch *watches;
static struct xenstore_watch *running; /* whose function runs */
static uint32_t last_token;

static void wake(const struct xenstore_watch *w)
{
    if (w->waiter != platform_vcpu())
        vcpu_wake(w->waiter);
}

/* --- set and unset -------------------------------------------------------------------------- */

static void drop_events(struct xenstore_watch *w)
{
    while (w->events) {
        struct store_event *e = w->events;

        w->events = e->next;
        store_event_free(e);
    }
    w->nr_events = 0;
}

static int submit(struct xenstore_watch *w, enum xsd_sockmsg_type type)
{
    int rc;

    if (type == XS_WATCH)
        xenlet_snprintf(w->token, TOKEN_TEXT, "%u", ++last_token);
    w->request.header.type = type;
    w->request.header.len = (uint32_t)(w->token - w->path + (long)strlen(w->token) + 1);
    rc = store_submit_locked(&w->request, NULL);
    w->busy = rc == 0;
    return rc;
}

static void release(struct xenstore_watch *w)
{
    if (w->held)
        w->gone = true;
    else
        xenlet_free(w);
}

/* One that was ended: tell the store, if it can be told, and free it when that is through. */
static void let_go(struct xenstore_watch *w)
{
    if (submit(w, XS_UNWATCH) != 0)
        release(w);
}

/*
 * Call the watch's function, without the lock, which is held before and after. In the handler. The
 * watch may be gone afterwards.
 */
static unsigned long call(struct xenstore_watch *w, const char *path, unsigned long flags)
{
    running = w;
    store_unlock(flags);
    w->function(w, path, w->data);
    flags = store_lock();
    running = NULL;
    return flags;
}

/* Whether this is an error to be reported, of a watch that was set and cannot be set again. */
static bool set_answered(struct xenstore_watch *w, int rc)
{
    if (rc == -XEN_EAGAIN)
        rc = submit(w, XS_WATCH); /* the connection is new */
    else
        w->is_set |= rc == 0;
    if (w->is_set && rc == -XEN_ENOTCONN)
        rc = 0; /* it may come back */
    w->rc = rc;
    wake(w);
    return rc && w->is_set;
}

/* The request is answered, or will never be. In the handler. */
static void watch_answered(struct store_request *r)
{
    struct xenstore_watch *w = r->data;
    unsigned long flags = store_lock();

    w->busy = false;
    if (w->ended && r->header.type == XS_UNWATCH)
        release(w);
    else if (w->ended)
        let_go(w);
    else if (set_answered(w, r->rc) && w->function)
        flags = call(w, NULL, flags);
    store_unlock(flags);
}

static struct xenstore_watch *watch_new(const char *path, xenstore_changed_t *changed, void *data)
{
    size_t len = strlen(path) + 1;
    struct xenstore_watch *w = xenlet_alloc(sizeof(*w) + len + TOKEN_TEXT);

    if (!w)
        return NULL;
    *w = (struct xenstore_watch){ .function = changed, .data = data, .waiter = platform_vcpu() };
    memcpy(w->path, path, len);
    w->token = w->path + len;
    w->token[0] = '\0';
    w->request.payload = w->path;
    w->request.finish = watch_answered;
    w->request.data = w;
    return w;
}

/* Take it off the list, and wait until its function does not run: we may be in that. */
static void end(struct xenstore_watch *w)
{
    struct xenstore_watch **link = &watches;
    unsigned long flags = store_lock();

    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    w->ended = true;
    drop_events(w);
    while (running == w && !store_in_handler()) {
        store_unlock(flags);
        arch_cpu_relax();
        flags = store_lock();
    }
    if (!w->busy)
        let_go(w);
    store_unlock(flags);
}

static bool is_answered(void *arg)
{
    const struct xenstore_watch *w = arg;

    return atomic_read(&w->is_set) || atomic_read(&w->rc);
}

/* It was waited for, with that result. If it was not set, nobody knows of it yet. */
static int let_loose(struct xenstore_watch *w, int rc)
{
    unsigned long flags = store_lock();

    if (w->is_set)
        rc = 0;
    else if (rc == 0)
        rc = w->rc;
    w->held = false;
    if (w->gone)
        xenlet_free(w);
    store_unlock(flags);
    if (rc)
        end(w);
    return rc;
}

int xenstore_watch(const char *path, xenstore_changed_t *changed, void *data,
                   struct xenstore_watch **watch, uint64_t deadline)
{
    struct xenstore_watch *w;
    unsigned long flags;
    int rc;

    if (upcalls_masked())
        return -XEN_EDEADLK;
    if (strlen(path) + 1 + TOKEN_TEXT > XENSTORE_PAYLOAD_MAX)
        return -XEN_E2BIG;
    w = watch_new(path, changed, data);
    if (!w)
        return -XEN_ENOMEM;
    *watch = w;
    flags = store_lock();
    w->held = true;
    w->next = watches;
    watches = w;
    rc = submit(w, XS_WATCH);
    store_unlock(flags);
    if (rc == 0)
        rc = evtchn_wait(is_answered, w, deadline);
    rc = let_loose(w, rc);
    if (rc)
        *watch = NULL;
    return rc;
}

int xenstore_unwatch(struct xenstore_watch *w)
{
    if (upcalls_masked() && !store_in_handler())
        return -XEN_EDEADLK;
    end(w);
    return 0;
}

void store_watch_again(void)
{
    /* Those whose request is under way hear of the new connection by its end. */
    for (struct xenstore_watch *w = watches; w; w = w->next) {
        if (w->is_set && !w->busy)
            submit(w, XS_WATCH);
    }
}

/* --- changes -------------------------------------------------------------------------------- */

static struct xenstore_watch *find(const char *token)
{
    struct xenstore_watch *w = watches;

    while (w && (!w->is_set || strcmp(w->token, token) != 0))
        w = w->next;
    return w;
}

static bool is_known(const struct xenstore_watch *w, const char *path)
{
    const struct store_event *e = w->events;

    while (e && strcmp(e->text, path) != 0)
        e = e->next;
    return w->changed || e;
}

/* For who waits. Somebody else decides how many there are: what is too much is merged. */
static void keep(struct xenstore_watch *w, struct store_event *event)
{
    struct store_event **link = &w->events;

    if (is_known(w, event->text)) {
        store_event_free(event);
    } else if (w->nr_events == MAX_EVENTS) {
        store_event_free(event);
        drop_events(w);
        w->changed = true;
    } else {
        while (*link)
            link = &(*link)->next;
        event->next = NULL;
        *link = event;
        w->nr_events++;
    }
    wake(w);
}

/* Report to every watch that something changed. */
static unsigned long report_all(unsigned long flags)
{
    struct xenstore_watch *w;

    for (w = watches; w; w = w->next) {
        w->changed = true;
        wake(w);
    }
    /* Functions may end any watch: begin again after each. */
    for (w = watches; w;) {
        if (w->function && w->is_set && w->changed) {
            w->changed = false;
            flags = call(w, w->path, flags);
            w = watches;
        } else {
            w = w->next;
        }
    }
    return flags;
}

void store_watch_events(struct store_event *events, bool lost)
{
    unsigned long flags = store_lock();

    while (events) {
        struct store_event *e = events;
        /* One that was just ended is not known any more. */
        struct xenstore_watch *w = find(e->text + strlen(e->text) + 1);

        events = e->next;
        if (w && !w->function) {
            keep(w, e);
            continue;
        }
        if (w)
            flags = call(w, e->text, flags);
        store_event_free(e);
    }
    if (lost)
        flags = report_all(flags);
    store_unlock(flags);
}

static bool has_news(void *arg)
{
    const struct xenstore_watch *w = arg;
    unsigned long flags = store_lock();
    bool news = w->events || w->changed || w->rc || store_status_locked();

    store_unlock(flags);
    return news;
}

/* Only a path of the watch's own has to be copied. */
static int take_news(struct xenstore_watch *w, char **path)
{
    struct store_event *e = w->events;
    size_t len = strlen(w->path) + 1;

    if (e) {
        w->events = e->next;
        w->nr_events--;
        *path = e->text;
        e->text = NULL;
        store_event_free(e);
        return 0;
    }
    if (!w->changed)
        return w->rc ? w->rc : store_status_locked();
    *path = xenlet_alloc(len);
    if (!*path)
        return -XEN_ENOMEM;
    memcpy(*path, w->path, len);
    w->changed = false;
    return 0;
}

int xenstore_watch_wait(struct xenstore_watch *w, char **path, uint64_t deadline)
{
    unsigned long flags;
    char *changed = NULL;
    int rc;

    if (w->function)
        return -XEN_EINVAL;
    w->waiter = platform_vcpu();
    rc = evtchn_wait(has_news, w, deadline);
    if (rc)
        return rc;
    flags = store_lock();
    rc = take_news(w, &changed);
    store_unlock(flags);
    if (rc == 0 && path)
        *path = changed;
    else
        xenlet_free(changed);
    return rc;
}
