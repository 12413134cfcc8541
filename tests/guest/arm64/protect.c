/* SPDX-License-Identifier: MIT */
/* What may be read, written and executed: tried with a probe, then checked entry by entry. */
#include "arch/arm64/mmu.h"
#include "arch/arm64/percpu.h"
#include "boot/arm64/layout.h"
#include "kernel/internal.h"
#include "tests/guest/protect.h"
#include "tests/guest/test.h"

#define RET     0xd65f03c0u /* should a probe get to execute it, it comes back */
#define ENTRIES 512u

extern char xenlet_text_start[], xenlet_text_end[], xenlet_rodata_end[], xenlet_end[];
extern char boot_stack[];
extern uint64_t boot_l1[ENTRIES];

static uint32_t data_word = RET;
static uint32_t bss_word;
static const uint32_t rodata_word = RET;

/* With an instruction there that returns, should it ever be reached. */
static bool executable_data(void *p)
{
    volatile uint32_t *word = p;
    uint32_t was = *word;
    bool result;

    *word = RET;
    result = executable(p);
    *word = was;
    return result;
}

static void returns(void)
{
}

TEST(protect_probes_tell_what_can_be_done)
{
    uint8_t value = 0;

    CHECK_EQ(xenlet_probe_read(&data_word, &value), 0);
    CHECK_EQ(value, RET & 0xff);
    CHECK_EQ(xenlet_probe_write(&data_word, value), 0);
    CHECK_EQ(xenlet_probe_exec((const void *)returns), 0);
    CHECK_EQ(xenlet_probe_read(NULL, &value), -XEN_EFAULT);
}

/* Where the image was loaded too, and its first steps ran. */
TEST(protect_the_lower_half)
{
    const uintptr_t addresses[] = { 0, 8, 0xffc, xenlet_gfn(xenlet_text_start) * LAYOUT_PAGE_SIZE,
                                    xenlet_gfn(&data_word) * LAYOUT_PAGE_SIZE };

    for (unsigned int i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        const void *p = (const void *)addresses[i];

        EXPECT(!readable(p));
        EXPECT_EQ(xenlet_probe_write((void *)p, 0), -XEN_EFAULT);
        EXPECT(!executable(p));
    }
}

TEST(protect_text_from_writing)
{
    const void *last = before(xenlet_text_end, 1);

    EXPECT(readable(xenlet_text_start) && !writable(xenlet_text_start));
    EXPECT(readable((const void *)returns) && !writable((const void *)returns));
    EXPECT(readable(last) && !writable(last));
}

TEST(protect_rodata_and_symbols)
{
    const void *last = before(xenlet_rodata_end, 1), *symbol = before(symbols_end(), 1);

    EXPECT(readable(&rodata_word) && !writable(&rodata_word) && !executable(&rodata_word));
    EXPECT(readable(xenlet_text_end) && !writable(xenlet_text_end));
    EXPECT(readable(last) && !writable(last));
    CHECK(symbol > (const void *)xenlet_end);
    EXPECT(readable(xenlet_end) && !writable(xenlet_end));
    EXPECT(readable(symbol) && !writable(symbol));
}

TEST(protect_data_from_execution)
{
    uint32_t on_stack = RET;
    uint32_t *heap = xenlet_alloc(16), *page = xenlet_pages_alloc(1);

    CHECK(heap && page);
    EXPECT(writable(&data_word) && !executable_data(&data_word));
    EXPECT(writable(&bss_word) && !executable_data(&bss_word));
    EXPECT(writable(&on_stack) && !executable_data(&on_stack));
    EXPECT(writable(heap) && !executable_data(heap));
    EXPECT(writable(page) && !executable_data(page));
    xenlet_free(heap);
    xenlet_pages_free(page, 1);
}

/* Of the first VCPU's, in the image; of the others', see below. */
TEST(protect_guard_page_of_the_stack)
{
    char *here = __builtin_frame_address(0);

    CHECK(here > boot_stack && here <= boot_stack + LAYOUT_STACK_SIZE);
    EXPECT(!readable(before(boot_stack, 1)));
    EXPECT(!readable(before(boot_stack, LAYOUT_PAGE_SIZE)));
    EXPECT_EQ(xenlet_probe_write(before(boot_stack, 1), 0), -XEN_EFAULT);
    EXPECT(writable(boot_stack));
    EXPECT(readable(before(boot_stack, LAYOUT_PAGE_SIZE + 1)));
}

static void look_below_stack(void *arg)
{
    const struct percpu *cpu = percpu();
    bool *good = arg;

    *good = (char *)__builtin_frame_address(0) > cpu->stack && writable(cpu->stack) &&
            !readable(before(cpu->stack, 1)) && !readable(before(cpu->stack, LAYOUT_PAGE_SIZE)) &&
            readable(before(cpu->stack, LAYOUT_PAGE_SIZE + 1));
}

TEST(protect_guard_pages_of_other_stacks)
{
    if (vcpu_count() < 2)
        SKIP("one VCPU");
    for (unsigned int i = 1; i < vcpu_count(); i++) {
        bool good = false;

        CHECK_EQ(vcpu_start(i, look_below_stack, &good), 0);
        CHECK_EQ(vcpu_join(i, clock_after(5000000000)), 0);
        EXPECT(good);
    }
}

/* --- every entry of the page tables --------------------------------------------------------- */

static bool in_text(uintptr_t va)
{
    return va >= (uintptr_t)xenlet_text_start && va < (uintptr_t)xenlet_text_end;
}

/* Returns whether it is executable. */
static bool check_page(uintptr_t va, uint64_t entry)
{
    xen_pfn_t pfn = xenlet_gfn_to_pfn((entry & PTE_FRAME) / LAYOUT_PAGE_SIZE);
    bool exec = !(entry & PTE_PXN);

    if (exec && !(entry & PTE_RDONLY))
        test_fail(__FILE__, __LINE__, "0x%lx is writable and executable", va);
    if (exec != in_text(va))
        test_fail(__FILE__, __LINE__, "0x%lx is %s", va, exec ? "executable" : "not executable");
    if (!(entry & PTE_UXN))
        test_fail(__FILE__, __LINE__, "0x%lx may be executed by EL0", va);
    if (pfn != XENLET_NO_PFN && in_text((uintptr_t)xenlet_pfn_to_virt(pfn)) && !in_text(va) &&
        !(entry & PTE_RDONLY))
        test_fail(__FILE__, __LINE__, "text can be written at 0x%lx", va);
    /* Shared with Xen and others, and so cacheable as theirs is. */
    if (pfn != XENLET_NO_PFN && (entry & (PTE_DEVICE | PTE_INNER)) != PTE_INNER)
        test_fail(__FILE__, __LINE__, "0x%lx is memory, and mapped as something else", va);
    return exec;
}

static unsigned int walk_table(const uint64_t *table, unsigned int level, uintptr_t base)
{
    unsigned int executables = 0;

    for (unsigned int i = 0; i < ENTRIES; i++) {
        uint64_t entry = ((const volatile uint64_t *)table)[i];
        uintptr_t va = base | (uintptr_t)i << (12 + 9 * (3 - level));
        xen_pfn_t pfn = xenlet_gfn_to_pfn((entry & PTE_FRAME) / LAYOUT_PAGE_SIZE);

        if (!(entry & PTE_VALID)) {
            if (entry)
                test_fail(__FILE__, __LINE__, "0x%lx is not mapped, but is 0x%lx", va, entry);
        } else if (level == 3) {
            executables += check_page(va, entry);
        } else if (pfn == XENLET_NO_PFN || !(entry & PTE_TABLE)) {
            test_fail(__FILE__, __LINE__, "0x%lx: level %u entry 0x%lx", va, level, entry);
        } else {
            executables += walk_table(xenlet_pfn_to_virt(pfn), level + 1, va);
        }
    }
    return executables;
}

TEST(protect_every_page_mapped)
{
    EXPECT_EQ(walk_table(boot_l1, 1, LAYOUT_BASE),
              (xenlet_text_end - xenlet_text_start) / LAYOUT_PAGE_SIZE);
}

/* SCTLR_EL1: MMU and caches are on, a stack pointer is aligned, and what can be written never runs.
 */
TEST(protect_bits_of_the_cpu)
{
    uint64_t sctlr, tcr;

    __asm__ volatile("mrs %0, sctlr_el1\n\tmrs %1, tcr_el1" : "=r"(sctlr), "=r"(tcr));
    EXPECT_EQ(sctlr & SCTLR_VALUE, SCTLR_VALUE);
    EXPECT(sctlr & 1u << 19 && sctlr & 1u << 3 && sctlr & 1u << 2 && sctlr & 1u << 12);
    EXPECT(tcr & TCR_EPD0);
}
