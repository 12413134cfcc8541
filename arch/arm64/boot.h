/* SPDX-License-Identifier: MIT */
/* Between the files of arch/arm64 and the boot code. */
#ifndef XENLET_ARCH_BOOT_H
#define XENLET_ARCH_BOOT_H

#include <xenlet/types.h>

/* What start.S hands over: physical addresses of the device tree and of the image. */
struct boot {
    uint64_t tree, load;
};

extern struct percpu arch_boot_percpu;

/* Registers that each VCPU sets for itself. */
void arch_cpu_init(void);

/* Find the serial port, if the device tree has one. */
void arch_console_early_init(void);

/* Where a VCPU begins, MMU off, with its struct percpu; and where it goes on. */
void arch_vcpu_entry(void);
void arch_vcpu_main(void) __attribute__((noreturn));

#endif
