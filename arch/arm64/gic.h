/* SPDX-License-Identifier: MIT */
/* The interrupt controller Xen shows a guest: GICv2 or GICv3, of which only private interrupts
 * (PPIs) are used. */
#ifndef XENLET_GIC_H
#define XENLET_GIC_H

#include <xenlet/types.h>

/* Make this VCPU take interrupts, the event interrupt for one. On VCPU 0 first. -XEN_ENODEV. */
int arch_gic_init(void);

/* Take private interrupt `irq` on this VCPU. */
void arch_gic_enable(uint32_t irq);

#endif
