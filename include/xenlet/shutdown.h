/* SPDX-License-Identifier: MIT */
/*
 * What the toolstack asks of a domain: `xl shutdown`, `xl reboot`, `xl save`, `xl migrate`. It
 * writes a word into control/shutdown of xenstore, or for a suspend notifies an event channel whose
 * port the guest published.
 *
 * ABI: docs/misc/xenstore-paths.pandoc in Xen's tree, ~/control and ~/device/suspend.
 */
#ifndef XENLET_SHUTDOWN_H
#define XENLET_SHUTDOWN_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* What the toolstack can ask. */
enum xenlet_shutdown_request {
    SHUTDOWN_ASKED_POWEROFF, /* xl shutdown */
    SHUTDOWN_ASKED_REBOOT,   /* xl reboot */
    SHUTDOWN_ASKED_HALT,     /* as poweroff */
    SHUTDOWN_ASKED_SUSPEND,  /* xl save, xl migrate */
    SHUTDOWN_ASKED_CRASH,    /* for tests of a toolstack */
};

/*
 * Called when the toolstack has asked for something, and has been told that it was heard. True has
 * the library do it at once; false leaves it to the program, which does it in its own time
 * (xenlet_exit(), suspend_domain(), ...). Runs on VCPU 0 as a handler does.
 */
typedef bool xenlet_shutdown_asked_t(enum xenlet_shutdown_request what, void *data);

/*
 * Answer the toolstack from now on, and tell it so (control/feature-*,
 * device/suspend/event-channel). With `asked` NULL, do whatever is asked. A suspend is done by
 * suspend_domain(); if that fails its error goes to the log, and the toolstack gives up after a
 * minute. Called once.
 *
 * Errors: -XEN_ENODEV no xenstore; -XEN_EOPNOTSUPP the first domain; -XEN_ETIME xenstore did not
 * answer within 10 seconds; -XEN_EDEADLK with upcalls masked; -XEN_ENOMEM; -XEN_ENOSPC no port is
 * free; or what else suspend_init() or xenstore answered.
 * From: main, any VCPU; blocks.
 */
int xenlet_shutdown_init(xenlet_shutdown_asked_t *asked, void *data);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
