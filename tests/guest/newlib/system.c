/* SPDX-License-Identifier: MIT */
/* Time, the environment, randomness, and what there is not. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <xenlet/memory.h>
#include <xenlet/vcpu.h>
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

static uint64_t ns_of(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * NS_PER_S + (uint64_t)t->tv_nsec;
}

TEST(newlib_clock_gettime_has_two_clocks)
{
    uint64_t wall = clock_wall(), now = clock_now();
    struct timespec t;

    EXPECT_EQ(clock_gettime(CLOCK_REALTIME, &t), 0);
    EXPECT(ns_of(&t) >= wall && ns_of(&t) <= clock_wall());
    EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    EXPECT(ns_of(&t) >= now && ns_of(&t) <= clock_now());
    EXPECT_EQ(clock_getres(CLOCK_MONOTONIC, &t), 0);
    EXPECT_EQ(ns_of(&t), 1);
    EXPECT_EQ(clock_getres(CLOCK_REALTIME, NULL), 0);
    errno = 0;
    EXPECT_EQ(clock_gettime((clockid_t)99, &t), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(clock_settime(CLOCK_REALTIME, &t), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST(newlib_nanosleep_sleeps)
{
    struct timespec t = { .tv_nsec = 20000000 }, rest = { .tv_sec = 7 };
    uint64_t before = clock_now();

    EXPECT_EQ(nanosleep(&t, &rest), 0);
    EXPECT(clock_now() - before >= 20000000);
    EXPECT_EQ(rest.tv_sec, 7);
    CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    t.tv_sec += (t.tv_nsec + 20000000) / 1000000000;
    t.tv_nsec = (t.tv_nsec + 20000000) % 1000000000;
    EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
    EXPECT(clock_now() >= ns_of(&t));
    before = clock_now();
    EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ 0 }, NULL), 0);
    EXPECT_EQ(clock_nanosleep((clockid_t)99, 0, &t, NULL), EINVAL);
    errno = 0;
    EXPECT_EQ(nanosleep(&(struct timespec){ .tv_nsec = 1000000000 }, NULL), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(nanosleep(&(struct timespec){ .tv_sec = -1 }, NULL), -1);
}

TEST(newlib_nanosleep_says_when_it_may_not_sleep)
{
    struct timespec hour = { .tv_sec = 3600 }, rest = { 0 };
    unsigned long flags = platform_upcalls_save();
    int rc = nanosleep(&hour, &rest), error = errno;
    unsigned int left = sleep(3600);

    platform_upcalls_restore(flags);
    EXPECT_EQ(rc, -1);
    EXPECT_EQ(error, EINTR);
    EXPECT(rest.tv_sec >= 3500 && rest.tv_sec <= 3600);
    EXPECT(left >= 3500 && left <= 3600);
}

TEST(newlib_sysconf)
{
    EXPECT_EQ(sysconf(_SC_PAGESIZE), 4096);
    EXPECT_EQ(getpagesize(), 4096);
    EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), (long)vcpu_count());
    EXPECT_EQ(sysconf(_SC_PHYS_PAGES), (long)xenlet_nr_pages());
    EXPECT_EQ(sysconf(_SC_AVPHYS_PAGES), (long)xenlet_nr_free_pages());
    EXPECT(sysconf(_SC_MONOTONIC_CLOCK) > 0);
    errno = 0;
    EXPECT_EQ(sysconf(9999), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(getuid() + geteuid() + getgid() + getegid(), 0);
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
    EXPECT_EQ(access("/etc/passwd", R_OK), -1);
    EXPECT_EQ(mkdir("/d", 0), -1);
    EXPECT_EQ(fsync(1), 0);
    EXPECT_EQ(fsync(3), -1);
    EXPECT_EQ(isatty(0), 1);
    EXPECT_EQ(isatty(7), 0);
    EXPECT_EQ(getpid(), 1);
    EXPECT_EQ(kill(1, 0), 0);
    EXPECT_EQ(kill(2, 0), -1);
    EXPECT_EQ(errno, ESRCH);
    EXPECT_EQ(kill(1, -1), -1);
    EXPECT_EQ(errno, EINVAL);
}

TEST(newlib_libm)
{
    volatile double two = 2;

    EXPECT(sqrt(two) * sqrt(two) - 2 < 1e-15);
    EXPECT(fabs(sin(two) * sin(two) + cos(two) * cos(two) - 1) < 1e-15);
    EXPECT(pow(two, 10) == 1024);
}
