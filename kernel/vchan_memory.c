/* SPDX-License-Identifier: MIT */
/*
 * The memory of a vchan: offered by the server, mapped by the client. A page has the indices, the
 * flags, and the grants of the rings that do not lie in it.
 */
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "kernel/string.h"
#include "kernel/vchan.h"

#define PAGE_ORDER 12u

/* How many pages of its own a ring has; and, of one that has none, where it lies in the page. */
static size_t pages_of(uint8_t order)
{
    return order < PAGE_ORDER ? 0 : (size_t)1 << (order - PAGE_ORDER);
}

static size_t place_of(uint8_t order)
{
    return (size_t)1 << order;
}

/* Whether rings can be so: a place of its own for each, and one for the grants. */
static bool orders_fit(uint8_t left, uint8_t right)
{
    size_t end = XENLET_PAGE_SIZE;

    if (left < VCHAN_ORDER_MIN || left > VCHAN_ORDER_MAX || right < VCHAN_ORDER_MIN ||
        right > VCHAN_ORDER_MAX || (left == right && left < PAGE_ORDER))
        return false;
    if (!pages_of(left))
        end = place_of(left);
    if (!pages_of(right) && place_of(right) < end)
        end = place_of(right);
    return (pages_of(left) + pages_of(right)) * sizeof(grant_ref_t) <=
           end - sizeof(struct vchan_interface);
}

/* The client writes the left ring, and the server the right one. */
static struct vchan_ring *left_of(struct vchan *v)
{
    return v->server ? &v->in : &v->out;
}

static struct vchan_ring *right_of(struct vchan *v)
{
    return v->server ? &v->out : &v->in;
}

/* The page is there, and the pages of the rings, those that have any. */
static void lay_out(struct vchan *v, void *page, char *left, char *right)
{
    v->page = page;
    left_of(v)->data = left ? left : (char *)page + place_of(left_of(v)->order);
    right_of(v)->data = right ? right : (char *)page + place_of(right_of(v)->order);
    left_of(v)->shared = &v->page->left;
    right_of(v)->shared = &v->page->right;
}

static void take_away(struct vchan *v)
{
    v->in.shared = NULL;
    v->out.shared = NULL;
    v->page = NULL;
}

/* --- the server's ----------------------------------------------------------------------------- */

/* Nobody reads the page before it is published, in xenstore. */
static void fill_page(struct vchan *v, size_t n_left)
{
    struct offer *o = v->offer;
    struct vchan_interface *page = (void *)o->pages;

    page->left_order = v->in.order;
    page->right_order = v->out.order;
    page->cli_live = VCHAN_LIVE_LATER;
    page->srv_live = VCHAN_LIVE;
    page->cli_notify = VCHAN_NOTIFY_WRITE;
    memcpy(page->grants, o->refs + 1, (o->n - 1) * sizeof(o->refs[0]));
    v->page_ref = o->refs[0];
    v->in.own = 0;
    v->out.own = 0;
    lay_out(v, page, pages_of(v->in.order) ? o->pages + XENLET_PAGE_SIZE : NULL,
            pages_of(v->out.order) ? o->pages + (1 + n_left) * XENLET_PAGE_SIZE : NULL);
}

int vchan_memory_offer(struct vchan *v)
{
    size_t n_left = pages_of(v->in.order);
    struct offer *offer;
    int rc;

    if (!orders_fit(v->in.order, v->out.order))
        return -XEN_EINVAL;
    rc = offer_new(v->peer, 1 + n_left + pages_of(v->out.order), &offer);
    if (rc)
        return rc;
    v->offer = offer;
    fill_page(v, n_left);
    return 0;
}

void vchan_memory_withdraw(struct vchan *v)
{
    struct offer *offer = v->offer;

    take_away(v);
    v->offer = NULL;
    if (offer)
        offer_end(offer);
}

/* --- the client's ----------------------------------------------------------------------------- */

/* What the page says, read once. */
static int read_page(struct vchan *v)
{
    struct vchan_interface *page = gnttab_address(v->page_map);
    uint16_t left = atomic_read(&page->left_order), right = atomic_read(&page->right_order);
    size_t n;

    if (left > VCHAN_ORDER_MAX || right > VCHAN_ORDER_MAX ||
        !orders_fit((uint8_t)left, (uint8_t)right))
        return -XEN_EIO;
    n = pages_of((uint8_t)left) + pages_of((uint8_t)right);
    v->refs = xenlet_alloc((n ? n : 1) * sizeof(v->refs[0]));
    if (!v->refs)
        return -XEN_ENOMEM;
    for (size_t i = 0; i < n; i++)
        v->refs[i] = atomic_read(&page->grants[i]);
    v->out.order = (uint8_t)left;
    v->in.order = (uint8_t)right;
    v->out.own = atomic_read(&page->left.prod);
    v->in.own = atomic_read(&page->right.cons);
    return 0;
}

static int map_rings(struct vchan *v)
{
    size_t n_left = pages_of(v->out.order), n_right = pages_of(v->in.order);
    int rc = 0;

    if (n_left)
        rc = gnttab_map(v->peer, v->refs, n_left, true, &v->out_map);
    if (rc == 0 && n_right)
        rc = gnttab_map(v->peer, v->refs + n_left, n_right, false, &v->in_map);
    if (rc == 0)
        lay_out(v, gnttab_address(v->page_map), n_left ? gnttab_address(v->out_map) : NULL,
                n_right ? gnttab_address(v->in_map) : NULL);
    return rc;
}

int vchan_memory_map(struct vchan *v)
{
    int rc = gnttab_map(v->peer, &v->page_ref, 1, true, &v->page_map);

    if (rc == 0 && !v->refs)
        rc = read_page(v);
    if (rc == 0)
        rc = map_rings(v);
    if (rc)
        vchan_memory_unmap(v);
    return rc;
}

static int unmap(struct gnttab_mapping **map)
{
    int rc = *map ? gnttab_unmap(*map) : 0;

    if (rc == 0)
        *map = NULL;
    return rc;
}

int vchan_memory_unmap(struct vchan *v)
{
    int rc;

    take_away(v);
    rc = unmap(&v->in_map);
    if (rc == 0)
        rc = unmap(&v->out_map);
    if (rc == 0)
        rc = unmap(&v->page_map);
    return rc;
}
