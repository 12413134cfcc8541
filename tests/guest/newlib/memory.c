/* SPDX-License-Identifier: MIT */
/* malloc() and its family. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "tests/guest/newlib/all_vcpus.h"
#include "tests/guest/test.h"

struct link {
    struct link *next;
};

static void free_chain(struct link *l)
{
    while (l) {
        struct link *next = l->next;

        free(l);
        l = next;
    }
}

TEST(newlib_malloc_grows_over_all_memory_and_gives_it_back)
{
    size_t before = xenlet_nr_free_pages(), bytes = 0, block = 64 * 1024;
    struct link *chain = NULL, *l;

    while ((l = malloc(block)) != NULL) {
        memset(l, 0xa5, block);
        l->next = chain;
        chain = l;
        bytes += block;
    }
    EXPECT_EQ(errno, ENOMEM);
    EXPECT(bytes / XENLET_PAGE_SIZE > before / 2);
    free_chain(chain);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

TEST(newlib_malloc_refuses_what_is_too_large)
{
    volatile size_t huge = SIZE_MAX;

    for (size_t less = 0; less < 10000; less += 7) {
        errno = 0;
        CHECK(malloc(huge - less) == NULL);
        CHECK_EQ(errno, ENOMEM);
    }
    errno = 0;
    EXPECT(calloc(huge / 2, 3) == NULL);
    EXPECT_EQ(errno, ENOMEM);
}

TEST(newlib_calloc_is_zero)
{
    for (size_t n = 1; n < 9000; n = n * 2 + 1) {
        uint8_t *p = malloc(n), set = 0;

        CHECK(p);
        memset(p, 0xff, n);
        free(p);
        p = calloc(n, 1);
        CHECK(p);
        for (size_t i = 0; i < n; i++)
            set |= p[i];
        free(p);
        CHECK_EQ(set, 0);
    }
}

TEST(newlib_realloc_keeps_what_fits)
{
    static const size_t sizes[] = {
        1, 16, 17, 1000, 1025, 3900, 4096, 40000, 4000, 900, 5, 70000, 1
    };
    size_t before = xenlet_nr_free_pages(), had = 0;
    uint8_t *p = NULL;

    for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        p = realloc(p, sizes[i]);
        CHECK(p);
        EXPECT(malloc_usable_size(p) >= sizes[i]);
        EXPECT(malloc_usable_size(p) < 5 * sizes[i] + 5000);
        for (size_t at = 0; at < had && at < sizes[i]; at++)
            CHECK_EQ(p[at], (uint8_t)(at * 7));
        had = sizes[i];
        for (size_t at = 0; at < had; at++)
            p[at] = (uint8_t)(at * 7);
    }
    free(p);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

TEST(newlib_memalign_aligns)
{
    size_t before = xenlet_nr_free_pages();
    void *p[2];

    for (size_t align = 1; align <= 4096; align *= 2) {
        for (size_t size = 1; size < 20000; size = size * 3 + 1) {
            p[0] = memalign(align, size);
            p[1] = memalign(align, size);
            CHECK(p[0] && p[1]);
            EXPECT_EQ((uintptr_t)p[0] % align, 0);
            EXPECT_EQ((uintptr_t)p[1] % align, 0);
            memset(p[0], 1, malloc_usable_size(p[0]));
            memset(p[1], 2, malloc_usable_size(p[1]));
            EXPECT_EQ(((uint8_t *)p[0])[size - 1], 1);
            free(p[0]);
            free(p[1]);
        }
    }
    EXPECT(memalign(8192, 1) == NULL);
    EXPECT(memalign(48, 1) == NULL);
    EXPECT_EQ(posix_memalign(p, 3, 1), EINVAL);
    EXPECT_EQ(posix_memalign(p, 4096, 1), 0);
    EXPECT_EQ((uintptr_t)p[0] % 4096, 0);
    free(p[0]);
    EXPECT_EQ(xenlet_nr_free_pages(), before);
}

#define ROUNDS 2000u
#define HELD   8u

/* Each VCPU knows its blocks by what it wrote into them. */
static void take_and_give(unsigned int vcpu)
{
    uint8_t *held[HELD] = { NULL };
    size_t sizes[HELD] = { 0 };
    unsigned int seed = vcpu;

    for (unsigned int i = 0; i < ROUNDS; i++) {
        unsigned int at = i % HELD;

        for (size_t n = 0; n < sizes[at]; n++)
            CHECK_EQ(held[at][n], (uint8_t)(vcpu * 16 + at));
        free(held[at]);
        seed = seed * 1103515245u + 12345u;
        sizes[at] = seed >> 16 & 0x7ff;
        held[at] = malloc(sizes[at]);
        CHECK(held[at]);
        memset(held[at], (int)(vcpu * 16 + at), sizes[at]);
    }
    for (unsigned int at = 0; at < HELD; at++)
        free(held[at]);
}

static unsigned int in_handler;

static void take_in_handler(struct evtchn *ch, void *data)
{
    void *p = malloc(300);

    (void)ch;
    (void)data;
    EXPECT(p);
    free(p);
    in_handler++;
}

static void with_handlers(unsigned int vcpu)
{
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(vcpu, take_in_handler, NULL, EVTCHN_NO_SHARE, &ch), 0);
    for (unsigned int i = 0; i < 10; i++) {
        EXPECT_EQ(evtchn_send(ch), 0);
        take_and_give(vcpu);
    }
    EXPECT_EQ(evtchn_close(ch), 0);
}

TEST(newlib_malloc_on_all_vcpus_and_in_handlers)
{
    in_handler = 0;
    on_all_vcpus(with_handlers);
    EXPECT(in_handler != 0);
}
