/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory: an arena, whose frames have numbers that are nobody's addresses. A page that
 * is free is poisoned under ASan: neither side may touch it.
 */
#include <stdlib.h>
#include <string.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"
#include "tests/host/platform/host.h"

#if defined(__SANITIZE_ADDRESS__)
#define HOST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOST_ASAN 1
#endif
#endif

#ifdef HOST_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define MAX_PAGES 16384u
#define FIRST_GFN 0x100000ull

static char *arena;
static bool used[MAX_PAGES];
static unsigned int nr_pages, nr_free, fail_after;
static struct spinlock lock;

void host_memory_start(unsigned int pages)
{
    pages = pages ? pages : 4096;
    if (pages > MAX_PAGES)
        abort();
    if (!arena)
        arena = aligned_alloc(XENLET_PAGE_SIZE, MAX_PAGES * XENLET_PAGE_SIZE);
    if (!arena)
        abort();
    ASAN_POISON_MEMORY_REGION(arena, nr_pages * XENLET_PAGE_SIZE); /* of the boot before */
    nr_pages = nr_free = pages;
    fail_after = UINT32_MAX;
    memset(used, 0, sizeof(used));
    memset(&lock, 0, sizeof(lock));
    ASAN_POISON_MEMORY_REGION(arena, pages * XENLET_PAGE_SIZE);
}

void host_memory_fail_after(unsigned int n)
{
    fail_after = n;
}

static bool are_free(unsigned int from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (used[from + i])
            return false;
    }
    return true;
}

static void *take(size_t n)
{
    for (unsigned int i = 0; i + n <= nr_pages; i++) {
        if (!are_free(i, n))
            continue;
        memset(&used[i], true, n);
        nr_free -= (unsigned int)n;
        return arena + i * XENLET_PAGE_SIZE;
    }
    return NULL;
}

void *xenlet_pages_alloc(size_t n)
{
    void *pages = NULL;

    spin_lock(&lock);
    if (fail_after == UINT32_MAX || fail_after-- > 0)
        pages = take(n);
    else
        fail_after = 0;
    spin_unlock(&lock);
    if (pages) {
        ASAN_UNPOISON_MEMORY_REGION(pages, n * XENLET_PAGE_SIZE);
        memset(pages, 0xaa, n * XENLET_PAGE_SIZE);
    }
    return pages;
}

void xenlet_pages_free(void *pages, size_t n)
{
    size_t first = (size_t)((char *)pages - arena) / XENLET_PAGE_SIZE;

    if (!pages)
        return;
    ASAN_POISON_MEMORY_REGION(pages, n * XENLET_PAGE_SIZE);
    spin_lock(&lock);
    for (size_t i = first; i < first + n; i++) {
        if (!used[i])
            platform_panic("page %zu freed twice", i);
        used[i] = false;
    }
    nr_free += (unsigned int)n;
    spin_unlock(&lock);
}

size_t xenlet_nr_pages(void)
{
    return nr_pages;
}

size_t xenlet_nr_free_pages(void)
{
    return nr_free;
}

xen_pfn_t xenlet_gfn(const void *p)
{
    return (xen_pfn_t)(FIRST_GFN + (size_t)((const char *)p - arena) / XENLET_PAGE_SIZE);
}

xen_pfn_t xenlet_gfn_to_pfn(xen_pfn_t gfn)
{
    return gfn - FIRST_GFN < nr_pages ? gfn - FIRST_GFN : XENLET_NO_PFN;
}

void *xenlet_pfn_to_virt(xen_pfn_t pfn)
{
    return arena + pfn * XENLET_PAGE_SIZE;
}

/* A frame that is free or nobody's may not be written by whoever likes. */
void *world_frame(uint64_t gfn)
{
    if (gfn < FIRST_GFN || gfn >= FIRST_GFN + nr_pages || !used[gfn - FIRST_GFN])
        return NULL;
    return arena + (gfn - FIRST_GFN) * XENLET_PAGE_SIZE;
}

void *xenlet_alloc(size_t size)
{
    return malloc(size);
}

void xenlet_free(void *p)
{
    free(p);
}
