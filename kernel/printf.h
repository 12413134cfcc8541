/* SPDX-License-Identifier: MIT */
/* Formatting of text of any length, a buffer at a time. */
#ifndef XENLET_KERNEL_PRINTF_H
#define XENLET_KERNEL_PRINTF_H

#include <xenlet/types.h>

/* Format through `buf`, which `flush` empties whenever it is full, and at the end. */
void format_stream(char *buf, size_t size, void (*flush)(const char *text, size_t len),
                   const char *format, va_list args) __attribute__((format(printf, 4, 0)));

#endif
