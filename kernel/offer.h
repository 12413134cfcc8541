/* SPDX-License-Identifier: MIT */
/*
 * Memory of ours that another domain may map, as drivers have it: it is freed only when that domain
 * has let go of it, which it may do late, or never.
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

/* `n` adjacent pages of zeroes, offered to `domid`, to be written too. Errors are gnttab_offer()'s.
 */
int offer_new(domid_t domid, size_t n, struct offer **offer);

/* End and free it; if it is still mapped, with a later call of this or of offer_clear(). */
void offer_end(struct offer *offer);
void offer_clear(void);

#endif
