/* SPDX-License-Identifier: MIT */
/* Address space for frames that are not in the linear map, and what is mapped there. */
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"
#include "kernel/internal.h"
#include "platform_arch.h"

/* Two VCPUs must not both add the same page table, nor be given the same space. */
static struct spinlock lock;

unsigned long space_lock(void)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    return flags;
}

void space_unlock(unsigned long flags)
{
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

static bool is_in_space(const void *va)
{
    uintptr_t offset = (uintptr_t)va - LAYOUT_VMAP_BASE;

    return offset < LAYOUT_VMAP_SIZE && offset % LAYOUT_PAGE_SIZE == 0;
}

int xenlet_map(void *va, xen_pfn_t gfn, bool write)
{
    unsigned long flags;
    int rc;

    if (!is_in_space(va))
        return -XEN_EINVAL;
    flags = space_lock();
    rc = arch_mmu_map(va, gfn, write);
    space_unlock(flags);
    return rc;
}

int xenlet_unmap(void *va)
{
    unsigned long flags;
    int rc;

    if (!is_in_space(va))
        return -XEN_EINVAL;
    flags = space_lock();
    rc = arch_mmu_unmap(va);
    space_unlock(flags);
    return rc;
}

void *xenlet_space_alloc(size_t n)
{
    static uintptr_t next = LAYOUT_VMAP_BASE;
    unsigned long flags = space_lock();
    void *va = NULL;

    if (n && n <= (LAYOUT_VMAP_BASE + LAYOUT_VMAP_SIZE - next) / LAYOUT_PAGE_SIZE) {
        va = (void *)next;
        next += n * LAYOUT_PAGE_SIZE;
    }
    space_unlock(flags);
    return va;
}
