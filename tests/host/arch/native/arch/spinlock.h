/* SPDX-License-Identifier: MIT */
/*
 * arch/spinlock.h on the host. In the guest's own sources each use of a lock is looked at: it is
 * taken with upcalls masked, not by a VCPU that holds it, and given back by the one that does,
 * before upcalls are unmasked. See cpu.c of tests/host/platform.
 */
#ifndef HOST_SPINLOCK_H
#define HOST_SPINLOCK_H

#ifdef HOST_GUEST
#define spin_trylock spin_trylock_unseen
#define spin_lock    spin_lock_unseen
#define spin_unlock  spin_unlock_unseen
#endif
#include_next "arch/spinlock.h"
#ifdef HOST_GUEST
#undef spin_trylock
#undef spin_lock
#undef spin_unlock

void host_lock_wanted(const struct spinlock *lock);
void host_lock_taken(const struct spinlock *lock);
void host_lock_given(const struct spinlock *lock);

static inline bool spin_trylock(struct spinlock *lock)
{
    bool taken = spin_trylock_unseen(lock);

    if (taken)
        host_lock_taken(lock);
    return taken;
}

static inline void spin_lock(struct spinlock *lock)
{
    host_lock_wanted(lock);
    spin_lock_unseen(lock);
    host_lock_taken(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
    host_lock_given(lock);
    spin_unlock_unseen(lock);
}
#endif

#endif
