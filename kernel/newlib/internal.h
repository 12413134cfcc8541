/* SPDX-License-Identifier: MIT */
/* What newlib wants of the kernel below it; in an archive of its own, and nothing else needs it. */
#ifndef XENLET_NEWLIB_INTERNAL_H
#define XENLET_NEWLIB_INTERNAL_H

#include <xenlet/domain.h>
#include <xenlet/platform.h>

/* In a handler, or in a program that masked them. */
static inline bool newlib_upcalls_masked(void)
{
    unsigned long flags = platform_upcalls_save();

    platform_upcalls_restore(flags);
    return flags;
}

#endif
