/* SPDX-License-Identifier: MIT */
/*
 * The FP, SSE and AVX registers. The library itself never touches them; a handler that does has
 * them saved around it.
 */
#ifndef XENLET_FP_H
#define XENLET_FP_H

#include <stdint.h>

/* The components XSAVE saves (XCR0), 0 when FXSAVE is used; and the bytes of an area. */
uint64_t arch_fp_mask(void);
uint32_t arch_fp_size(void);

#endif
