/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the grant table share: the table (gnttab.c), its two formats (gnttab_v1.c,
 * gnttab_v2.c), mapping (gnttab_map.c) and copying (gnttab_copy.c) what others offer.
 */
#ifndef XENLET_KERNEL_GNTTAB_H
#define XENLET_KERNEL_GNTTAB_H

#include <xenlet/gnttab.h>

/* How entries are written. With the table's lock held; `ref` is within the table. */
struct gnttab_format {
    unsigned int version;
    unsigned int per_frame;        /* entries */
    unsigned int per_status_frame; /* entries whose status words a frame has; 0: there are none */
    uint64_t max_gfn;
    void (*offer)(void *table, grant_ref_t ref, domid_t domid, uint64_t gfn, bool write);
    /* 0, or -XEN_EBUSY and nothing has changed. */
    int (*end)(void *table, const uint16_t *status, grant_ref_t ref);
};

extern const struct gnttab_format gnttab_format_v1, gnttab_format_v2;

/* The errno that stands for a GNTST_*. */
int gnttab_errno(int16_t status);

/* Count a mapping, which no suspend may come upon: 0, or -XEN_EAGAIN when one is under way. */
int gnttab_mapping_begin(void);
void gnttab_mapping_end(void);

/* The hooks of a suspend: the table's frames are not ours to be saved. */
int gnttab_before_suspend(void *data);
void gnttab_after_suspend(void *data, bool cancelled);

#endif
