/* SPDX-License-Identifier: MIT */
/*
 * The types that everything else uses: Xen's own, from Xen's public headers, and its errors.
 *
 * Functions of this library return 0 or a negative Xen errno (-XEN_ENOSPC, say); what they find
 * comes out through pointers. Event channel ports are evtchn_port_t, and 0 is never a valid one.
 */
#ifndef XENLET_TYPES_H
#define XENLET_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which interface Xen's headers are to declare: that of Xen 4.14. */
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#endif

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>

/* How many VCPUs this library can use; if xl's maxvcpus is more, the others stay down. */
#define XENLET_MAX_VCPUS 128u

/* No deadline, for `deadline` parameters, which are ns of system time. */
#define XENLET_FOREVER UINT64_MAX

#endif
