/* SPDX-License-Identifier: MIT */
/*
 * vchan: a pipe of bytes, both ways, between two domains: two rings in shared memory and an event
 * channel. The protocol is that of Xen's libxenvchan, so the other end may be another guest of this
 * library, or a program in dom0 such as vchan-socket-proxy.
 *
 * A server offers the memory to one domain and writes where it is into xenstore, as nodes
 * `ring-ref` and `event-channel` below a path, where a client in that domain finds them. There is
 * one client at a time. One VCPU at a time may read, and one may write; the two may be different.
 *
 * Functions return 0 or a negative Xen errno. `deadline` is ns of system time, or XENLET_FOREVER;
 * with one in the past, such as 0, a function does not wait. Errors of all vchans:
 *
 * - -XEN_ETIME: the deadline passed.
 * - -XEN_ENOTCONN: the other end is gone: closed, its domain ended or was suspended, or ours was.
 *   What had come before can still be read, unless it was our domain. Every call answers this until
 *   vchan_reconnect(); and for a server as long as it has accepted nobody.
 * - -XEN_EIO: the other end wrote something impossible into the shared memory, of which no byte is
 *   looked at any more; every call answers this until vchan_reconnect().
 * - -XEN_EDEADLK: it would have to sleep, with upcalls masked, as in handlers.
 *
 * Nothing tells that the other end's domain has died: functions that wait look every 100 ms, and so
 * do those that are called again and again without waiting.
 *
 * ABI: public/io/libxenvchan.h.
 */
#ifndef XENLET_VCHAN_H
#define XENLET_VCHAN_H

#include <xenlet/types.h>

/*
 * A ring holds 2^order bytes. One ring of 2^10 and one of 2^11 bytes fit into the page that is
 * shared in any case; larger ones have pages of their own.
 */
#define VCHAN_ORDER_MIN 10u
#define VCHAN_ORDER_MAX 20u

/* The longest path, counting its NUL, but not the names of the nodes below it. */
#define VCHAN_PATH_MAX 200u

struct vchan;

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* --- setting up and tearing down ------------------------------------------------------------- */

/*
 * Offer a vchan to domain `client` and publish it at `path` of xenstore, as data/NAME: a domU may
 * write below its own data/. The rings have 2^in_order bytes for what we read and 2^out_order for
 * what we write.
 *
 * Errors: -XEN_EINVAL an order out of its range, or both the same below 12; -XEN_E2BIG the path;
 * -XEN_ENOMEM; -XEN_ENOSPC no grants or ports are left; -XEN_EAGAIN the domain is just being
 * suspended; or what xenstore answers; and those of all vchans.
 * From: main, any VCPU; blocks.
 */
int vchan_server(domid_t client, const char *path, unsigned int in_order, unsigned int out_order,
                 uint64_t deadline, struct vchan **vchan);

/*
 * As a server, wait until a client has connected; it may have gone again when this returns 0.
 *
 * Errors: -XEN_EINVAL it is no server; -XEN_ETIME nobody came; and those of all vchans.
 * From: main, any VCPU; blocks.
 */
int vchan_accept(struct vchan *vchan, uint64_t deadline);

/*
 * Connect to the vchan that domain `server` publishes at `path`, which is absolute:
 * /local/domain/ID/data/NAME. Waits until it is there, and free.
 *
 * Errors: -XEN_EIO there is one, but its sizes cannot be; -XEN_E2BIG the path; -XEN_ENOMEM;
 * -XEN_ENOSPC no port is free, or no address space to map it; -XEN_ETIME it is not there, or taken;
 * and those of all vchans.
 * From: main, any VCPU; blocks.
 */
int vchan_client(domid_t server, const char *path, uint64_t deadline, struct vchan **vchan);

/*
 * Set a vchan up again, with new rings of the same sizes, as vchan_server() or vchan_client() did:
 * after it was lost, or, for a server, for the next client. `peer` and `path` may be others, since
 * a restored domain has another number; NULL is the same path. A server has to accept again. What
 * had not been read is gone. On error the vchan stays lost, and this may be tried again.
 *
 * Errors: as of vchan_server() or vchan_client(): -XEN_E2BIG, -XEN_ENOMEM, -XEN_ENOSPC, -XEN_EIO,
 * -XEN_ETIME; and those of all vchans.
 * From: main, any VCPU, while nobody else uses it; blocks.
 */
int vchan_reconnect(struct vchan *vchan, domid_t peer, const char *path, uint64_t deadline);

/*
 * Tell the other end, and free everything; a server's nodes are removed. What the other end has not
 * read yet it may never read: see vchan_flush(). Memory of ours that it still has mapped is kept,
 * and freed when a vchan is opened or closed after it has unmapped it.
 * From: main, any VCPU, while nobody else uses it; blocks for xenstore.
 */
void vchan_close(struct vchan *vchan);

/* --- a stream: as many bytes as there are ---------------------------------------------------- */

/*
 * Read what there is, at least one byte and at most `len`; how many comes out in *got.
 *
 * Errors: those of all vchans: -XEN_ETIME, -XEN_ENOTCONN, -XEN_EIO, -XEN_EDEADLK.
 * From: main, any VCPU, one at a time; blocks until `deadline`. With one in the past also handlers,
 * and it does not block.
 */
int vchan_read(struct vchan *vchan, void *data, size_t len, size_t *got, uint64_t deadline);

/*
 * Write all `len` bytes, piece by piece as there is room. How many were written is stored in
 * *written, on error too; it may be NULL. With a deadline in the past this writes what there is
 * room for.
 *
 * Errors: those of all vchans: -XEN_ETIME not all was written, -XEN_ENOTCONN, -XEN_EIO,
 * -XEN_EDEADLK.
 * From: main, any VCPU, one at a time; blocks until `deadline`. With one in the past also handlers,
 * and it does not block.
 */
int vchan_write(struct vchan *vchan, const void *data, size_t len, size_t *written,
                uint64_t deadline);

/*
 * Wait until the other end has read all that we wrote, as before vchan_close(), after which it may
 * not be able to.
 *
 * Errors: those of all vchans: -XEN_ETIME, -XEN_ENOTCONN it never will, -XEN_EIO, -XEN_EDEADLK.
 * From: main, any VCPU, who also writes; blocks until `deadline`. With one in the past also
 * handlers, and it does not block.
 */
int vchan_flush(struct vchan *vchan, uint64_t deadline);

/* --- messages: all or nothing ---------------------------------------------------------------- */

/*
 * Read or write exactly `len` bytes in one step. Both ends have to know how long messages are: the
 * protocol does not carry their lengths.
 *
 * Errors: -XEN_EMSGSIZE more than the ring holds; and those of all vchans.
 * From: main, any VCPU, one at a time; blocks until `deadline`. With one in the past also handlers,
 * and it does not block.
 */
int vchan_recv(struct vchan *vchan, void *data, size_t len, uint64_t deadline);
int vchan_send(struct vchan *vchan, const void *data, size_t len, uint64_t deadline);

/* --- for programs that wait for several things ----------------------------------------------- */

/*
 * Store in *n how many bytes can be read, or written, now. The other end is asked to raise an event
 * when that changes. While there is something to read, vchan_readable() returns 0 even if the other
 * end is gone.
 *
 * Errors: those of all vchans: -XEN_ENOTCONN, -XEN_EIO.
 * From: main and handlers, any VCPU; does not block.
 */
int vchan_readable(struct vchan *vchan, size_t *n);
int vchan_writable(struct vchan *vchan, size_t *n);

/*
 * Have `changed` called in a handler on VCPU 0 whenever the other end has raised an event, and when
 * the vchan is lost by a suspend. No event tells that a domain has died: ask now and then. NULL,
 * the default, calls nothing.
 * From: main, any VCPU; does not block.
 */
typedef void vchan_changed_t(struct vchan *vchan, void *data);
void vchan_on_change(struct vchan *vchan, vchan_changed_t *changed, void *data);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
