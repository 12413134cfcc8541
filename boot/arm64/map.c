/* SPDX-License-Identifier: MIT */
/*
 * The first page tables, written with the MMU off. All addresses here are physical: the code forms
 * them relative to itself, and nothing in it may hold a pointer that the linker wrote.
 */
#include <stdint.h>
#include "boot/arm64/layout.h"

#define ENTRIES 512

typedef uint64_t table_t[ENTRIES] __attribute__((aligned(LAYOUT_PAGE_SIZE)));

/* The kernel's tables, for good; and the lower half's, for the moment the MMU is switched on. */
table_t boot_l1, boot_identity_l1;
static table_t boot_l2, boot_l3[LAYOUT_IMAGE_TABLES], identity_l2;

extern char xenlet_text_start[], xenlet_text_end[], xenlet_rodata_end[], xenlet_end[];
extern char boot_stack_guard[];

uint64_t boot_map(void);

/* mkimage puts the symbols behind the image, a word with their length before them. */
static const char *image_end(void)
{
    uint32_t length = *(const volatile uint32_t *)xenlet_end;

    return xenlet_end + sizeof(length) + length;
}

static uint64_t flags_of(const char *page)
{
    if (page < xenlet_text_end)
        return PTE_RX;
    if (page < xenlet_rodata_end || page >= xenlet_end)
        return PTE_RO;
    return PTE_RW;
}

/*
 * With the MMU off our stores go past the caches. A line that was fetched before them would hide
 * them from the walker, which looks through the caches: throw it away. None is dirty: whoever
 * loaded us cleaned the image to memory.
 */
static void invalidate(const void *start, const void *end)
{
    uint64_t line;

    __asm__ volatile("mrs %0, ctr_el0" : "=r"(line));
    line = 4ull << (line >> 16 & 15);
    __asm__ volatile("dmb sy" ::: "memory");
    for (uint64_t p = (uint64_t)start & -line; p < (uint64_t)end; p += line)
        __asm__ volatile("dc ivac, %0" ::"r"(p) : "memory");
    __asm__ volatile("dsb sy" ::: "memory");
}

static void invalidate_table(const uint64_t *table)
{
    invalidate(table, table + ENTRIES);
}

/* The block around the image, for instructions only. */
static void map_identity(uint64_t load)
{
    uint64_t block = load & ~(uint64_t)(LAYOUT_TABLE_SPAN - 1);

    boot_identity_l1[load >> 30 & (ENTRIES - 1)] = (uint64_t)identity_l2 | PTE_VALID | PTE_TABLE;
    identity_l2[load >> 21 & (ENTRIES - 1)] = block | (PTE_RX & ~(uint64_t)PTE_TABLE);
    invalidate_table(boot_identity_l1);
    invalidate_table(identity_l2);
}

uint64_t boot_map(void)
{
    uint64_t load = (uint64_t)xenlet_text_start;
    const char *page = xenlet_text_start, *end = image_end();

    boot_l1[0] = (uint64_t)boot_l2 | PTE_VALID | PTE_TABLE;
    for (unsigned int i = 0; i < LAYOUT_IMAGE_TABLES; i++) {
        boot_l2[i] = (uint64_t)boot_l3[i] | PTE_VALID | PTE_TABLE;
        for (unsigned int j = 0; j < ENTRIES && page < end; j++, page += LAYOUT_PAGE_SIZE)
            boot_l3[i][j] = page == boot_stack_guard ? 0 : (uint64_t)page | flags_of(page);
        invalidate_table(boot_l3[i]);
    }
    invalidate_table(boot_l1);
    invalidate_table(boot_l2);
    map_identity(load);
    return load;
}
