/* SPDX-License-Identifier: MIT */
/*
 * Being saved, restored and migrated. The domain's memory goes on as it was; everything Xen and
 * the toolstack held for it is new, and is set up again by the library: memory's frames, VCPUs,
 * clock, event channels behind their handles, console and xenstore. What was shared with another
 * domain is gone: its inter-domain channels are lost (evtchn_on_lost()), its grants and mappings
 * are none.
 */
#ifndef XENLET_SUSPEND_H
#define XENLET_SUSPEND_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* In this order before a suspend, and in the other after it. */
enum suspend_order {
    SUSPEND_DRIVERS,
    SUSPEND_XENSTORE,
    SUSPEND_GRANTS,
};

/*
 * What has to be done around a suspend. Both run on VCPU 0, as handlers do: upcalls masked, and
 * nothing may block. `before` may refuse, with a negative errno: the suspend then fails with it.
 * When `before` runs the other VCPUs go on; when `after` runs they do again. Either may be NULL.
 */
struct suspend_hook {
    enum suspend_order order;
    int (*before)(void *data);
    void (*after)(void *data, bool cancelled);
    void *data;
    struct suspend_hook *next; /* the library's */
};

/* From main on VCPU 0; the hook must stay. Hooks of one order run in the order of registration. */
void suspend_register(struct suspend_hook *hook);

/*
 * Publish what the toolstack needs to save this domain, which it looks at before it asks for the
 * suspend: once, early; a restored domain needs no other. -XEN_ENOMEM, -XEN_EOPNOTSUPP for the
 * first domain.
 */
int suspend_init(void);

/*
 * Have the domain saved, now, as the toolstack asked: see shutdown.h, which does this by itself. On
 * VCPU 0, in main or in a handler. Returns when the domain was restored, 0, or when the suspend was
 * cancelled, 1: all is as before then. With a negative errno nothing has changed: -XEN_EINVAL on
 * another VCPU, -XEN_EAGAIN a VCPU did not stand still within 5 seconds, as it kept its upcalls
 * masked, -XEN_ENOSPC no port is free, -XEN_EBUSY a suspend is under way, -XEN_EOPNOTSUPP before
 * suspend_init(), or what a hook answered. Frames of others must be unmapped before.
 */
int suspend_domain(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
