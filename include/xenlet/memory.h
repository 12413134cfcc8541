/* SPDX-License-Identifier: MIT */
/*
 * Memory: pages, a heap over them, and the numbers a page has.
 *
 * The domain's pages are numbered by pfn, 0 to xenlet_nr_pages() - 1, and mapped in that order, in
 * one piece, the linear map: each page when it is first needed, read-write and never executable. A
 * gfn is what hypercalls take for a page: for a PV guest the machine frame, which changes when the
 * domain is restored elsewhere, so keep the address and ask again.
 *
 * ABI: public/xen.h, struct start_info and "Start-of-day memory layout"; on arm64 the device tree.
 */
#ifndef XENLET_MEMORY_H
#define XENLET_MEMORY_H

#include <xenlet/types.h>

#define XENLET_PAGE_SIZE 4096ul /* bytes; Xen's, on every CPU here */

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * `n` adjacent pages, contents undefined; NULL when there are not that many in one piece.
 * From: anywhere; does not block.
 */
void *xenlet_pages_alloc(size_t n);

/*
 * Give back `n` pages of xenlet_pages_alloc(), all of an allocation or a part of it; NULL does
 * nothing. Panics on pages that are free.
 * From: anywhere; does not block.
 */
void xenlet_pages_free(void *pages, size_t n);

/*
 * How many pages the domain has, and how many of them are free.
 * From: anywhere; does not block.
 */
size_t xenlet_nr_pages(void);
size_t xenlet_nr_free_pages(void);

/*
 * At least `size` bytes, aligned to 16, contents undefined; NULL when there is no memory left.
 * From: anywhere; does not block.
 */
void *xenlet_alloc(size_t size);

/*
 * As xenlet_alloc(), aligned to `align`, a power of two up to 4,096; NULL for another.
 * From: anywhere; does not block.
 */
void *xenlet_alloc_aligned(size_t size, size_t align);

/*
 * How many bytes may be used of an allocation of these two: what was asked for, or more. Panics on
 * anything else.
 * From: anywhere; does not block.
 */
size_t xenlet_alloc_size(const void *p);

/*
 * Give back an allocation of these two; NULL does nothing. Panics on anything else, as on one that
 * was given back already.
 * From: anywhere; does not block.
 */
void xenlet_free(void *p);

/*
 * The gfn of the domain's page that holds `p`. Panics when `p` is not in the linear map.
 * From: anywhere; does not block.
 */
xen_pfn_t xenlet_gfn(const void *p);

/*
 * The pfn of an address of the linear map, and the address of a pfn: arithmetic, unchecked,
 * never NULL.
 * From: anywhere; does not block.
 */
xen_pfn_t xenlet_virt_to_pfn(const void *p);
void *xenlet_pfn_to_virt(xen_pfn_t pfn);

#define XENLET_NO_PFN (~(xen_pfn_t)0) /* of a frame that is not the domain's */

/*
 * The gfn of a pfn, 0 to xenlet_nr_pages() - 1, and the pfn of a gfn; XENLET_NO_PFN for any other.
 * From: anywhere; does not block.
 */
xen_pfn_t xenlet_pfn_to_gfn(xen_pfn_t pfn);
xen_pfn_t xenlet_gfn_to_pfn(xen_pfn_t gfn);

/*
 * `n` adjacent pages of empty address space for xenlet_map(); NULL when there is none left. They
 * are never given back: keep them for the next use.
 * From: anywhere; does not block.
 */
void *xenlet_space_alloc(size_t n);

/*
 * Map frame `gfn` at `va`, a page of xenlet_space_alloc(): readable, also writable when `write`.
 * Never executable.
 *
 * Errors: -XEN_EINVAL another address, or a number that no frame has; -XEN_EBUSY a frame that is
 * not ours or may not be mapped so (a page table, writable); -XEN_EPERM one that is no memory, but
 * a device's or nobody's; -XEN_ENOMEM no page for a page table. From: anywhere; does not block.
 */
int xenlet_map(void *va, xen_pfn_t gfn, bool write);

/*
 * Leave the page at `va` empty.
 *
 * Errors: -XEN_EINVAL another address.
 * From: anywhere; does not block.
 */
int xenlet_unmap(void *va);

/*
 * Read, write or call the byte at `p` and come back when it faults. For looking at addresses that
 * may not be mapped.
 *
 * Errors: -XEN_EFAULT it faulted.
 * From: anywhere; does not block, unless what is called does.
 */
int xenlet_probe_read(const void *p, uint8_t *value);
int xenlet_probe_write(void *p, uint8_t value);
int xenlet_probe_exec(const void *p);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
