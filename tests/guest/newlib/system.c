/* SPDX-License-Identifier: MIT */
/* Time, the environment, randomness, and what there is not. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "tests/guest/test.h"

#define NS_PER_S 1000000000ull

TEST(newlib_time_is_the_wall_clock)
{
    uint64_t before = clock_wall() / 1000;
    struct timeval tv;
    uint64_t now;
    struct tm *tm;
    time_t t;

    EXPECT_EQ(gettimeofday(&tv, NULL), 0);
    now = (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
    EXPECT(now >= before && now <= clock_wall() / 1000);
    t = time(NULL);
    EXPECT((uint64_t)t >= now / 1000000 && (uint64_t)t <= clock_wall() / NS_PER_S);
    t = 86400 * 59;
    tm = gmtime(&t);
    CHECK(tm);
    EXPECT(tm->tm_year == 70 && tm->tm_mon == 2 && tm->tm_mday == 1 && tm->tm_hour == 0);
}

TEST(newlib_clock_goes_on_in_a_sleep)
{
    clock_t before = clock();

    EXPECT_EQ(usleep(30000), 0);
    EXPECT(clock() - before >= (clock_t)(CLOCKS_PER_SEC * 29 / 1000));
}

/* The runner has FROM_OUTSIDE="two words" on the command line. */
TEST(newlib_environment_is_from_the_command_line)
{
    const char *outside = xenlet_option("FROM_OUTSIDE");

    EXPECT(getenv("evtchn") == NULL);
    EXPECT(getenv("NOT_THERE") == NULL);
    EXPECT_EQ(outside != NULL, getenv("FROM_OUTSIDE") != NULL);
    if (outside && getenv("FROM_OUTSIDE"))
        EXPECT_EQ(strcmp(getenv("FROM_OUTSIDE"), outside), 0);
    EXPECT_EQ(setenv("OWN", "set", 1), 0);
    EXPECT(getenv("OWN") && strcmp(getenv("OWN"), "set") == 0);
    EXPECT_EQ(unsetenv("OWN"), 0);
    EXPECT(getenv("OWN") == NULL);
}

TEST(newlib_getentropy_or_an_error)
{
    bool none = xenlet_option("no-rdrand") != NULL;
    char a[256] = { 0 }, b[256] = { 0 };

    errno = 0;
    EXPECT_EQ(getentropy(a, sizeof(a)), none ? -1 : 0);
    EXPECT_EQ(errno, none ? EIO : 0);
    EXPECT_EQ(getentropy(b, sizeof(b)), none ? -1 : 0);
    EXPECT_EQ(memcmp(a, b, sizeof(a)) == 0, none);
    EXPECT_EQ(getentropy(a, 257), -1);
    EXPECT_EQ(errno, EIO);
}

TEST(newlib_has_three_files)
{
    EXPECT_EQ(write(3, "x", 1), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(read(1, &errno, 1), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(open("/etc/passwd", O_RDONLY), -1);
    EXPECT_EQ(errno, ENOENT);
    EXPECT(fopen("x", "w") == NULL);
    EXPECT_EQ(isatty(0), 1);
    EXPECT_EQ(isatty(7), 0);
    EXPECT_EQ(getpid(), 1);
}

TEST(newlib_libm)
{
    volatile double two = 2;

    EXPECT(sqrt(two) * sqrt(two) - 2 < 1e-15);
    EXPECT(fabs(sin(two) * sin(two) + cos(two) * cos(two) - 1) < 1e-15);
    EXPECT(pow(two, 10) == 1024);
}
