/* SPDX-License-Identifier: MIT */
/*
 * Typed wrappers for Xen's hypercalls, one source file a family, no policy and no state.
 *
 * Each returns what Xen answers: 0 (or a count where one is named) or a negative Xen errno; the
 * XEN_ in front of their names is left out on this page. None retries, logs or allocates.
 * Structures are those of Xen's public headers; the one that specifies a group of calls is named
 * above it. Any call that is given a pointer answers -EFAULT where nothing is mapped there.
 */
#ifndef XENLET_HYPERCALL_H
#define XENLET_HYPERCALL_H

#include <xenlet/abi/event_channel_3l.h>
#include <xenlet/types.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* --- event_channel.h ------------------------------------------------------------------------ */

/*
 * Allocate a port in `dom` (DOMID_SELF, or with privilege another domain) that `remote` may bind.
 *
 * Errors: -ENOSPC no port is free (the limit is the domain's max_event_channels or the ABI's);
 * -ENOMEM; -ESRCH no such domain; -EINVAL it is dying; -EPERM policy or privilege.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_alloc_unbound(domid_t dom, domid_t remote, evtchn_port_t *port);

/*
 * Connect a new local port to `remote_port` of domain `remote`, which must be unbound and meant for
 * us. Xen raises the new local port once.
 *
 * Errors: -EINVAL not such a port; -ENOSPC no port is free; -ENOMEM; -ESRCH no such domain; -EPERM
 * policy.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_bind_interdomain(domid_t remote, evtchn_port_t remote_port,
                                      evtchn_port_t *port);

/*
 * Bind virtual interrupt `virq`. A global or per-domain one takes `vcpu` 0 only.
 *
 * Errors: -EINVAL no such virq, or a wrong vcpu; -ENOENT no such VCPU; -EEXIST bound already;
 * -EBUSY another domain has it; -ENOSPC no port is free; -ENOMEM.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port);

/*
 * Bind physical interrupt `pirq`; `flags` is 0 or BIND_PIRQ__WILL_SHARE.
 *
 * Errors: -EPERM not ours; -EINVAL no such pirq; -EEXIST bound already; -EOPNOTSUPP under the PV
 * shim; -ENOSYS on arm64; -ENOSPC no port is free; -ENOMEM.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_bind_pirq(uint32_t pirq, uint32_t flags, evtchn_port_t *port);

/*
 * Bind a port that sends to `vcpu` of this domain.
 *
 * Errors: -ENOENT no such VCPU; -ENOSPC no port is free; -ENOMEM.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_bind_ipi(uint32_t vcpu, evtchn_port_t *port);

/*
 * Close a port; an inter-domain peer becomes unbound.
 *
 * Errors: -EINVAL not a port, or one of Xen's own.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_close(evtchn_port_t port);

/*
 * Raise the far end of an inter-domain channel, or an IPI port's VCPU. An unbound port drops the
 * event and answers 0.
 *
 * Errors: -EINVAL a free, VIRQ or PIRQ port; -EPERM policy.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_send(evtchn_port_t port);

/*
 * Fill in `status` for status->dom and status->port.
 *
 * Errors: -EINVAL not a port; -ESRCH no such domain; -EPERM not ours to ask.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_status(struct evtchn_status *status);

/*
 * Have `port` notify `vcpu` from now on; what is pending stays where it is.
 *
 * Errors: -ENOENT no such VCPU; -EINVAL not a port, or an IPI or per-VCPU VIRQ port.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_bind_vcpu(evtchn_port_t port, uint32_t vcpu);

/*
 * Clear the mask of `port` and raise it on its VCPU when it is pending.
 *
 * Errors: -EINVAL not a port.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_unmask(evtchn_port_t port);

/*
 * Close every port of `dom` and return it to 2-level.
 *
 * Errors: -EBUSY a reset is running; -EAGAIN a port was bound meanwhile: call it again; -ESRCH no
 * such domain; -EPERM not ours; -EINVAL another domain that is not paused.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_reset(domid_t dom);

/*
 * FIFO: register the control block of `vcpu`, at byte `offset` of `gfn`; the first one switches the
 * domain over. The number of bits in a LINK is stored in *link_bits.
 *
 * Errors: -ENOENT no such VCPU; -EINVAL a bad offset or page, or it has one already; -ENOMEM;
 * -EBUSY in 3-level; -ENOSYS or -EOPNOTSUPP without FIFO.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu, uint8_t *link_bits);

/*
 * FIFO: add a page to the event array.
 *
 * Errors: -EOPNOTSUPP not in FIFO; -ENOSPC the array is complete; -EINVAL a bad page; -ENOMEM.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_expand_array(uint64_t gfn);

/*
 * FIFO: a port's priority, 0 (highest) to 15.
 *
 * Errors: -EINVAL out of range, or not a port; -EACCES a port of Xen's own; -ENOSYS in the other
 * ABIs.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_set_priority(evtchn_port_t port, uint32_t priority);

/* --- docs/abi-3level.md: a Xen of our own, no other has it --------------------------------- */

/*
 * Store in *abis which ABIs Xen has beyond 2-level and FIFO, a set of EVTCHN_EXTENDED_*. Any error
 * means none.
 *
 * Errors: -ENOSYS; under the PV shim -EOPNOTSUPP.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_query_extended_abis(uint64_t *abis);

/*
 * 3-level: register the domain's bitmaps, `nr_pages` pages each, EVTCHN_3L_NR_PAGES(w) and at most
 * EVTCHN_3L_MAX_PAGES. Nothing is delivered through them yet, but FIFO is -EBUSY from here on. An
 * error changes nothing.
 *
 * Errors: -EBUSY in FIFO; -EEXIST registered already; -EINVAL another number of pages, or a page
 * that is not writable memory of ours; -ENOMEM; -ENOSYS.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_register_3level_bitmaps(uint32_t nr_pages, const uint64_t *pending_gfns,
                                             const uint64_t *mask_gfns);

/*
 * 3-level: register the second-level selector of `vcpu`, EVTCHN_3L_L2_BYTES(w) bytes at byte
 * `offset` of `gfn`. VCPU 0's switches the domain over: upcalls must be masked on every VCPU that
 * runs, and nobody may bind, mask or unmask meanwhile. An error changes nothing.
 *
 * Errors: -EBUSY in FIFO; -ENOENT no such VCPU; -ENODEV no bitmaps; -EEXIST it has one; -EINVAL a
 * bad offset or page, or a VCPU without a vcpu_info of its own; -ENOMEM; -ENOSYS.
 * From: anywhere; does not block.
 */
int hypercall_evtchn_register_3level_l2(uint32_t vcpu, uint64_t gfn, uint32_t offset);

/* --- sched.h -------------------------------------------------------------------------------- */

/*
 * Give up the CPU; returns when scheduled again.
 *
 * Errors: none.
 * From: anywhere; does not block.
 */
int hypercall_sched_yield(void);

/*
 * Unmask upcalls and sleep until an event is pending.
 *
 * Errors: none.
 * From: anywhere; blocks.
 */
int hypercall_sched_block(void);

/*
 * End this domain: SHUTDOWN_poweroff, _reboot, _crash. The VCPU may go on for a moment.
 *
 * Errors: none.
 * From: anywhere; does not block.
 */
int hypercall_sched_shutdown(unsigned int reason);

/*
 * Sleep until one of `nr` ports (at most 128) is pending, masked or not, an upcall could be taken,
 * or `deadline` (ns of system time, 0 for none) passes.
 *
 * Errors: -EINVAL a bad port, or too many.
 * From: anywhere; blocks.
 */
int hypercall_sched_poll(const evtchn_port_t *ports, unsigned int nr, uint64_t deadline);

/* --- vcpu.h, xen.h -------------------------------------------------------------------------- */

/*
 * VCPUOP_*: `arg` as the operation says; some answer more than 0.
 *
 * Errors: -ENOENT no such VCPU; -ENOSYS no such operation; and those of the operation.
 * From: anywhere; does not block.
 */
int hypercall_vcpu_op(unsigned int op, unsigned int vcpu, void *arg);

/*
 * Have Xen keep the vcpu_info of `vcpu` at byte `offset` of `gfn`. Once in a VCPU's life.
 *
 * Errors: -EINVAL or -EBUSY registered already; -ENXIO misaligned, or across a page; -EACCES not
 * writable; -ENOENT no such VCPU.
 * From: anywhere; does not block.
 */
int hypercall_register_vcpu_info(unsigned int vcpu, uint64_t gfn, uint32_t offset);

/*
 * Arm this VCPU's one-shot VIRQ_TIMER for `deadline` (ns of system time); 0 disarms it.
 *
 * Errors: none.
 * From: anywhere; does not block.
 */
int hypercall_set_timer_op(uint64_t deadline);

/* --- version.h, features.h ------------------------------------------------------------------ */

/*
 * XENVER_*: a version (major << 16 | minor) or 0, as the command says.
 *
 * Errors: -ENOSYS no such command; -EPERM policy.
 * From: anywhere; does not block.
 */
int hypercall_xen_version(unsigned int cmd, void *arg);

/*
 * Feature submap `idx` (32 features a word) into *map; see features.h.
 *
 * Errors: -EINVAL no such submap.
 * From: anywhere; does not block.
 */
int hypercall_xen_features(unsigned int idx, uint32_t *map);

/* --- xen.h: Xen's own console -------------------------------------------------------------- */

/*
 * Write `len` bytes to Xen's own console.
 *
 * Errors: -EPERM for a domU on a release build of Xen.
 * From: anywhere; does not block.
 */
int hypercall_console_write(const char *text, unsigned int len);

/*
 * Read up to `len` bytes typed at Xen's console; returns the count.
 *
 * Errors: -EPERM not the first domain.
 * From: anywhere; does not block.
 */
int hypercall_console_read(char *text, unsigned int len);

/* --- memory.h ------------------------------------------------------------------------------- */

/*
 * XENMEM_*: as the command says; many return a count.
 *
 * Errors: -ENOSYS no such command; -EPERM; -EINVAL; and those of the command.
 * From: anywhere; does not block.
 */
long hypercall_memory_op(unsigned int cmd, void *arg);

/* --- grant_table.h -------------------------------------------------------------------------- */

/*
 * GNTTABOP_*: `args` is an array of `nr` of the command's structures, each with a status of its own
 * (GNTST_*), which is valid only if this returns 0.
 *
 * Errors: -EFAULT; -ENOSYS no such command; -EINVAL more than one where only one may be;
 * -EOPNOTSUPP under the PV shim, mapping and copying.
 * From: anywhere; does not block.
 */
int hypercall_grant_table_op(unsigned int cmd, void *args, unsigned int nr);

/*
 * Grow the table to at least `nr_frames` frames and get their gfns, in order. *status is
 * GNTST_general_error if that is more than this domain may have.
 *
 * Errors: -EFAULT; -ENOSYS no grant tables.
 * From: anywhere; does not block.
 */
int hypercall_gnttab_setup_table(uint32_t nr_frames, xen_pfn_t *frames, int16_t *status);

/*
 * Version 2: get the gfns of the frames that hold the status words. *status is GNTST_general_error
 * if there are not so many.
 *
 * Errors: -EFAULT; -ENOSYS no version 2.
 * From: anywhere; does not block.
 */
int hypercall_gnttab_get_status_frames(uint32_t nr_frames, uint64_t *frames, int16_t *status);

/*
 * How many frames the table has, and may have.
 *
 * Errors: -EFAULT; -ENOSYS no grant tables.
 * From: anywhere; does not block.
 */
int hypercall_gnttab_query_size(uint32_t *nr_frames, uint32_t *max_nr_frames, int16_t *status);

/*
 * Switch the table to version 1 or 2; all entries but the first 8 are lost.
 *
 * Errors: -ENOSYS no version 2 here; -EBUSY an entry is in use; -ERANGE one of the first 8 does not
 * fit into version 1; -EINVAL no such version.
 * From: anywhere; does not block.
 */
int hypercall_gnttab_set_version(uint32_t version);

/* --- physdev.h ------------------------------------------------------------------------------ */

/*
 * PHYSDEVOP_*: `arg` as the command says.
 *
 * Errors: -EPERM without the privilege; -ENOSYS no such command; -EINVAL.
 * From: anywhere; does not block.
 */
int hypercall_physdev_op(unsigned int cmd, void *arg);

/*
 * Tell Xen that the handler of a level-triggered `pirq` is done with the device.
 *
 * Errors: -EINVAL no such pirq of ours; -ENOSYS on arm64.
 * From: anywhere; does not block.
 */
int hypercall_physdev_eoi(uint32_t pirq);

/*
 * Map `gsi` to a pirq. *pirq is the one wished for, or -1, and becomes the one given.
 *
 * Errors: -EPERM without the privilege; -EINVAL no such gsi; -EEXIST mapped otherwise; -ENOSYS on
 * arm64.
 * From: anywhere; does not block.
 */
int hypercall_physdev_map_gsi(int gsi, int *pirq);

/* --- xen.h: several at once ----------------------------------------------------------------- */

/*
 * Run `nr` calls; each entry's result is in its `result`. An error here means none was tried.
 *
 * Errors: -EFAULT the entries cannot be read.
 * From: anywhere; does not block.
 */
int hypercall_multicall(multicall_entry_t *calls, unsigned int nr);

/*
 * Switch one of Xen's assists on or off: VMASST_CMD_* with VMASST_TYPE_*.
 *
 * Errors: -ENOSYS or -EINVAL unknown.
 * From: anywhere; does not block.
 */
int hypercall_vm_assist(unsigned int cmd, unsigned int type);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
