/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that only an x86 PV guest makes: its CPU is Xen's, so tables that a kernel would load
 * into registers are handed over. The rules of hypercall.h hold; the text is arch-x86/xen.h.
 */
#ifndef XENLET_HYPERCALL_PV_H
#define XENLET_HYPERCALL_PV_H

#include <xenlet/types.h>
#include <xen/callback.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* Set exception handlers from an array that ends with address 0. -EFAULT, -EPERM. */
int hypercall_set_trap_table(const struct trap_info *table);

/*
 * Apply `nr` page table writes for ourselves; all, or an error at the first that Xen refuses:
 * -EINVAL, -EBUSY for a frame that is in use as what the entry would not let it be (a page table or
 * descriptor table, mapped writable).
 */
int hypercall_mmu_update(const struct mmu_update *req, unsigned int nr);

/* Page table and TLB operations (MMUEXT_*). -EINVAL, -EBUSY, -EPERM. */
int hypercall_mmuext_op(const struct mmuext_op *op, unsigned int nr);

/*
 * Write the L1 entry that maps `va`; `flags` are UVMF_*. -EINVAL bad entry, or no L1 table there;
 * -EBUSY as for mmu_update.
 */
int hypercall_update_va_mapping(unsigned long va, uint64_t pte, unsigned long flags);

/* Load a GDT of `entries` descriptors in `nr` frames; the frames become read-only. -EINVAL. */
int hypercall_set_gdt(const unsigned long *frames, unsigned int entries);

/* Write one descriptor at machine address `ma` of a loaded GDT or LDT. -EINVAL. */
int hypercall_update_descriptor(uint64_t ma, uint64_t desc);

/* The kernel stack Xen switches to when user mode traps. -EPERM. */
int hypercall_stack_switch(unsigned long ss, unsigned long sp);

/* Register `address` for CALLBACKTYPE_*; `flags` is 0 or CALLBACKF_mask_events. -ENOSYS, -EINVAL.
 */
int hypercall_callback_register(unsigned int type, unsigned long address, unsigned int flags);

/* Set the FS or GS base, SEGBASE_*. -EINVAL not canonical. */
int hypercall_set_segment_base(unsigned int which, unsigned long base);

/* Set or clear CR0.TS: whether the next FP instruction traps. */
int hypercall_fpu_taskswitch(bool set);

/* Write debug register `reg`; -EPERM for an address in Xen's space, -EINVAL, -ENODEV no such. */
int hypercall_set_debugreg(unsigned int reg, unsigned long value);

/*
 * SCHEDOP_shutdown with the reason suspend, which hands the frame of start_info to the toolstack:
 * on VCPU 0. 0: in a restored domain; 1: the suspend was cancelled. See suspend.h, which does all
 * that belongs to it.
 */
int hypercall_suspend(uint64_t start_info_gfn);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
