/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls of an x86 PV guest: page tables, descriptor tables, segment bases, debug and FP
 * registers. What Xen answers, and what the CPU shows afterwards.
 */
#include <xenlet/hypercall_pv.h>
#include "arch/x86_64/mmu.h"
#include "kernel/internal.h"
#include "tests/guest/test.h"

#define NO_FRAME      (~0ul >> 12)
#define XEN_ADDRESS   0xffff800000000000ul /* where Xen's part of the address space begins */
#define NOT_CANONICAL 0x0000800000000000ul
#define NO_CMD        0x3000u

static uint64_t page_table_frame(void)
{
    return xenlet_gfn((const void *)start_info->pt_base);
}

/* --- page tables ---------------------------------------------------------------------------- */

/* A page that is mapped twice, to have an entry to play with. */
static struct {
    uint8_t *page, *alias;
} twice;

static bool map_twice(void)
{
    if (!twice.alias)
        twice.alias = xenlet_space_alloc(1);
    twice.page = platform_page_alloc();
    return twice.page && twice.alias && xenlet_map(twice.alias, xenlet_gfn(twice.page), false) == 0;
}

static void unmap_twice(void)
{
    EXPECT_EQ(xenlet_unmap(twice.alias), 0);
    platform_page_free(twice.page);
}

TEST(update_va_mapping)
{
    uint64_t pte;
    unsigned long va;

    CHECK(map_twice());
    va = (unsigned long)twice.alias;
    pte = xenlet_gfn(twice.page) << 12;
    EXPECT_EQ(xenlet_probe_write(twice.alias, 1), -XEN_EFAULT);
    EXPECT_EQ(hypercall_update_va_mapping(va, pte | PTE_RW, UVMF_INVLPG), 0);
    EXPECT_EQ(xenlet_probe_write(twice.alias, 0x77), 0);
    EXPECT_EQ(twice.page[0], 0x77);
    EXPECT_EQ(hypercall_update_va_mapping(va, pte | PTE_RO, UVMF_INVLPG), 0);
    EXPECT_EQ(xenlet_probe_write(twice.alias, 1), -XEN_EFAULT);
    EXPECT_EQ(twice.page[0], 0x77);
    unmap_twice();
}

TEST(update_va_mapping_errors)
{
    uint64_t table = page_table_frame() << 12;
    unsigned long va;
    uint64_t before;

    CHECK(map_twice());
    va = (unsigned long)twice.alias;
    before = arch_mmu_get(twice.alias);
    /* A page table is never writable; to read it is fine. */
    EXPECT_EQ(hypercall_update_va_mapping(va, table | PTE_RW, UVMF_INVLPG), -XEN_EBUSY);
    EXPECT_EQ(arch_mmu_get(twice.alias), before);
    EXPECT_EQ(hypercall_update_va_mapping(va, table | PTE_RO, UVMF_INVLPG), 0);
    EXPECT_EQ(hypercall_update_va_mapping(va, NO_FRAME << 12 | PTE_RO, UVMF_INVLPG), -XEN_EINVAL);
    /* Where no table is, and where the tables are Xen's. */
    EXPECT_EQ(hypercall_update_va_mapping(0x700000000000ul, 0, UVMF_INVLPG), -XEN_EINVAL);
    EXPECT(hypercall_update_va_mapping(XEN_ADDRESS, 0, UVMF_INVLPG) < 0);
    unmap_twice();
}

/* The machine address of the entry that maps twice.alias, for which mmu_update asks. */
static uint64_t entry_address(const uint64_t *table, const void *va)
{
    const uint64_t *entry = NULL;

    for (unsigned int level = 4; level > 0; level--) {
        entry = &table[(uintptr_t)va >> (3 + 9 * level) & 511];
        table = xenlet_pfn_to_virt(xenlet_gfn_to_pfn((*entry & PTE_FRAME) >> 12));
    }
    return (xenlet_gfn(entry) << 12) + (uintptr_t)entry % 4096;
}

static int write_entry(uint64_t address, uint64_t value)
{
    struct mmu_update req = { .ptr = address | MMU_NORMAL_PT_UPDATE, .val = value };

    return hypercall_mmu_update(&req, 1);
}

TEST(mmu_update_writes_entries)
{
    uint64_t address, pte;

    CHECK(map_twice());
    address = entry_address((const uint64_t *)start_info->pt_base, twice.alias);
    pte = xenlet_gfn(twice.page) << 12;
    EXPECT_EQ(write_entry(address, pte | PTE_RW), 0);
    /* Xen adds bits of its own. */
    EXPECT_EQ(arch_mmu_get(twice.alias) & (PTE_FRAME | PTE_WRITE | PTE_NX),
              (pte | PTE_RW) & (PTE_FRAME | PTE_WRITE | PTE_NX));
    EXPECT_EQ(hypercall_mmu_update(NULL, 0), 0);
    unmap_twice();
}

TEST(mmu_update_errors)
{
    struct mmu_update two[2];
    uint64_t address;

    CHECK(map_twice());
    address = entry_address((const uint64_t *)start_info->pt_base, twice.alias);
    EXPECT_EQ(write_entry(address, page_table_frame() << 12 | PTE_RW), -XEN_EBUSY);
    EXPECT_EQ(write_entry(address, NO_FRAME << 12 | PTE_RO), -XEN_EINVAL);
    /* Not a table of ours; not an entry of one. */
    EXPECT(write_entry(NO_FRAME << 12, 0) < 0);
    EXPECT_EQ(hypercall_mmu_update(NULL, 1), -XEN_EFAULT);
    /* What stands before the one that is refused is done. */
    two[0] = (struct mmu_update){ .ptr = address, .val = 0 };
    two[1] = (struct mmu_update){ .ptr = address, .val = page_table_frame() << 12 | PTE_RW };
    EXPECT_EQ(hypercall_mmu_update(two, 2), -XEN_EBUSY);
    EXPECT_EQ(arch_mmu_get(twice.alias), 0);
    unmap_twice();
}

static int mmuext(unsigned int cmd, uint64_t mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

    return hypercall_mmuext_op(&op, 1);
}

TEST(mmuext_op_clears_and_copies_pages)
{
    uint8_t *from = platform_page_alloc(), *to = platform_page_alloc();
    struct mmuext_op copy = { .cmd = MMUEXT_COPY_PAGE };

    CHECK(from && to);
    from[0] = 0x11;
    from[4095] = 0x99;
    copy.arg1.mfn = xenlet_gfn(to);
    copy.arg2.src_mfn = xenlet_gfn(from);
    EXPECT_EQ(hypercall_mmuext_op(&copy, 1), 0);
    EXPECT_EQ(to[0], 0x11);
    EXPECT_EQ(to[4095], 0x99);
    EXPECT_EQ(mmuext(MMUEXT_CLEAR_PAGE, xenlet_gfn(to)), 0);
    EXPECT_EQ(to[0] | to[4095], 0);
    platform_page_free(from);
    platform_page_free(to);
}

TEST(mmuext_op_errors)
{
    void *page = platform_page_alloc();

    CHECK(page);
    EXPECT_EQ(mmuext(NO_CMD, 0), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_mmuext_op(NULL, 1), -XEN_EFAULT);
    EXPECT_EQ(hypercall_mmuext_op(NULL, 0), 0);
    /* A page that is mapped writable is no page table, and a page table is not to be cleared. */
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, xenlet_gfn(page)) < 0);
    EXPECT(mmuext(MMUEXT_NEW_BASEPTR, xenlet_gfn(page)) < 0);
    EXPECT_EQ(mmuext(MMUEXT_CLEAR_PAGE, page_table_frame()), -XEN_EINVAL);
    EXPECT_EQ(mmuext(MMUEXT_UNPIN_TABLE, xenlet_gfn(page)), -XEN_EINVAL);
    EXPECT_EQ(mmuext(MMUEXT_UNPIN_TABLE, NO_FRAME), -XEN_EINVAL);
    EXPECT_EQ(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
    platform_page_free(page);
}

/* --- descriptor tables ---------------------------------------------------------------------- */

/* A flat data segment of ring 3, which is where a PV kernel runs. */
#define FLAT_DATA 0x00cff3000000fffful

TEST(set_gdt_and_update_descriptor)
{
    uint64_t *table = platform_page_alloc();
    unsigned long frame;

    CHECK(table);
    frame = xenlet_gfn(table);
    /* Writable, it could be changed behind Xen's back. */
    EXPECT_EQ(hypercall_set_gdt(&frame, 512), -XEN_EINVAL);
    CHECK_EQ(arch_mmu_protect(table, false), 0);
    CHECK_EQ(hypercall_set_gdt(&frame, 512), 0);
    /* Now it is Xen's to write. */
    EXPECT_EQ(arch_mmu_protect(table, true), -XEN_EBUSY);
    EXPECT_EQ(hypercall_update_descriptor((frame << 12) + 8, FLAT_DATA), 0);
    EXPECT_EQ(table[1], FLAT_DATA);
    EXPECT_EQ(table[2], 0);
    EXPECT_EQ(hypercall_set_gdt(NULL, 0), 0);
    CHECK_EQ(arch_mmu_protect(table, true), 0);
    platform_page_free(table);
}

TEST(set_gdt_errors)
{
    unsigned long frame = NO_FRAME;

    EXPECT_EQ(hypercall_set_gdt(&frame, 512), -XEN_EINVAL);
    EXPECT_EQ(hypercall_set_gdt(&frame, 8192), -XEN_EINVAL); /* the last ones are Xen's */
    EXPECT_EQ(hypercall_set_gdt(NULL, 512), -XEN_EFAULT);
}

TEST(update_descriptor_errors)
{
    const uint64_t interrupt_gate = 0x00008e0000080000ul;
    void *page = platform_page_alloc();
    uint64_t ma;

    CHECK(page);
    ma = xenlet_gfn(page) << 12;
    EXPECT_EQ(hypercall_update_descriptor(ma + 4, FLAT_DATA), -XEN_EINVAL);
    EXPECT_EQ(hypercall_update_descriptor(ma, interrupt_gate), -XEN_EINVAL);
    EXPECT_EQ(hypercall_update_descriptor(NO_FRAME << 12, FLAT_DATA), -XEN_EINVAL);
    EXPECT_EQ(hypercall_update_descriptor(page_table_frame() << 12, FLAT_DATA), -XEN_EINVAL);
    platform_page_free(page);
}

TEST(trap_table_and_callback_errors)
{
    /* Not NULL, which takes all handlers away. */
    EXPECT_EQ(hypercall_set_trap_table((const struct trap_info *)8), -XEN_EFAULT);
    EXPECT_EQ(hypercall_callback_register(NO_CMD, 0, 0), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_callback_register(CALLBACKTYPE_nmi, NOT_CANONICAL, 0), -XEN_EINVAL);
}

/* --- the CPU's registers -------------------------------------------------------------------- */

static uint64_t read_fs(void)
{
    uint64_t value;

    __asm__ volatile("movq %%fs:0, %0" : "=r"(value));
    return value;
}

TEST(segment_base_fs)
{
    static const uint64_t here = 0x1122334455667788ul, there = 0x99aabbccddeeff00ul;

    CHECK_EQ(hypercall_set_segment_base(SEGBASE_FS, (unsigned long)&here), 0);
    EXPECT_EQ(read_fs(), here);
    /* A refusal changes nothing. */
    EXPECT_EQ(hypercall_set_segment_base(SEGBASE_FS, NOT_CANONICAL), -XEN_EINVAL);
    EXPECT_EQ(read_fs(), here);
    CHECK_EQ(hypercall_set_segment_base(SEGBASE_FS, (unsigned long)&there), 0);
    /* It stays over a sleep, and over what runs in between. */
    clock_sleep(1000000);
    EXPECT_EQ(read_fs(), there);
    EXPECT_EQ(hypercall_set_segment_base(SEGBASE_FS, 0), 0);
}

TEST(segment_base_errors)
{
    unsigned int vcpu = platform_vcpu();

    EXPECT_EQ(hypercall_set_segment_base(SEGBASE_GS_USER, NOT_CANONICAL), -XEN_EINVAL);
    EXPECT_EQ(hypercall_set_segment_base(SEGBASE_GS_KERNEL, NOT_CANONICAL), -XEN_EINVAL);
    EXPECT_EQ(hypercall_set_segment_base(NO_CMD, 0), -XEN_EINVAL);
    /* The one of user mode is not ours. */
    EXPECT_EQ(hypercall_set_segment_base(SEGBASE_GS_USER, 0x1000), 0);
    EXPECT_EQ(platform_vcpu(), vcpu);
    EXPECT_EQ(hypercall_set_segment_base(SEGBASE_GS_USER, 0), 0);
}

/* Taken as it is: it is used only when user mode traps, which we never enter. */
TEST(stack_switch)
{
    EXPECT_EQ(hypercall_stack_switch(FLAT_KERNEL_SS, (unsigned long)__builtin_frame_address(0)), 0);
}

/* A register by number, for which there is a hypercall but no need in the library. */
static unsigned long get_debugreg(unsigned int reg)
{
    multicall_entry_t call = { .op = __HYPERVISOR_get_debugreg, .args = { reg } };

    EXPECT_EQ(hypercall_multicall(&call, 1), 0);
    return call.result;
}

TEST(debug_registers)
{
    const unsigned long address = (unsigned long)&twice;

    EXPECT_EQ(hypercall_set_debugreg(0, address), 0);
    EXPECT_EQ(get_debugreg(0), address);
    EXPECT_EQ(hypercall_set_debugreg(3, address + 8), 0);
    EXPECT_EQ(get_debugreg(3), address + 8);
    EXPECT_EQ(get_debugreg(0), address);
    EXPECT_EQ(hypercall_set_debugreg(0, XEN_ADDRESS), -XEN_EPERM);
    EXPECT_EQ(get_debugreg(0), address);
    EXPECT_EQ(hypercall_set_debugreg(7, 1ul << 32), -XEN_EINVAL);
    EXPECT_EQ(hypercall_set_debugreg(7, 1ul << 13), -XEN_EPERM); /* general detect */
    EXPECT_EQ(hypercall_set_debugreg(8, 0), -XEN_ENODEV);
    EXPECT_EQ(hypercall_set_debugreg(0, 0), 0);
    EXPECT_EQ(hypercall_set_debugreg(3, 0), 0);
}

/* An FP instruction: whether it trapped. */
static bool fp_traps(void)
{
    bool trapped = true;

    __asm__ volatile("1: fnop\n\t"
                     "movb $0, %0\n"
                     "3:\n\t"
                     ".pushsection .extable, \"a\", @progbits\n\t"
                     ".balign 8\n\t"
                     ".quad 1b, 3b\n\t"
                     ".popsection"
                     : "+q"(trapped));
    return trapped;
}

/* Upcalls stay out of it: a handler may save FP registers. */
TEST(fpu_taskswitch)
{
    unsigned long flags = platform_upcalls_save();

    EXPECT(!fp_traps());
    EXPECT_EQ(hypercall_fpu_taskswitch(true), 0);
    EXPECT(fp_traps());
    /* Xen clears the flag as it hands us the trap. */
    EXPECT(!fp_traps());
    EXPECT_EQ(hypercall_fpu_taskswitch(true), 0);
    EXPECT_EQ(hypercall_fpu_taskswitch(false), 0);
    EXPECT(!fp_traps());
    platform_upcalls_restore(flags);
}
