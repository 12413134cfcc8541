/* SPDX-License-Identifier: MIT */
/* How the two ends of a vchan find each other: two nodes in xenstore. */
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/memory.h>
#include <xenlet/xenstore.h>
#include "kernel/vchan.h"

#define RING_REF      "ring-ref"
#define EVENT_CHANNEL "event-channel"
#define BRIEF         5000000000ull /* ns that closing waits for the store */

static void node_of(const struct vchan *v, const char *name, char *node, size_t size)
{
    xenlet_snprintf(node, size, "%s/%s", v->path, name);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static int read_number(const struct xenstore_tx *tx, const char *node, uint32_t *n,
                       uint64_t deadline)
{
    uint64_t value = 0;
    char *text;
    int rc = xenstore_read(tx, node, &text, NULL, deadline);

    if (rc)
        return rc;
    for (const char *p = text; *p && value <= UINT32_MAX; p++) {
        if (*p < '0' || *p > '9')
            value = 0;
        else
            value = value * 10 + (uint64_t)(*p - '0');
        if (!value)
            break;
    }
    xenlet_free(text);
    *n = (uint32_t)value;
    /* Neither is ever 0; what is none of ours may be half written by a person. */
    return value && value <= UINT32_MAX ? 0 : -XEN_ENOENT;
}

static int write_number(const struct xenstore_tx *tx, const char *node, uint32_t n,
                        uint64_t deadline)
{
    char text[12];
    int len = xenlet_snprintf(text, sizeof(text), "%u", n);

    return xenstore_write(tx, node, text, (size_t)len, deadline);
}

/* --- the server's ----------------------------------------------------------------------------- */

struct nodes {
    struct vchan *v;
    uint64_t deadline;
    uint32_t self;
};

/* Nobody but the peer may read them; the store keeps us out of what is not ours to give. */
static int allow(const struct xenstore_tx *tx, const struct nodes *n, const char *name)
{
    struct xenstore_perm perms[] = { { (domid_t)n->self, 'n' }, { n->v->peer, 'r' } };
    char node[VCHAN_PATH_MAX + sizeof(EVENT_CHANNEL) + 1];

    node_of(n->v, name, node, sizeof(node));
    return xenstore_set_perms(tx, node, perms, 2, n->deadline);
}

static int write_one(const struct xenstore_tx *tx, const struct nodes *n, const char *name,
                     uint32_t value)
{
    char node[VCHAN_PATH_MAX + sizeof(EVENT_CHANNEL) + 1];
    int rc;

    node_of(n->v, name, node, sizeof(node));
    rc = write_number(tx, node, value, n->deadline);
    return rc ? rc : allow(tx, n, name);
}

static int write_both(const struct xenstore_tx *tx, void *arg)
{
    struct nodes *n = arg;
    int rc = read_number(tx, "domid", &n->self, n->deadline);

    if (rc == 0)
        rc = write_one(tx, n, RING_REF, n->v->page_ref);
    if (rc == 0)
        rc = write_one(tx, n, EVENT_CHANNEL, evtchn_port(n->v->ch));
    return rc;
}

int vchan_store_publish(struct vchan *v, uint64_t deadline)
{
    struct nodes n = { .v = v, .deadline = deadline };

    return xenstore_transaction(write_both, &n, deadline);
}

/*
 * Rights that were given to a domain before it existed do not hold for one that is created later
 * under that number; xenstored remembers which came first. So they are given again.
 */
int vchan_store_allow(struct vchan *v, uint64_t deadline)
{
    struct nodes n = { .v = v, .deadline = deadline };
    int rc = read_number(NULL, "domid", &n.self, deadline);

    if (rc == 0)
        rc = allow(NULL, &n, RING_REF);
    return rc ? rc : allow(NULL, &n, EVENT_CHANNEL);
}

void vchan_store_remove(struct vchan *v)
{
    xenstore_rm(NULL, v->path, clock_after(BRIEF));
}

/* --- the client's ----------------------------------------------------------------------------- */

static int read_both(const struct xenstore_tx *tx, void *arg)
{
    struct nodes *n = arg;
    char node[VCHAN_PATH_MAX + sizeof(EVENT_CHANNEL) + 1];
    int rc;

    node_of(n->v, RING_REF, node, sizeof(node));
    rc = read_number(tx, node, &n->v->page_ref, n->deadline);
    if (rc)
        return rc;
    node_of(n->v, EVENT_CHANNEL, node, sizeof(node));
    return read_number(tx, node, &n->v->peer_port, n->deadline);
}

int vchan_store_find(struct vchan *v, uint64_t deadline)
{
    struct nodes n = { .v = v, .deadline = deadline };

    /* In one step: a server that publishes anew changes both. */
    return xenstore_transaction(read_both, &n, deadline);
}
