/* SPDX-License-Identifier: MIT */
/*
 * Time as POSIX has it: CLOCK_REALTIME is the wall clock, CLOCK_MONOTONIC system time. Whoever may
 * not sleep, in a handler or with upcalls masked, gets EINTR from what sleeps, and what is left.
 */
#include <errno.h>
#include <reent.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include <xenlet/clock.h>
#include "kernel/newlib/internal.h"

#define NS_PER_S 1000000000ull
#define LONGEST  (UINT64_MAX / NS_PER_S - 1) /* seconds: more is as good as for ever */

static struct timespec timespec(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
}

static bool is_time(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && (uint64_t)t->tv_nsec < NS_PER_S;
}

static uint64_t nanoseconds(const struct timespec *t)
{
    uint64_t seconds = (uint64_t)t->tv_sec;

    return seconds > LONGEST ? XENLET_FOREVER : seconds * NS_PER_S + (uint64_t)t->tv_nsec;
}

static int clock_read(clockid_t id, uint64_t *ns)
{
    if (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC)
        return EINVAL;
    *ns = id == CLOCK_REALTIME ? clock_wall() : clock_now();
    return 0;
}

/* An error number is returned; for functions that set errno. */
static int result(int error)
{
    if (!error)
        return 0;
    errno = error;
    return -1;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    uint64_t ns;
    int error = clock_read(id, &ns);

    if (!error)
        *t = timespec(ns);
    return result(error);
}

int clock_getres(clockid_t id, struct timespec *t)
{
    uint64_t ns;
    int error = clock_read(id, &ns);

    if (!error && t)
        *t = timespec(1);
    return result(error);
}

/* The toolstack's domain sets the wall clock. */
int clock_settime(clockid_t id, const struct timespec *t)
{
    (void)t;
    return result(id == CLOCK_REALTIME ? EPERM : EINVAL);
}

int _gettimeofday_r(struct _reent *r, struct timeval *tv, void *zone)
{
    struct timespec t = timespec(clock_wall());

    (void)r;
    (void)zone;
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = (suseconds_t)(t.tv_nsec / 1000);
    return 0;
}

/* There is no other process: all time since Xen booted, and as clock() counts it. */
clock_t _times_r(struct _reent *r, struct tms *tms)
{
    clock_t now = (clock_t)(clock_now() / (NS_PER_S / CLOCKS_PER_SEC));

    (void)r;
    *tms = (struct tms){ .tms_utime = now };
    return now;
}

clock_t times(struct tms *tms)
{
    return _times_r(_REENT, tms);
}

/* 0, or what is left of it. */
static uint64_t sleep_for(uint64_t ns)
{
    uint64_t until = clock_after(ns), now;

    clock_sleep(ns);
    now = clock_now();
    return now < until ? until - now : 0;
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *t, struct timespec *rest)
{
    uint64_t ns, now, left;
    int error = is_time(t) ? clock_read(id, &now) : EINVAL;

    if (error)
        return error;
    ns = nanoseconds(t);
    if (flags & TIMER_ABSTIME)
        ns = ns > now ? ns - now : 0;
    left = sleep_for(ns);
    if (!left)
        return 0;
    if (rest && !(flags & TIMER_ABSTIME))
        *rest = timespec(left);
    return EINTR;
}

int nanosleep(const struct timespec *t, struct timespec *rest)
{
    return result(clock_nanosleep(CLOCK_MONOTONIC, 0, t, rest));
}

unsigned int sleep(unsigned int seconds)
{
    return (unsigned int)((sleep_for(seconds * NS_PER_S) + NS_PER_S - 1) / NS_PER_S);
}

int usleep(useconds_t us)
{
    return result(sleep_for(us * 1000ull) ? EINTR : 0);
}
