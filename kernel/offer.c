/* SPDX-License-Identifier: MIT */
#include "kernel/offer.h"
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"
#include "kernel/string.h"

/* Offers that we do not use any more, but that another domain still has mapped. */
static struct offer *left_behind;
static struct spinlock lock;

static void release(struct offer *o)
{
    xenlet_pages_free(o->pages, o->n);
    xenlet_free(o);
}

static void leave_behind(struct offer *o)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    o->next = left_behind;
    left_behind = o;
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

void offer_end(struct offer *o)
{
    if (gnttab_end_pages(o->refs, o->n))
        leave_behind(o);
    else
        release(o);
}

void offer_clear(void)
{
    unsigned long flags = platform_upcalls_save();
    struct offer *all, *next;

    spin_lock(&lock);
    all = left_behind;
    left_behind = NULL;
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
    for (; all; all = next) {
        next = all->next;
        offer_end(all);
    }
}

int offer_new(domid_t domid, size_t n, struct offer **offer)
{
    struct offer *o = xenlet_alloc(sizeof(*o) + n * sizeof(o->refs[0]));
    int rc;

    if (!o)
        return -XEN_ENOMEM;
    o->n = n;
    o->pages = xenlet_pages_alloc(n);
    if (!o->pages) {
        xenlet_free(o);
        return -XEN_ENOMEM;
    }
    /* All of it: what was in these pages before is not for the other domain to see. */
    memset(o->pages, 0, n * XENLET_PAGE_SIZE);
    rc = gnttab_offer_pages(domid, o->pages, n, true, o->refs);
    if (rc) {
        release(o);
        return rc;
    }
    *offer = o;
    return 0;
}
