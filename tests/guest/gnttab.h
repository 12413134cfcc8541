/* SPDX-License-Identifier: MIT */
/* What the tests of grant tables share. */
#ifndef XENLET_TEST_GNTTAB_H
#define XENLET_TEST_GNTTAB_H

#include "tests/guest/test.h"

/* Our domain's number, by which Xen wants to be told that a grant is for ourselves. */
domid_t own_number(void);

/* To leave a test that needs more of Xen than to hold a table. */
#define NEEDS_ALL_OF_GRANTS()                                 \
    do {                                                      \
        if (in_pv_shim())                                     \
            SKIP("the shim lets a guest offer, and no more"); \
    } while (0)

/* Fill a page with a pattern; whether it has that. */
void fill(void *page, unsigned int seed);
bool is_filled(const void *page, unsigned int seed);

/* Whether nothing is mapped at an address. */
bool is_empty(const void *p);

#endif
