/* SPDX-License-Identifier: MIT */
/* Frames mapped where the domain's memory is not, and taken away again. */
#include "arch/x86_64/mmu.h"
#include "kernel/internal.h"
#include "tests/guest/test.h"

#define PAGE  XENLET_PAGE_SIZE
#define CHUNK (512 * PAGE) /* what one page table maps */

TEST(map_a_frame_elsewhere)
{
    volatile uint8_t *page = platform_page_alloc(), *va = xenlet_space_alloc(1);
    uint8_t value = 0;

    CHECK(page && va);
    EXPECT_EQ(xenlet_probe_read((void *)va, &value), -XEN_EFAULT);
    page[7] = 0x42;
    CHECK_EQ(xenlet_map((void *)va, xenlet_gfn((void *)page), false), 0);
    EXPECT_EQ(va[7], 0x42);
    EXPECT_EQ(xenlet_probe_write((void *)va, 1), -XEN_EFAULT);

    CHECK_EQ(xenlet_map((void *)va, xenlet_gfn((void *)page), true), 0);
    va[7] = 0x43;
    EXPECT_EQ(page[7], 0x43);
    EXPECT_EQ(xenlet_probe_exec((void *)va), -XEN_EFAULT);
    EXPECT(arch_mmu_get((void *)va) & PTE_NX);

    EXPECT_EQ(xenlet_unmap((void *)va), 0);
    platform_page_free((void *)page);
}

/* Nothing of the frame stays in the entry: on some CPUs Xen ends a domain for that. */
TEST(unmap_leaves_nothing)
{
    void *page = platform_page_alloc(), *va = xenlet_space_alloc(1);
    uint8_t value;

    CHECK(page && va);
    CHECK_EQ(xenlet_map(va, xenlet_gfn(page), true), 0);
    EXPECT_EQ(arch_mmu_get(va) & PTE_FRAME, xenlet_gfn(page) << 12);
    EXPECT_EQ(xenlet_unmap(va), 0);
    EXPECT_EQ(arch_mmu_get(va), 0);
    EXPECT_EQ(xenlet_probe_read(va, &value), -XEN_EFAULT);
    EXPECT_EQ(xenlet_probe_write(va, 1), -XEN_EFAULT);
    EXPECT_EQ(xenlet_unmap(va), 0); /* again: there is nothing, and that is no error */
    /* No reference to the frame is left either, or it could not become a page table. */
    EXPECT_EQ(arch_mmu_protect(page, false), 0);
    EXPECT_EQ(arch_mmu_protect(page, true), 0);
    platform_page_free(page);
}

TEST(map_another_frame_in_the_same_place)
{
    uint8_t *a = platform_page_alloc(), *b = platform_page_alloc();
    volatile uint8_t *va = xenlet_space_alloc(1);

    CHECK(a && b && va);
    *a = 0xa;
    *b = 0xb;
    CHECK_EQ(xenlet_map((void *)va, xenlet_gfn(a), false), 0);
    EXPECT_EQ(*va, 0xa);
    CHECK_EQ(xenlet_map((void *)va, xenlet_gfn(b), false), 0);
    EXPECT_EQ(*va, 0xb);
    EXPECT_EQ(xenlet_unmap((void *)va), 0);
    platform_page_free(a);
    platform_page_free(b);
}

TEST(map_refused)
{
    char *page = platform_page_alloc(), *va = xenlet_space_alloc(1);
    uint64_t before;
    uint8_t value;

    CHECK(page && va);
    before = arch_mmu_get(page);
    /* Not where the domain's own memory is, nor anywhere else, nor within a page. */
    EXPECT_EQ(xenlet_map(page, xenlet_gfn(page), true), -XEN_EINVAL);
    EXPECT_EQ(xenlet_unmap(page), -XEN_EINVAL);
    EXPECT_EQ(arch_mmu_get(page), before);
    EXPECT_EQ(xenlet_map(NULL, xenlet_gfn(page), true), -XEN_EINVAL);
    EXPECT_EQ(xenlet_map(va + 8, xenlet_gfn(page), true), -XEN_EINVAL);
    EXPECT_EQ(xenlet_unmap(va + 8), -XEN_EINVAL);
    EXPECT_EQ(xenlet_map((void *)0xffff800000000000ul, xenlet_gfn(page), false), -XEN_EINVAL);
    /* A page table, which may be read only; and no frame. */
    /* Higher numbers than an entry has room for: the bits that it would lose must not be lost. */
    EXPECT_EQ(xenlet_map(va, xenlet_gfn(page) | 1ul << 52, true), -XEN_EINVAL);
    EXPECT_EQ(xenlet_map(va, XENLET_NO_PFN, false), -XEN_EINVAL);
    EXPECT_EQ(xenlet_map(va, xenlet_gfn((void *)start_info->pt_base), true), -XEN_EBUSY);
    EXPECT_EQ(xenlet_map(va, ~0ul >> 12, false), -XEN_EINVAL);
    EXPECT_EQ(xenlet_probe_read(va, &value), -XEN_EFAULT);
    EXPECT_EQ(xenlet_map(va, xenlet_gfn((void *)start_info->pt_base), false), 0);
    EXPECT_EQ(xenlet_unmap(va), 0);
    platform_page_free(page);
}

/*
 * Around the page that Xen shares with us lie others of its own, or free ones: not to be read, but
 * for those that Xen shares with us as well.
 */
TEST(map_of_frames_that_are_not_ours)
{
    xen_pfn_t shared = start_info->shared_info >> 12;
    void *va = xenlet_space_alloc(1);
    unsigned int refused = 0;

    CHECK(va);
    for (xen_pfn_t gfn = shared - 32; gfn <= shared + 32; gfn++) {
        int rc = xenlet_gfn_to_pfn(gfn) == XENLET_NO_PFN ? xenlet_map(va, gfn, false) : 0;

        if (rc == 0) {
            CHECK_EQ(xenlet_unmap(va), 0);
            continue;
        }
        refused++;
        EXPECT_EQ(rc, -XEN_EBUSY);
        EXPECT_EQ(arch_mmu_get(va), 0);
    }
    EXPECT(refused > 0);
}

TEST(space_is_adjacent_and_empty)
{
    char *five = xenlet_space_alloc(5), *one = xenlet_space_alloc(1);
    uint8_t value;

    CHECK(five && one);
    EXPECT_EQ((uintptr_t)five % PAGE, 0);
    EXPECT(one >= five + 5 * PAGE);
    for (unsigned int i = 0; i < 5; i++)
        EXPECT_EQ(xenlet_probe_read(five + i * PAGE, &value), -XEN_EFAULT);
    EXPECT(xenlet_space_alloc(0) == NULL);
    EXPECT(xenlet_space_alloc(~(size_t)0) == NULL);
    EXPECT(xenlet_space_alloc(1ul << 40) == NULL);
}

/*
 * Each 2 MiB of space needs a page table. They come out of free memory, not out of what is kept for
 * the tables of memory itself: that must be enough still, for all there is.
 */
TEST(map_takes_tables_from_free_memory)
{
    const unsigned int chunks = 8;
    char *va = xenlet_space_alloc(chunks * 512);
    void *page = platform_page_alloc(), *piece;
    size_t half;

    CHECK(va && page);
    for (unsigned int i = 0; i < chunks; i++)
        CHECK_EQ(xenlet_map(va + i * CHUNK, xenlet_gfn(page), false), 0);
    for (unsigned int i = 0; i < chunks; i++)
        CHECK_EQ(xenlet_unmap(va + i * CHUNK), 0);
    platform_page_free(page);
    half = xenlet_nr_free_pages() / 2;
    piece = xenlet_pages_alloc(half);
    CHECK(piece);
    xenlet_pages_free(piece, half);
}
