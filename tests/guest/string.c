/* SPDX-License-Identifier: MIT */
/* What compilers call on their own, at every size and alignment around a few words. */
#include "kernel/string.h"
#include "tests/guest/test.h"

#define MOST 96u
#define PAD  16u

static uint8_t from[PAD + MOST + PAD], to[PAD + MOST + PAD];

static void begin(void)
{
    for (unsigned int i = 0; i < sizeof(to); i++) {
        from[i] = (uint8_t)(i + 1);
        to[i] = (uint8_t)~i;
    }
}

/* All but `n` bytes from to[start] on are as begin() left them. */
static bool rest_is_kept(unsigned int start, unsigned int n)
{
    for (unsigned int i = 0; i < sizeof(to); i++) {
        if (i - start >= n && to[i] != (uint8_t)~i)
            return false;
    }
    return true;
}

TEST(string_memset_fills_just_that)
{
    for (unsigned int start = 0; start < PAD; start++) {
        for (unsigned int n = 0; n <= MOST; n++) {
            bool filled = true;

            begin();
            CHECK(memset(to + start, 0x1a5, n) == to + start);
            for (unsigned int i = start; i < start + n; i++)
                filled &= to[i] == 0xa5;
            CHECK(filled && rest_is_kept(start, n));
        }
    }
}

TEST(string_memcpy_copies_just_that)
{
    for (unsigned int start = 0; start < PAD * PAD; start++) {
        uint8_t *d = to + start % PAD, *s = from + start / PAD;

        for (unsigned int n = 0; n <= MOST; n++) {
            begin();
            CHECK(memcpy(d, s, n) == d);
            CHECK(memcmp(d, s, n) == 0 && rest_is_kept(start % PAD, n));
        }
    }
}

TEST(string_memmove_within_itself)
{
    for (unsigned int start = 0; start < PAD * PAD; start++) {
        unsigned int d = start % PAD, s = start / PAD;

        for (unsigned int n = 0; n <= MOST; n++) {
            bool moved = true;

            begin();
            CHECK(memmove(to + d, to + s, n) == to + d);
            for (unsigned int i = 0; i < n; i++)
                moved &= to[d + i] == (uint8_t) ~(s + i);
            CHECK(moved && rest_is_kept(d, n));
        }
    }
}
