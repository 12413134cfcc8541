/* SPDX-License-Identifier: MIT */
/*
 * What xenstored sends: answers, matched to their requests, and events of watches. A message comes
 * in parts, and nothing that it says of itself is trusted. Any error here ends the connection. All
 * with the lock held.
 */
#include <xenlet/memory.h>
#include "kernel/string.h"
#include "kernel/xenstore.h"

#define HEAD ((uint32_t)sizeof(struct xsd_sockmsg))

/* The message that is coming in. */
static struct {
    struct xsd_sockmsg header;
    uint32_t got;                  /* bytes of header and payload */
    struct store_request *request; /* whose answer it is, */
    struct store_event *event;     /* or what it becomes; NULL: there is no memory for it */
    char *payload;                 /* NULL: only its beginning is of interest */
    char brief[STORE_BRIEF];
} in;

static struct store_event *events, **last_event = &events;
static bool lost_event;

void store_in_reset(void)
{
    xenlet_free(in.payload);
    xenlet_free(in.event);
    in.payload = NULL;
    in.event = NULL;
    in.request = NULL;
    in.got = 0;
}

struct store_event *store_in_events(bool *lost)
{
    struct store_event *all = events;

    events = NULL;
    last_event = &events;
    *lost = lost_event;
    lost_event = false;
    return all;
}

void store_event_free(struct store_event *e)
{
    xenlet_free(e->text);
    xenlet_free(e);
}

static int error_named(const char *name)
{
    static const struct {
        char name[12];
        int error;
    } errors[] = {
        { "EINVAL", XEN_EINVAL }, { "EACCES", XEN_EACCES },   { "EEXIST", XEN_EEXIST },
        { "EISDIR", XEN_EISDIR }, { "ENOENT", XEN_ENOENT },   { "ENOMEM", XEN_ENOMEM },
        { "ENOSPC", XEN_ENOSPC }, { "EIO", XEN_EIO },         { "ENOTEMPTY", XEN_ENOTEMPTY },
        { "ENOSYS", XEN_ENOSYS }, { "EROFS", XEN_EROFS },     { "EBUSY", XEN_EBUSY },
        { "EAGAIN", XEN_EAGAIN }, { "EISCONN", XEN_EISCONN }, { "E2BIG", XEN_E2BIG },
        { "EPERM", XEN_EPERM },
    };

    for (unsigned int i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, name) == 0)
            return -errors[i].error;
    }
    return -XEN_EIO;
}

/*
 * For errors, for answers of other types, and for what nobody waits for, the beginning is enough.
 */
static bool wants_payload(const struct store_request *r)
{
    if (r->abandoned || in.header.type == XS_ERROR)
        return false;
    switch (r->header.type) {
    case XS_READ:
    case XS_DIRECTORY:
    case XS_DIRECTORY_PART:
    case XS_GET_PERMS:
        return true;
    }
    return false;
}

static int header_came(void)
{
    struct store_request *r;

    if (in.header.len > XENSTORE_PAYLOAD_MAX)
        return -XEN_EIO;
    memset(in.brief, 0, sizeof(in.brief));
    if (in.header.type == XS_WATCH_EVENT) {
        in.event = xenlet_alloc(sizeof(*in.event));
    } else {
        r = store_in_flight(in.header.req_id);
        if (!r || (in.header.type != r->header.type && in.header.type != XS_ERROR))
            return -XEN_EIO;
        in.request = r;
    }
    if (in.event || (in.request && wants_payload(in.request)))
        in.payload = xenlet_alloc(in.header.len + 1);
    return 0;
}

/* Two strings, and nothing that does not end. */
static bool is_event(const char *text, uint32_t len)
{
    return len && text[len - 1] == '\0' && strlen(text) + 1 < len;
}

static int event_came(void)
{
    struct store_event *e = in.event;

    if (!in.payload) {
        xenlet_free(e);
        lost_event = true;
        return 0;
    }
    *e = (struct store_event){ .text = in.payload };
    if (!is_event(e->text, in.header.len)) {
        store_event_free(e);
        return -XEN_EIO;
    }
    *last_event = e;
    last_event = &e->next;
    return 0;
}

static void answer_came(void)
{
    struct store_request *r = in.request;
    int rc = 0;

    memcpy(r->brief, in.brief, sizeof(r->brief));
    r->answer = in.payload;
    r->len = in.header.len;
    if (in.header.type == XS_ERROR)
        rc = error_named(r->brief);
    else if (!r->answer && wants_payload(r))
        rc = -XEN_ENOMEM;
    store_answered(r, rc);
}

static int message_came(void)
{
    int rc = 0;

    if (in.payload)
        in.payload[in.header.len] = '\0';
    if (in.header.type == XS_WATCH_EVENT)
        rc = event_came();
    else
        answer_came();
    in.payload = NULL;
    in.event = NULL;
    store_in_reset();
    return rc;
}

static uint32_t get_payload(void)
{
    uint32_t at = in.got - HEAD, rest = in.header.len - at;
    uint32_t room = at < sizeof(in.brief) - 1 ? (uint32_t)sizeof(in.brief) - 1 - at : 0;
    char waste[64];

    if (in.payload)
        return store_ring_get(in.payload + at, rest);
    if (room)
        return store_ring_get(in.brief + at, rest < room ? rest : room);
    return store_ring_get(waste, rest < sizeof(waste) ? rest : (uint32_t)sizeof(waste));
}

/* A step: some bytes, and what they complete. How many, 0 when there are none, or an errno. */
static int take_some(void)
{
    uint32_t n;
    int rc = 0;

    if (in.got < HEAD)
        n = store_ring_get((char *)&in.header + in.got, HEAD - in.got);
    else
        n = get_payload();
    if (!n)
        return 0;
    in.got += n;
    if (in.got == HEAD)
        rc = header_came();
    if (rc == 0 && in.got >= HEAD && in.got == HEAD + in.header.len)
        rc = message_came();
    return rc ? rc : (int)n;
}

int store_in_take(void)
{
    int rc = store_ring_look(), n = 0;

    if (rc)
        return rc;
    while ((rc = take_some()) > 0)
        n += rc;
    return rc ? rc : n;
}
