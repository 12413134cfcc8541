# SPDX-License-Identifier: MIT
# What build.mk has to know of this CPU.

ARCH_OUT    := build/$(CC_NAME)
ARCH_TOOLS  :=
GUEST_CC    := $(CC_NAME)
# Upcalls come in on any stack, so nothing may be kept below the stack pointer, and no register or
# section is special but %gs.
ARCH_CFLAGS := -mno-red-zone -fcf-protection=none
ARCH_START  := pv.S
ARCH_LDS    := pv.lds
ARCH_IMAGE  := elf

# What it shares with the host's model of Xen, which is one for PV guests.
ARCH_LIB_SOURCES := $(wildcard arch/pv/*.c)

# Of its own, beside examples/*.c.
ARCH_EXAMPLES := rtos

# There is a guest for bench/run.
ARCH_BENCH := bench
