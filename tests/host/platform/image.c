/* SPDX-License-Identifier: MIT */
/*
 * The guest's variables, put back to what they were at program start: host.mk puts those of its
 * objects into two sections of their own.
 */
#include <stdlib.h>
#include "tests/host/platform/host.h"

extern char __start_guest_data[], __stop_guest_data[];
extern char __start_guest_bss[], __stop_guest_bss[];

static char *saved;

/* Not memcpy(): under ASan there is poison between variables. */
__attribute__((no_sanitize("address", "thread"))) static void copy(volatile char *to,
                                                                   const char *from, size_t n)
{
    while (n--)
        *to++ = *from++;
}

__attribute__((no_sanitize("address", "thread"))) static void clear(volatile char *p, size_t n)
{
    while (n--)
        *p++ = 0;
}

/* Only in a build that counts what is covered: the counters are among those variables. */
__attribute__((weak)) void __gcov_dump(void);
__attribute__((weak)) void __gcov_reset(void);

void host_coverage_flush(void)
{
    if (__gcov_dump) {
        __gcov_dump();
        __gcov_reset();
    }
}

void host_image_restore(void)
{
    size_t n = (size_t)(__stop_guest_data - __start_guest_data);

    host_coverage_flush();

    if (saved) {
        copy(__start_guest_data, saved, n);
        clear(__start_guest_bss, (size_t)(__stop_guest_bss - __start_guest_bss));
        return;
    }
    saved = malloc(n);
    if (!saved)
        abort();
    copy(saved, __start_guest_data, n);
}
