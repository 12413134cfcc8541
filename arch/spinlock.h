/* SPDX-License-Identifier: MIT */
/*
 * A plain spin lock, without tickets. Whoever takes it has upcalls masked on its VCPU, so that a
 * handler there cannot spin on a lock held by what it interrupted.
 */
#ifndef XENLET_SPINLOCK_H
#define XENLET_SPINLOCK_H

#include "arch/atomic.h"

struct spinlock {
    uint32_t held;
};

static inline bool spin_trylock(struct spinlock *lock)
{
    return atomic_take(&lock->held);
}

static inline void spin_lock(struct spinlock *lock)
{
    if (__builtin_expect(spin_trylock(lock), 1))
        return;
    do {
        while (atomic_read(&lock->held))
            arch_cpu_relax();
    } while (!spin_trylock(lock));
}

static inline void spin_unlock(struct spinlock *lock)
{
    atomic_write_release(&lock->held, 0);
}

#endif
