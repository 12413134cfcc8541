/* SPDX-License-Identifier: MIT */
/* Xen's io/libxenvchan.h includes this, and uses nothing of it; <stdint.h> has all it needs. */
