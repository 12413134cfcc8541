/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that only an x86 PV guest makes: Xen runs the CPU, so what a kernel would load into
 * registers or write into page tables is handed to Xen. The rules of hypercall.h hold.
 *
 * ABI: public/arch-x86/xen.h, public/xen.h, public/callback.h.
 */
#ifndef XENLET_HYPERCALL_PV_H
#define XENLET_HYPERCALL_PV_H

#include <xenlet/types.h>
#include <xen/callback.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Set exception handlers from an array that ends with address 0.
 *
 * Errors: -EFAULT; -EINVAL an address that is not canonical.
 * From: anywhere; does not block.
 */
int hypercall_set_trap_table(const struct trap_info *table);

/*
 * Apply `nr` page table writes for ourselves; all, or an error at the first that Xen refuses.
 *
 * Errors: -EINVAL a bad entry, or not a page table; -EBUSY the entry conflicts with how its frame
 * is used (maps a page table or descriptor table writable, say).
 * From: anywhere; does not block.
 */
int hypercall_mmu_update(const struct mmu_update *req, unsigned int nr);

/*
 * Page table and TLB operations (MMUEXT_*); an error at the first that Xen refuses.
 *
 * Errors: -EINVAL a bad frame; -EBUSY it is in use otherwise; -EPERM not for us; -EOPNOTSUPP
 * unknown.
 * From: anywhere; does not block.
 */
int hypercall_mmuext_op(const struct mmuext_op *op, unsigned int nr);

/*
 * Write the L1 entry that maps `va`; `flags` are UVMF_*.
 *
 * Errors: -EINVAL a bad entry, or no L1 table there; -EBUSY as of hypercall_mmu_update().
 * From: anywhere; does not block.
 */
int hypercall_update_va_mapping(unsigned long va, uint64_t pte, unsigned long flags);

/*
 * Load a GDT of `entries` descriptors in `frames`, which have to be mapped read-only.
 *
 * Errors: -EINVAL a bad descriptor, or a frame that is mapped writable.
 * From: anywhere; does not block.
 */
int hypercall_set_gdt(const unsigned long *frames, unsigned int entries);

/*
 * Write one descriptor at machine address `ma` of a loaded GDT or LDT.
 *
 * Errors: -EINVAL a bad descriptor, or address.
 * From: anywhere; does not block.
 */
int hypercall_update_descriptor(uint64_t ma, uint64_t desc);

/*
 * The kernel stack Xen switches to when user mode traps.
 *
 * Errors: none.
 * From: anywhere; does not block.
 */
int hypercall_stack_switch(unsigned long ss, unsigned long sp);

/*
 * Register `address` for CALLBACKTYPE_*; `flags` is 0 or CALLBACKF_mask_events.
 *
 * Errors: -ENOSYS no such type; -EINVAL an address that is not canonical.
 * From: anywhere; does not block.
 */
int hypercall_callback_register(unsigned int type, unsigned long address, unsigned int flags);

/*
 * Set the FS or GS base, SEGBASE_*.
 *
 * Errors: -EINVAL not canonical, or no such base.
 * From: anywhere; does not block.
 */
int hypercall_set_segment_base(unsigned int which, unsigned long base);

/*
 * Set or clear CR0.TS: whether the next FP instruction traps.
 *
 * Errors: none.
 * From: anywhere; does not block.
 */
int hypercall_fpu_taskswitch(bool set);

/*
 * Write debug register `reg`.
 *
 * Errors: -EPERM an address in Xen's space; -EINVAL a value it does not take; -ENODEV no such
 * register.
 * From: anywhere; does not block.
 */
int hypercall_set_debugreg(unsigned int reg, unsigned long value);

/*
 * SCHEDOP_shutdown with the reason suspend, which hands the frame of start_info to the toolstack.
 * 0: in a restored domain; 1: the suspend was cancelled. suspend.h does this with all that belongs
 * to it.
 *
 * Errors: none.
 * From: VCPU 0, upcalls masked; blocks while the domain is saved.
 */
int hypercall_suspend(uint64_t start_info_gfn);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
