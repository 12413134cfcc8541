/* SPDX-License-Identifier: MIT */
/*
 * The domain itself: its command line, and how it ends.
 *
 * ABI: public/xen.h, struct start_info, and public/sched.h, SCHEDOP_shutdown; on arm64 the device
 * tree.
 */
#ifndef XENLET_DOMAIN_H
#define XENLET_DOMAIN_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Supplied by the program. `argv` is the command line split at spaces, "quoted words" kept
 * together, at most 64 words, options of the library among them. When it returns the domain ends,
 * as by xenlet_exit().
 *
 * Errors: none.
 * From: xenlet_run() calls it, on VCPU 0 with upcalls unmasked; blocks if it likes.
 */
int main(int argc, char **argv);

/*
 * What VCPU 0 runs when all is set up: main() and then xenlet_exit(). A C library, or another
 * language's runtime, replaces it by linking a function of this name.
 * From: the library calls it, on VCPU 0 with upcalls unmasked; does not return.
 */
void xenlet_run(int argc, char **argv) __attribute__((noreturn));

/*
 * End the domain: SHUTDOWN_poweroff for status 0, SHUTDOWN_crash otherwise, which a line says, once
 * what was written to the console has been taken, or 10 seconds have passed.
 * From: anywhere; does not return.
 */
void xenlet_exit(int status) __attribute__((noreturn));

/*
 * End the domain for a reason of sched.h (SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_crash), once
 * what was written to the console has been taken, or 10 seconds have passed.
 * From: anywhere; does not return.
 */
void xenlet_shutdown(unsigned int reason) __attribute__((noreturn));

/*
 * Say why on the console, with a backtrace, and end with SHUTDOWN_crash.
 * From: anywhere; does not return.
 */
void xenlet_panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * Whether Xen booted us as its first domain, with its privileges and no toolstack.
 * From: anywhere; does not block.
 */
bool xenlet_is_initial_domain(void);

/*
 * The value of `name=value` on the command line, the last one if there are several; "" for a bare
 * `name`, NULL if it is not there. The string lives as long as the domain.
 * From: anywhere; does not block.
 */
const char *xenlet_option(const char *name);

/*
 * The module handed over beside the image (the ramdisk of the xl file), *len bytes; NULL and 0 when
 * none.
 * From: anywhere; does not block.
 */
const void *xenlet_module(size_t *len);

/*
 * The device tree this domain was given: Xen's own where Xen gives one (arm64), else the module. It
 * has *len bytes and nobody has checked it yet, as evtchn_static_read() does; NULL and 0 when there
 * is none.
 * From: anywhere; does not block.
 */
const void *xenlet_device_tree(size_t *len);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

/* Panic, with file and line, unless `cond` is true; it is evaluated once, in every build. */
#define xenlet_assert(cond) \
    ((cond) ? (void)0 : xenlet_panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond))

#endif
