/* SPDX-License-Identifier: MIT */
/*
 * Time. System time is nanoseconds since Xen booted, from the VCPU's vcpu_time_info
 * (public/xen.h); the same clock that hypercalls take deadlines in.
 */
#ifndef XENLET_CLOCK_H
#define XENLET_CLOCK_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)

/* System time now, in ns. From anywhere. */
uint64_t clock_now(void);

/* `ns` from now, as a deadline; saturates at XENLET_FOREVER. From anywhere. */
uint64_t clock_after(uint64_t ns);

/* Sleep for `ns`; handlers run meanwhile. In a handler, or with upcalls masked, it returns at once.
 */
void clock_sleep(uint64_t ns);

#pragma GCC visibility pop

#endif
