/* SPDX-License-Identifier: MIT */
/*
 * Xenstore: the tree of small values by which the toolstack, drivers and domains find one another,
 * over the ring named in start_info.
 *
 * A path begins with '/', or is relative to the domain's own /local/domain/ID. Values are bytes; a
 * NUL is put behind what is read, and not counted. What comes out through a `**` pointer is
 * xenlet_alloc()'s and the caller's to give to xenlet_free(); on error it is left alone.
 *
 * Functions return 0 or a negative Xen errno. Those with a `deadline` (ns of system time, or
 * XENLET_FOREVER) send a request and sleep until it is answered, several VCPUs at a time. The
 * store's own answers come through as they are: -XEN_ENOENT no such node, -XEN_EACCES not for us,
 * -XEN_EINVAL a path it does not take, -XEN_ENOSPC or -XEN_E2BIG our quota is used up, -XEN_EIO
 * also for a name of an error that xs_wire.h does not list.
 *
 * Errors of all requests, besides:
 *
 * - -XEN_ENODEV: the domain has no store: the first domain, or one built without it.
 * - -XEN_ENOTCONN: the connection is broken: the other side wrote what cannot be into the ring, or
 *   said that it gave us up. So for every call until xenstore_reconnect() or a restore.
 * - -XEN_ETIME: the deadline passed. A request that had been begun by then may be carried out all
 *   the same; its answer is dropped, never taken for another's.
 * - -XEN_EAGAIN: the request was under way while the store was connected to anew; or it belongs to
 *   a transaction, and that has to be done again.
 * - -XEN_EDEADLK: with upcalls masked, as in handlers.
 * - -XEN_ENOMEM: no memory.
 * - -XEN_E2BIG: more than XENSTORE_PAYLOAD_MAX (4,096) bytes of path and value.
 *
 * ABI: public/io/xs_wire.h; docs/misc/xenstore.txt and xenstore-ring.txt in Xen's tree.
 */
#ifndef XENLET_XENSTORE_H
#define XENLET_XENSTORE_H

#include <xenlet/types.h>
#include <xen/io/xs_wire.h>

/* A transaction: see xenstore_transaction(). Where one is taken, NULL means none. */
struct xenstore_tx {
    uint32_t id;         /* the library's */
    uint32_t connection; /* the one it was begun on; the library's */
};

/* Who may do what with a node. The first of a node's names its owner, and what all others may. */
struct xenstore_perm {
    domid_t domid; /* whom it is about */
    char access;   /* 'n' nothing, 'r' read, 'w' write, 'b' both */
};

struct xenstore_watch;

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* --- nodes ---------------------------------------------------------------------------------- */

/*
 * The value of a node, *len bytes; `len` may be NULL.
 *
 * Errors: -XEN_ENOENT no such node; -XEN_EACCES not for us; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_read(const struct xenstore_tx *tx, const char *path, char **value, size_t *len,
                  uint64_t deadline);

/*
 * Give a node `len` bytes as its value; it is made, with all above it, if it is not there.
 *
 * Errors: -XEN_EACCES not for us; -XEN_ENOSPC our quota is used up; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_write(const struct xenstore_tx *tx, const char *path, const void *value, size_t len,
                   uint64_t deadline);

/*
 * Make a node, and all above it, with no value; one that is there stays as it is.
 *
 * Errors: as of xenstore_write(): -XEN_EACCES, -XEN_ENOSPC; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_mkdir(const struct xenstore_tx *tx, const char *path, uint64_t deadline);

/*
 * Remove a node and all below it; one that is not there is no error.
 *
 * Errors: -XEN_ENOENT what it would lie in is not there either; -XEN_EACCES not for us; and those
 * of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_rm(const struct xenstore_tx *tx, const char *path, uint64_t deadline);

/*
 * The names of a node's children, *n of them, in one piece of memory: xenlet_free(*names) frees
 * all. A list too long for one answer is read in parts, and again from the start if it changed
 * meanwhile.
 *
 * Errors: -XEN_ENOENT no such node; -XEN_EACCES not for us; -XEN_E2BIG more than 1 MiB of names;
 * -XEN_EAGAIN it changed, in a transaction; -XEN_EIO an answer that is no list; and those of all
 * requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_directory(const struct xenstore_tx *tx, const char *path, char ***names, size_t *n,
                       uint64_t deadline);

/*
 * The permissions of a node, *n of them; and other ones, n at least 1, as its owner.
 *
 * Errors: -XEN_ENOENT no such node; -XEN_EACCES not for us; -XEN_EINVAL n is 0, or an access that
 * is none; -XEN_EIO an answer that is no list of permissions; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_get_perms(const struct xenstore_tx *tx, const char *path, struct xenstore_perm **perms,
                       size_t *n, uint64_t deadline);
int xenstore_set_perms(const struct xenstore_tx *tx, const char *path,
                       const struct xenstore_perm *perms, size_t n, uint64_t deadline);

/*
 * The same without waiting: `type` is XS_READ, XS_WRITE, XS_MKDIR, XS_RM, XS_DIRECTORY,
 * XS_GET_PERMS or XS_SET_PERMS, `value` and `len` what follows the path and its NUL in the request,
 * NULL and 0 if nothing does. If this returns 0, `done` is called once, in a handler on VCPU 0,
 * with the result, and the payload of the answer, which is its to free (NULL on error). There is no
 * deadline: it is answered when the store answers, or loses us.
 *
 * Errors: -XEN_EINVAL another type; -XEN_ENODEV, -XEN_ENOTCONN, -XEN_EAGAIN, -XEN_ENOMEM,
 * -XEN_E2BIG as of all requests.
 * From: main and handlers, any VCPU, `done` and watches among them; does not block.
 */
typedef void xenstore_done_t(void *data, int rc, char *answer, size_t len);
int xenstore_start(enum xsd_sockmsg_type type, const struct xenstore_tx *tx, const char *path,
                   const void *value, size_t len, xenstore_done_t *done, void *data);

/* --- transactions --------------------------------------------------------------------------- */

/*
 * Run `body` within a transaction, and commit it when that returns 0, as one step for everyone
 * else. If somebody changed what it had read, or the store was connected to anew, it is undone and
 * run again, until it commits or the deadline has passed. If `body` returns anything but 0 and
 * -XEN_EAGAIN nothing of it is done, and that is returned.
 *
 * Errors: -XEN_ETIME the deadline passed; while it was being committed it may be done; -XEN_ENOSPC
 * too many transactions are open (xenstored allows 10); what `body` returned; and those of all
 * requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_transaction(int (*body)(const struct xenstore_tx *tx, void *arg), void *arg,
                         uint64_t deadline);

/*
 * The same by hand: begin; end, with or without doing it. Each that was begun must be ended,
 * whatever its requests returned.
 *
 * Errors: -XEN_EAGAIN from the end: begin again; -XEN_ENOSPC too many are open; -XEN_EIO an answer
 * that is no transaction; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_tx_begin(struct xenstore_tx *tx, uint64_t deadline);
int xenstore_tx_end(const struct xenstore_tx *tx, bool commit, uint64_t deadline);

/* --- watches -------------------------------------------------------------------------------- */

/*
 * Notice changes of a node and of all below it, made by anyone: by a function, which runs in a
 * handler on VCPU 0 with the path that changed (relative if the watch's is); or, `changed` NULL, by
 * xenstore_watch_wait(). The store reports one change at once, when the watch is set, and another
 * whenever it is set again after a restore or reconnection: look at the nodes, do not count.
 * Changes may be reported merged, as one of the watch's own path: look at everything then. Special
 * paths like "@releaseDomain" need privilege. If a watch cannot be set again `changed` is called
 * with NULL for the path, and xenstore_watch_wait() returns the error; it is over then, but for
 * unwatching.
 *
 * `changed` may run before this returns. On error *watch may have been set meanwhile, and is NULL.
 *
 * Errors: -XEN_E2BIG too many watches (xenstored allows 128), or the path; -XEN_EACCES not for us;
 * -XEN_EINVAL a path it does not take; and those of all requests.
 * From: main, any VCPU; blocks.
 */
typedef void xenstore_changed_t(struct xenstore_watch *watch, const char *path, void *data);
int xenstore_watch(const char *path, xenstore_changed_t *changed, void *data,
                   struct xenstore_watch **watch, uint64_t deadline);

/*
 * Wait for the next change of a watch without function; its path in *path, which may be NULL. One
 * VCPU at a time waits for a watch.
 *
 * Errors: -XEN_ETIME none came; -XEN_EINVAL the watch has a function; -XEN_ENOTCONN the connection
 * is broken; -XEN_EDEADLK with upcalls masked, as in handlers; -XEN_ENOMEM; or why the watch could
 * not be set again.
 * From: main, any VCPU; blocks.
 */
int xenstore_watch_wait(struct xenstore_watch *watch, char **path, uint64_t deadline);

/*
 * End a watch. When this returns its function does not run and will not; the handle is gone. It
 * does not wait for the store.
 *
 * Errors: -XEN_EDEADLK with upcalls masked, but in the function of a watch; nothing happened.
 * From: main, any VCPU, and handlers that are the function of a watch, which may end its own; does
 * not block, but spins while another VCPU runs the function.
 */
int xenstore_unwatch(struct xenstore_watch *watch);

/* --- connection ----------------------------------------------------------------------------- */

/*
 * Connect to the store anew, when the connection is broken or seems dead. Requests that were under
 * way end with -XEN_EAGAIN, so do those of transactions; requests that had not been begun are kept;
 * watches are set again.
 *
 * Errors: -XEN_EOPNOTSUPP the store does not offer it (Xen's C xenstored does not, oxenstored
 * does); -XEN_ETIME it did not answer yet: if it does later the connection works then;
 * -XEN_ENOTCONN it broke again; -XEN_ENODEV no store; -XEN_EDEADLK with upcalls masked, as in
 * handlers.
 * From: main, any VCPU; blocks.
 */
int xenstore_reconnect(uint64_t deadline);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
