/* SPDX-License-Identifier: MIT */
/* The heap: blocks of any size, aligned, apart from each other, and given back whole. */
#include "tests/guest/test.h"

static uint64_t seed;

static unsigned int random_below(unsigned int n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned int)(seed >> 33) % n;
}

/* A block whose every byte is known from its number. */
struct block {
    uint8_t *at;
    size_t size;
};

static uint8_t byte_of(unsigned int number, size_t i)
{
    return (uint8_t)(number * 37 + i * 11 + i / 256);
}

static bool take(struct block *b, unsigned int number, size_t size)
{
    b->at = xenlet_alloc(size);
    b->size = size;
    if (!b->at || (uintptr_t)b->at % 16)
        return false;
    for (size_t i = 0; i < size; i++)
        b->at[i] = byte_of(number, i);
    return true;
}

/* Whether it still is as it was; then it is given back. */
static bool give(struct block *b, unsigned int number)
{
    bool same = true;

    for (size_t i = 0; i < b->size; i++)
        same &= b->at[i] == byte_of(number, i);
    xenlet_free(b->at);
    b->at = NULL;
    return same;
}

#define BLOCKS 256
static struct block blocks[BLOCKS];

static void give_rest(void)
{
    for (unsigned int i = 0; i < BLOCKS; i++) {
        if (blocks[i].at)
            EXPECT(give(&blocks[i], i));
    }
}

TEST(heap_every_size)
{
    size_t before = xenlet_nr_free_pages();
    unsigned int i = 0;

    /* Dense where the classes are, then in growing steps up to 100,000; four held at a time. */
    for (size_t size = 0; size <= 100000; size += size < 2100 ? 1 : size / 16) {
        if (blocks[i].at)
            EXPECT(give(&blocks[i], i));
        CHECK(take(&blocks[i], i, size));
        i = (i + 1) % 4;
    }
    give_rest();
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

/* Two blocks of no bytes are two blocks. */
TEST(heap_of_nothing)
{
    void *a = xenlet_alloc(0), *b = xenlet_alloc(0);

    EXPECT(a && b && a != b);
    xenlet_free(a);
    xenlet_free(b);
    xenlet_free(NULL);
}

TEST(heap_of_an_alignment_that_is_none)
{
    const size_t none[] = { 0, 3, 24, 2 * XENLET_PAGE_SIZE, ~(size_t)0 };

    for (unsigned int i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        EXPECT(xenlet_alloc_aligned(8, none[i]) == NULL);
}

TEST(heap_random)
{
    size_t before = xenlet_nr_free_pages();

    seed = 20240229;
    for (unsigned int step = 0; step < 20000; step++) {
        unsigned int i = random_below(BLOCKS);
        size_t limit = random_below(16) ? 1100 : 20000;

        if (blocks[i].at)
            CHECK(give(&blocks[i], i));
        else
            CHECK(take(&blocks[i], i, random_below((unsigned int)limit)));
    }
    give_rest();
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

/* A page of small blocks goes back when the last one does, whichever that is. */
TEST(heap_gives_pages_back)
{
    size_t start = xenlet_nr_free_pages(), before = start;

    for (unsigned int i = 0; i < BLOCKS; i++)
        CHECK(take(&blocks[i], i, 100));
    EXPECT(xenlet_nr_free_pages() <= before - BLOCKS / 32 + 1); /* others may have left room */
    for (unsigned int i = 0; i < BLOCKS; i += 2)
        EXPECT(give(&blocks[i], i));
    /* What is free in them is used before new pages are. */
    before = xenlet_nr_free_pages();
    for (unsigned int i = 0; i < BLOCKS; i += 2)
        CHECK(take(&blocks[i], i, 128));
    EXPECT_EQ(xenlet_nr_free_pages(), before);
    give_rest();
    EXPECT_EQ(xenlet_nr_free_pages(), start);
}

TEST(heap_too_much)
{
    size_t before = xenlet_nr_free_pages();

    EXPECT(xenlet_alloc(~(size_t)0) == NULL);
    EXPECT(xenlet_alloc(~(size_t)0 - 64) == NULL);
    EXPECT(xenlet_alloc(~(size_t)0 - 100) == NULL);
    EXPECT(xenlet_alloc(~(size_t)0 - 2 * XENLET_PAGE_SIZE) == NULL);
    EXPECT(xenlet_alloc(xenlet_nr_pages() * XENLET_PAGE_SIZE) == NULL);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

/* When memory is out, the heap says so, and works again when there is some. */
TEST(heap_without_memory)
{
    size_t before = xenlet_nr_free_pages();
    void **list = NULL, *small;

    for (;;) {
        void **page = xenlet_pages_alloc(1);

        if (!page)
            break;
        *page = list;
        list = page;
    }
    EXPECT(xenlet_alloc(5000) == NULL);
    while (list) {
        void **next = *list;

        xenlet_pages_free(list, 1);
        list = next;
    }
    small = xenlet_alloc(700);
    EXPECT(small != NULL);
    xenlet_free(small);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}
