/* SPDX-License-Identifier: MIT */
/* What a program asks of the machine and of itself; there is one user, with all rights there are.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>
#include <xenlet/memory.h>
#include <xenlet/vcpu.h>
#include "kernel/newlib/internal.h"

#define FILES 3

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return (long)XENLET_PAGE_SIZE;
    case _SC_PHYS_PAGES:
        return (long)xenlet_nr_pages();
    case _SC_AVPHYS_PAGES:
        return (long)xenlet_nr_free_pages();
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return (long)vcpu_count(); /* each may be started at any time */
    case _SC_CLK_TCK:
        return CLOCKS_PER_SEC;
    case _SC_OPEN_MAX:
        return FILES;
    case _SC_TIMERS:
        return -1; /* clocks, but no timer_create() */
    case _SC_MONOTONIC_CLOCK:
    case _SC_CLOCK_SELECTION:
        return _POSIX_MONOTONIC_CLOCK;
    default:
        errno = EINVAL;
        return -1;
    }
}

int getpagesize(void)
{
    return (int)XENLET_PAGE_SIZE;
}

uid_t getuid(void)
{
    return 0;
}

uid_t geteuid(void)
{
    return 0;
}

gid_t getgid(void)
{
    return 0;
}

gid_t getegid(void)
{
    return 0;
}

pid_t getppid(void)
{
    return 0;
}
