/* SPDX-License-Identifier: MIT */
/* Boot, time, memory and the console's formatting. */
#include "kernel/string.h"
#include "tests/guest/test.h"


TEST(clock_runs_forward)
{
    uint64_t last = clock_now();

    CHECK(last > 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_now();

        CHECK(now >= last);
        last = now;
    }
}

TEST(sleep_lasts_as_long_as_asked)
{
    uint64_t before = clock_now();

    clock_sleep(2000000);
    CHECK(clock_now() - before >= 2000000);
    CHECK(clock_now() - before < PATIENCE);
}
