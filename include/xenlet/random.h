/* SPDX-License-Identifier: MIT */
/* Random bytes, for keys and seeds. */
#ifndef XENLET_RANDOM_H
#define XENLET_RANDOM_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Fill `len` bytes at `buf` from the CPU's generator (RDRAND on x86), as a guest has no other
 * source that Xen vouches for. After an error nothing in `buf` may be used.
 *
 * Errors: -XEN_EOPNOTSUPP the CPU has none, or Xen does not grant it; -XEN_EIO it does not work.
 * From: anywhere; does not block.
 * ABI: none of Xen's; the CPU's manual, and what CPUID shows a guest.
 */
int xenlet_random(void *buf, size_t len);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
