# SPDX-License-Identifier: MIT
# What build.mk has to know of this CPU.

ARCH_OUT    := build/$(CC_NAME)-arm64
ARCH_TOOLS  := aarch64-linux-gnu-
GUEST_CC    := $(if $(filter clang,$(CC_NAME)),clang --target=aarch64-linux-gnu,aarch64-linux-gnu-gcc)
# Code that runs before the MMU may not make unaligned accesses, and nothing here gains by them.
# Atomic operations are arch/'s own: the compiler would call libgcc.
ARCH_CFLAGS := -mstrict-align -mno-outline-atomics -mbranch-protection=none -mcmodel=small
ARCH_START  := start.S
ARCH_LDS    := image.lds
ARCH_IMAGE  := img

# The kernel reads its device tree with libfdt.
ARCH_LIB_SOURCES := boot/arm64/map.c
ARCH_NEEDS_FDT   := yes

# Guests that need xl, or are written for another CPU.
ARCH_NO_IMAGES := selftest/half_3l tests/saved tests/crash_in_handler

# In-guest tests of what only a PV guest, or its CPU, has.
ARCH_NO_TESTS := console fp gnttab gnttab_peer hypercalls hypercalls_gnttab hypercalls_pv memory memory_map pattern pirq protect steps traps upcall vchan vchan_hostile xenbus
