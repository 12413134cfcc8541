/* SPDX-License-Identifier: MIT */
/* Random bytes: the CPU's, or an error. */
#include "tests/guest/test.h"

#define BYTES 64u

/* Where the runner took the generator away it says so on the command line. */
static int expected(void)
{
    return xenlet_option("no-rdrand") ? -XEN_EOPNOTSUPP : 0;
}

static bool unexpectedly_none(void)
{
    return !expected() && xenlet_random(NULL, 0) == -XEN_EOPNOTSUPP;
}

TEST(random_bytes_differ)
{
    uint8_t bytes[BYTES] = { 0 }, ever[BYTES] = { 0 };
    unsigned int constant = 0;

    if (unexpectedly_none())
        SKIP("the CPU has no generator");
    for (unsigned int round = 0; round < 16; round++) {
        CHECK_EQ(xenlet_random(bytes, sizeof(bytes)), expected());
        for (unsigned int i = 0; i < BYTES; i++)
            ever[i] |= bytes[i];
    }
    for (unsigned int i = 0; i < BYTES; i++)
        constant += ever[i] == 0;
    EXPECT_EQ(constant, expected() ? BYTES : 0);
}

TEST(random_fills_no_more_than_asked_for)
{
    uint8_t bytes[24];

    if (unexpectedly_none())
        SKIP("the CPU has no generator");
    for (unsigned int len = 0; len <= 16; len++) {
        for (unsigned int i = 0; i < sizeof(bytes); i++)
            bytes[i] = 0x5a;
        CHECK_EQ(xenlet_random(bytes, len), expected());
        for (unsigned int i = len; i < sizeof(bytes); i++)
            CHECK_EQ(bytes[i], 0x5a);
    }
}
