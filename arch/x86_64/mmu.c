/* SPDX-License-Identifier: MIT */
/*
 * The guest's address space: [LAYOUT_BASE, ...) the domain's memory in pfn order, the linear map;
 * [LAYOUT_VMAP_BASE, ...) single frames of others. See mmu.h.
 */
#include <xenlet/domain.h>
#include <xenlet/hypercall_pv.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "arch/x86_64/mmu.h"
#include "boot/x86_64/layout.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "platform_arch.h"

#define ENTRIES    512ul
#define CHUNK_SIZE (ENTRIES * LAYOUT_PAGE_SIZE) /* what one L1 table maps */
#define BATCH      32u

extern char xenlet_text_start[], xenlet_text_end[], xenlet_rodata_end[], xenlet_end[];
extern char boot_stack_guard[];

static const unsigned long *p2m;
static xen_pfn_t nr_pfns, boot_used, boot_mapped;
static uint64_t *l4;

xen_pfn_t xenlet_pfn_to_gfn(xen_pfn_t pfn)
{
    return pfn < nr_pfns ? p2m[pfn] : XENLET_NO_PFN;
}

/*
 * Xen's machine-to-physical table is a window with nothing behind it for frames the machine has
 * not, and anything for frames of others: believe only a round trip.
 */
xen_pfn_t xenlet_gfn_to_pfn(xen_pfn_t gfn)
{
    uint64_t pfn;

    if (gfn >= MACH2PHYS_NR_ENTRIES || arch_probe_read64(&machine_to_phys_mapping[gfn], &pfn) != 0)
        return XENLET_NO_PFN;
    return pfn < nr_pfns && p2m[pfn] == gfn ? pfn : XENLET_NO_PFN;
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
    return p2m[pfn];
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

/* --- walking -------------------------------------------------------------------------------- */

static unsigned int table_index(const void *va, unsigned int level)
{
    return (uintptr_t)va >> (12 + 9 * (level - 1)) & (ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
    return xenlet_pfn_to_virt(xenlet_gfn_to_pfn((entry & PTE_FRAME) >> 12));
}

/* The entry for `va` in its table of `level` (1 to 4); NULL when there is no such table. */
static uint64_t *walk(const void *va, unsigned int level)
{
    uint64_t *table = l4;

    for (unsigned int l = 4; l > level; l--) {
        uint64_t entry = table[table_index(va, l)];

        if (!(entry & PTE_PRESENT))
            return NULL;
        table = table_of(entry);
    }
    return &table[table_index(va, level)];
}

uint64_t arch_mmu_get(const void *va)
{
    uint64_t *entry = walk(va, 1);

    return entry ? *(volatile uint64_t *)entry : 0;
}

/* --- writing -------------------------------------------------------------------------------- */

static uint64_t machine_address(const void *p)
{
    return (xenlet_gfn(p) << 12) + ((uintptr_t)p & (LAYOUT_PAGE_SIZE - 1));
}

struct batch {
    struct mmu_update req[BATCH];
    unsigned int nr;
};

static void flush_tlb_all(void)
{
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_ALL };

    hypercall_mmuext_op(&op, 1);
}

static int batch_flush(struct batch *b)
{
    int rc = b->nr ? hypercall_mmu_update(b->req, b->nr) : 0;

    b->nr = 0;
    return rc;
}

static int batch_add(struct batch *b, const uint64_t *entry, uint64_t value)
{
    b->req[b->nr].ptr = machine_address(entry) | MMU_NORMAL_PT_UPDATE;
    b->req[b->nr].val = value;
    return ++b->nr == BATCH ? batch_flush(b) : 0;
}

int arch_mmu_protect(void *va, bool write)
{
    uint64_t pte = xenlet_gfn(va) << 12 | (write ? PTE_RW : PTE_RO);

    return hypercall_update_va_mapping((unsigned long)va, pte, UVMF_INVLPG | UVMF_ALL);
}

/* Put a fresh table under the entry for `va` at `level`, which is empty. */
static int add_table(const void *va, unsigned int level)
{
    uint64_t *table = page_alloc_for_table();
    struct batch b = { .nr = 0 };
    int rc;

    if (!table)
        return -XEN_ENOMEM;
    memset(table, 0, LAYOUT_PAGE_SIZE);
    rc = arch_mmu_protect(table, false);
    if (rc)
        return rc;
    /* Upper levels restrict nothing: W and X are decided by the entry that maps the page. */
    batch_add(&b, walk(va, level), xenlet_gfn(table) << 12 | PTE_RX | PTE_WRITE);
    return batch_flush(&b);
}

static int ensure_tables(const void *va)
{
    for (unsigned int level = 4; level > 1; level--) {
        int rc = *walk(va, level) & PTE_PRESENT ? 0 : add_table(va, level);

        if (rc)
            return rc;
    }
    return 0;
}

int arch_mmu_map_linear(xen_pfn_t from, xen_pfn_t to)
{
    struct batch b = { .nr = 0 };
    uint64_t *entry = NULL;
    int rc;

    for (xen_pfn_t pfn = from; pfn < to; pfn++) {
        const char *va = xenlet_pfn_to_virt(pfn);

        if (!entry || (uintptr_t)va % CHUNK_SIZE == 0) {
            rc = ensure_tables(va);
            if (rc)
                return rc;
            entry = walk(va, 1);
        }
        rc = batch_add(&b, entry++, p2m[pfn] << 12 | PTE_RW);
        if (rc)
            return rc;
    }
    return batch_flush(&b);
}

int arch_mmu_set(void *va, xen_pfn_t gfn, uint64_t flags)
{
    uint64_t pte = flags ? gfn << 12 | flags : 0; /* empty is 0: nothing of a frame may remain */
    int rc;

    if (!flags && !walk(va, 1))
        return 0;
    rc = ensure_tables(va);
    if (rc)
        return rc;
    return hypercall_update_va_mapping((unsigned long)va, pte, UVMF_INVLPG | UVMF_ALL);
}

/* --- boot ----------------------------------------------------------------------------------- */

static uint64_t boot_flags(const char *va, const char *tables, const char *tables_end)
{
    if (va < xenlet_text_end)
        return PTE_RX;
    if (va < xenlet_rodata_end || (va >= xenlet_end && va < (const char *)symbols_end()))
        return PTE_RO;
    if (va >= tables && va < tables_end)
        return PTE_RO;
    return PTE_RW;
}

/* Text shares its 2 MiB with other things: say page by page what may be done. */
static int protect_pages(const char *va, const char *end, const char *tables,
                         const char *tables_end)
{
    struct batch b = { .nr = 0 };
    uint64_t *entry = walk(va, 1);
    int rc = 0;

    for (; va < end && rc == 0; va += LAYOUT_PAGE_SIZE, entry++) {
        uint64_t flags = boot_flags(va, tables, tables_end);

        if (va == boot_stack_guard)
            rc = batch_add(&b, entry, 0);
        else
            rc = batch_add(&b, entry, (*entry & PTE_FRAME) | flags);
    }
    return rc ? rc : batch_flush(&b);
}

/* Everything the builder mapped is writable but the tables: nothing to do but forbid execution. */
static int protect_chunk(const char *va)
{
    struct batch b = { .nr = 0 };
    uint64_t *entry = walk(va, 2);

    batch_add(&b, entry, *entry | PTE_NX);
    return batch_flush(&b);
}

static const char *boot_map_end(const char *va)
{
    while (arch_mmu_get(va) & PTE_PRESENT)
        va = (const char *)(((uintptr_t)va + CHUNK_SIZE) & -CHUNK_SIZE);
    /* The map ends at a page table's end or, under some builders, within one. */
    do
        va -= LAYOUT_PAGE_SIZE;
    while (!(arch_mmu_get(va) & PTE_PRESENT));
    return va + LAYOUT_PAGE_SIZE;
}

void arch_mmu_early_init(const struct start_info *si)
{
    p2m = (const unsigned long *)si->mfn_list;
    nr_pfns = si->nr_pages;
    l4 = (uint64_t *)si->pt_base;
}

void arch_mmu_init(const struct start_info *si)
{
    const char *tables = (const char *)si->pt_base;
    const char *tables_end = tables + si->nr_pt_frames * LAYOUT_PAGE_SIZE;
    const char *end;
    int rc = 0;

    end = boot_map_end(tables);
    /* The page after the tables was the builder's stack; pv.S left it. */
    boot_used = xenlet_virt_to_pfn(tables_end);
    boot_mapped = xenlet_virt_to_pfn(end);

    for (const char *va = xenlet_text_start; va < end && rc == 0;) {
        const char *next = (const char *)(((uintptr_t)va + CHUNK_SIZE) & -CHUNK_SIZE);

        if (next > end)
            next = end;
        if (va <= boot_stack_guard || va < (const char *)symbols_end())
            rc = protect_pages(va, next, tables, tables_end);
        else
            rc = protect_chunk(va);
        va = next;
    }
    flush_tlb_all();
    if (rc)
        xenlet_panic("mmu: Xen refused to protect the image (%d)", rc);
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

bool arch_has_grants(void)
{
    return true;
}

int arch_mmu_prepare(void *va, size_t n)
{
    unsigned long flags = space_lock();
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = ensure_tables((char *)va + i * LAYOUT_PAGE_SIZE);
    space_unlock(flags);
    return rc;
}
