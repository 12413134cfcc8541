/* SPDX-License-Identifier: MIT */
/*
 * The channels, as alloc_static_evtchn() of Xen connects them (xen/arch/arm/domain_build.c in 4.17,
 * static-evtchn.c later): it goes through the children of /chosen, if there is a dom0, and their
 * children, and connects each node to the one its phandle leads to. Here a mistake is noted, and
 * the next node looked at as if Xen had not panicked.
 */
#include <string.h>
#include "xenlet-dt.h"

#define MERGED   "xen,evtchn-v1"
#define PROPERTY "xen,evtchn"

static bool is_done(const struct system *s, int node)
{
    for (unsigned int i = 0; i < s->nr_channels; i++) {
        if (s->channels[i].end[0].node == node || s->channels[i].end[1].node == node)
            return true;
    }
    return false;
}

static bool get_cells(struct system *s, int node, uint32_t *cells)
{
    int len;
    const fdt32_t *value = fdt_getprop(s->tree, node, PROPERTY, &len);

    if (!value) {
        problem(s, true, node, PROPERTY, "Xen panics: \"property should not be empty\"",
                "this property is missing");
        return false;
    }
    if (len < 8) {
        problem(s, true, node, PROPERTY, "Xen panics: \"property value is not valid\"",
                "its length is wrong: %d bytes instead of 8, <port phandle>", len);
        return false;
    }
    if (len > 8)
        problem(s, false, node, PROPERTY, "Xen reads the first two cells and ignores the others",
                "its length is wrong: %d bytes instead of 8, <port phandle>", len);
    cells[0] = fdt32_ld(&value[0]);
    cells[1] = fdt32_ld(&value[1]);
    return true;
}

/* Whose an end is: its parent's. Xen takes dom0 for the owner of every node that is no domain's. */
static struct domain *owner(struct system *s, int node)
{
    int parent = fdt_parent_offset(s->tree, node);
    struct domain *d = domain_of(s, parent);

    if (!d && s->has_dom0)
        d = &s->domains[0];
    if (!d)
        problem(s, true, node, NULL, "Xen panics: \"could not find domains\"",
                "the node above it, %s, is not a domain's (compatible \"xen,domain\")",
                path_of(s, parent));
    return d;
}

/* --- ports ---------------------------------------------------------------------------------- */

static bool is_used(const struct domain *d, uint32_t port)
{
    return d->used[port / 8] & (1u << port % 8);
}

static void use(struct domain *d, uint32_t port)
{
    d->used[port / 8] |= (uint8_t)(1u << port % 8);
}

/* Who has the port: another channel's node, or Xen for xenstore. */
static const char *user(const struct system *s, const struct domain *d, uint32_t port)
{
    for (unsigned int i = 0; i < s->nr_channels; i++) {
        for (unsigned int j = 0; j < 2; j++) {
            const struct end *e = &s->channels[i].end[j];

            if (e->domain == d && e->port == port)
                return path_of(s, e->node);
        }
    }
    return port == 1 && d->domid ? "xenstore (xen,enhanced)" : "its own peer";
}

/* Take `port` of `d` for an end, if Xen could. */
static void take(struct system *s, int node, struct domain *d, uint32_t port)
{
    if (port > d->max_port) {
        problem(s, true, node, PROPERTY, "Xen panics: no such port can be bound (-ENOSPC)",
                "port 0x%x is above the limit of %s, 0x%x", port, d->domid ? "a domU" : "dom0",
                d->max_port);
        return;
    }
    if (is_used(d, port)) {
        problem(s, true, node, PROPERTY, "Xen panics: the port is taken (-EBUSY)",
                "port 0x%x of %s is used twice, by %s too", port, d->name, user(s, d, port));
        return;
    }
    use(d, port);
}

/* The end Xen meets second: port 0 has it choose. */
static void take_second(struct system *s, int node, struct domain *d, uint32_t *port)
{
    if (*port) {
        take(s, node, d, *port);
        return;
    }
    while (*port <= d->max_port && is_used(d, *port))
        ++*port;
    if (*port > d->max_port) {
        problem(s, true, node, PROPERTY, "Xen panics: no port is left (-ENOSPC)",
                "port 0 lets Xen choose, and all ports of %s are taken", d->name);
        return;
    }
    problem(s, false, node, PROPERTY, "Xen takes the lowest that is free, and tells nobody",
            "port 0 is not valid: it will be 0x%x", *port);
    use(d, *port);
}

static void take_both(struct system *s, struct channel *c, struct domain *first,
                      struct domain *second)
{
    if (c->end[0].port == 0)
        problem(s, true, c->end[0].node, PROPERTY, "Xen panics: the other end cannot bind to it",
                "port 0 is not valid");
    else
        take(s, c->end[0].node, first, c->end[0].port);
    take_second(s, c->end[1].node, second, &c->end[1].port);
}

/* --- one channel ---------------------------------------------------------------------------- */

static void connect_to(struct system *s, int node, int peer, uint32_t port, uint32_t peer_port)
{
    struct domain *first = owner(s, node), *second = owner(s, peer);
    struct channel c = { { { node, first, port }, { peer, second, peer_port } } };

    if (!first || !second)
        return;
    /* Noted though it may be wrong, so that what is wrong is said once, not at both ends. */
    take_both(s, &c, first, second);
    s->channels = grow(s->channels, (s->nr_channels + 1) * sizeof(*s->channels));
    s->channels[s->nr_channels++] = c;
}

static void connect(struct system *s, int node)
{
    uint32_t mine[2], theirs[2];
    int peer;

    if (!is_compatible(s, node, MERGED) || is_done(s, node) || !get_cells(s, node, mine))
        return;
    peer = node_of_phandle(s, mine[1]);
    if (peer < 0 || (peer == 0 && mine[1] == 0)) {
        problem(s, true, node, PROPERTY, "Xen panics: \"could not find remote evtchn phandle\"",
                "no node has the phandle 0x%x", mine[1]);
        return;
    }
    if (peer == node) {
        problem(s, true, node, PROPERTY, "Xen panics: the port is taken (-EBUSY)",
                "its peer is itself");
        return;
    }
    if (!get_cells(s, peer, theirs))
        return;
    if (theirs[1] != phandle_of(s, node)) {
        problem(s, true, node, PROPERTY, "Xen panics: \"property is not setup correctly\"",
                "its peer %s does not point back", path_of(s, peer));
        return;
    }
    if (is_done(s, peer)) {
        problem(s, true, node, PROPERTY, "Xen panics: the peer's port is taken (-EBUSY)",
                "its peer %s is connected to another node", path_of(s, peer));
        return;
    }
    if (!is_compatible(s, peer, MERGED))
        problem(s, false, peer, "compatible", "Xen finds it only by its peer's phandle",
                "it is not \"" MERGED "\"");
    connect_to(s, node, peer, mine[0], theirs[0]);
}

/* --- all of them ---------------------------------------------------------------------------- */

static bool is_looked_at(const struct system *s, int node)
{
    int parent = fdt_parent_offset(s->tree, node);

    if (parent == s->chosen)
        return s->has_dom0;
    return parent > 0 && fdt_parent_offset(s->tree, parent) == s->chosen;
}

static bool has_problem(const struct system *s, int node)
{
    for (unsigned int i = 0; i < s->nr_problems; i++) {
        if (s->problems[i].node == node)
            return true;
    }
    return false;
}

static void look_for_ignored(struct system *s)
{
    for (int node = 0; node >= 0; node = fdt_next_node(s->tree, node, NULL)) {
        int len;

        if (is_compatible(s, node, MERGED)) {
            if (!is_looked_at(s, node) && !is_done(s, node) && !has_problem(s, node))
                problem(s, false, node, NULL, "Xen ignores it",
                        s->has_dom0 ? "a channel's node lies in a domU's, or in /chosen"
                                    : "a channel's node lies in a domU's");
        } else if (is_compatible(s, node, PROPERTY)) {
            fdt_getprop(s->tree, node, PROPERTY, &len);
            problem(s, false, node, "compatible", "Xen ignores it",
                    len == 16 ? "\"" PROPERTY "\" is the draft's: xenlet-dt convert brings it up "
                                "to date"
                              : "\"" PROPERTY "\" should be \"" MERGED "\"");
        }
    }
}

void check_channels(struct system *s)
{
    int node, child;

    if (s->chosen < 0)
        return;
    fdt_for_each_subnode(node, s->tree, s->chosen)
    {
        if (s->has_dom0)
            connect(s, node);
        fdt_for_each_subnode(child, s->tree, node) connect(s, child);
    }
    look_for_ignored(s);
}
