/* SPDX-License-Identifier: MIT */
/* What kernel/ needs of the CPU it runs on; the contracts are in arch/platform.h. */
#ifndef XENLET_PLATFORM_ARCH_H
#define XENLET_PLATFORM_ARCH_H

#include "arch/platform.h"
#include "boot/arm64/layout.h"

#endif
