/* SPDX-License-Identifier: MIT */
/*
 * Memory: pages, a heap over them, and the numbers a page has.
 *
 * The domain's memory is numbered by pfn, 0 to xenlet_nr_pages() - 1, and mapped in that order in
 * one piece, the linear map, each page when it is first needed, read-write and never executable. A
 * gfn is what hypercalls take for a page: for a PV guest the machine frame, which changes when the
 * domain is restored elsewhere, so keep the address and ask again.
 *
 * All functions may be called from main and from handlers, on any VCPU.
 */
#ifndef XENLET_MEMORY_H
#define XENLET_MEMORY_H

#include <xenlet/types.h>

#define XENLET_PAGE_SIZE 4096ul

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* `n` adjacent pages, contents undefined; NULL when there are not that many in one piece. */
void *xenlet_pages_alloc(size_t n);

/* Give back `n` pages of xenlet_pages_alloc(), all of an allocation or a part of it. */
void xenlet_pages_free(void *pages, size_t n);

/* How many pages the domain has, and how many of them are free. */
size_t xenlet_nr_pages(void);
size_t xenlet_nr_free_pages(void);

/* At least `size` bytes, aligned to 16, contents undefined; NULL when there is no memory left. */
void *xenlet_alloc(size_t size);

/* The same, aligned to `align`, a power of two up to 4,096; NULL for another. */
void *xenlet_alloc_aligned(size_t size, size_t align);

/* How many bytes may be used of what the two gave: what was asked for, or more. Panics as below. */
size_t xenlet_alloc_size(const void *p);

/* Give back what these two gave; NULL does nothing. Panics on what it did not, or twice. */
void xenlet_free(void *p);

/* The gfn of the domain's page that holds `p`. Panics when `p` is not in the linear map. */
xen_pfn_t xenlet_gfn(const void *p);

/* pfn and address of the linear map. */
xen_pfn_t xenlet_virt_to_pfn(const void *p);
void *xenlet_pfn_to_virt(xen_pfn_t pfn);

/* pfn and gfn. xenlet_gfn_to_pfn() gives XENLET_NO_PFN for a frame that is not the domain's. */
#define XENLET_NO_PFN (~(xen_pfn_t)0)
xen_pfn_t xenlet_pfn_to_gfn(xen_pfn_t pfn);
xen_pfn_t xenlet_gfn_to_pfn(xen_pfn_t gfn);

/* `n` adjacent pages of empty address space for xenlet_map(); NULL when there is none left. */
void *xenlet_space_alloc(size_t n);

/*
 * Map frame `gfn` at `va`, a page of xenlet_space_alloc(): readable, also writable when `write`.
 * Never executable. 0, -XEN_EINVAL for an address elsewhere or no frame, -XEN_EBUSY for one that is
 * not ours or that may not be mapped so (a page table, writable), -XEN_ENOMEM.
 */
int xenlet_map(void *va, xen_pfn_t gfn, bool write);

/* Leave the page at `va` empty. 0, or -XEN_EINVAL for an address elsewhere. */
int xenlet_unmap(void *va);

/*
 * Read, write or call the byte at `p` and come back when it faults. 0, or -XEN_EFAULT. For looking
 * at addresses that may not be mapped.
 */
int xenlet_probe_read(const void *p, uint8_t *value);
int xenlet_probe_write(void *p, uint8_t value);
int xenlet_probe_exec(const void *p);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
