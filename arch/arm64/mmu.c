/* SPDX-License-Identifier: MIT */
/*
 * The guest's address space: [LAYOUT_BASE, ...) its memory in pfn order from the image on, the
 * linear map; [LAYOUT_VMAP_BASE, ...) other frames. See mmu.h.
 *
 * Tables are Normal memory that the walker reads through the caches: a store needs no cache
 * maintenance, only a dsb before anybody counts on it. An entry that was valid is taken away, and
 * its translation with it, before another takes its place (break before make).
 */
#include <xenlet/domain.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/arm64/mmu.h"
#include "arch/atomic.h"
#include "boot/arm64/layout.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "platform_arch.h"

#define ENTRIES      512ul
#define EARLY_TABLES 8u

extern uint64_t boot_l1[ENTRIES];

static uint64_t base; /* the physical address of pfn 0 */
static xen_pfn_t nr_pfns, boot_used, boot_mapped;

/* Until there is an allocator. */
static uint64_t early_tables[EARLY_TABLES][ENTRIES] __attribute__((aligned(LAYOUT_PAGE_SIZE)));
static unsigned int nr_early;

/* --- numbers -------------------------------------------------------------------------------- */

xen_pfn_t xenlet_pfn_to_gfn(xen_pfn_t pfn)
{
    return pfn < nr_pfns ? base / LAYOUT_PAGE_SIZE + pfn : XENLET_NO_PFN;
}

xen_pfn_t xenlet_gfn_to_pfn(xen_pfn_t gfn)
{
    xen_pfn_t pfn = gfn - base / LAYOUT_PAGE_SIZE;

    return pfn < nr_pfns ? pfn : XENLET_NO_PFN;
}

xen_pfn_t xenlet_virt_to_pfn(const void *p)
{
    return ((uintptr_t)p - LAYOUT_BASE) / LAYOUT_PAGE_SIZE;
}

void *xenlet_pfn_to_virt(xen_pfn_t pfn)
{
    return (void *)(LAYOUT_BASE + pfn * LAYOUT_PAGE_SIZE);
}

xen_pfn_t xenlet_gfn(const void *p)
{
    xen_pfn_t pfn = xenlet_virt_to_pfn(p);

    xenlet_assert(pfn < nr_pfns);
    return xenlet_pfn_to_gfn(pfn);
}

size_t xenlet_nr_pages(void)
{
    return nr_pfns;
}

xen_pfn_t arch_mmu_boot_used(void)
{
    return boot_used;
}

xen_pfn_t arch_mmu_boot_mapped(void)
{
    return boot_mapped;
}

/* --- tables --------------------------------------------------------------------------------- */

static unsigned int table_index(const void *va, unsigned int level)
{
    return (uintptr_t)va >> (12 + 9 * (3 - level)) & (ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)(LAYOUT_BASE + ((entry & PTE_FRAME) - base));
}

/* The entry for `va` in its table of `level` (1 to 3); NULL when there is no such table. */
static uint64_t *walk(const void *va, unsigned int level)
{
    uint64_t *table = boot_l1;

    for (unsigned int l = 1; l < level; l++) {
        uint64_t entry = atomic_read(&table[table_index(va, l)]);

        if (!(entry & PTE_VALID))
            return NULL;
        table = table_of(entry);
    }
    return &table[table_index(va, level)];
}

uint64_t arch_mmu_get(const void *va)
{
    uint64_t *entry = (uintptr_t)va >= LAYOUT_BASE ? walk(va, 3) : NULL;

    return entry ? atomic_read(entry) : 0;
}

static uint64_t *new_table(void)
{
    uint64_t *table = nr_early < EARLY_TABLES ? early_tables[nr_early++] : page_alloc_for_table();

    if (table)
        memset(table, 0, LAYOUT_PAGE_SIZE);
    return table;
}

static int ensure_tables(const void *va)
{
    for (unsigned int level = 1; level < 3; level++) {
        uint64_t *entry = walk(va, level), *table;

        if (*entry & PTE_VALID)
            continue;
        table = new_table();
        if (!table)
            return -XEN_ENOMEM;
        smp_wmb(); /* a walker that finds the table finds it empty */
        atomic_write(entry, xenlet_gfn(table) * LAYOUT_PAGE_SIZE | PTE_VALID | PTE_TABLE);
    }
    return 0;
}

/* Take the translation of `va` away everywhere. */
static void flush(const void *va)
{
    __asm__ volatile("dsb ishst\n\t"        /* the entry, before */
                     "tlbi vaae1is, %0\n\t" /* all VCPUs' translations of it are thrown away */
                     "dsb ish\n\t"          /* and are gone */
                     "isb" ::"r"((uintptr_t)va >> 12 & 0xfffffffffff)
                     : "memory");
}

/* New entries are there for whoever looks from now on, ourselves included. */
static void publish(void)
{
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

static void set_entry(const void *va, uint64_t *entry, uint64_t value)
{
    if (*entry == value)
        return;
    if (*entry & PTE_VALID) {
        atomic_write(entry, 0);
        flush(va);
    }
    if (value)
        atomic_write(entry, value);
}

int arch_mmu_set(void *va, xen_pfn_t gfn, uint64_t flags)
{
    int rc;

    if (!flags && !walk(va, 3))
        return 0;
    rc = ensure_tables(va);
    if (rc)
        return rc;
    set_entry(va, walk(va, 3), flags ? gfn * LAYOUT_PAGE_SIZE | flags : 0);
    publish();
    return 0;
}

int arch_mmu_map_linear(xen_pfn_t from, xen_pfn_t to)
{
    for (xen_pfn_t pfn = from; pfn < to; pfn++) {
        void *va = xenlet_pfn_to_virt(pfn);
        int rc = ensure_tables(va);

        if (rc)
            return rc;
        set_entry(va, walk(va, 3), xenlet_pfn_to_gfn(pfn) * LAYOUT_PAGE_SIZE | PTE_RW);
    }
    publish();
    return 0;
}

/* --- boot ----------------------------------------------------------------------------------- */

void arch_mmu_early_init(uint64_t load, uint64_t end)
{
    base = load;
    nr_pfns = (end - load) / LAYOUT_PAGE_SIZE;
    boot_used = ((uintptr_t)symbols_end() - LAYOUT_BASE + LAYOUT_PAGE_SIZE - 1) / LAYOUT_PAGE_SIZE;
    boot_mapped = boot_used;
}

void arch_mmu_take(xen_pfn_t pages)
{
    if (pages > nr_pfns - boot_used || arch_mmu_map_linear(boot_used, boot_used + pages) != 0)
        xenlet_panic("mmu: no room for the device tree");
    boot_used += pages;
    boot_mapped = boot_used;
}

void *arch_mmu_fix(uint64_t pa, uint64_t size, uint64_t flags)
{
    static uint64_t used;
    char *va = (char *)LAYOUT_FIX_BASE;
    uint64_t first = pa / LAYOUT_PAGE_SIZE, pages = (pa + size - 1) / LAYOUT_PAGE_SIZE - first + 1;

    for (uint64_t i = 0; i < pages || i < used; i++) {
        if (arch_mmu_set(va + i * LAYOUT_PAGE_SIZE, first + i, i < pages ? flags : 0) != 0)
            return NULL;
    }
    used = pages;
    return va + pa % LAYOUT_PAGE_SIZE;
}

/* --- frames of others ----------------------------------------------------------------------- */

int arch_mmu_map(void *va, xen_pfn_t gfn, bool write)
{
    if (gfn > PTE_FRAME / LAYOUT_PAGE_SIZE)
        return -XEN_EINVAL;
    return arch_mmu_set(va, gfn, write ? PTE_RW : PTE_RO);
}

int arch_mmu_unmap(void *va)
{
    return arch_mmu_set(va, 0, 0);
}

/* They would have to be given frames beyond our memory (XENMAPSPACE_grant_table): not done. */
bool arch_has_grants(void)
{
    return false;
}

int arch_mmu_prepare(void *va, size_t n)
{
    (void)va, (void)n;
    return -XEN_EOPNOTSUPP;
}

volatile void *arch_mmu_device(uint64_t pa, uint64_t size)
{
    uint64_t first = pa / LAYOUT_PAGE_SIZE, pages = (pa + size - 1) / LAYOUT_PAGE_SIZE - first + 1;
    char *va = xenlet_space_alloc(pages);
    unsigned long flags = space_lock();
    int rc = va ? 0 : -XEN_ENOMEM;

    for (uint64_t i = 0; i < pages && rc == 0; i++)
        rc = arch_mmu_set(va + i * LAYOUT_PAGE_SIZE, first + i, PTE_MMIO);
    space_unlock(flags);
    return rc ? NULL : va + pa % LAYOUT_PAGE_SIZE;
}
