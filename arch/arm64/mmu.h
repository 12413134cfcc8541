/* SPDX-License-Identifier: MIT */
/* Page tables: the guest's own, written by plain stores. PTE_* are in boot/arm64/layout.h. */
#ifndef XENLET_MMU_H
#define XENLET_MMU_H

#include <xenlet/types.h>

/* The image was loaded to physical address `load`; its memory ends at `end`. */
void arch_mmu_early_init(uint64_t load, uint64_t end);

/* Pages behind the image that are taken: what was kept of the loader's. */
void arch_mmu_take(xen_pfn_t pages);

/* Map frame `gfn` at `va` with `flags` (PTE_*), making page tables as needed; 0 frees the page. */
int arch_mmu_set(void *va, xen_pfn_t gfn, uint64_t flags);

/* The entry that maps `va`, 0 when nothing does. */
uint64_t arch_mmu_get(const void *va);

/* `size` bytes of a device's registers at physical address `pa`; NULL when memory is out. */
volatile void *arch_mmu_device(uint64_t pa, uint64_t size);

/* The same at LAYOUT_FIX_BASE, which is mapped anew with each call: before there is an allocator.
 */
void *arch_mmu_fix(uint64_t pa, uint64_t size, uint64_t flags);

#endif
