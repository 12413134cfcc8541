/* SPDX-License-Identifier: MIT */
/*
 * Page tables. The guest never writes one: Xen does, when asked. They stay mapped read-only in the
 * linear map, so that the guest can walk them.
 */
#ifndef XENLET_MMU_H
#define XENLET_MMU_H

#include <xenlet/types.h>

/* Page table entry bits. Xen adds what it needs of its own. */
#define PTE_PRESENT  0x001ul
#define PTE_WRITE    0x002ul
#define PTE_ACCESSED 0x020ul
#define PTE_DIRTY    0x040ul
#define PTE_NX       0x8000000000000000ul
#define PTE_FRAME    0x000ffffffffff000ul

#define PTE_RO (PTE_PRESENT | PTE_ACCESSED | PTE_NX)
#define PTE_RW (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX)
#define PTE_RX (PTE_PRESENT | PTE_ACCESSED)

/* Learn where the p2m is and how much memory there is. */
void arch_mmu_early_init(const struct start_info *si);

/*
 * Take over the builder's page tables: text read-execute, rodata, symbols and page tables
 * read-only, the rest read-write, nothing else executable; the guard page of the boot stack empty.
 * Early in boot; panics when Xen refuses.
 */
void arch_mmu_init(const struct start_info *si);

/* Map frame `gfn` at `va` with `flags` (PTE_*), making page tables as needed; 0 frees the page. */
int arch_mmu_set(void *va, xen_pfn_t gfn, uint64_t flags);

/* The entry that maps `va`, 0 when nothing does. */
uint64_t arch_mmu_get(const void *va);

/* xenlet_probe_read() for 64 bits at once. */
int arch_probe_read64(const uint64_t *p, uint64_t *value);

/* The page tables stay readable: mark a page read-only, and writable again. */
int arch_mmu_protect(void *va, bool write);

#endif
