/* SPDX-License-Identifier: MIT */
/* What each VCPU has of its own, reached through TPIDR_EL1. The vcpu_info is registered with Xen.
 */
#ifndef XENLET_PERCPU_H
#define XENLET_PERCPU_H

/* What assembly needs of it. */
#define PERCPU_STACK        48
#define PERCPU_REPORT_STACK 56

#ifndef __ASSEMBLY__

#include <xenlet/types.h>

struct evtchn;

struct percpu {
    struct vcpu_info info;
    char *stack;        /* its lowest byte; an empty page lies below */
    char *report_stack; /* where an overflow of it is reported from */
    const char *stack_name;
    unsigned int vcpu;
    uint64_t mpidr;          /* what PSCI and the interrupt controller call it */
    void *fp_area;           /* where the FP registers go while a handler uses them */
    volatile void *gic_ppis; /* GICv3: the redistributor's registers of its private interrupts */
    void (*timer)(struct evtchn *ch, void *data);
    void *timer_data;
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct percpu, stack) == PERCPU_STACK, "");
_Static_assert(offsetof(struct percpu, report_stack) == PERCPU_REPORT_STACK, "");

static inline struct percpu *percpu(void)
{
    struct percpu *p;

    __asm__("mrs %0, tpidr_el1" : "=r"(p));
    return p;
}

#endif
#endif
