/* SPDX-License-Identifier: MIT */
/* The limits libfdt's source looks at: a compiler's own <limits.h> asks for a C library's. */
#ifndef XENLET_LIBFDT_LIMITS_H
#define XENLET_LIBFDT_LIMITS_H

#define INT_MAX  __INT_MAX__
#define INT_MIN  (-INT_MAX - 1)
#define UINT_MAX (INT_MAX * 2u + 1)

#endif
