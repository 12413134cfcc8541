/* SPDX-License-Identifier: MIT */
/*
 * Static event channels: those Xen makes between two domains before it starts them, as the device
 * tree it boots from says. In a dom0less system there is no xenstore to agree on ports with, and
 * Debian's Xen lets two of its guests have no other channels. What Xen reads is described in its
 * docs/misc/arm/device-tree/booting.txt, "Static Event Channel".
 *
 * Xen tells a guest nothing about them. The guest learns of them from a device tree of its own, in
 * which evtchn_static_read() understands three forms:
 *
 *   (a) what Xen itself reads: a node for each end, the two pointing at each other,
 *           compatible = "xen,evtchn-v1"; xen,evtchn = <0xa &the_other_end>;
 *   (b) the draft this came from: a node for both ends, beside the domains,
 *           compatible = "xen,evtchn"; xen,evtchn = <0xa &domU1 0xb &domU2>;
 *   (c) a node below /passthrough, which is what Xen copies into a guest's tree: as (a), or
 *           compatible = "xenlet,evtchn"; xenlet,port = <0xa>; xenlet,peer = <2 0xb>;
 *       where xenlet,peer, the peer's domain number and port, may be left out. A property
 *       `xenlet,channels = <n>` of /passthrough says how many of them there have to be.
 *
 * A node's `label`, or else its name, is the channel's label. xenlet-dt writes and checks all of
 * them; docs/static-channels.md has examples.
 *
 * What is different from other channels:
 *
 *   - they are never closed: Xen makes them once. evtchn_close() takes the handler away, masks the
 *     port and frees the handle, and the port can be bound again. evtchn_reset() refuses while one
 *     is bound: see there;
 *   - an event may be pending from the start: of the two ends that Xen connects, the second one
 *     begins so. It is delivered once, when the handler is bound. In FIFO and 3-level the handler
 *     is called once in any case, as by evtchn_bind_port();
 *   - nothing tells that a peer has closed or reset its end: Xen raises no event, and drops what is
 *     sent to it. evtchn_static_check() asks. A peer that merely died, or hangs, still has its end:
 *     only your own protocol can tell, by a heartbeat.
 *
 * evtchn_static_read() and evtchn_static_find() are in libxenlet-dt.a, with the libfdt they need;
 * the rest is in libxenlet.a.
 *
 * ABI: docs/misc/arm/device-tree/booting.txt in Xen's tree; EVTCHNOP_status.
 */
#ifndef XENLET_EVTCHN_STATIC_H
#define XENLET_EVTCHN_STATIC_H

#include <xenlet/evtchn.h>

/* A channel, as seen from our end. The strings are in the tree that they were read from. */
struct evtchn_static {
    const char *label;       /* or the node's name */
    evtchn_port_t port;      /* ours */
    evtchn_port_t peer_port; /* 0: the tree does not say */
    domid_t peer_domid;      /* DOMID_INVALID: the tree does not say */
    const char *peer;        /* the name of the peer's domain node; NULL: the tree does not say */
};

/* A channel of which only the port is known, not from a tree. */
#define EVTCHN_STATIC_PORT(p) ((struct evtchn_static){ .port = (p), .peer_domid = DOMID_INVALID })

/* Room for the longest text of evtchn_static_read(). */
#define EVTCHN_STATIC_ERROR_SIZE 256u

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Read the channels of a domain, in the tree's order, from a flattened device tree into `channels`,
 * which has room for `max`; how many there are is stored in *nr.
 *
 * `tree` is aligned to 8 bytes and has `size` bytes; with SIZE_MAX its header is believed. `domain`
 * is the name (or path) of our own domain's node, with or without its unit address, as `domU1`: the
 * nodes of form (a) right below it are ours, and the ends of form (b) that point at it. `chosen` is
 * dom0, whose nodes lie in /chosen itself. What lies right below /passthrough is ours whatever
 * `domain` is; if there is nothing else, it may be NULL.
 *
 * A tree without a channel of ours is no error. `error`, EVTCHN_STATIC_ERROR_SIZE bytes, gets one
 * line that names node and property, "" when all is well; it may be NULL. Makes no hypercall, keeps
 * nothing.
 *
 * Errors: -XEN_ENOSPC there are more than `max`: *nr says how many, the first `max` are there.
 * -XEN_ENOENT no node has the name `domain`. -XEN_EINVAL it is no device tree, or a bad one: cut
 * short, a property missing or of the wrong length, a port of 0 or above Xen's limit (1,023; 4,095
 * for dom0), a port that is used twice, a phandle that leads nowhere or to a node that does not
 * point back; *nr is 0 then.
 * From: anywhere; does not block.
 */
int evtchn_static_read(const void *tree, size_t size, const char *domain,
                       struct evtchn_static *channels, unsigned int max, unsigned int *nr,
                       char *error);

/*
 * The first of `nr` channels with this label; NULL for none.
 * From: anywhere; does not block.
 */
const struct evtchn_static *evtchn_static_find(const struct evtchn_static *channels,
                                               unsigned int nr, const char *label);

/*
 * Bind a handler to a static channel, after asking Xen whether it is one. `handler`, `data` and
 * `flags` are as in evtchn.h. The channel notifies VCPU 0 until evtchn_bind_vcpu(). What is pending
 * is delivered, at once if upcalls are unmasked.
 *
 * Errors: -XEN_EINVAL the port is not connected to a domain; -XEN_ENOTCONN it was: the peer has
 * closed or reset its end; -XEN_EXDEV it is connected to another domain or port than `what` says;
 * -XEN_EEXIST it has a handle; and those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM.
 * From: main and handlers, any VCPU; does not block.
 */
int evtchn_bind_static(const struct evtchn_static *what, evtchn_handler_t *handler, void *data,
                       unsigned int flags, struct evtchn **ch);

/*
 * Ask Xen whether the peer still has its end, by one EVTCHNOP_status. The library never does this
 * by itself, since it costs a hypercall: call it when your protocol waits in vain, as for a
 * heartbeat. The first call, on whichever VCPU, that finds the peer gone logs a line and sets
 * *first; all others clear it. `first` may be NULL. If the peer connects again, as Xen's policy may
 * let it, it can be found gone again.
 *
 * Errors: -XEN_ENOTCONN the peer closed or reset its end, and what we send is dropped; or the
 * channel was lost; -XEN_EINVAL not a static channel.
 * From: main and handlers, any VCPU; does not block.
 */
int evtchn_static_check(struct evtchn *ch, bool *first);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
