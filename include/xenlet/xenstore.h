/* SPDX-License-Identifier: MIT */
/*
 * Xenstore: the tree of small values by which the toolstack, drivers and domains find one another,
 * over the ring named in start_info.
 *
 * A path begins with '/', or is relative to the domain's own /local/domain/ID. Values are bytes; a
 * NUL is put behind what is read, and not counted. What is returned through a `**` pointer is the
 * caller's to free with xenlet_free(); on error it is left alone.
 *
 * Functions return 0 or a negative Xen errno. Those with a `deadline` (ns of system time, or
 * XENLET_FOREVER) send a request and sleep until it is answered, several VCPUs at a time. The
 * store's own errors are returned as they are: -XEN_ENOENT no such node, -XEN_EACCES not for us,
 * -XEN_EINVAL a path it does not accept, -XEN_ENOSPC or -XEN_E2BIG our quota is used up; -XEN_EIO
 * stands for any that xs_wire.h does not list, too.
 *
 * Errors of all requests, besides:
 *
 * - -XEN_ENODEV: the domain has no store: the first domain, or one built without it.
 * - -XEN_ENOTCONN: the connection is broken: the other side wrote something impossible into the
 *   ring, or said that it has given us up. Every call answers this until xenstore_reconnect() or a
 *   restore.
 * - -XEN_ETIME: the deadline passed. A request that had been begun by then may be carried out all
 *   the same; its answer is dropped, never taken for another's.
 * - -XEN_EAGAIN: the connection was made anew while the request was under way; or it belongs to a
 *   transaction that has to be done again.
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

/*
 * Who may do what with a node. The first entry of a node names its owner, and says what everybody
 * else may do.
 */
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
 * Give a node `len` bytes as its value; it is created, with all above it, if it does not exist.
 *
 * Errors: -XEN_EACCES not for us; -XEN_ENOSPC our quota is used up; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_write(const struct xenstore_tx *tx, const char *path, const void *value, size_t len,
                   uint64_t deadline);

/*
 * Create a node, and all above it, with no value; one that exists stays as it is.
 *
 * Errors: as of xenstore_write(): -XEN_EACCES, -XEN_ENOSPC; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_mkdir(const struct xenstore_tx *tx, const char *path, uint64_t deadline);

/*
 * Remove a node and all below it; that it does not exist is no error.
 *
 * Errors: -XEN_ENOENT the node above it does not exist either; -XEN_EACCES not for us; and those of
 * all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_rm(const struct xenstore_tx *tx, const char *path, uint64_t deadline);

/*
 * The names of a node's children, *n of them, in one allocation: xenlet_free(*names) frees all. A
 * list too long for one answer is read in parts, from the start again if it changed meanwhile.
 *
 * Errors: -XEN_ENOENT no such node; -XEN_EACCES not for us; -XEN_E2BIG more than 1 MiB of names;
 * -XEN_EAGAIN it changed, in a transaction; -XEN_EIO an answer that is no list; and those of all
 * requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_directory(const struct xenstore_tx *tx, const char *path, char ***names, size_t *n,
                       uint64_t deadline);

/*
 * Get the permissions of a node, *n of them; or, as its owner, set others, `n` at least 1.
 *
 * Errors: -XEN_ENOENT no such node; -XEN_EACCES not for us; -XEN_EINVAL n is 0, or an unknown
 * access; -XEN_EIO an answer that is no list of permissions; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_get_perms(const struct xenstore_tx *tx, const char *path, struct xenstore_perm **perms,
                       size_t *n, uint64_t deadline);
int xenstore_set_perms(const struct xenstore_tx *tx, const char *path,
                       const struct xenstore_perm *perms, size_t n, uint64_t deadline);

/*
 * Send one of the above without waiting. `type` is XS_READ, XS_WRITE, XS_MKDIR, XS_RM,
 * XS_DIRECTORY, XS_GET_PERMS or XS_SET_PERMS; `value` and `len` are what follows the path and its
 * NUL in the request, NULL and 0 if nothing does. If this returns 0, `done` is called once, in a
 * handler on VCPU 0, with the result and the payload of the answer (NULL on error), which it has to
 * free. There is no deadline: `done` waits until the store has answered or the connection is lost.
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
 * Run `body` within a transaction, and commit it if that returns 0, in one step for everyone else.
 * If somebody has changed what it had read, or the connection was made anew, all is undone and
 * `body` is run again, until it commits or the deadline has passed. If `body` returns anything but
 * 0 and -XEN_EAGAIN, the transaction is undone and that is returned.
 *
 * Errors: -XEN_ETIME the deadline passed; if it did during the commit, that may be done all the
 * same; -XEN_ENOSPC too many transactions are open (xenstored allows 10); what `body` returned; and
 * those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_transaction(int (*body)(const struct xenstore_tx *tx, void *arg), void *arg,
                         uint64_t deadline);

/*
 * The same by hand: begin a transaction; commit it, or undo it. Each one that was begun must be
 * ended, whatever its requests returned.
 *
 * Errors: -XEN_EAGAIN from the end: begin again; -XEN_ENOSPC too many are open; -XEN_EIO an answer
 * that is no transaction; and those of all requests.
 * From: main, any VCPU; blocks.
 */
int xenstore_tx_begin(struct xenstore_tx *tx, uint64_t deadline);
int xenstore_tx_end(const struct xenstore_tx *tx, bool commit, uint64_t deadline);

/* --- watches -------------------------------------------------------------------------------- */

/*
 * Watch for changes of a node and of all below it, made by anyone. `changed` is called in a handler
 * on VCPU 0 with the path that changed (relative if the watch's is); if it is NULL, use
 * xenstore_watch_wait(). The store reports one change when the watch is set, and another whenever
 * it is set again after a restore or reconnection: look at the nodes, do not count. Several changes
 * may be reported as one of the watch's own path: then look at everything. Special paths like
 * "@releaseDomain" need privilege. If a watch cannot be set again, `changed` is called with NULL
 * for the path, or xenstore_watch_wait() returns the error; all that can be done with it then is
 * xenstore_unwatch().
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
 * Wait for the next change of a watch without a function. Its path is stored in *path, unless
 * `path` is NULL. One VCPU at a time may wait for a watch.
 *
 * Errors: -XEN_ETIME none came; -XEN_EINVAL the watch has a function; -XEN_ENOTCONN the connection
 * is broken; -XEN_EDEADLK with upcalls masked, as in handlers; -XEN_ENOMEM; or why the watch could
 * not be set again.
 * From: main, any VCPU; blocks.
 */
int xenstore_watch_wait(struct xenstore_watch *watch, char **path, uint64_t deadline);

/*
 * End a watch. When this returns its function does not run and will not run; the handle is gone.
 * The store's answer is not waited for.
 *
 * Errors: -XEN_EDEADLK with upcalls masked, other than in the function of a watch; nothing has
 * changed.
 * From: main, any VCPU, and handlers that are the function of a watch, which may end its own; does
 * not block, but spins while another VCPU runs the function.
 */
int xenstore_unwatch(struct xenstore_watch *watch);

/* --- connection ----------------------------------------------------------------------------- */

/*
 * Make the connection to the store anew, when it is broken or seems dead. Requests that were under
 * way, and all those of open transactions, end with -XEN_EAGAIN; other requests that had not been
 * begun are kept; watches are set again.
 *
 * Errors: -XEN_EOPNOTSUPP the store does not offer it (Xen's C xenstored does not, oxenstored
 * does); -XEN_ETIME it has not answered yet; when it does the connection will work; -XEN_ENOTCONN
 * it broke again; -XEN_ENODEV no store; -XEN_EDEADLK with upcalls masked, as in handlers.
 * From: main, any VCPU; blocks.
 */
int xenstore_reconnect(uint64_t deadline);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
