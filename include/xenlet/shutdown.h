/* SPDX-License-Identifier: MIT */
/*
 * What the toolstack asks of a domain: `xl shutdown`, `xl reboot`, `xl save`, `xl migrate`. It
 * writes a word into control/shutdown of xenstore, or for a suspend notifies an event channel whose
 * port the guest published (docs/misc/xenstore-paths.pandoc in Xen's tree).
 */
#ifndef XENLET_SHUTDOWN_H
#define XENLET_SHUTDOWN_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

enum xenlet_shutdown_request {
    SHUTDOWN_ASKED_POWEROFF,
    SHUTDOWN_ASKED_REBOOT,
    SHUTDOWN_ASKED_HALT,
    SHUTDOWN_ASKED_SUSPEND,
    SHUTDOWN_ASKED_CRASH,
};

/*
 * Called when something was asked: true has the library do it, at once; false leaves it to the
 * program, which does it in its own time (xenlet_exit(), suspend_domain(), ...). The toolstack has
 * been told that it was heard. Runs on VCPU 0 as a handler does.
 */
typedef bool xenlet_shutdown_asked_t(enum xenlet_shutdown_request what, void *data);

/*
 * Answer the toolstack from now on, and tell it so (control/feature-*,
 * device/suspend/event-channel). `asked` NULL: do whatever is asked. A suspend is carried out by
 * suspend_domain(); what it says if it fails goes to the log, and the toolstack gives up after a
 * minute. Once, from main. 0, -XEN_ENODEV no xenstore, -XEN_EOPNOTSUPP the first domain, or what
 * suspend_init() or xenstore answered.
 */
int xenlet_shutdown_init(xenlet_shutdown_asked_t *asked, void *data);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
