/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: memory shared with another domain. One side offers a page to a domain and tells it
 * the number of the grant, over xenstore say; the other maps it, or has Xen copy. Transfer is not
 * offered: it gives pages away for good, and Xen supports it for PV guests only.
 *
 * Functions return 0 or a negative Xen errno. Domains are named by their numbers; DOMID_SELF is not
 * accepted. A restored domain has no grants: nothing is offered to anyone any more, but the numbers
 * are kept until gnttab_end().
 *
 * Errors of all grants: -XEN_ENOMEM; -XEN_EOPNOTSUPP this Xen has no grant tables for us, or we are
 * an arm64 guest; -XEN_EAGAIN the domain is about to be suspended. The PV shim lets a guest offer
 * pages only: mapping and copying answer -XEN_EOPNOTSUPP there, or -XEN_EINVAL for several at once.
 *
 * ABI: public/grant_table.h.
 */
#ifndef XENLET_GNTTAB_H
#define XENLET_GNTTAB_H

#include <xenlet/types.h>
#include <xen/grant_table.h>

struct gnttab_mapping;

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* --- offering ------------------------------------------------------------------------------- */

/* No grant has this number. */
#define GNTTAB_NO_REF ((grant_ref_t)0)

/*
 * Offer a page of the linear map, whose address is a multiple of XENLET_PAGE_SIZE, to `domid`,
 * which may map or copy it, and also write it with `write`. The grant's number is stored in *ref.
 *
 * The page may not be freed before gnttab_end() has returned 0: another domain could still write to
 * it.
 *
 * Errors: -XEN_ENOSPC all grants this domain may have are given out (xl's max_grant_frames);
 * -XEN_EINVAL the address; -XEN_ERANGE the page's frame does not fit into a version 1 table; and
 * those of all grants.
 * From: main and handlers, any VCPU; does not block.
 */
int gnttab_offer(domid_t domid, const void *page, bool write, grant_ref_t *ref);

/*
 * End an offer.
 *
 * Errors: -XEN_EBUSY the other side has it mapped or is copying; nothing has changed, and the page
 * may not be used for anything else yet; -XEN_EINVAL no such offer; and those of all grants.
 * From: main and handlers, any VCPU; does not block.
 */
int gnttab_end(grant_ref_t ref);

/*
 * The same for `n` adjacent pages. All are offered, or none. gnttab_end_pages() sets refs[] to
 * GNTTAB_NO_REF for those that it could end; for the others it can be called again.
 *
 * Errors: as of gnttab_offer(): -XEN_ENOSPC, -XEN_EINVAL, -XEN_ERANGE; of gnttab_end(): -XEN_EBUSY,
 * -XEN_EINVAL, the last there was; and those of all grants.
 * From: main and handlers, any VCPU; does not block.
 */
int gnttab_offer_pages(domid_t domid, const void *pages, size_t n, bool write, grant_ref_t *refs);
int gnttab_end_pages(grant_ref_t *refs, size_t n);

/* --- mapping -------------------------------------------------------------------------------- */

/*
 * Map `n` pages that `domid` offers us, one behind the other, readable, or also writable; all or
 * none.
 *
 * Errors: -XEN_ESRCH no such domain; -XEN_EACCES a page is not offered to us, or not to be written;
 * -XEN_ENOENT no such grant; -XEN_ENOSPC Xen cannot note more mappings (max_maptrack_frames), or
 * there is no address space; -XEN_EINVAL n is 0; -XEN_EIO what else Xen refuses; and those of all
 * grants.
 * From: main and handlers, any VCPU; does not block.
 */
int gnttab_map(domid_t domid, const grant_ref_t *refs, size_t n, bool write,
               struct gnttab_mapping **mapping);

/*
 * Where the pages are mapped; never NULL. They stay even if the domain that offers them ends.
 * From: anywhere; does not block.
 */
void *gnttab_address(const struct gnttab_mapping *mapping);

/*
 * Unmap: nothing is left at those addresses, and the handle is gone. Before a suspend nothing may
 * be mapped: suspend_domain() answers -XEN_EBUSY.
 *
 * Errors: -XEN_EIO Xen refuses: then it is still there.
 * From: main and handlers, any VCPU; does not block.
 */
int gnttab_unmap(struct gnttab_mapping *mapping);

/* --- copying -------------------------------------------------------------------------------- */

/* `len` bytes at `offset` of a page that domain `domid` offers us; into it, or out of it. */
struct gnttab_segment {
    domid_t domid;   /* who offers it */
    grant_ref_t ref; /* as what */
    uint16_t offset; /* within the page */
    uint16_t len;    /* at least 1 */
    bool to_grant;   /* into the page; else out of it */
    void *local;     /* of the linear map; may cross into its next page */
    int rc;          /* the result: as of gnttab_map(); -XEN_EINVAL more than a page */
};

/*
 * Have Xen copy `n` segments. If one is refused the others are copied all the same; see each one's
 * `rc`.
 *
 * Errors: the first one's: -XEN_EINVAL a segment that is empty or more than a page, or whose memory
 * is not in the linear map; -XEN_ESRCH, -XEN_EACCES, -XEN_ENOENT, -XEN_ENOSPC, -XEN_EIO as of
 * gnttab_map(); -XEN_EAGAIN Xen is paging the page in; -XEN_EOPNOTSUPP, or -XEN_EINVAL for several,
 * under the PV shim; -XEN_ENOSYS this Xen has no grant tables.
 * From: main and handlers, any VCPU; does not block.
 */
int gnttab_copy(struct gnttab_segment *segments, size_t n);

/* --- the table ------------------------------------------------------------------------------ */

/*
 * The version in use, 1 or 2, and how many grants there may be; 0 without grant tables. Version 1
 * is taken unless the machine has frames whose numbers need more than 32 bits, or the command line
 * says `gnttab=2`; one that Xen does not have is reported in a line.
 * From: main and handlers, any VCPU; does not block.
 */
unsigned int gnttab_version(void);
unsigned int gnttab_max(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
