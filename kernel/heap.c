/* SPDX-License-Identifier: MIT */
/*
 * A small heap over the page allocator. Blocks of up to 1 KiB come in powers of two from slabs of
 * one page, each slab of one size and with its own free list; larger ones are whole pages. The
 * first bytes of a page say what it is, so a block needs no header; and which of its blocks are in
 * use, so that freeing what is not in use is noticed.
 */
#include <xenlet/domain.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"

#define MIN_SHIFT   4u
#define CLASSES     7u /* 16 ... 1024 bytes */
#define MAGIC_SLAB  0x534c4142u
#define MAGIC_LARGE 0x4c415247u

struct block {
    struct block *next;
};

/* At the start of a page: a slab, or the pages of one large block. */
struct head {
    uint32_t magic;
    uint32_t class; /* slab: block size is 16 << class */
    size_t pages;   /* large block, and where in the first page it begins; the rest is a slab's */
    size_t offset;
    struct block *free;
    struct head *next;  /* the next of its size with a free block */
    struct head **link; /* what points here, NULL when it is full */
    unsigned int nr_used;
    uint8_t used[(XENLET_PAGE_SIZE >> MIN_SHIFT) / 8]; /* a bit for each 16 bytes: a block begins */
};

#define HEAD_SIZE 128ul
_Static_assert(sizeof(struct head) <= HEAD_SIZE, "a block's alignment depends on this");

static struct spinlock lock;
static struct head *partial[CLASSES];

static void list_add(struct head *h)
{
    struct head **list = &partial[h->class];

    h->next = *list;
    h->link = list;
    if (h->next)
        h->next->link = &h->next;
    *list = h;
}

static void list_remove(struct head *h)
{
    *h->link = h->next;
    if (h->next)
        h->next->link = h->link;
    h->link = NULL;
}

static struct head *slab_new(unsigned int class)
{
    size_t size = 1ul << (class + MIN_SHIFT);
    struct head *h = xenlet_pages_alloc(1);

    if (!h)
        return NULL;
    *h = (struct head){ .magic = MAGIC_SLAB, .class = class };
    /* The first block that starts behind the head, aligned to its size. */
    for (size_t at = size > HEAD_SIZE ? size : HEAD_SIZE; at + size <= XENLET_PAGE_SIZE;
         at += size) {
        struct block *b = (struct block *)((char *)h + at);

        b->next = h->free;
        h->free = b;
    }
    list_add(h);
    return h;
}

static bool is_used(const struct head *h, const void *p)
{
    size_t at = (uintptr_t)p % XENLET_PAGE_SIZE, unit = at >> MIN_SHIFT;

    return at % (1ul << MIN_SHIFT) == 0 && (h->used[unit / 8] >> unit % 8 & 1);
}

static void flip_used(struct head *h, const struct block *b)
{
    size_t unit = (uintptr_t)b % XENLET_PAGE_SIZE >> MIN_SHIFT;

    h->used[unit / 8] ^= (uint8_t)(1u << unit % 8);
}

static void *slab_alloc(unsigned int class)
{
    struct head *h = partial[class];
    struct block *b;

    if (!h)
        h = slab_new(class);
    if (!h)
        return NULL;
    b = h->free;
    h->free = b->next;
    h->nr_used++;
    flip_used(h, b);
    if (!h->free)
        list_remove(h);
    return b;
}

static void slab_free(struct head *h, struct block *b)
{
    flip_used(h, b);
    b->next = h->free;
    h->free = b;
    h->nr_used--;
    if (!h->link)
        list_add(h);
    if (h->nr_used == 0) {
        list_remove(h);
        h->magic = 0;
        xenlet_pages_free(h, 1);
    }
}

static void *large_alloc(size_t size, size_t offset)
{
    size_t pages = (size + offset - 1) / XENLET_PAGE_SIZE + 1;
    struct head *h = size + offset < size ? NULL : xenlet_pages_alloc(pages);

    if (!h)
        return NULL;
    *h = (struct head){ .magic = MAGIC_LARGE, .pages = pages, .offset = offset };
    return (char *)h + offset;
}

/* Blocks of slabs are aligned to their size. */
void *xenlet_alloc_aligned(size_t size, size_t align)
{
    size_t least = size > align ? size : align;
    unsigned long flags;
    unsigned int class = 0;
    void *p;

    if (!align || align & (align - 1) || align > XENLET_PAGE_SIZE)
        return NULL;
    while (class < CLASSES && 1ul << (class + MIN_SHIFT) < least)
        class ++;
    flags = platform_upcalls_save();
    spin_lock(&lock);
    p = class < CLASSES ? slab_alloc(class)
                        : large_alloc(size, align > HEAD_SIZE ? align : HEAD_SIZE);
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
    return p;
}

void *xenlet_alloc(size_t size)
{
    return xenlet_alloc_aligned(size, 1);
}

/* No block begins with its head's page, but one may end with it: of a page's alignment. */
static struct head *head_of(const void *p)
{
    return (struct head *)(((uintptr_t)p - 1) & -XENLET_PAGE_SIZE);
}

static bool is_large(const struct head *h, const void *p)
{
    return h->magic == MAGIC_LARGE && (const char *)p == (const char *)h + h->offset;
}

size_t xenlet_alloc_size(const void *p)
{
    const struct head *h = head_of(p);

    if (is_large(h, p))
        return h->pages * XENLET_PAGE_SIZE - h->offset;
    if (h->magic != MAGIC_SLAB || !is_used(h, p))
        xenlet_panic("xenlet_alloc_size(%p): nothing is allocated there", p);
    return 1ul << (h->class + MIN_SHIFT);
}

void xenlet_free(void *p)
{
    struct head *h = head_of(p);
    unsigned long flags;

    if (!p)
        return;
    flags = platform_upcalls_save();
    spin_lock(&lock);
    if (h->magic == MAGIC_SLAB && is_used(h, p)) {
        slab_free(h, p);
    } else if (is_large(h, p)) {
        h->magic = 0;
        xenlet_pages_free(h, h->pages);
    } else {
        xenlet_panic("xenlet_free(%p): nothing is allocated there", p);
    }
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}
