/* SPDX-License-Identifier: MIT */
/*
 * What each VCPU has of its own, reached through %gs. The vcpu_info is registered with Xen. It
 * comes first, so that entry.S finds upcall_pending and upcall_mask at %gs:0 and %gs:1; there too
 * is the VCPU's number, which entry.S hands to evtchn/.
 */
#ifndef XENLET_PERCPU_H
#define XENLET_PERCPU_H

#define PERCPU_UPCALL_PENDING 0
#define PERCPU_UPCALL_MASK    1
#define PERCPU_VCPU           72

#ifndef __ASSEMBLY__

#include <xenlet/types.h>

struct percpu {
    struct vcpu_info info;
    struct percpu *self;
    unsigned int vcpu;
    const char *stack_name; /* for reports */
    const char *stack;      /* its lowest byte */
    void *fp_area;          /* where the FP registers go while a handler uses them */
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct percpu, info.evtchn_upcall_pending) == PERCPU_UPCALL_PENDING, "");
_Static_assert(offsetof(struct percpu, info.evtchn_upcall_mask) == PERCPU_UPCALL_MASK, "");
_Static_assert(offsetof(struct percpu, vcpu) == PERCPU_VCPU, "");

static inline struct percpu *percpu(void)
{
    struct percpu *p;

    __asm__("movq %%gs:%c1, %0" : "=r"(p) : "i"(offsetof(struct percpu, self)));
    return p;
}

/*
 * Mask upcalls on this VCPU. A plain store will do: Xen looks at the mask on the CPU that runs us.
 */
static inline uint8_t arch_upcalls_save(void)
{
    uint8_t *mask = &percpu()->info.evtchn_upcall_mask;
    uint8_t old = *(volatile uint8_t *)mask;

    *(volatile uint8_t *)mask = 1;
    __asm__ volatile("" ::: "memory");
    return old;
}

#endif
#endif
