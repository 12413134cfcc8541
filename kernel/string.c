/* SPDX-License-Identifier: MIT */
/*
 * The four functions a freestanding compiler may call on its own, and a few like them. Weak, so
 * that a program's C library takes their place.
 */
#include <stddef.h>
#include <stdint.h>
#include "kernel/string.h"

/* Most of what is filled and copied is pages: by words, where it is aligned. */
typedef uint64_t __attribute__((may_alias)) word_t;

__attribute__((weak)) void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if (((uintptr_t)d | (uintptr_t)s) % sizeof(word_t) == 0) {
        for (; n >= sizeof(word_t); n -= sizeof(word_t)) {
            *(word_t *)(void *)d = *(const word_t *)(const void *)s;
            d += sizeof(word_t);
            s += sizeof(word_t);
        }
    }
    while (n--)
        *d++ = *s++;
    return dst;
}

__attribute__((weak)) void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n);
    while (n--)
        d[n] = s[n];
    return dst;
}

__attribute__((weak)) void *memset(void *dst, int c, size_t n)
{
    const word_t word = (unsigned char)c * UINT64_C(0x0101010101010101);
    char *d = dst;

    if ((uintptr_t)d % sizeof(word_t) == 0) {
        word_t *w = dst;

        for (; n >= 4 * sizeof(word_t); n -= 4 * sizeof(word_t), w += 4)
            w[0] = w[1] = w[2] = w[3] = word;
        for (; n >= sizeof(word_t); n -= sizeof(word_t))
            *w++ = word;
        d = (char *)w;
    }
    while (n--)
        *d++ = (char)c;
    return dst;
}

__attribute__((weak)) int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *p = a, *q = b;

    for (; n--; p++, q++) {
        if (*p != *q)
            return *p - *q;
    }
    return 0;
}

__attribute__((weak)) size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

__attribute__((weak)) int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

__attribute__((weak)) int strncmp(const char *a, const char *b, size_t n)
{
    while (n && *a && *a == *b) {
        a++;
        b++;
        n--;
    }
    return n ? (unsigned char)*a - (unsigned char)*b : 0;
}
