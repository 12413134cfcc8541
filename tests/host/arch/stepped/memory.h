/* SPDX-License-Identifier: MIT */
/* Included before everything the explorer explores: pieces of memory, too, are set step by step. */
#ifndef STEPPED_MEMORY_H
#define STEPPED_MEMORY_H

#include <stddef.h>

void *explore_memset(void *to, int value, size_t size);
void *explore_memcpy(void *to, const void *from, size_t size);

#define __builtin_memset explore_memset
#define __builtin_memcpy explore_memcpy

#endif
