/* SPDX-License-Identifier: MIT */
/*
 * Event channels: Xen's interrupts, as handles.
 *
 * A channel is bound to a source (another domain's port, a virtual or physical interrupt, a VCPU of
 * ours) and has a handler, which runs on the channel's VCPU, with upcalls masked there, and may not
 * block. Events merge: a handler that runs once may stand for several raises. What holds whichever
 * ABI (2-level, 3-level or FIFO) is underneath:
 *
 *   - no event is lost: one raised at any moment, inside its own handler too, is delivered or still
 *     pending; one that came before its handler was bound is delivered when it is bound;
 *   - none is delivered while its channel is masked, or after evtchn_close() returned;
 *   - a channel that storms yields: delivered more often than its share within a tick, it rests
 *     until the tick is over, masked, and loses nothing by it.
 *
 * A handler is sometimes called once without need, after evtchn_bind_interdomain(),
 * evtchn_bind_vcpu(), evtchn_set_priority() or a reset, and rarely when a port it was just bound to
 * had been closed a moment ago: look at your own state, not at how often you were called.
 *
 * Functions return 0 or a negative Xen errno. A channel that was lost (see evtchn_on_lost()) can
 * still be asked for its counters, and closed. A handle must not be used once evtchn_close() was
 * called for it.
 *
 * ABI: public/event_channel.h; docs/abi-3level.md for 3-level.
 */
#ifndef XENLET_EVTCHN_H
#define XENLET_EVTCHN_H

#include <xenlet/types.h>

struct evtchn;

/* `data` is what the channel was bound with. */
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
 * Not called when nothing may have come: after a reset or a restore its handler does not run once,
 * as others do, and what was pending is forgotten. For a key that somebody pressed.
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
 * Binding. `handler` runs with `data`; NULL makes a channel that is only polled and stays masked.
 * `flags` are EVTCHN_* from above. The handle comes out in *ch, before the handler first runs; on
 * error *ch is left alone.
 *
 * Errors of all bindings: -XEN_ENOSPC no free port (xl's max_event_channels is 1,023 unless set);
 * -XEN_ENOMEM no memory for the handle, or Xen has none; -XEN_EINVAL unknown flags.
 */

/*
 * A port that domain `remote` (DOMID_SELF: ourselves) may bind to. Notifies VCPU 0. A domain that
 * does not exist is no error: nobody will bind it.
 *
 * Errors: those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM, -XEN_EINVAL.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_alloc_unbound.
 */
int evtchn_bind_unbound(domid_t remote, evtchn_handler_t *handler, void *data, unsigned int flags,
                        struct evtchn **ch);

/*
 * Connect to `remote_port` of domain `remote`. Notifies VCPU 0.
 *
 * Errors: -XEN_EINVAL it is not unbound and for us; -XEN_ESRCH no such domain; -XEN_EPERM Xen's
 * policy; and those of all bindings: -XEN_ENOSPC, -XEN_ENOMEM.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_bind_interdomain.
 */
int evtchn_bind_interdomain(domid_t remote, evtchn_port_t remote_port, evtchn_handler_t *handler,
                            void *data, unsigned int flags, struct evtchn **ch);

/*
 * A virtual interrupt (VIRQ_*) for `vcpu`; a global one is moved there after it was bound.
 *
 * Errors: -XEN_EINVAL no such VIRQ; -XEN_ENOENT no such VCPU, or for a global one a VCPU that is
 * down; -XEN_EEXIST it is bound; -XEN_EBUSY another domain has it; and those of all bindings:
 * -XEN_ENOSPC, -XEN_ENOMEM.
 * From: main and handlers, any VCPU; does not block.
 * ABI: EVTCHNOP_bind_virq; VIRQ_* of public/xen.h.
 */
int evtchn_bind_virq(uint32_t virq, unsigned int vcpu, evtchn_handler_t *handler, void *data,
                     unsigned int flags, struct evtchn **ch);

/*
 * A physical interrupt; `share` when other domains have it too. Its handler ends with
 * evtchn_pirq_eoi(). Notifies VCPU 0.
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
 * A channel to `vcpu` of ourselves, raised with evtchn_send().
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
 * Take over a port that exists: the console's, xenstore's. What is pending there is delivered; in
 * another ABI than 2-level its handler is called once in any case, since an event that came while
 * Xen switched may be lost. A static channel has its own way: evtchn_bind_static() of
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
 * Close the channel and free the handle. When it returns no VCPU runs the handler, and none will:
 * what the handler used may be freed. It waits for a handler that runs on another VCPU. In a
 * handler the same holds, with two exceptions: a handler that closes its own channel runs to its
 * end, and of handlers that close each other's channels at the same time one is not waited for. A
 * peer in another domain becomes unbound.
 *
 * Errors: -XEN_EINVAL the port was closed behind our back, by a hypercall; the handle is gone all
 * the same.
 * From: main and handlers, any VCPU; does not block, but spins while another VCPU runs the handler.
 * ABI: EVTCHNOP_close.
 */
int evtchn_close(struct evtchn *ch);

/*
 * Raise the far end: the peer's port, or the VCPU of an IPI. With a peer that is not there yet, or
 * has closed its end, nothing is raised, and that is no error.
 *
 * Errors: -XEN_EINVAL for VIRQs and PIRQs; -XEN_ENOTCONN the channel was lost.
 * From: anywhere; does not block.
 * ABI: EVTCHNOP_send.
 */
int evtchn_send(struct evtchn *ch);

/*
 * Raise the near end: as if the event had come in.
 *
 * Errors: -XEN_ENOTCONN the channel was lost.
 * From: anywhere; does not block.
 * ABI: the PENDING bit, then EVTCHNOP_unmask where the channel's VCPU is another.
 */
int evtchn_raise(struct evtchn *ch);

/*
 * What Xen knows of the port: see struct evtchn_status in public/event_channel.h.
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
 * Hold back delivery; what is raised meanwhile is delivered, merged, after evtchn_unmask(). These
 * do not count: one unmask undoes any number of masks. A handler that runs on another VCPU while
 * this is called runs on; none starts.
 *
 * Errors: -XEN_EINVAL evtchn_unmask() of a channel without a handler; -XEN_ENOTCONN the channel was
 * lost.
 * From: anywhere; does not block.
 * ABI: the mask bit; EVTCHNOP_unmask where Xen has to look.
 */
int evtchn_mask(struct evtchn *ch);
int evtchn_unmask(struct evtchn *ch);

/*
 * An EVTCHN_LATE_EOI channel's event was served: deliver the next one. With `spurious` there was
 * nothing to serve; the second in a row and later ones are followed by a rest of 1, 2, 4, ... 1,024
 * ms, until one is not spurious.
 *
 * Errors: -XEN_EINVAL no delivery awaits its EOI; -XEN_ENOTCONN the channel was lost.
 * From: main and handlers, any VCPU; does not block.
 */
int evtchn_eoi(struct evtchn *ch, bool spurious);

/*
 * Tell Xen that the device behind a PIRQ channel was served.
 *
 * Errors: -XEN_EINVAL for other channels; -XEN_ENOTCONN the channel was lost.
 * From: main and handlers, any VCPU; does not block.
 * ABI: public/physdev.h, PHYSDEVOP_eoi.
 */
int evtchn_pirq_eoi(struct evtchn *ch);

/*
 * Deliveries allowed in a tick (EVTCHN_TICK_DEFAULT, a millisecond): at least 1. At once on the
 * channel's VCPU; called on another, from the next share on.
 *
 * Errors: -XEN_EINVAL for 0.
 * From: main and handlers, any VCPU; does not block.
 */
int evtchn_set_share(struct evtchn *ch, uint32_t share);

/*
 * Whether an event is pending; and the same, taking it away. For polled and masked channels. Of a
 * channel that was lost: false.
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
 * How often its handler was called, and the like, since it was bound. Read one by one while they
 * change.
 * From: anywhere; does not block.
 */
void evtchn_get_counters(struct evtchn *ch, struct evtchn_counters *counters);

/*
 * Show every VCPU's state and every channel's, a line each, with `print`. Takes no lock: for use
 * from a debugger's point of view.
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
 * time, XENLET_FOREVER) passes. Takes nothing: see evtchn_take_pending(). In a handler, or with
 * upcalls masked, no handler runs meanwhile. Else the handler of an unmasked channel takes its
 * event before this sees it: poll channels without one, or masked ones.
 *
 * Errors: -XEN_ETIME none came; -XEN_EINVAL n; -XEN_ENOTCONN one of them was lost.
 * From: anywhere; blocks.
 * ABI: public/sched.h, SCHEDOP_poll.
 */
int evtchn_poll(struct evtchn *const *ch, unsigned int n, uint64_t deadline);

/*
 * Wait until `done(arg)` is true, as a handler makes it, or `deadline` (ns of system time,
 * XENLET_FOREVER) passes. `done` is called with upcalls masked, so what it sees cannot change
 * before the VCPU sleeps: no wake-up is lost. What another VCPU makes true is seen after
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
 * xenstore's among them, in the ABI that was asked for at boot. One that cannot be had again is
 * lost: see evtchn_on_lost(). Each handler is called once. Where it fails nothing has changed.
 *
 * A far end that binds to a port of ours, or looks whether it still is bound, in that moment gives
 * up, and Xen tells neither of us. xenconsoled does both soon after the domain began to run, and not
 * again: a program that resets so early has console_flush() return 0 first, which shows that it is
 * there, and then waits a second for it to have looked again.
 *
 * Errors: -XEN_EISCONN a static channel is bound: see evtchn_reset_forced(); -XEN_EINVAL on another
 * VCPU; -XEN_EDEADLK with upcalls masked; -XEN_EBUSY another reset is under way; -XEN_ENOSPC no
 * port is free to learn our domain's number with; -XEN_EOPNOTSUPP under the PV shim, which would
 * refuse all binds after it.
 * From: main, VCPU 0, while the main of no other VCPU uses channels; handlers that run there are
 * waited for, and none begins meanwhile; does not block else.
 * ABI: EVTCHNOP_reset.
 */
int evtchn_reset(void);

/*
 * The same, though a static channel is bound: evtchn_reset() answers -XEN_EISCONN then, for Xen
 * makes those once. What comes in their place, where Xen's policy lets the peer's port be bound at
 * all (between two guests Debian's does not), is an ordinary channel at another port. A static
 * channel that nobody has bound is lost in either.
 *
 * Errors: as of evtchn_reset(): -XEN_EINVAL, -XEN_EDEADLK, -XEN_EBUSY, -XEN_ENOSPC,
 * -XEN_EOPNOTSUPP.
 * From: as evtchn_reset(): main, VCPU 0; does not block.
 * ABI: EVTCHNOP_reset.
 */
int evtchn_reset_forced(void);

/*
 * Have `lost` called once, with the channel's data, when the channel is lost: its far end cannot be
 * had again after evtchn_reset() or a restore. It runs on VCPU 0, upcalls masked as in a handler,
 * when all the others are back; it may close the channel and bind a new one. NULL: nobody wants to
 * know, which is so at first; a line in the log tells anyway.
 * From: main and handlers, any VCPU; does not block.
 */
void evtchn_on_lost(struct evtchn *ch, evtchn_handler_t *lost);

/* --- For the kernel underneath -------------------------------------------------------------- */

/*
 * Start: mask every port, take the ABI that `abi` names: "2l", "3l", "fifo", or "auto", NULL: FIFO;
 * if Xen refuses it, 3-level if Xen says it has it; else 2-level. A name that is none is reported
 * with the valid ones, and auto used; an ABI that Xen does not have, or refuses at whichever step,
 * is reported in a line, and 2-level used, which cannot be refused. 3-level takes 64 KiB for its
 * bitmaps (docs/abi-3level.md). Once, before anything else here. `info` is the vcpu_info of the
 * calling VCPU. `shared` must stay mapped.
 *
 * Errors: -XEN_ENOMEM.
 * From: the boot VCPU, upcalls masked; does not block.
 * ABI: EVTCHNOP_init_control, EVTCHNOP_expand_array; EVTCHNOP_register_3level.
 */
int evtchn_init(struct shared_info *shared, struct vcpu_info *info, const char *abi);

/*
 * Make another VCPU able to receive; before anything is bound to it and before it unmasks upcalls.
 * One that was refused gets no events: it must not come up, and binding to it is -XEN_ENOENT. This
 * may be tried again.
 *
 * Errors: -XEN_ENOMEM; -XEN_EINVAL a number above 127; or what Xen said when it refused the VCPU's
 * control block (FIFO) or second-level selector (3-level).
 * From: main, any VCPU; does not block.
 * ABI: EVTCHNOP_init_control; EVTCHNOP_register_3level.
 */
int evtchn_vcpu_init(unsigned int vcpu, struct vcpu_info *info);

/*
 * The calling VCPU, not 0, is about to go down. Channels that can be moved go to VCPU 0; IPIs and
 * per-VCPU VIRQs stay, and what is raised there is delivered when it is up again. It then calls
 * evtchn_tick(), for what rests there.
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
 * After it: let all go on as if nothing had been (`cancelled`), or else set them up again as
 * evtchn_reset() does, when each VCPU that exists has its vcpu_info registered again: VIRQs, IPIs
 * and loop-back channels, and those for which evtchn_set_resume_port() said where the toolstack put
 * them, the console's and xenstore's. Other inter-domain ones are lost: see evtchn_on_lost().
 * From: as evtchn_suspend(): VCPU 0, upcalls masked; does not block.
 * ABI: as evtchn_init(), and the binding operations.
 */
void evtchn_resume(bool cancelled);

/*
 * The port that the toolstack has given this channel in the domain's next life; for the next
 * evtchn_resume() only.
 * From: as evtchn_resume(), before it; does not block. VCPU 0.
 */
void evtchn_set_resume_port(struct evtchn *ch, evtchn_port_t port);

/*
 * Deliver what is pending. The upcall entry calls it, after saving the registers that the C ABI
 * lets a function change.
 * From: the upcall entry, any VCPU, upcalls masked; does not block.
 * ABI: public/xen.h, struct vcpu_info.
 */
void evtchn_upcall(void);

/*
 * The same, for an entry that counts its instructions: it calls through this pointer, with the
 * number of its VCPU, and is where the ABI in use delivers. The pointer changes when the ABI does,
 * so it is read each time.
 * From: as evtchn_upcall().
 * ABI: as there.
 */
typedef void evtchn_upcall_t(unsigned long vcpu);
extern evtchn_upcall_t *evtchn_upcall_now;

/*
 * The time asked for with platform_tick_at() has come: end the rests that are over, and ask for the
 * next time. Too early or too often does no harm.
 * From: the VCPU that asked, upcalls masked; does not block.
 */
void evtchn_tick(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
