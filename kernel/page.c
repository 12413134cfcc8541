/* SPDX-License-Identifier: MIT */
/*
 * The page allocator. From `fresh` to `end`, memory has not been used yet; it is mapped when it is
 * first taken, a batch at a time. Pages that were given back are kept as runs, in order of
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
static xen_pfn_t fresh, mapped; /* pfns from fresh to end are free; those below mapped are mapped */
static xen_pfn_t end;
static size_t nr_free;

/*
 * Page tables for memory that is not mapped yet: one for each PAGES_PER_TABLE pages, one for as
 * many of these, and the rounding. All are set aside at the start: taken one by one as memory comes
 * into use, they would leave no free piece larger than what one table maps. The first few are of
 * mapped memory; the others lie from `end` on, and are not touched before they are needed. To map a
 * batch takes NEEDED at most, so with twice as many at hand there are enough to map more of them.
 * Only the VCPU that holds the lock and maps more memory may take them.
 */
#define PAGES_PER_TABLE 512
#define NEEDED          2
#define NOBODY          (~0u)
static struct run *tables; /* at hand */
static size_t nr_tables;
static xen_pfn_t tables_mapped; /* from `end` up to here they are at hand, or in use */
static unsigned int mapping_vcpu = NOBODY;

static size_t tables_for(size_t pages)
{
    size_t nr = pages / PAGES_PER_TABLE;

    return pages ? nr + 1 + nr / PAGES_PER_TABLE + 1 : 0;
}

static void add_table(xen_pfn_t pfn)
{
    struct run *table = xenlet_pfn_to_virt(pfn);

    table->next = tables;
    tables = table;
    nr_tables++;
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
    if (table) {
        tables = table->next;
        nr_tables--;
    }
    return table;
}

/* Map pages from *from on, not beyond `to`, and no more than a batch or one table's. */
static bool map_batch(xen_pfn_t *from, xen_pfn_t to)
{
    xen_pfn_t page = (uintptr_t)xenlet_pfn_to_virt(*from) / XENLET_PAGE_SIZE;
    xen_pfn_t most = PAGES_PER_TABLE - page % PAGES_PER_TABLE;
    int rc;

    if (most > MAP_BATCH)
        most = MAP_BATCH;
    if (to - *from > most)
        to = *from + most;
    atomic_write(&mapping_vcpu, platform_vcpu());
    rc = arch_mmu_map_linear(*from, to);
    atomic_write(&mapping_vcpu, NOBODY);
    if (rc == 0)
        *from = to;
    return rc == 0;
}

static bool have_tables(void)
{
    while (nr_tables < 2 * NEEDED && tables_mapped < xenlet_nr_pages()) {
        xen_pfn_t pfn = tables_mapped;

        if (!map_batch(&tables_mapped, xenlet_nr_pages()))
            return false;
        for (; pfn < tables_mapped; pfn++)
            add_table(pfn);
    }
    return true;
}

static bool map_up_to(xen_pfn_t want)
{
    while (mapped < want) {
        if (!have_tables() || !map_batch(&mapped, end))
            return false;
    }
    return true;
}

static void *take_fresh(size_t n)
{
    xen_pfn_t start = fresh;

    if (n > end - fresh || !map_up_to(fresh + n))
        return NULL;
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
    size_t missing, first;

    fresh = arch_mmu_boot_used();
    mapped = arch_mmu_boot_mapped();
    missing = tables_for(xenlet_nr_pages() - mapped);
    first = missing < 2 * NEEDED ? missing : 2 * NEEDED;
    nr_free = xenlet_nr_pages() - fresh - missing;
    end = tables_mapped = xenlet_nr_pages() - (missing - first);
    for (; first; first--) {
        if (fresh == mapped && !map_batch(&mapped, end))
            return; /* the first who wants a page is told */
        add_table(fresh++);
    }
}
