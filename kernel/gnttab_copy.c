/* SPDX-License-Identifier: MIT */
/* Having Xen copy to and from pages that others offer, without mapping them. */
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include "kernel/gnttab.h"

#define BATCH 16u

/* The operation for `len` bytes from `at` on, within one page of our own. */
static struct gnttab_copy part(const struct gnttab_segment *s, unsigned int at, unsigned int len)
{
    const char *local = (const char *)s->local + at;
    struct gnttab_copy_ptr grant = { .u.ref = s->ref,
                                     .domid = s->domid,
                                     .offset = (uint16_t)(s->offset + at) };
    struct gnttab_copy_ptr own = { .u.gmfn = xenlet_gfn(local),
                                   .domid = DOMID_SELF,
                                   .offset = (uint16_t)((uintptr_t)local % XENLET_PAGE_SIZE) };

    return (struct gnttab_copy){
        .source = s->to_grant ? own : grant,
        .dest = s->to_grant ? grant : own,
        .len = (uint16_t)len,
        .flags = s->to_grant ? GNTCOPY_dest_gref : GNTCOPY_source_gref,
    };
}

/* One or two operations: our side may cross into another page. */
static unsigned int parts(const struct gnttab_segment *s, struct gnttab_copy *ops)
{
    unsigned int room = XENLET_PAGE_SIZE - (uintptr_t)s->local % XENLET_PAGE_SIZE;

    if (s->len <= room) {
        ops[0] = part(s, 0, s->len);
        return 1;
    }
    ops[0] = part(s, 0, room);
    ops[1] = part(s, room, s->len - room);
    return 2;
}

static bool is_right(const struct gnttab_segment *s)
{
    return s->len && s->offset < XENLET_PAGE_SIZE && s->len <= XENLET_PAGE_SIZE - s->offset &&
           xenlet_virt_to_pfn((const char *)s->local + s->len - 1) < xenlet_nr_pages() &&
           xenlet_virt_to_pfn(s->local) < xenlet_nr_pages();
}

/* Take as many segments as fit in a batch, from `at` on; the number of the next. */
static size_t copy_batch(struct gnttab_segment *segments, size_t at, size_t n)
{
    struct gnttab_copy ops[BATCH];
    struct gnttab_segment *of[BATCH];
    unsigned int nr = 0;
    int rc = 0;

    for (; at < n && nr + 2 <= BATCH; at++) {
        struct gnttab_segment *s = &segments[at];
        unsigned int more = is_right(s) ? parts(s, &ops[nr]) : 0;

        s->rc = more ? 0 : -XEN_EINVAL;
        while (more--)
            of[nr++] = s;
    }
    if (nr)
        rc = hypercall_grant_table_op(GNTTABOP_copy, ops, nr);
    for (unsigned int i = 0; i < nr; i++) {
        if (of[i]->rc == 0)
            of[i]->rc = rc ? rc : gnttab_errno(ops[i].status);
    }
    return at;
}

int gnttab_copy(struct gnttab_segment *segments, size_t n)
{
    int rc = 0;

    for (size_t at = 0; at < n;)
        at = copy_batch(segments, at, n);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = segments[i].rc;
    return rc;
}
