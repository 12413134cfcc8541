/* SPDX-License-Identifier: MIT */
/* What can be done with an address, found out by doing it; for protect.c of each CPU. */
#ifndef XENLET_TEST_PROTECT_H
#define XENLET_TEST_PROTECT_H

#include <xenlet/memory.h>

static inline bool readable(const void *p)
{
    uint8_t value;

    return xenlet_probe_read(p, &value) == 0;
}

/* Leaves what is there as it was. */
static inline bool writable(const void *p)
{
    uint8_t value;

    return xenlet_probe_read(p, &value) == 0 && xenlet_probe_write((void *)p, value) == 0;
}

static inline bool executable(const void *p)
{
    return xenlet_probe_exec(p) == 0;
}

/* The compiler believes that nothing lies in front of a symbol. */
static inline void *before(const void *p, size_t bytes)
{
    return (void *)((uintptr_t)p - bytes);
}

#endif
