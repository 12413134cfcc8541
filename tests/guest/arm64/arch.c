/* SPDX-License-Identifier: MIT */
/* What tests that run everywhere have to know of an arm64 guest. */
#include "arch/arm64/tree.h"
#include "tests/guest/test.h"

const char test_environment[] = "arm64";

/* Any page of memory may be written; the interrupt controller's registers are none. */
uint64_t test_unwritable_gfn(void)
{
    uint64_t address = 0, size;

    if (!arch_tree_reg("arm,gic-v3", 0, &address, &size))
        arch_tree_reg("arm,cortex-a15-gic", 0, &address, &size);
    return address / XENLET_PAGE_SIZE;
}
