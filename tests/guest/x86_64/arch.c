/* SPDX-License-Identifier: MIT */
/* What tests that run everywhere have to know of a PV guest. */
#include "kernel/internal.h"
#include "tests/guest/test.h"

const char test_environment[] = "PV 64bit";

/* A page table. */
uint64_t test_unwritable_gfn(void)
{
    return xenlet_gfn((const void *)start_info->pt_base);
}
