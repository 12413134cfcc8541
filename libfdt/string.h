/* SPDX-License-Identifier: MIT */
/*
 * The <string.h> that libfdt's source finds in a guest without a C library: what kernel/string.c
 * has, and what it has not and libfdt calls.
 */
#ifndef XENLET_LIBFDT_STRING_H
#define XENLET_LIBFDT_STRING_H

#include "kernel/string.h"

static inline void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *p = s;

    for (; n--; p++) {
        if (*p == (unsigned char)c)
            return (void *)(uintptr_t)p;
    }
    return NULL;
}

static inline size_t strnlen(const char *s, size_t max)
{
    const char *end = memchr(s, '\0', max);

    return end ? (size_t)(end - s) : max;
}

static inline char *strchr(const char *s, int c)
{
    return memchr(s, c, strlen(s) + 1);
}

static inline char *strrchr(const char *s, int c)
{
    for (size_t n = strlen(s) + 1; n-- > 0;) {
        if (s[n] == (char)c)
            return (char *)(uintptr_t)&s[n];
    }
    return NULL;
}

#endif
