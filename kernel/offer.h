/* SPDX-License-Identifier: MIT */
/*
 * Memory of ours that another domain may map, as drivers use it. It is freed only when that domain
 * has let go of it, which may be late, or never.
 */
#ifndef XENLET_KERNEL_OFFER_H
#define XENLET_KERNEL_OFFER_H

#include <xenlet/gnttab.h>

struct offer {
    struct offer *next; /* of those that could not be ended */
    char *pages;
    size_t n;
    grant_ref_t refs[];
};

/* Offer `n` adjacent pages of zeroes to `domid`, writable. Errors are those of gnttab_offer(). */
int offer_new(domid_t domid, size_t n, struct offer **offer);

/* End an offer and free it; if it is still mapped, a later offer_clear() does. */
void offer_end(struct offer *offer);
void offer_clear(void);

#endif
