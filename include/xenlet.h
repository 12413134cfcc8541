/* SPDX-License-Identifier: MIT */
/* xenlet: write main(), link libxenlet.a, `xl create`. This header includes all the others. */
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
#include <xenlet/xenstore.h>

#endif
