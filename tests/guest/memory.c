/* SPDX-License-Identifier: MIT */
/* Pages: given out, taken back, put together again; and the numbers each has. */
#include "arch/x86_64/mmu.h"
#include "kernel/internal.h"
#include "tests/guest/test.h"

#define PAGE XENLET_PAGE_SIZE

/* A whole page of a pattern that tells it from every other one. */
static void fill(void *page, uint64_t tag)
{
    uint64_t *word = page;

    for (unsigned int i = 0; i < PAGE / 8; i++)
        word[i] = tag * 0x9e3779b97f4a7c15ul + i;
}

TEST(pages_are_aligned_and_counted)
{
    size_t before = xenlet_nr_free_pages();
    char *one, *five;

    CHECK(before > 0 && before < xenlet_nr_pages());
    one = xenlet_pages_alloc(1);
    five = xenlet_pages_alloc(5);
    CHECK(one && five);
    EXPECT_EQ((uintptr_t)one % PAGE, 0);
    EXPECT_EQ((uintptr_t)five % PAGE, 0);
    EXPECT(five + 5 * PAGE <= one || one + PAGE <= five);
    EXPECT_EQ(before - xenlet_nr_free_pages(), 6);
    before = xenlet_nr_free_pages();
    xenlet_pages_free(one, 1);
    EXPECT_EQ(xenlet_nr_free_pages(), before + 1);
    xenlet_pages_free(five, 5);
    EXPECT_EQ(xenlet_nr_free_pages(), before + 6);
}

TEST(pages_none_and_too_many)
{
    size_t before = xenlet_nr_free_pages();

    EXPECT(xenlet_pages_alloc(0) == NULL);
    EXPECT(xenlet_pages_alloc(xenlet_nr_pages()) == NULL);
    EXPECT(xenlet_pages_alloc(~(size_t)0) == NULL);
    EXPECT(xenlet_pages_alloc(~(size_t)0 / PAGE) == NULL);
    xenlet_pages_free(NULL, 1);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

/* The largest piece there is, to within 32 pages. */
static size_t largest_piece(void)
{
    size_t fits = 0, too_many = xenlet_nr_free_pages() + 1;

    while (too_many - fits > 32) {
        size_t n = fits + (too_many - fits) / 2;
        void *piece = xenlet_pages_alloc(n);

        if (piece)
            fits = n;
        else
            too_many = n;
        xenlet_pages_free(piece, n);
    }
    return fits;
}

/*
 * What was used and came back makes one piece with the memory behind it that never was used. Before
 * this test, or in it, about half was used; a part in eight is left for what others keep. It stands
 * before the tests that use all of memory.
 */
TEST(pages_given_back_join_unused_memory)
{
    size_t most = xenlet_nr_free_pages();

    EXPECT(largest_piece() >= most - most / 8);
}

/* Pages that were taken, in a list through themselves; what is behind the link has the pattern. */
struct taken {
    struct taken *next;
    uint64_t tag;
};

static void mark(struct taken *page, struct taken *next, uint64_t tag)
{
    fill(page, tag);
    page->next = next;
    page->tag = tag;
}

static bool marked(const struct taken *page)
{
    const uint64_t *word = (const uint64_t *)page;

    for (unsigned int i = sizeof(*page) / 8; i < PAGE / 8; i++) {
        if (word[i] != page->tag * 0x9e3779b97f4a7c15ul + i)
            return false;
    }
    return true;
}

static struct taken *take_all(size_t *nr)
{
    struct taken *list = NULL, *page;

    for (*nr = 0; (page = xenlet_pages_alloc(1)) != NULL; ++*nr) {
        mark(page, list, *nr);
        list = page;
    }
    return list;
}

static void give_all(struct taken *list)
{
    while (list) {
        struct taken *next = list->next;

        xenlet_pages_free(list, 1);
        list = next;
    }
}

/*
 * A piece can be given back in parts, in any order; then it is one piece again. Nothing else is
 * free meanwhile, so it cannot come from elsewhere.
 */
TEST(pages_given_back_in_parts_merge)
{
    char *piece = xenlet_pages_alloc(8), *again;
    struct taken *others;
    size_t nr;

    CHECK(piece);
    others = take_all(&nr);
    xenlet_pages_free(piece + 2 * PAGE, 1);
    xenlet_pages_free(piece, 2);            /* joins what is after it */
    xenlet_pages_free(piece + 5 * PAGE, 3); /* joins nothing of these */
    EXPECT_EQ(xenlet_nr_free_pages(), 6);
    EXPECT(xenlet_pages_alloc(4) == NULL);
    xenlet_pages_free(piece + 3 * PAGE, 2); /* joins both sides */
    again = xenlet_pages_alloc(8);
    EXPECT(again == piece);
    EXPECT_EQ(xenlet_nr_free_pages(), 0);
    xenlet_pages_free(piece, 8);
    give_all(others);
    EXPECT_EQ(xenlet_nr_free_pages(), nr + 8);
}

/* --- all there is --------------------------------------------------------------------------- */

static bool numbers_agree(void *page)
{
    xen_pfn_t pfn = xenlet_virt_to_pfn(page), gfn = xenlet_gfn(page);

    return pfn < xenlet_nr_pages() && xenlet_pfn_to_virt(pfn) == page &&
           xenlet_pfn_to_gfn(pfn) == gfn && xenlet_gfn_to_pfn(gfn) == pfn &&
           (arch_mmu_get(page) & PTE_FRAME) >> 12 == gfn;
}

/*
 * Until nothing is left: every page a page of its own, mapped, writable, and with numbers that
 * agree. Then all comes back, in one piece where it is one.
 */
TEST(pages_to_the_last_one)
{
    size_t nr, bad = 0, before = xenlet_nr_free_pages();
    struct taken *list = take_all(&nr);

    EXPECT_EQ(xenlet_nr_free_pages(), 0);
    EXPECT(xenlet_pages_alloc(1) == NULL);
    for (struct taken *p = list; p; p = p->next) {
        bad += !marked(p) || !numbers_agree(p);
        bad += !(arch_mmu_get(p) & PTE_WRITE);
    }
    give_all(list);
    EXPECT_EQ(bad, 0);
    EXPECT_EQ(nr, before);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
    /* The tables that mapping it all took do not lie in between. */
    EXPECT(largest_piece() >= before - before / 8);
}

/* Every second page first, so that as many runs as can be are kept; then they all close up. */
TEST(pages_merge_from_any_order)
{
    size_t before = xenlet_nr_free_pages();
    const unsigned int n = before > 2048 ? 512 : (unsigned int)before / 8 * 2;
    char *piece = xenlet_pages_alloc(n);
    struct taken *others;
    size_t nr;

    CHECK(piece);
    others = take_all(&nr);
    for (unsigned int i = 0; i < n; i += 2)
        xenlet_pages_free(piece + i * PAGE, 1);
    for (unsigned int i = n - 1; i < n; i -= 2)
        xenlet_pages_free(piece + i * PAGE, 1);
    EXPECT(xenlet_pages_alloc(n) == piece);
    xenlet_pages_free(piece, n);
    give_all(others);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

/* --- numbers -------------------------------------------------------------------------------- */

TEST(page_numbers_of_the_whole_domain)
{
    size_t wrong = 0, holes = 0;

    for (xen_pfn_t pfn = 0; pfn < xenlet_nr_pages(); pfn++) {
        xen_pfn_t gfn = xenlet_pfn_to_gfn(pfn);

        holes += gfn == XENLET_NO_PFN;
        wrong += gfn != XENLET_NO_PFN && xenlet_gfn_to_pfn(gfn) != pfn;
        wrong += xenlet_virt_to_pfn(xenlet_pfn_to_virt(pfn)) != pfn;
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(holes, 0);
    EXPECT_EQ(xenlet_pfn_to_gfn(xenlet_nr_pages()), XENLET_NO_PFN);
    EXPECT_EQ(xenlet_pfn_to_gfn(XENLET_NO_PFN), XENLET_NO_PFN);
}

/* An address within a page has the numbers of the page. */
TEST(page_numbers_within_a_page)
{
    char *page = xenlet_pages_alloc(2);

    CHECK(page);
    EXPECT_EQ(xenlet_gfn(page + PAGE - 1), xenlet_gfn(page));
    EXPECT_EQ(xenlet_virt_to_pfn(page + PAGE), xenlet_virt_to_pfn(page) + 1);
    EXPECT(xenlet_gfn(page + PAGE) != xenlet_gfn(page));
    xenlet_pages_free(page, 2);
}

/* Xen's table from frames to pages holds other domains' numbers too, and what is left in it. */
TEST(page_numbers_of_foreign_frames)
{
    long last = hypercall_memory_op(XENMEM_maximum_ram_page, NULL);
    size_t ours = 0;

    CHECK(last > 0);
    for (xen_pfn_t gfn = 0; gfn <= (xen_pfn_t)last; gfn++) {
        xen_pfn_t pfn = xenlet_gfn_to_pfn(gfn);

        if (pfn == XENLET_NO_PFN)
            continue;
        ours++;
        CHECK_EQ(xenlet_pfn_to_gfn(pfn), gfn);
    }
    EXPECT_EQ(ours, xenlet_nr_pages());
    /* Where the machine has no memory Xen's table has nothing mapped. */
    for (xen_pfn_t gfn = (xen_pfn_t)last; gfn < (xen_pfn_t)last << 12; gfn += 1 + gfn / 2)
        EXPECT_EQ(xenlet_gfn_to_pfn(gfn + 1000000), XENLET_NO_PFN);
    /* The shared page is mapped in the place of a page of ours, and is Xen's. */
    EXPECT_EQ(xenlet_gfn_to_pfn(start_info->shared_info >> 12), XENLET_NO_PFN);
    EXPECT_EQ(xenlet_gfn_to_pfn(XENLET_NO_PFN), XENLET_NO_PFN);
    EXPECT_EQ(xenlet_gfn_to_pfn(~0ul >> 12), XENLET_NO_PFN);
}
