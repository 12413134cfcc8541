/* SPDX-License-Identifier: MIT */
/* The lock programs use between VCPUs. */
#include <xenlet/platform.h>
#include <xenlet/vcpu.h>
#include "arch/spinlock.h"

_Static_assert(sizeof(struct vcpu_lock) == sizeof(struct spinlock), "one is the other");

unsigned long vcpu_lock(struct vcpu_lock *lock)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock((struct spinlock *)lock);
    return flags;
}

void vcpu_unlock(struct vcpu_lock *lock, unsigned long flags)
{
    spin_unlock((struct spinlock *)lock);
    platform_upcalls_restore(flags);
}
