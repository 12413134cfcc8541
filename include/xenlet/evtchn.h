/* SPDX-License-Identifier: MIT */
/*
 * Event channels: Xen's interrupts, as handles.
 *
 * A channel is bound to a source (another domain's port, a virtual or physical interrupt, a VCPU of
 * ours) and has a handler, which runs on the channel's VCPU, with upcalls masked there, and may not
 * block. Events merge: a handler that runs once may stand for several raises. Whichever ABI
 * (2-level, 3-level or FIFO) is underneath:
 *
 *   - no event is lost: one raised at any moment, even inside its own handler, is delivered or
 *     still pending; one that came before its handler was bound is delivered when the handler is
 *     bound;
 *   - none is delivered while its channel is masked, or after evtchn_close() returned;
 *   - a channel that storms yields: once it has been delivered as often in a tick as its share
 *     allows, it rests, masked, until the tick is over, and loses nothing by it.
 *
 * A handler is sometimes called once for nothing: after evtchn_bind_interdomain(),
 * evtchn_bind_vcpu(), evtchn_set_priority() or a reset, and rarely because its port was somebody
 * else's until a moment ago. Look at your own state, not at how often you were called.
 *
 * Functions return 0 or a negative Xen errno. A channel that was lost (see evtchn_on_lost()) can
 * still be asked for its counters, and closed. After evtchn_close() a handle must not be used any
 * more.
 *
 * ABI: public/event_channel.h; docs/abi-3level.md for 3-level.
 */
#ifndef XENLET_EVTCHN_H
#define XENLET_EVTCHN_H

#include <xenlet/types.h>

struct evtchn;

/*
 * `data` is what the channel was bound with. A handler has to return: until then its VCPU takes no
 * other event, and after a longjmp() out of it the VCPU takes itself for being in it still
 * (evtchn_wait(): -XEN_EDEADLK).
 */
typedef void evtchn_handler_t(struct evtchn *ch, void *data);

/* The handler and all it calls leave x87, SSE and AVX registers alone: nothing is saved for it. */
#define EVTCHN_HANDLER_GPR 0x01u
/* Bound masked: nothing is delivered before evtchn_unmask(). */
#define EVTCHN_MASKED 0x02u
/* Never taken for a storm: for what only Xen or this guest itself can raise, as a timer. */
#define EVTCHN_NO_SHARE 0x04u
/*
 * Masked from each delivery until evtchn_eoi(), which may come long after the handler: for drivers
 * that serve another domain and must not be kept busy by it.
 */
#define EVTCHN_LATE_EOI 0x08u
/*
 * Forgotten by a reset or a restore if it was pending then. Other channels' handlers run once
 * afterwards, in case something had come; this one's does not. For what is worth nothing later, as
 * a key that somebody pressed.
 */
#define EVTCHN_NO_RERAISE 0x10u

#define EVTCHN_SHARE_DEFAULT 64u      /* deliveries of a channel in a tick */
#define EVTCHN_TICK_DEFAULT  1000000u /* ns */

/* What evtchn_get_counters() tells. */
struct evtchn_counters {
    uint64_t delivered; /* how often the handler was called */
    uint64_t spurious;  /* evtchn_eoi() was told so */
    uint64_t deferred;  /* put off: its share was used up, or too many spurious ones in a row */
};

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Binding. `handler` is called with `data`; with NULL the channel stays masked and can only be
 * polled. `flags` are EVTCHN_* from above. The handle is stored in *ch before the handler first
 * runs; on error *ch is left alone.
 *
 * Errors of all bindings: -XEN_ENOSPC no free port (xl's max_event_channels is 1,023 unless set);
 * -XEN_ENOMEM no memory for the handle, or Xen has none; -XEN_EINVAL unknown flags.
 */

/*
 * Allocate a port that domain `remote` (DOMID_SELF: our own) may bind to. It notifies VCPU 0. A
 * domain that does not exist is no error: nobody will bind to the port.
 *
 * Errors: those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM, -XEN_EINVAL.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_alloc_unbound.
 */
int evtchn_bind_unbound(domid_t remote, evtchn_handler_t *handler, void *data, unsigned int flags,
                        struct evtchn **ch);

/*
 * Connect a new port to `remote_port` of domain `remote`. It notifies VCPU 0.
 *
 * Errors: -XEN_EINVAL that port is not an unbound one meant for us; -XEN_ESRCH no such domain;
 * -XEN_EPERM Xen's policy; and those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_bind_interdomain.
 */
int evtchn_bind_interdomain(domid_t remote, evtchn_port_t remote_port, evtchn_handler_t *handler,
                            void *data, unsigned int flags, struct evtchn **ch);

/*
 * Bind a virtual interrupt (VIRQ_*) for `vcpu`; a global one is bound on VCPU 0 and moved there.
 *
 * Errors: -XEN_EINVAL no such VIRQ; -XEN_ENOENT no such VCPU, or one that was never up, or for a
 * global one a VCPU that is down; -XEN_EEXIST it is bound; -XEN_EBUSY another domain has it; and
 * those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_bind_virq; VIRQ_* of public/xen.h.
 */
int evtchn_bind_virq(uint32_t virq, unsigned int vcpu, evtchn_handler_t *handler, void *data,
                     unsigned int flags, struct evtchn **ch);

/*
 * Bind a physical interrupt, with `share` if other domains have it too. It notifies VCPU 0. Its
 * handler has to end with evtchn_pirq_eoi().
 *
 * Errors: -XEN_EPERM it is not ours (always, for a domU without devices); -XEN_EINVAL no such one;
 * -XEN_EEXIST bound; -XEN_EOPNOTSUPP under the PV shim; -XEN_ENOSYS on arm64; and those of all
 * bindings: -XEN_ENOSPC, -XEN_ENOMEM.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_bind_pirq; public/physdev.h.
 */
int evtchn_bind_pirq(uint32_t pirq, bool share, evtchn_handler_t *handler, void *data,
                     unsigned int flags, struct evtchn **ch);

/*
 * Bind a channel to `vcpu`, one of our own, raised with evtchn_send().
 *
 * Errors: -XEN_ENOENT no such VCPU, or one that evtchn_vcpu_init() has not made able to receive:
 * Xen would drop what is sent there; and those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM,
 * -XEN_EINVAL.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_bind_ipi.
 */
int evtchn_bind_ipi(unsigned int vcpu, evtchn_handler_t *handler, void *data, unsigned int flags,
                    struct evtchn **ch);

/*
 * Take over a port that exists already, as the console's and xenstore's do. What is pending there
 * is delivered. In FIFO and 3-level the handler is called once in any case, since an event that
 * came while Xen switched over may be lost. For a static channel use evtchn_bind_static() of
 * evtchn_static.h.
 *
 * Errors: -XEN_EINVAL not a bound port; -XEN_EEXIST it has a handle; -XEN_ENOENT it notifies a VCPU
 * that cannot receive; and those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_status.
 */
int evtchn_bind_port(evtchn_port_t port, evtchn_handler_t *handler, void *data, unsigned int flags,
                     struct evtchn **ch);

/*
 * Close the channel and free the handle. When this returns, no VCPU runs the handler and none will,
 * so what it used may be freed; one that runs on another VCPU is waited for. The same holds in
 * handlers, with two exceptions: a handler that closes its own channel runs to its end, and of
 * handlers that close each other's channels at the same time one is not waited for. A peer's port
 * becomes unbound.
 *
 * Errors: -XEN_EINVAL the port was closed behind our back, by a hypercall: the handle is gone all
 * the same; or the channel was closed before, and its handle is not another's yet: a line says so.
 * From: main and handlers, any VCPU; does not block, but spins while another VCPU runs the handler.
 * ABI: EVTCHNOP_close.
 */
int evtchn_close(struct evtchn *ch);

/*
 * Raise the far end: the peer's port, or for an IPI its VCPU. If the peer is not there yet, or has
 * closed its end, nothing is raised, and that is no error.
 *
 * Errors: -XEN_EINVAL for VIRQs and PIRQs; -XEN_ENOTCONN the channel was lost.
 * From: anywhere; does not block.
 * ABI: EVTCHNOP_send.
 */
int evtchn_send(struct evtchn *ch);

/*
 * Raise our own end, as if an event had come in.
 *
 * Errors: -XEN_ENOTCONN the channel was lost.
 * From: anywhere; does not block.
 * ABI: the PENDING bit, then, unless the channel is masked, EVTCHNOP_unmask.
 */
int evtchn_raise(struct evtchn *ch);

/*
 * Ask Xen what the port is bound to: see struct evtchn_status in public/event_channel.h.
 *
 * Errors: -XEN_ENOTCONN the channel was lost.
 * From: anywhere; does not block.
 * ABI: EVTCHNOP_status.
 */
int evtchn_status(struct evtchn *ch, struct evtchn_status *status);

/*
 * Have `vcpu` run the handler from now on; nothing is lost, one spurious delivery may come.
 *
 * Errors: -XEN_ENOENT no such VCPU, or it is down; -XEN_EINVAL for IPIs and per-VCPU VIRQs;
 * -XEN_ENOTCONN the channel was lost.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_bind_vcpu.
 */
int evtchn_bind_vcpu(struct evtchn *ch, unsigned int vcpu);

/*
 * Deliver this channel's events before those of lower priorities: 0 (highest) to 15, 7 unless set.
 * FIFO only, where it is kept over resets; one spurious delivery may come.
 *
 * Errors: -XEN_EINVAL above 15; -XEN_ENOSYS under another ABI; -XEN_EACCES a port of Xen's own;
 * -XEN_ENOTCONN the channel was lost.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_set_priority.
 */
int evtchn_set_priority(struct evtchn *ch, unsigned int priority);

/*
 * Hold back delivery; what is raised meanwhile is delivered, merged, after evtchn_unmask(). Masks
 * are not counted: one unmask undoes any number. A handler that is running on another VCPU runs to
 * its end; none starts after evtchn_mask().
 *
 * Errors: -XEN_EINVAL evtchn_unmask() of a channel without a handler; -XEN_ENOTCONN the channel was
 * lost.
 * From: anywhere; does not block.
 * ABI: the mask bit; EVTCHNOP_unmask where Xen has to look.
 */
int evtchn_mask(struct evtchn *ch);
int evtchn_unmask(struct evtchn *ch);

/*
 * The event of an EVTCHN_LATE_EOI channel has been served: let the next one be delivered.
 * `spurious` says that there was nothing to serve; from the second in a row on, the channel then
 * rests for 1, 2, 4, ... 1,024 ms, until an event is not spurious.
 *
 * Errors: -XEN_EINVAL no delivery awaits its EOI; -XEN_ENOTCONN the channel was lost.
 * From: main and handlers, any VCPU; does not block.
 */
int evtchn_eoi(struct evtchn *ch, bool spurious);

/*
 * Tell Xen that the device behind a PIRQ channel has been served.
 *
 * Errors: -XEN_EINVAL for other channels; -XEN_ENOTCONN the channel was lost.
 * From: main and handlers, any VCPU; does not block.
 * ABI: public/physdev.h, PHYSDEVOP_eoi.
 */
int evtchn_pirq_eoi(struct evtchn *ch);

/*
 * Set how many deliveries are allowed in a tick (EVTCHN_TICK_DEFAULT, a millisecond), at least 1.
 * Called on the channel's VCPU this counts at once, on another from the next share on.
 *
 * Errors: -XEN_EINVAL for 0.
 * From: main and handlers, any VCPU; does not block.
 */
int evtchn_set_share(struct evtchn *ch, uint32_t share);

/*
 * Whether an event is pending; evtchn_take_pending() also takes it away. For channels that are
 * polled or masked; false for one that was lost.
 * From: anywhere; does not block.
 */
bool evtchn_is_pending(struct evtchn *ch);
bool evtchn_take_pending(struct evtchn *ch);

/*
 * The channel's port, which a reset and a restore change, and the VCPU that runs its handler.
 * From: anywhere; does not block.
 */
evtchn_port_t evtchn_port(struct evtchn *ch);
unsigned int evtchn_vcpu(struct evtchn *ch);

/*
 * What the channel has counted since it was bound. The counters are read one by one and may change
 * meanwhile.
 * From: anywhere; does not block.
 */
void evtchn_get_counters(struct evtchn *ch, struct evtchn_counters *counters);

/*
 * Show the state of every VCPU and every channel with `print`. Takes no lock, so that it can be
 * used wherever the guest is stuck; what it shows may change meanwhile.
 * From: anywhere; does not block, if `print` does not.
 */
void evtchn_dump(void (*print)(const char *format, ...));

/*
 * The name of the ABI in use ("2l", "3l", "fifo"), never NULL, and its number of ports, 0 included.
 * From: anywhere; does not block.
 */
const char *evtchn_abi(void);
unsigned int evtchn_nr_ports(void);

/*
 * Wait until one of `n` channels (1 to 128) is pending, masked or not, or `deadline` (ns of system
 * time, XENLET_FOREVER) passes. No event is taken: see evtchn_take_pending(). Poll channels that
 * are masked or have no handler: that of an unmasked one takes the event before this sees it, but
 * in a handler, or with upcalls masked, where no handler runs meanwhile.
 *
 * Errors: -XEN_ETIME none came; -XEN_EINVAL n; -XEN_ENOTCONN one of them was lost.
 * From: anywhere; blocks.
 * ABI: public/sched.h, SCHEDOP_poll.
 */
int evtchn_poll(struct evtchn *const *ch, unsigned int n, uint64_t deadline);

/*
 * Wait until a handler has made `done(arg)` true, or `deadline` (ns of system time, XENLET_FOREVER)
 * passes. `done` is called with upcalls masked, so no handler can run between its answer and the
 * VCPU's sleep: no wake-up is lost. What another VCPU makes true is seen once that one calls
 * vcpu_wake().
 *
 * Everything in the library that waits for a handler waits here; a kernel that has threads puts its
 * own wait in this place by linking a function of this name.
 *
 * Errors: -XEN_ETIME it is not true; -XEN_EDEADLK with upcalls masked, as in handlers.
 * From: main, any VCPU; blocks.
 * ABI: public/sched.h, SCHEDOP_block.
 */
int evtchn_wait(bool (*done)(void *arg), void *arg, uint64_t deadline);

/*
 * Close every port of the domain and set the channels up again behind their handles, with mask and
 * VCPU: VIRQs, PIRQs, IPIs, and inter-domain ones whose peer is still there, the console's and
 * xenstore's among them, in the ABI that was asked for at boot. A channel that cannot be set up
 * again is lost: see evtchn_on_lost(). Each handler is called once. On error nothing has changed.
 *
 * A far end that binds to a port of ours, or checks that it is still bound, at that very moment
 * gives up on us, and Xen tells neither side. xenconsoled does both once, soon after the domain has
 * started. A program that resets so early first waits until console_flush() returns 0, which shows
 * that xenconsoled is there, and then a second more for its check.
 *
 * Errors: -XEN_EISCONN a static channel is bound: see evtchn_reset_forced(); -XEN_EINVAL on another
 * VCPU; -XEN_EDEADLK with upcalls masked; -XEN_EBUSY another reset is under way; -XEN_ENOSPC no
 * port is free to learn our domain's number with; -XEN_ENOMEM Xen has no memory for that port;
 * -XEN_EOPNOTSUPP under the PV shim, which would refuse all binds after it.
 * From: main, VCPU 0, while no other VCPU's main uses channels; does not block, but waits for
 * handlers that run there, and none begins meanwhile.
 * ABI: EVTCHNOP_reset.
 */
int evtchn_reset(void);

/*
 * evtchn_reset() even if a static channel is bound. Xen makes those only once: an ordinary channel
 * at another port takes the place of each, where Xen's policy lets the peer's port be bound at all
 * (Debian's does not, between two guests). A static channel that has no handle is lost with either
 * function.
 *
 * Errors: as of evtchn_reset(): -XEN_EINVAL, -XEN_EDEADLK, -XEN_EBUSY, -XEN_ENOSPC, -XEN_ENOMEM,
 * -XEN_EOPNOTSUPP.
 * From: as evtchn_reset(): main, VCPU 0; does not block.
 * ABI: EVTCHNOP_reset.
 */
int evtchn_reset_forced(void);

/*
 * Have `lost` called once, with the channel's data, if the channel is lost, because its far end
 * cannot be reached again after evtchn_reset() or a restore. It runs on VCPU 0 with upcalls masked,
 * as a handler does, when all other channels are back; it may close the channel and bind a new one.
 * NULL, the default, calls nothing; the log gets a line in any case.
 * From: main and handlers, any VCPU; does not block.
 */
void evtchn_on_lost(struct evtchn *ch, evtchn_handler_t *lost);

/* --- For the kernel underneath -------------------------------------------------------------- */

/*
 * Start event channels: mask every port and enter the ABI that `abi` names, "2l", "3l" or "fifo";
 * if Xen does not have it, or refuses it at whichever step, a line says so and 2-level is used,
 * which cannot be refused. "auto" or NULL tries FIFO, then 3-level if Xen says that it has it, then
 * 2-level; another name is reported with the valid ones, and taken for "auto". 3-level takes 64 KiB
 * for its bitmaps (docs/abi-3level.md). Called once, before anything else here. `info` is the
 * vcpu_info of the calling VCPU; `shared` must stay mapped.
 *
 * Errors: -XEN_ENOMEM.
 * From: the boot VCPU, upcalls masked; does not block.
 * ABI: EVTCHNOP_init_control, EVTCHNOP_expand_array; EVTCHNOP_register_3level.
 */
int evtchn_init(struct shared_info *shared, struct vcpu_info *info, const char *abi);

/*
 * Make another VCPU able to receive, before anything is bound to it and before it unmasks upcalls.
 * If this fails it gets no events: it must not come up, and binding to it is -XEN_ENOENT. It may be
 * tried again.
 *
 * Errors: -XEN_ENOMEM; -XEN_EINVAL a number above 127; or what Xen said when it refused the VCPU's
 * control block (FIFO) or second-level selector (3-level).
 * From: main, any VCPU; does not block.
 * ABI: EVTCHNOP_init_control; EVTCHNOP_register_3level.
 */
int evtchn_vcpu_init(unsigned int vcpu, struct vcpu_info *info);

/*
 * The calling VCPU, not 0, is about to go down. Channels that can be moved go to VCPU 0; IPIs and
 * per-VCPU VIRQs stay, and what is raised there is delivered when the VCPU is up again. It then has
 * to call evtchn_tick(), for channels that rest there.
 * From: any VCPU but 0, upcalls masked; does not block.
 * ABI: EVTCHNOP_bind_vcpu.
 */
void evtchn_vcpu_leave(void);

/*
 * Before the suspend hypercall: note what every channel is bound to, and hold it.
 *
 * Errors: -XEN_ENOSPC no port is free to learn our domain's number with; -XEN_ENOMEM.
 * From: VCPU 0, upcalls masked, while all other VCPUs stand still with upcalls masked too; does not
 * block.
 * ABI: EVTCHNOP_status.
 */
int evtchn_suspend(void);

/*
 * After the suspend hypercall. If it was `cancelled`, let all channels go on as if nothing had
 * happened. Else, once every VCPU has its vcpu_info registered again, set them up as evtchn_reset()
 * does: VIRQs, IPIs and loop-back channels, and those for which evtchn_set_resume_port() said where
 * the toolstack put them, the console's and xenstore's. Other inter-domain channels are lost: see
 * evtchn_on_lost().
 * From: as evtchn_suspend(): VCPU 0, upcalls masked; does not block.
 * ABI: as evtchn_init(), and the binding operations.
 */
void evtchn_resume(bool cancelled);

/*
 * Say which port the toolstack has given this channel in the restored domain, for the next
 * evtchn_resume() only.
 * From: VCPU 0, before evtchn_resume(); does not block.
 */
void evtchn_set_resume_port(struct evtchn *ch, evtchn_port_t port);

/*
 * Deliver what is pending, until evtchn_upcall_pending stays clear. The upcall entry calls it,
 * after saving the registers that the C ABI lets a function change. From: the upcall entry, any
 * VCPU, upcalls masked; does not block. ABI: public/xen.h, struct vcpu_info.
 */
void evtchn_upcall(void);

/*
 * The same, for an upcall entry where each instruction counts: a call through this pointer, with
 * the number of the VCPU, leads straight to the ABI in use. The pointer changes with the ABI, so it
 * is read each time. evtchn_upcall_pending may be set again when it returns: the entry looks at it,
 * as it has to once upcalls are unmasked, and calls again.
 * From: as evtchn_upcall().
 * ABI: as there.
 */
typedef void evtchn_upcall_t(unsigned long vcpu);
extern evtchn_upcall_t *evtchn_upcall_now;

/*
 * The time asked for with platform_tick_at() has come: end the rests that are over, and ask for the
 * next time. A call too early, or one too many, does no harm.
 * From: the VCPU that asked, upcalls masked; does not block.
 */
void evtchn_tick(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
