/* SPDX-License-Identifier: MIT */
/*
 * The guest's console.
 *
 * A domU's is a ring shared with xenconsoled (public/io/console.h) and an event channel; `xl
 * console` and xenconsoled's log show it. The first domain's is Xen's own. Output is never
 * dropped: a writer waits for room. Line feeds go out as CR LF.
 *
 * ABI: public/io/console.h; for the first domain HYPERVISOR_console_io of public/xen.h.
 */
#ifndef XENLET_CONSOLE_H
#define XENLET_CONSOLE_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Write `len` bytes.
 * From: anywhere; blocks while the ring is full, in a handler too.
 */
void console_write(const char *text, size_t len);

/*
 * Formatted output; see xenlet_vsnprintf() for what it knows. Lines up to 512 bytes stay whole.
 * From: anywhere; blocks as console_write() does.
 */
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/*
 * Wait, at most `timeout` ns, until the other end has taken all that was written; the first domain
 * has nothing to wait for.
 *
 * Errors: -XEN_ETIME it has not.
 * From: anywhere; blocks, and in a handler no other handler runs meanwhile.
 */
int console_flush(uint64_t timeout);

/*
 * Read one line into `line`: at most size - 1 bytes and a NUL, without the CR or LF at its end;
 * what does not fit is dropped. The length is stored in *len, unless `len` is NULL. Waits until
 * `deadline` (ns of system time, XENLET_FOREVER); with one in the past it looks once.
 *
 * Errors: -XEN_ETIME no whole line came; -XEN_EINVAL size is 0; -XEN_EDEADLK with upcalls masked,
 * as in handlers.
 * From: main, any VCPU, one at a time; blocks.
 */
int console_read_line(char *line, size_t size, size_t *len, uint64_t deadline);

/*
 * Format into `buf`, at most size - 1 bytes and a NUL; returns the length the whole text has. It
 * knows %d %i %u %x %X %p %c %s %% with the flags - 0 # + and space, width and precision (also *),
 * and the lengths hh h l ll z t j. No floating point.
 *
 * Errors: none.
 * From: anywhere; does not block.
 */
int xenlet_vsnprintf(char *buf, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int xenlet_snprintf(char *buf, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
