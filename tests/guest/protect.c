/* SPDX-License-Identifier: MIT */
/* What may be read, written and executed: tried with a probe, then checked entry by entry. */
#include "arch/x86_64/mmu.h"
#include "boot/x86_64/layout.h"
#include "kernel/internal.h"
#include "tests/guest/protect.h"
#include "tests/guest/test.h"

#define RET 0xc3 /* should a probe get to execute it, it comes back */

extern char xenlet_text_start[], xenlet_text_end[], xenlet_rodata_end[], xenlet_end[];
extern char boot_stack_guard[], boot_stack[], hypercall_page[];

static uint8_t data_byte = RET;
static uint8_t bss_byte;
static const uint8_t rodata_byte = RET;

/* With an instruction there that returns, should it ever be reached. */
static bool executable_data(void *p)
{
    volatile uint8_t *byte = p;
    uint8_t was = *byte;
    bool result;

    *byte = RET;
    result = executable(p);
    *byte = was;
    return result;
}

static void returns(void)
{
}

TEST(protect_probes_tell_what_can_be_done)
{
    uint8_t value = 0;

    data_byte = 1;
    CHECK_EQ(xenlet_probe_read(&data_byte, &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(xenlet_probe_write(&data_byte, RET), 0);
    CHECK_EQ(*(volatile uint8_t *)&data_byte, RET);
    CHECK_EQ(xenlet_probe_exec((const void *)returns), 0);
    CHECK_EQ(xenlet_probe_read(NULL, &value), -XEN_EFAULT);
    CHECK_EQ(xenlet_probe_write(NULL, value), -XEN_EFAULT);
    CHECK_EQ(xenlet_probe_exec(NULL), -XEN_EFAULT);
}

TEST(protect_page_0)
{
    static const uintptr_t addresses[] = { 0, 1, 8, 0x7ff, 0xfff };

    for (unsigned int i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        const void *p = (const void *)addresses[i];

        CHECK(!readable(p));
        CHECK_EQ(xenlet_probe_write((void *)p, 0), -XEN_EFAULT);
        CHECK(!executable(p));
    }
    CHECK_EQ(arch_mmu_get(NULL), 0);
}

TEST(protect_text_from_writing)
{
    const void *last = before(xenlet_text_end, 1);

    CHECK(readable(xenlet_text_start) && !writable(xenlet_text_start));
    CHECK(readable((const void *)returns) && !writable((const void *)returns));
    CHECK(readable(hypercall_page) && !writable(hypercall_page));
    CHECK(readable(last) && !writable(last));
}

TEST(protect_rodata)
{
    const void *last = before(xenlet_rodata_end, 1);

    CHECK(readable(&rodata_byte) && !writable(&rodata_byte) && !executable(&rodata_byte));
    CHECK(readable(xenlet_text_end) && !writable(xenlet_text_end));
    CHECK(readable(last) && !writable(last));
}

TEST(protect_symbols_from_writing)
{
    const char *last = before(symbols_end(), 1);
    uint64_t offset;

    CHECK(symbol_of((uint64_t)protect_symbols_from_writing, &offset));
    CHECK(last > xenlet_end);
    CHECK(readable(xenlet_end) && !writable(xenlet_end));
    CHECK(readable(last) && !writable(last));
}

TEST(protect_data_from_execution)
{
    uint8_t on_stack = RET;
    uint8_t *heap = xenlet_alloc(16);
    uint8_t *page = xenlet_pages_alloc(1);

    CHECK(heap && page);
    EXPECT(writable(&data_byte) && !executable_data(&data_byte));
    EXPECT(writable(&bss_byte) && !executable_data(&bss_byte));
    EXPECT(writable(&on_stack) && !executable_data(&on_stack));
    EXPECT(writable(heap) && !executable_data(heap));
    EXPECT(writable(page) && !executable_data(page));
    EXPECT(!executable_data(start_info));
    EXPECT(!executable_data((void *)start_info->mfn_list));
    EXPECT(!executable_data(shared_info));
    xenlet_free(heap);
    xenlet_pages_free(page, 1);
}

TEST(protect_guard_page_of_the_stack)
{
    char *here = __builtin_frame_address(0);
    void *guard_end = before(boot_stack, 1);

    CHECK(here > boot_stack && here <= boot_stack + LAYOUT_STACK_SIZE);
    CHECK_EQ(boot_stack - boot_stack_guard, LAYOUT_PAGE_SIZE);
    CHECK(!readable(boot_stack_guard));
    CHECK(!readable(guard_end));
    CHECK_EQ(xenlet_probe_write(boot_stack_guard, 0), -XEN_EFAULT);
    CHECK_EQ(xenlet_probe_write(guard_end, 0), -XEN_EFAULT);
    CHECK(writable(boot_stack));
    CHECK(readable(before(boot_stack_guard, 1)));
}

/* --- every entry of the page tables --------------------------------------------------------- */

#define ENTRIES       512u
#define XEN_FIRST     256u /* the L4 entries that are Xen's */
#define XEN_LAST      271u
#define PTE_PAGE_SIZE 0x080ul

struct walk {
    unsigned int mapped, executable, tables;
};

static bool in_text(uintptr_t va)
{
    return va >= (uintptr_t)xenlet_text_start && va < (uintptr_t)xenlet_text_end;
}

/* `allowed` has PTE_WRITE when no level forbids it, and PTE_NX when one does. */
static void check_page(struct walk *w, uintptr_t va, uint64_t entry, uint64_t allowed)
{
    xen_pfn_t pfn = xenlet_gfn_to_pfn((entry & PTE_FRAME) >> 12);
    bool write = allowed & PTE_WRITE, exec = !(allowed & PTE_NX);

    w->mapped++;
    w->executable += exec;
    if (write && exec)
        test_fail(__FILE__, __LINE__, "0x%lx is writable and executable", va);
    if (exec != in_text(va))
        test_fail(__FILE__, __LINE__, "0x%lx is %s", va, exec ? "executable" : "not executable");
    if (pfn != XENLET_NO_PFN && in_text((uintptr_t)xenlet_pfn_to_virt(pfn)) && !in_text(va))
        test_fail(__FILE__, __LINE__, "text is mapped again at 0x%lx", va);
    /* In the linear map a page has its own frame, but for shared_info's. */
    if (va < LAYOUT_VMAP_BASE && va != (uintptr_t)shared_info &&
        pfn != xenlet_virt_to_pfn((const void *)va))
        test_fail(__FILE__, __LINE__, "0x%lx has the frame of pfn 0x%lx", va, pfn);
}

static void walk_table(struct walk *w, const uint64_t *table, unsigned int level, uintptr_t base,
                       uint64_t allowed)
{
    w->tables++;
    if (arch_mmu_get(table) & PTE_WRITE)
        test_fail(__FILE__, __LINE__, "the page table at %p is writable", (const void *)table);
    for (unsigned int i = 0; i < ENTRIES; i++) {
        uint64_t entry = ((const volatile uint64_t *)table)[i];
        uintptr_t va = base | (uintptr_t)i << (12 + 9 * (level - 1));
        uint64_t below = (allowed & entry & PTE_WRITE) | ((allowed | entry) & PTE_NX);
        xen_pfn_t pfn;

        if (level == 4 && i >= XEN_FIRST && i <= XEN_LAST)
            continue;
        if (!(entry & PTE_PRESENT)) {
            if (entry)
                test_fail(__FILE__, __LINE__, "0x%lx is not mapped, but its entry is 0x%lx", va,
                          entry);
            continue;
        }
        if (level == 1) {
            check_page(w, va, entry, below);
            continue;
        }
        pfn = xenlet_gfn_to_pfn((entry & PTE_FRAME) >> 12);
        if (pfn == XENLET_NO_PFN || (entry & PTE_PAGE_SIZE))
            test_fail(__FILE__, __LINE__, "0x%lx: level %u entry 0x%lx", va, level, entry);
        else
            walk_table(w, xenlet_pfn_to_virt(pfn), level - 1, va, below);
    }
}

static struct walk walk_all(void)
{
    struct walk w = { 0 };

    walk_table(&w, (const uint64_t *)start_info->pt_base, 4, 0, PTE_WRITE);
    EXPECT_EQ(w.executable, (xenlet_text_end - xenlet_text_start) / LAYOUT_PAGE_SIZE);
    EXPECT(w.mapped > w.executable);
    return w;
}

/* The first is the L4 table. Xen carries out what its first domain writes to an L1 table itself. */
TEST(protect_page_tables_from_writing)
{
    unsigned int probed = xenlet_is_initial_domain() ? 1 : start_info->nr_pt_frames;
    const char *table = (const char *)start_info->pt_base;

    for (unsigned int i = 0; i < probed; i++, table += LAYOUT_PAGE_SIZE) {
        CHECK(readable(table) && !writable(table));
        CHECK(!writable(table + LAYOUT_PAGE_SIZE - 1));
    }
}

TEST(protect_every_page_mapped)
{
    (void)walk_all();
}

/* Half of what is free, one piece or a few: new page tables, new mappings. */
static unsigned int take_pages(void **pieces, size_t *sizes, unsigned int max)
{
    size_t want = xenlet_nr_free_pages() / 2;
    unsigned int n = 0;

    for (size_t size = want; size && want && n < max;) {
        if (size > want)
            size = want;
        pieces[n] = xenlet_pages_alloc(size);
        if (pieces[n]) {
            sizes[n++] = size;
            want -= size;
        } else {
            size /= 2;
        }
    }
    return n;
}

/* One page of ours mapped again, in all the ways there are, and an address used and left. */
static void map_pages(char *space, const void *page)
{
    EXPECT_EQ(xenlet_map(space, xenlet_gfn(page), true), 0);
    EXPECT_EQ(xenlet_map(space + LAYOUT_PAGE_SIZE, xenlet_gfn(page), false), 0);
    EXPECT_EQ(xenlet_map(space + 2 * LAYOUT_PAGE_SIZE, xenlet_gfn(page), true), 0);
    EXPECT_EQ(xenlet_unmap(space + 2 * LAYOUT_PAGE_SIZE), 0);
    EXPECT(writable(space) && !executable_data(space));
    EXPECT(readable(space + LAYOUT_PAGE_SIZE) && !writable(space + LAYOUT_PAGE_SIZE));
    EXPECT(!readable(space + 2 * LAYOUT_PAGE_SIZE));
}

TEST(protect_every_page_mapped_later)
{
    static char *space;
    void *pieces[16];
    size_t sizes[16];
    unsigned int n;
    struct walk w;

    /*
     * Address space is never given back: one piece for all runs of this test. Nor are page tables;
     * they are made while memory is free, so as not to lie in its middle when it all comes back.
     */
    if (!space)
        space = xenlet_space_alloc(3);
    CHECK(space);
    pieces[0] = xenlet_pages_alloc(1);
    CHECK(pieces[0]);
    CHECK_EQ(xenlet_map(space, xenlet_gfn(pieces[0]), false), 0);
    CHECK_EQ(xenlet_unmap(space), 0);
    xenlet_pages_free(pieces[0], 1);
    n = take_pages(pieces, sizes, 16);
    CHECK(n > 0);
    map_pages(space, pieces[0]);
    w = walk_all();
    EXPECT_EQ(xenlet_unmap(space), 0);
    EXPECT_EQ(xenlet_unmap(space + LAYOUT_PAGE_SIZE), 0);
    EXPECT_EQ(walk_all().mapped, w.mapped - 2);
    while (n-- > 0)
        xenlet_pages_free(pieces[n], sizes[n]);
}
