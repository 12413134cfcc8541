/* SPDX-License-Identifier: MIT */
/*
 * The page allocator. From `fresh` to the end, memory has not been used yet; it is mapped when it
 * is first taken, a batch at a time. Pages that were given back are kept as runs, in order of
 * address, each described in its own first page.
 */
#include <xenlet/domain.h>
#include <xenlet/memory.h>
#include "platform_arch.h"
#include "arch/spinlock.h"
#include "kernel/internal.h"

#define MAP_BATCH 32u

struct run {
    struct run *next;
    size_t pages;
};

static struct spinlock lock;
static struct run *runs;
static xen_pfn_t fresh, mapped; /* pfns from fresh on are free; those below mapped are mapped */
static size_t nr_free;

/*
 * Page tables for memory that is not mapped yet: one for each PAGES_PER_TABLE pages, one for as
 * many of these, and the rounding. All are set aside before any other page is given out: taken one
 * by one as memory comes into use, they would leave no free piece larger than what one table maps.
 * Only the VCPU that holds the lock and maps more memory may take them.
 */
#define PAGES_PER_TABLE 512
#define NOBODY          (~0u)
static struct run *tables;
static size_t tables_missing; /* to be set aside yet; counted as taken */
static unsigned int mapping_vcpu = NOBODY;

static size_t tables_for(size_t pages)
{
    size_t nr = pages / PAGES_PER_TABLE;

    return pages ? nr + 1 + nr / PAGES_PER_TABLE + 1 : 0;
}

static void set_tables_aside(void)
{
    for (; tables_missing && fresh < mapped; tables_missing--) {
        struct run *table = xenlet_pfn_to_virt(fresh++);

        table->next = tables;
        tables = table;
    }
}

/*
 * For the MMU. It has the lock while it extends the linear map, which takes a table set aside; else
 * it has not.
 */
void *page_alloc_for_table(void)
{
    struct run *table;

    if (atomic_read(&mapping_vcpu) != platform_vcpu())
        return xenlet_pages_alloc(1);
    table = tables;
    if (table)
        tables = table->next;
    return table;
}

static bool map_up_to(xen_pfn_t end)
{
    while (mapped < end) {
        xen_pfn_t to = mapped + MAP_BATCH;
        int rc;

        if (to > xenlet_nr_pages())
            to = xenlet_nr_pages();
        atomic_write(&mapping_vcpu, platform_vcpu());
        rc = arch_mmu_map_linear(mapped, to);
        atomic_write(&mapping_vcpu, NOBODY);
        if (rc)
            return false;
        mapped = to;
        set_tables_aside();
    }
    return true;
}

static void *take_fresh(size_t n)
{
    xen_pfn_t start;

    if (n > xenlet_nr_pages() - fresh)
        return NULL;
    /* Setting tables aside moves fresh: look again after mapping. */
    while (mapped < fresh + n) {
        xen_pfn_t want = fresh + n;

        if (want > xenlet_nr_pages() || !map_up_to(want))
            return NULL;
    }
    start = fresh;
    fresh += n;
    return xenlet_pfn_to_virt(start);
}

/* First fit, taken from the end of the run, so that its description stays where it is. */
static void *take_run(size_t n)
{
    for (struct run **link = &runs; *link; link = &(*link)->next) {
        struct run *r = *link;

        if (r->pages < n)
            continue;
        r->pages -= n;
        if (r->pages == 0)
            *link = r->next;
        return (char *)r + r->pages * XENLET_PAGE_SIZE;
    }
    return NULL;
}

void *xenlet_pages_alloc(size_t n)
{
    unsigned long flags;
    void *pages;

    if (n == 0)
        return NULL;
    flags = platform_upcalls_save();
    spin_lock(&lock);
    pages = take_run(n);
    if (!pages)
        pages = take_fresh(n);
    if (pages)
        nr_free -= n;
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
    return pages;
}

static char *end_of(struct run *r)
{
    return (char *)r + r->pages * XENLET_PAGE_SIZE;
}

static void insert_run(struct run *r)
{
    struct run *before = NULL, *after = runs;

    while (after && after < r) {
        before = after;
        after = after->next;
    }
    if ((before && end_of(before) > (char *)r) || (after && end_of(r) > (char *)after))
        xenlet_panic("pages at %p freed twice", (void *)r);
    r->next = after;
    if (after && end_of(r) == (char *)after) {
        r->pages += after->pages;
        r->next = after->next;
    }
    if (before && end_of(before) == (char *)r) {
        before->pages += r->pages;
        before->next = r->next;
    } else if (before) {
        before->next = r;
    } else {
        runs = r;
    }
}

/* If the last run ends where unused memory begins, let it be part of that. */
static void lower_fresh(void)
{
    struct run **last = &runs;

    if (!runs)
        return;
    while ((*last)->next)
        last = &(*last)->next;
    if (end_of(*last) == xenlet_pfn_to_virt(fresh)) {
        fresh = xenlet_virt_to_pfn(*last);
        *last = NULL;
    }
}

void xenlet_pages_free(void *pages, size_t n)
{
    xen_pfn_t pfn = xenlet_virt_to_pfn(pages);
    struct run *r = pages;
    unsigned long flags;

    if (!pages || n == 0)
        return;
    if ((uintptr_t)pages % XENLET_PAGE_SIZE || pfn >= fresh || n > fresh - pfn)
        xenlet_panic("xenlet_pages_free(%p, %zu): not allocated pages", pages, n);
    flags = platform_upcalls_save();
    spin_lock(&lock);
    r->pages = n;
    insert_run(r);
    lower_fresh();
    nr_free += n;
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

size_t xenlet_nr_free_pages(void)
{
    return atomic_read(&nr_free);
}

void page_init(void)
{
    fresh = arch_mmu_boot_used();
    mapped = arch_mmu_boot_mapped();
    tables_missing = tables_for(xenlet_nr_pages() - mapped);
    nr_free = xenlet_nr_pages() - fresh - tables_missing;
    set_tables_aside();
}
