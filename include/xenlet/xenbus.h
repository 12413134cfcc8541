/* SPDX-License-Identifier: MIT */
/*
 * Xenbus: how the two ends of a split driver find each other and agree on where they stand, and
 * the ring of requests and responses between them.
 *
 * The toolstack makes a directory in xenstore for either end, with the other's path and domain, and
 * a node `state` that only its own end writes. An end reads what the other has written into its
 * directory once that one's state says that it is there. examples/nullfront.c is a whole front end.
 *
 * The other end is believed nothing. It may write any state at any time, vanish, change what it has
 * shared, and raise events for nothing; what comes of it is an error of the functions here, and no
 * more work than its share (EVTCHN_LATE_EOI).
 *
 * Functions return 0 or a negative Xen errno. `deadline` is ns of system time, or XENLET_FOREVER.
 * One VCPU at a time waits for a device. Errors of all devices:
 *
 * - -XEN_ETIME: the deadline passed.
 * - -XEN_ENOTCONN: the other end is gone, its directory with it; or our domain was restored: its
 *   number, its grants and its channels are others. Close the device, and open it anew.
 * - -XEN_EDEADLK: it would have to sleep, with upcalls masked, as in handlers.
 * - what xenstore answers, -XEN_ENOENT, -XEN_EACCES and -XEN_EAGAIN among it: see xenstore.h.
 *
 * ABI: public/io/xenbus.h, public/io/ring.h.
 */
#ifndef XENLET_XENBUS_H
#define XENLET_XENBUS_H

#include <xenlet/types.h>
#include <xen/io/xenbus.h>

/* The longest path, its NUL included. */
#define XENBUS_PATH_MAX 128u

/* A set of states has bits. */
#define XENBUS_IN(state) (1u << (state))

struct xenbus_device;
struct xenbus_ring;

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* --- devices -------------------------------------------------------------------------------- */

/*
 * Open our end of a device: the directory `path`, "device/null/0" of a front end. Waits until the
 * toolstack has made it and that of the other end, which is found by `backend` and `backend-id` or,
 * for a back end, `frontend` and `frontend-id`.
 *
 * Errors: -XEN_EIO what these say cannot be; -XEN_E2BIG a path is too long; -XEN_ENOMEM; -XEN_ETIME
 * it is not there; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_open(const char *path, uint64_t deadline, struct xenbus_device **device);

/*
 * Let go of a device, whose rings are closed; what is in xenstore stays. It waits for a function of
 * xenbus_on_change() that runs on another VCPU; none is called after it.
 *
 * From: main, any VCPU; does not block.
 */
void xenbus_close(struct xenbus_device *device);

/*
 * The domain of the other end.
 *
 * From: anywhere; does not block.
 */
domid_t xenbus_peer(const struct xenbus_device *device);

/*
 * The paths of our directory, as it was opened, and of the other end's; never NULL.
 *
 * From: anywhere; does not block.
 */
const char *xenbus_path(const struct xenbus_device *device);
const char *xenbus_peer_path(const struct xenbus_device *device);

/*
 * Read a node of our directory, or with `theirs` of the other end's. *value has a NUL at its end,
 * and is the caller's, for xenlet_free().
 *
 * Errors: -XEN_ENOENT it is not there; -XEN_E2BIG the name; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_read(struct xenbus_device *device, bool theirs, const char *name, char **value,
                uint64_t deadline);

/*
 * The same for a decimal number, 0 to 2^32 - 1.
 *
 * Errors: -XEN_EIO it is none; -XEN_ENOENT it is not there; -XEN_E2BIG the name; and those of all
 * devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_read_number(struct xenbus_device *device, bool theirs, const char *name,
                       uint32_t *number, uint64_t deadline);

/*
 * Write a node of our directory: text, or a number in decimal.
 *
 * Errors: -XEN_E2BIG the name; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_write(struct xenbus_device *device, const char *name, const char *value,
                 uint64_t deadline);
int xenbus_write_number(struct xenbus_device *device, const char *name, uint32_t number,
                        uint64_t deadline);

/* --- states --------------------------------------------------------------------------------- */

/*
 * Say that we are in `state` now. Nothing is written if that is so already, nor if the toolstack
 * has taken the device away.
 *
 * Errors: -XEN_ENOENT it has; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_switch_state(struct xenbus_device *device, enum xenbus_state state, uint64_t deadline);

/*
 * The other end's state as last heard of; XenbusStateUnknown if it has none, or one that is none of
 * the nine.
 *
 * From: anywhere; does not block.
 */
enum xenbus_state xenbus_peer_state(const struct xenbus_device *device);

/*
 * Wait until the other end's state is one of the set `states`; which one comes out in *state, which
 * may be NULL. A state that the other end has passed through quickly may not be seen: ask for all
 * that mean as much.
 *
 * Errors: -XEN_ENOTCONN its state is Unknown, and that is not in the set; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_wait_state(struct xenbus_device *device, unsigned int states, enum xenbus_state *state,
                      uint64_t deadline);

/*
 * Called in a handler on VCPU 0 when the other end's state has become another, and when the device
 * is lost by a restore; with a lock held that xenbus_on_change() takes too.
 */
typedef void xenbus_changed_t(struct xenbus_device *device, void *data);

/*
 * Have `changed` called with `data` whenever that is so; NULL: nobody wants to know.
 *
 * From: main, any VCPU; does not block.
 */
void xenbus_on_change(struct xenbus_device *device, xenbus_changed_t *changed, void *data);

/* --- rings, for front ends ------------------------------------------------------------------ */

/* Events have come: called in a handler on VCPU 0. */
typedef void xenbus_ring_event_t(struct xenbus_ring *ring, void *data);

/* What xenbus_ring_open() is to make. */
struct xenbus_ring_setup {
    size_t entry_size;          /* of the union of request and response, 1 to 1,024 bytes */
    unsigned int page_order;    /* 2^order pages, 0 to 4 */
    const char *ref_name;       /* of the node with the grant: "ring-ref" for NULL */
    const char *channel_name;   /* "event-channel" for NULL */
    xenbus_ring_event_t *event; /* NULL: whoever is in xenbus_ring_wait() is woken */
    void *data;                 /* for it */
};

/*
 * Make a ring: memory, offered to the other end, and a channel that it may bind to; and write their
 * numbers into our directory in one step. With more than one page these are ring-page-order and
 * ring-ref0, ring-ref1, ... What `event` does is to take responses until there is none: the next
 * event is let through when xenbus_ring_response() has found the ring empty, and if that was for
 * nothing, ever later (see evtchn_eoi()).
 *
 * Errors: -XEN_EINVAL a size; -XEN_ENOMEM; -XEN_ENOSPC no grants or ports are left; -XEN_E2BIG a
 * name; -XEN_ENOENT the toolstack has taken the device away; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_ring_open(struct xenbus_device *device, const struct xenbus_ring_setup *setup,
                     uint64_t deadline, struct xenbus_ring **ring);

/*
 * Close the channel, end the grants, free all of it, while nobody uses the ring. Memory that the
 * other end still has mapped stays until it has not, and is freed with a later opening or closing
 * of any ring: so first have the other end say XenbusStateClosed, if it will.
 *
 * From: main, any VCPU; does not block.
 */
void xenbus_ring_close(struct xenbus_ring *ring);

/*
 * How many entries a ring has, a power of two.
 *
 * From: anywhere; does not block.
 */
unsigned int xenbus_ring_size(const struct xenbus_ring *ring);

/*
 * The next free entry, to be filled with a request, or NULL: all are taken, or the ring is broken.
 * It is for writing only, as the other end can change what is in it, and goes out with the next
 * xenbus_ring_push(). One VCPU at a time does either.
 *
 * From: main and handlers, any VCPU; does not block.
 */
void *xenbus_ring_request(struct xenbus_ring *ring);

/*
 * Publish the requests that were filled since the last time, and raise an event if the other end
 * asked for one.
 *
 * Errors: -XEN_EIO the ring is broken; -XEN_ENOTCONN our domain was restored.
 * From: main and handlers, any VCPU; does not block.
 */
int xenbus_ring_push(struct xenbus_ring *ring);

/*
 * Take the next response: a copy, of entry_size bytes. If there is none the other end is asked to
 * raise an event with the next. One VCPU at a time does this.
 *
 * Errors: -XEN_EAGAIN there is none; -XEN_EIO there are more than were asked for: the ring is
 * broken, no byte of it is looked at any more, and no event let through.
 * From: main and handlers, any VCPU; does not block.
 */
int xenbus_ring_response(struct xenbus_ring *ring, void *response);

/*
 * Wait until there is a response. For rings without an `event` function.
 *
 * Errors: -XEN_EIO the ring is broken; -XEN_ETIME the deadline passed; -XEN_ENOTCONN there is no
 * response, and the other end is not in XenbusStateConnected any more; -XEN_EDEADLK with upcalls
 * masked, as in handlers.
 * From: main, any VCPU; blocks.
 */
int xenbus_ring_wait(struct xenbus_ring *ring, uint64_t deadline);

/*
 * The ring's channel, for its counters or another share; not to be closed. Never NULL.
 *
 * From: anywhere; does not block.
 */
struct evtchn *xenbus_ring_channel(const struct xenbus_ring *ring);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
