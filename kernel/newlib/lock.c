/* SPDX-License-Identifier: MIT */
/*
 * newlib's locks, between VCPUs. Unlike the kernel's they are held with upcalls unmasked, across
 * output and input that may wait. So a handler must not take one: it might belong to what the
 * handler interrupted, which would then find its FILE or list half changed. Nobody would notice
 * every time, so nobody may ever: it is a panic.
 */
#include <sys/lock.h>
#include <errno.h>
#include <stdlib.h>
#include "kernel/newlib/internal.h"
#include "arch/atomic.h"

struct __lock {
    uint32_t owner; /* VCPU number plus 1, 0: free */
    uint32_t depth; /* the owner's */
};

struct __lock __lock___sinit_recursive_mutex, __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex, __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex, __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex, __lock___dd_hash_mutex, __lock___arc4random_mutex;

static bool take(struct __lock *lock)
{
    uint32_t self = platform_vcpu() + 1;

    if (newlib_upcalls_masked())
        xenlet_panic("newlib: stdio, the environment, time zones and exit() are not for handlers, "
                     "nor for code with upcalls masked");
    if (atomic_read(&lock->owner) != self && atomic_cas32(&lock->owner, 0, self) != 0)
        return false;
    lock->depth++;
    return true;
}

static void release(struct __lock *lock)
{
    if (--lock->depth == 0)
        atomic_write_release(&lock->owner, 0);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    while (!take(lock))
        arch_cpu_relax();
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return take(lock) ? 0 : EBUSY;
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    release(lock);
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
    if (!*lock)
        xenlet_panic("newlib: no memory for a lock");
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

/* Those that newlib never takes twice are the same. */
void __retarget_lock_acquire(_LOCK_T lock)
    __attribute__((alias("__retarget_lock_acquire_recursive")));
int __retarget_lock_try_acquire(_LOCK_T lock)
    __attribute__((alias("__retarget_lock_try_acquire_recursive")));
void __retarget_lock_release(_LOCK_T lock)
    __attribute__((alias("__retarget_lock_release_recursive")));
void __retarget_lock_init(_LOCK_T *lock) __attribute__((alias("__retarget_lock_init_recursive")));
void __retarget_lock_close(_LOCK_T lock) __attribute__((alias("__retarget_lock_close_recursive")));
