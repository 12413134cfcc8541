/* SPDX-License-Identifier: MIT */
/*
 * Mapping what others offer, over empty address space: nothing is there before, and nothing after.
 * Address space is kept by its size, for the next mapping of as many pages.
 */
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"
#include "kernel/gnttab.h"
#include "platform_arch.h"

#define BATCH 16u

struct gnttab_mapping {
    struct gnttab_mapping *next; /* in `spare` */
    char *va;
    size_t n;
    grant_handle_t handles[];
};

static struct spinlock lock;
static struct gnttab_mapping *spare; /* with address space that nothing is mapped at */

static struct gnttab_mapping *take_spare(size_t n)
{
    unsigned long flags = platform_upcalls_save();
    struct gnttab_mapping **link = &spare, *m;

    spin_lock(&lock);
    while (*link && (*link)->n != n)
        link = &(*link)->next;
    m = *link;
    if (m)
        *link = m->next;
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
    return m;
}

static void keep_spare(struct gnttab_mapping *m)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    m->next = spare;
    spare = m;
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

static int new_mapping(size_t n, struct gnttab_mapping **mapping)
{
    struct gnttab_mapping *m = take_spare(n);
    int rc = 0;

    if (!m) {
        m = n <= xenlet_nr_pages() * XENLET_PAGE_SIZE / sizeof(m->handles[0])
                ? xenlet_alloc(sizeof(*m) + n * sizeof(m->handles[0]))
                : NULL;
        if (!m)
            return -XEN_ENOMEM;
        m->n = n;
        m->va = xenlet_space_alloc(n);
        rc = m->va ? 0 : -XEN_ENOSPC;
    }
    if (rc) {
        xenlet_free(m);
        return rc;
    }
    *mapping = m;
    rc = arch_mmu_prepare(m->va, n);
    if (rc)
        keep_spare(m);
    return rc;
}

static size_t batch(size_t from, size_t to)
{
    return to - from < BATCH ? to - from : BATCH;
}

/* Unmap pages [0, n). What Xen refuses stays, and so does what is behind it. */
static int unmap_pages(struct gnttab_mapping *m, size_t n)
{
    struct gnttab_unmap_grant_ref ops[BATCH];
    int rc = 0;

    for (size_t at = 0, nr; at < n && rc == 0; at += nr) {
        nr = batch(at, n);
        for (size_t i = 0; i < nr; i++)
            ops[i] = (struct gnttab_unmap_grant_ref){
                .host_addr = (uintptr_t)m->va + (at + i) * XENLET_PAGE_SIZE,
                .handle = m->handles[at + i],
            };
        rc = hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, ops, (unsigned int)nr);
        for (size_t i = 0; i < nr && rc == 0; i++)
            rc = gnttab_errno(ops[i].status) ? -XEN_EIO : 0;
    }
    return rc;
}

/* Map pages from *done on, and count them in it; of a batch with a refusal only those before. */
static int map_batch(struct gnttab_mapping *m, domid_t domid, const grant_ref_t *refs, bool write,
                     size_t *done)
{
    struct gnttab_map_grant_ref ops[BATCH];
    size_t nr = batch(*done, m->n), good = 0;
    int rc, first = 0;

    for (size_t i = 0; i < nr; i++)
        ops[i] = (struct gnttab_map_grant_ref){
            .host_addr = (uintptr_t)m->va + (*done + i) * XENLET_PAGE_SIZE,
            .flags = GNTMAP_host_map | (write ? 0 : GNTMAP_readonly),
            .ref = refs[*done + i],
            .dom = domid,
        };
    rc = hypercall_grant_table_op(GNTTABOP_map_grant_ref, ops, (unsigned int)nr);
    if (rc)
        return rc;
    for (size_t i = 0; i < nr; i++) {
        struct gnttab_unmap_grant_ref undo = { .host_addr = ops[i].host_addr,
                                               .handle = ops[i].handle };

        if (!first)
            first = gnttab_errno(ops[i].status);
        if (!first)
            m->handles[*done + good++] = ops[i].handle;
        else if (ops[i].status == GNTST_okay)
            hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &undo, 1);
    }
    *done += good;
    return first;
}

int gnttab_map(domid_t domid, const grant_ref_t *refs, size_t n, bool write,
               struct gnttab_mapping **mapping)
{
    struct gnttab_mapping *m;
    size_t done = 0;
    int rc;

    if (n == 0)
        return -XEN_EINVAL;
    rc = gnttab_mapping_begin();
    if (rc)
        return rc;
    rc = new_mapping(n, &m);
    if (rc == 0) {
        while (done < n && rc == 0)
            rc = map_batch(m, domid, refs, write, &done);
        if (rc && unmap_pages(m, done) == 0)
            keep_spare(m);
    }
    if (rc)
        gnttab_mapping_end();
    else
        *mapping = m;
    return rc;
}

void *gnttab_address(const struct gnttab_mapping *mapping)
{
    return mapping->va;
}

int gnttab_unmap(struct gnttab_mapping *mapping)
{
    int rc = unmap_pages(mapping, mapping->n);

    if (rc)
        return rc;
    keep_spare(mapping);
    gnttab_mapping_end();
    return 0;
}
