/* SPDX-License-Identifier: MIT */
/*
 * Being saved, restored and migrated. The domain's memory goes on as it was; everything Xen and the
 * toolstack held for it is new, and is set up again by the library: memory's frames, VCPUs, clock,
 * event channels behind their handles, console and xenstore. What was shared with another domain is
 * gone: inter-domain channels are lost (evtchn_on_lost()), and so are grants and mappings.
 *
 * ABI: public/sched.h, SHUTDOWN_suspend.
 */
#ifndef XENLET_SUSPEND_H
#define XENLET_SUSPEND_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* Hooks run in this order before a suspend, and in reverse after it. */
enum suspend_order {
    SUSPEND_DRIVERS,  /* what uses those below; a program's too */
    SUSPEND_XENSTORE, /* the library's */
    SUSPEND_GRANTS,   /* the library's */
};

/*
 * What has to be done around a suspend. Both functions run on VCPU 0 as handlers do, with upcalls
 * masked, and may not block; the other VCPUs are running then. `before` may refuse, with a negative
 * errno, which the suspend then fails with. Either may be NULL.
 */
struct suspend_hook {
    enum suspend_order order;                  /* SUSPEND_DRIVERS */
    int (*before)(void *data);                 /* 0, or why not */
    void (*after)(void *data, bool cancelled); /* `cancelled`: nothing was saved */
    void *data;                                /* for both */
    struct suspend_hook *next;                 /* the library's */
};

/*
 * Have `hook` run around each suspend; its memory must stay. Hooks of the same order run in the
 * order of registration.
 * From: main, VCPU 0, and constructors; does not block.
 */
void suspend_register(struct suspend_hook *hook);

/*
 * Publish what the toolstack needs to save this domain. It looks at that before it asks for the
 * suspend, so call this once, early; a restored domain need not do it again.
 *
 * Errors: -XEN_ENOMEM; -XEN_EOPNOTSUPP the first domain, or a CPU (arm64) whose guests Xen cannot
 * save; -XEN_E2BIG more memory (512 GiB) than the toolstack can be told of.
 * From: main, any VCPU; does not block.
 */
int suspend_init(void);

/*
 * Have the domain saved, as the toolstack has asked; shutdown.h does this by itself. Returns 0 in
 * the restored domain, and 1 if the suspend was cancelled: then all is as before. On error nothing
 * has changed. Frames of others must have been unmapped.
 *
 * Errors: -XEN_EINVAL on another VCPU; -XEN_EAGAIN a VCPU kept its upcalls masked, and so did not
 * stand still, for 5 seconds; -XEN_ENOSPC no port is free to learn our domain's number with;
 * -XEN_ENOMEM Xen has no memory for that port; -XEN_EBUSY a suspend is under way, or pages of
 * others are mapped (gnttab.h); -XEN_ETIME xenstore did not finish within 2 seconds what it had
 * begun; -XEN_EOPNOTSUPP before suspend_init(); or what another hook answered.
 * From: main and handlers, VCPU 0; blocks while the domain is saved.
 */
int suspend_domain(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
