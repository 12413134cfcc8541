/* SPDX-License-Identifier: MIT */
/*
 * xenlet: write main(), link libxenlet.a, `xl create`. This header includes those that a program
 * needs.
 *
 * The comment of a function says what it does, with units and ranges, and then:
 *
 * - Errors: which negative errno it returns, and when. 0 is success, unless it says otherwise.
 * - From: who may call it. "main" is code that runs with upcalls unmasked, "handlers" is code that
 *   runs within an upcall, with upcalls masked; "anywhere" is either, or main with upcalls masked,
 *   on any VCPU. A function that blocks puts the VCPU to sleep; one that does not may still spin
 *   for a lock that another VCPU holds briefly.
 * - ABI: the text of Xen's that specifies it. public/ is xen/include/public in Xen's tree,
 *   installed as xen/. What the comment at the top of a header says holds for all its functions.
 */
#ifndef XENLET_H
#define XENLET_H

#include <xenlet/types.h>
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/gnttab.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/random.h>
#include <xenlet/shutdown.h>
#include <xenlet/suspend.h>
#include <xenlet/vchan.h>
#include <xenlet/vcpu.h>
#include <xenlet/version.h>
#include <xenlet/xenbus.h>
#include <xenlet/xenstore.h>

#endif
