/* SPDX-License-Identifier: MIT */
/* What the parts of xenbus share: devices and their states (xenbus.c), rings (xenbus_ring.c). */
#ifndef XENLET_KERNEL_XENBUS_H
#define XENLET_KERNEL_XENBUS_H

#include <xenlet/xenbus.h>
#include <xenlet/xenstore.h>
#include "arch/spinlock.h"

struct xenbus_device {
    struct xenbus_device *next; /* of all */
    domid_t peer;
    struct xenstore_watch *watch; /* of the other end's state */
    uint32_t peer_state, known;   /* known: that was read at all */
    int error;                    /* why it cannot be read; or 0 */
    uint32_t lost;                /* with our domain's suspend */
    uint32_t waiter;              /* the VCPU that waits, plus 1 */
    struct spinlock lock;         /* of what follows, but paths; upcalls masked */
    bool reading, again;          /* the state; and once more, for it has changed since */
    bool closed;                  /* freed when the reading is over */
    xenbus_changed_t *changed;
    void *changed_data;
    char path[XENBUS_PATH_MAX], peer_path[XENBUS_PATH_MAX];
    char peer_state_path[XENBUS_PATH_MAX + sizeof("/state")];
};

/* Whether it can be used: 0, or why not. */
int xenbus_status(const struct xenbus_device *d);

/* Wait for what handlers make true, who call xenbus_wake() then. As evtchn_wait(). */
int xenbus_wait(struct xenbus_device *d, bool (*done)(void *arg), void *arg, uint64_t deadline);
void xenbus_wake(struct xenbus_device *d);

/* As xenbus_read_number() and xenbus_write_number(), in a transaction. */
int xenbus_tx_read_number(const struct xenstore_tx *tx, const char *directory, const char *name,
                          uint32_t *number, uint64_t deadline);
int xenbus_tx_write_number(const struct xenstore_tx *tx, const char *directory, const char *name,
                           uint32_t number, uint64_t deadline);

#endif
