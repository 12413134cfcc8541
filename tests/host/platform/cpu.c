/* SPDX-License-Identifier: MIT */
/* The CPU's part: hypercalls, upcalls and their mask, a VCPU's own data, the clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include "arch/atomic.h"
#include "arch/spinlock.h"
#include "hypercall_arch.h"
#include "platform_arch.h"
#include "tests/host/platform/host.h"

struct host_vcpu *host_vcpus[MODEL_MAX_VCPUS];
bool host_fp_saved[MODEL_MAX_VCPUS];
_Thread_local unsigned int host_this;
void (*host_between_steps)(void);
void (*host_on_access)(enum host_access kind, const volatile void *p);

unsigned int platform_vcpu(void)
{
    return host_this;
}

unsigned int world_vcpu(void)
{
    return host_this;
}

static struct host_vcpu *me(void)
{
    return host_vcpus[host_this];
}

/* --- locks: see arch/native/arch/spinlock.h ------------------------------------------------- */

#define MAX_HELD 8u

static struct {
    const struct spinlock *lock[MAX_HELD];
    unsigned int nr;
} held[MODEL_MAX_VCPUS];

bool host_holds(const struct spinlock *lock)
{
    for (unsigned int i = 0; i < held[host_this].nr; i++) {
        if (held[host_this].lock[i] == lock)
            return true;
    }
    return false;
}

unsigned int host_locks_held(void)
{
    return held[host_this].nr;
}

void host_lock_wanted(const struct spinlock *lock)
{
    if (me() && !atomic_peek(&me()->info.evtchn_upcall_mask))
        platform_panic("VCPU %u takes a lock with upcalls unmasked", host_this);
    if (host_holds(lock))
        platform_panic("VCPU %u takes a lock that it holds", host_this);
}

void host_lock_taken(const struct spinlock *lock)
{
    if (held[host_this].nr == MAX_HELD)
        platform_panic("VCPU %u holds too many locks", host_this);
    held[host_this].lock[held[host_this].nr++] = lock;
}

void host_lock_given(const struct spinlock *lock)
{
    unsigned int nr = held[host_this].nr;

    if (!host_holds(lock))
        platform_panic("VCPU %u gives back a lock that it does not hold", host_this);
    for (unsigned int i = 0; i < nr; i++) {
        if (held[host_this].lock[i] == lock)
            held[host_this].lock[i] = held[host_this].lock[nr - 1];
    }
    held[host_this].nr--;
}

static void check_unmasking(void)
{
    if (atomic_peek(&me()->info.evtchn_upcall_pending) > 1)
        platform_panic("VCPU %u: evtchn_upcall_pending is neither 0 nor 1", host_this);
    if (held[host_this].nr)
        platform_panic("VCPU %u unmasks upcalls with a lock held", host_this);
}

/* --- upcalls -------------------------------------------------------------------------------- */

unsigned long platform_upcalls_save(void)
{
    uint8_t *mask = &me()->info.evtchn_upcall_mask;
    uint8_t old = atomic_read(mask);

    atomic_write(mask, 1);
    return old;
}

/* As arch/x86_64/cpu.c has it: what came while upcalls were masked is delivered by a call. */
void platform_upcalls_restore(unsigned long flags)
{
    struct vcpu_info *info = &me()->info;

    if (flags)
        return;
    check_unmasking();
    for (;;) {
        atomic_write(&info->evtchn_upcall_mask, 0);
        if (!atomic_read(&info->evtchn_upcall_pending))
            return;
        atomic_write(&info->evtchn_upcall_mask, 1);
        evtchn_upcall();
    }
}

/*
 * Xen enters the guest: it masks upcalls and calls. The way back is entry.S's: unmask, look at the
 * flag, and use the same frame again.
 */
void host_take_upcalls(void)
{
    struct host_vcpu *v = me();

    if (v->in_xen || atomic_peek(&v->info.evtchn_upcall_mask) ||
        !atomic_peek(&v->info.evtchn_upcall_pending))
        return;
    check_unmasking();
    __atomic_store_n(&v->info.evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST); /* Xen does this */
    evtchn_upcall();
    platform_upcalls_restore(0);
}

__attribute__((weak)) void world_hypercall(void)
{
}

long host_hypercall(unsigned int nr, const long args[4])
{
    struct host_vcpu *v = me();
    long rc;

    world_hypercall();
    if (host_on_hypercall)
        host_on_hypercall(nr, args);
    v->in_xen = true;
    rc = model_hypercall(nr, args);
    v->in_xen = false;
    host_take_upcalls();
    return rc;
}

void arch_cpu_relax(void)
{
    world_pass();
    if (me())
        host_take_upcalls();
}

/* --- VCPUs ---------------------------------------------------------------------------------- */

static struct host_vcpu *new_vcpu(unsigned int vcpu)
{
    struct host_vcpu *v = xenlet_pages_alloc(1);

    if (!v)
        return NULL;
    memset(v, 0, XENLET_PAGE_SIZE);
    v->info.evtchn_upcall_mask = 1;
    v->id = vcpu;
    __atomic_store_n(&host_vcpus[vcpu], v, __ATOMIC_RELEASE);
    return v;
}

int arch_vcpu_info_init(struct vcpu_info **info)
{
    struct host_vcpu *v = new_vcpu(0);

    if (!v)
        return -XEN_ENOMEM;
    *info = &v->info;
    return hypercall_register_vcpu_info(0, xenlet_gfn(v), 0);
}

bool arch_vcpu_exists(unsigned int vcpu)
{
    return vcpu < MODEL_MAX_VCPUS && hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL) >= 0;
}

bool arch_vcpu_is_up(unsigned int vcpu)
{
    return hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL) > 0;
}

int arch_vcpu_prepare(unsigned int vcpu, struct vcpu_info **info)
{
    if (!host_vcpus[vcpu] && !new_vcpu(vcpu))
        return -XEN_ENOMEM;
    *info = &host_vcpus[vcpu]->info;
    return 0;
}

/* Its first instructions are the world's: see world_up(). */
int arch_vcpu_up(unsigned int vcpu)
{
    static const struct vcpu_guest_context context;
    int rc = hypercall_vcpu_op(VCPUOP_initialise, vcpu, (void *)(uintptr_t)&context);

    if (rc && rc != -XEN_EEXIST)
        return rc;
    while (arch_vcpu_is_up(vcpu))
        hypercall_sched_yield();
    return hypercall_vcpu_op(VCPUOP_up, vcpu, NULL);
}

void arch_vcpu_down(void)
{
    hypercall_vcpu_op(VCPUOP_down, host_this, NULL);
}

int host_add_vcpu(unsigned int vcpu)
{
    bool registered = host_vcpus[vcpu];
    struct vcpu_info *info;
    int rc = arch_vcpu_prepare(vcpu, &info);

    if (rc == 0 && !registered)
        rc = hypercall_register_vcpu_info(vcpu, xenlet_gfn(info), 0);
    return rc ? rc : evtchn_vcpu_init(vcpu, info);
}

/* --- time ----------------------------------------------------------------------------------- */

const struct vcpu_time_info *arch_time_info(void)
{
    return &me()->info.time;
}

/* What is due at the time we tell has been raised: on a machine the interrupt would have come. */
uint64_t arch_counter(void)
{
    uint64_t now = world_now();

    world_pass();
    host_take_upcalls();
    return now;
}

/* --- floating point: the host's own business ------------------------------------------------- */

int arch_fp_init(void)
{
    return 0;
}

void platform_fp_save(void)
{
    if (host_fp_saved[host_this])
        platform_panic("VCPU %u saves its FP registers twice", host_this);
    host_fp_saved[host_this] = true;
}

void platform_fp_restore(void)
{
    if (!host_fp_saved[host_this])
        platform_panic("VCPU %u restores FP registers that it has not saved", host_this);
    host_fp_saved[host_this] = false;
}
