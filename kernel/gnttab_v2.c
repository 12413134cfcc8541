/* SPDX-License-Identifier: MIT */
/* Version 2 of the grant table: frames of 64 bits; whether an entry is in use is said apart. */
#include <xenlet/memory.h>
#include "arch/atomic.h"
#include "kernel/gnttab.h"

static uint32_t *head(union grant_entry_v2 *entry)
{
    return (uint32_t *)(void *)entry;
}

static void offer_v2(void *table, grant_ref_t ref, domid_t domid, uint64_t gfn, bool write)
{
    union grant_entry_v2 *entry = (union grant_entry_v2 *)table + ref;
    uint32_t flags = GTF_permit_access | (write ? 0 : GTF_readonly);

    atomic_write(&entry->full_page.frame, gfn);
    smp_wmb(); /* the frame before the flags: Xen reads it after them, map_grant_ref() */
    atomic_write(head(entry), flags | (uint32_t)domid << 16);
}

static bool in_use(const uint16_t *status, grant_ref_t ref)
{
    return atomic_read(&status[ref]) & (GTF_reading | GTF_writing);
}

static int end_v2(void *table, const uint16_t *status, grant_ref_t ref)
{
    union grant_entry_v2 *entry = (union grant_entry_v2 *)table + ref;
    uint32_t was = atomic_read(head(entry));

    if (in_use(status, ref))
        return -XEN_EBUSY;
    atomic_write(head(entry), 0);
    /*
     * flags, then status: Xen's _set_status_v2() sets the status, has a full barrier, rereads the
     * flags
     */
    smp_mb();
    if (in_use(status, ref)) {
        atomic_write(head(entry), was);
        return -XEN_EBUSY;
    }
    return 0;
}

const struct gnttab_format gnttab_format_v2 = {
    .version = 2,
    .per_frame = XENLET_PAGE_SIZE / sizeof(union grant_entry_v2),
    .per_status_frame = XENLET_PAGE_SIZE / sizeof(grant_status_t),
    .max_gfn = UINT64_MAX,
    .offer = offer_v2,
    .end = end_v2,
};
