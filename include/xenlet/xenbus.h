/* SPDX-License-Identifier: MIT */
/*
 * Xenbus: how the two ends of a split driver find each other and agree on where they stand, and the
 * ring of requests and responses between them.
 *
 * For each end the toolstack makes a directory in xenstore, with the path and the domain of the
 * other end, and a node `state` that only its own end writes. An end reads what the other has
 * written into that one's directory once its state says that it is there. examples/nullfront.c is a
 * whole front end.
 *
 * The other end is not trusted. It may write any state at any time, vanish, change what it has
 * shared, and raise events for nothing: functions here then return an error, and its events are
 * slowed down (EVTCHN_LATE_EOI).
 *
 * Functions return 0 or a negative Xen errno. `deadline` is ns of system time, or XENLET_FOREVER.
 * One VCPU at a time may wait for a device. Errors of all devices:
 *
 * - -XEN_ETIME: the deadline passed.
 * - -XEN_ENOTCONN: the other end is gone, and its directory with it; or our domain was restored,
 *   and has another number and no grants or channels to the old peer. Close the device and open it
 *   again.
 * - -XEN_EDEADLK: it would have to sleep, with upcalls masked, as in handlers.
 * - what xenstore answers, as -XEN_ENOENT, -XEN_EACCES and -XEN_EAGAIN: see xenstore.h.
 *
 * ABI: public/io/xenbus.h, public/io/ring.h.
 */
#ifndef XENLET_XENBUS_H
#define XENLET_XENBUS_H

#include <xenlet/types.h>
#include <xen/io/xenbus.h>

/* The longest path, its NUL included. */
#define XENBUS_PATH_MAX 128u

/* The bit of a state, for sets of states. */
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
 * Errors: -XEN_EIO what these say is impossible; -XEN_E2BIG a path is too long; -XEN_ENOMEM;
 * -XEN_ETIME it is not there; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_open(const char *path, uint64_t deadline, struct xenbus_device **device);

/*
 * Let go of a device, after its rings were closed; what is in xenstore stays. A function of
 * xenbus_on_change() that runs on another VCPU is waited for; none is called after this.
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
 * Write our state. Nothing is written if it is that already, or if the toolstack has taken the
 * device away.
 *
 * Errors: -XEN_ENOENT it has; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_switch_state(struct xenbus_device *device, enum xenbus_state state, uint64_t deadline);

/*
 * The other end's state, as last heard; XenbusStateUnknown if it has none, or one that is not among
 * the nine.
 *
 * From: anywhere; does not block.
 */
enum xenbus_state xenbus_peer_state(const struct xenbus_device *device);

/*
 * Wait until the other end's state is one of the set `states`; which one is stored in *state,
 * unless `state` is NULL. A state that the other end passes through quickly may not be seen: ask
 * for all those that will do.
 *
 * Errors: -XEN_ENOTCONN its state is Unknown, and that is not in the set; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_wait_state(struct xenbus_device *device, unsigned int states, enum xenbus_state *state,
                      uint64_t deadline);

/*
 * Called in a handler on VCPU 0 when the other end's state has changed, and when the device is lost
 * by a restore; a lock is held that xenbus_on_change() takes too.
 */
typedef void xenbus_changed_t(struct xenbus_device *device, void *data);

/*
 * Have `changed` called with `data` whenever that is so; NULL, the default, calls nothing.
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
 * ring-ref0, ring-ref1, ... `event` has to take responses until there is none: the next event is
 * let through only once xenbus_ring_response() has found the ring empty, and the later the more
 * often there was nothing in it (see evtchn_eoi()).
 *
 * Errors: -XEN_EINVAL a size; -XEN_ENOMEM; -XEN_ENOSPC no grants or ports are left; -XEN_E2BIG a
 * name; -XEN_ENOENT the toolstack has taken the device away; and those of all devices.
 * From: main, any VCPU; blocks.
 */
int xenbus_ring_open(struct xenbus_device *device, const struct xenbus_ring_setup *setup,
                     uint64_t deadline, struct xenbus_ring **ring);

/*
 * Close the channel, end the grants, free all of it, while nobody uses the ring. Memory that the
 * other end still has mapped is kept, and freed when a ring is opened or closed after it has
 * unmapped it: so first wait for XenbusStateClosed of the other end, if it will say so.
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
 * Only write to it: the other end can change what it holds. It goes out with the next
 * xenbus_ring_push(). One VCPU at a time may call either.
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
 * Take the next response: a copy, of entry_size bytes. If there is none, the other end is asked to
 * raise an event with the next. One VCPU at a time may call this.
 *
 * Errors: -XEN_EAGAIN there is none; -XEN_EIO there are more than requests: the ring is broken, no
 * byte of it is looked at any more, and no event is let through.
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
 * The ring's channel, to read its counters or set its share; do not close it. Never NULL.
 *
 * From: anywhere; does not block.
 */
struct evtchn *xenbus_ring_channel(const struct xenbus_ring *ring);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
