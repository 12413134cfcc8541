/* SPDX-License-Identifier: MIT */
/* Version 1 of the grant table: flags, domain and whether it is in use in one word of 32 bits. */
#include <xenlet/memory.h>
#include "arch/atomic.h"
#include "kernel/gnttab.h"

#define IN_USE ((uint32_t)(GTF_reading | GTF_writing))

/* The flags are the lower half. Xen changes them with a compare-and-swap of the whole. */
static uint32_t *head(struct grant_entry_v1 *entry)
{
    return (uint32_t *)(void *)entry;
}

static void offer_v1(void *table, grant_ref_t ref, domid_t domid, uint64_t gfn, bool write)
{
    struct grant_entry_v1 *entry = (struct grant_entry_v1 *)table + ref;
    uint32_t flags = GTF_permit_access | (write ? 0 : GTF_readonly);

    atomic_write(&entry->frame, (uint32_t)gfn);
    smp_wmb(); /* the frame before the flags: Xen reads it after them, map_grant_ref() */
    atomic_write(head(entry), flags | (uint32_t)domid << 16);
}

static int end_v1(void *table, const uint16_t *status, grant_ref_t ref)
{
    struct grant_entry_v1 *entry = (struct grant_entry_v1 *)table + ref;
    uint32_t old, seen = atomic_read(head(entry));

    (void)status;
    /*
     * Xen's _set_status_v1() sets GTF_reading or GTF_writing by a compare-and-swap: either that
     * fails or this.
     */
    do {
        old = seen;
        if (old & IN_USE)
            return -XEN_EBUSY;
        seen = atomic_cas32(head(entry), old, 0);
    } while (seen != old);
    return 0;
}

const struct gnttab_format gnttab_format_v1 = {
    .version = 1,
    .per_frame = XENLET_PAGE_SIZE / sizeof(struct grant_entry_v1),
    .max_gfn = UINT32_MAX,
    .offer = offer_v1,
    .end = end_v1,
};
