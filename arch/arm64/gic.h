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

/*
 * Sleep, with interrupts masked, until *go is not 0: whoever writes it wakes the VCPU after it. No
 * other interrupt is asked for meanwhile; what is pending then comes afterwards.
 */
void arch_gic_sleep(const uint32_t *go);
void arch_gic_wake(unsigned int vcpu, uint64_t mpidr);

#endif
