/* SPDX-License-Identifier: MIT */
/*
 * The atomic primitives on the host, by the compiler's builtins: for the sanitizers, and for
 * VCPUs that are threads. Names and meanings are documented in arch/atomic.h.
 *
 * In the guest's own sources (HOST_GUEST) each of them is a step: before it Xen may do something,
 * and an upcall may come, if a test says so by host_between_steps; and host_on_access is told what
 * it is.
 */
#ifndef XENLET_ATOMIC_ARCH_H
#define XENLET_ATOMIC_ARCH_H

#include <xenlet/types.h>

enum host_access {
    HOST_MB,
    HOST_RMB,
    HOST_WMB,
    HOST_READ,
    HOST_WRITE,
    HOST_RMW
};

#ifdef HOST_GUEST
extern void (*host_between_steps)(void);
extern void (*host_on_access)(enum host_access kind, const volatile void *p);
/* Functions, so that their branches are not counted for each line that takes a step. */
static inline void host_barrier(enum host_access kind)
{
    if (host_on_access)
        host_on_access(kind, NULL);
}
static inline void host_step(enum host_access kind, const volatile void *p)
{
    if (host_between_steps)
        host_between_steps();
    if (host_on_access)
        host_on_access(kind, p);
}
#define HOST_BARRIER(kind) host_barrier(kind)
#define HOST_STEP(kind, p) host_step((kind), (p))
#else
#define HOST_BARRIER(kind) ((void)0)
#define HOST_STEP(kind, p) ((void)0)
#endif

/*
 * TSan knows no fences. Every load acquires and every store releases instead: it finds the accesses
 * that are not made through these names at all. Which order each needs is the explorer's to show.
 */
#ifdef __SANITIZE_THREAD__
#define HOST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOST_TSAN 1
#endif
#endif

#ifdef HOST_TSAN
#define HOST_LOAD  __ATOMIC_ACQUIRE
#define HOST_STORE __ATOMIC_RELEASE
#else
#define HOST_LOAD  __ATOMIC_RELAXED
#define HOST_STORE __ATOMIC_RELAXED
#endif

#define smp_mb()  (HOST_STEP(HOST_MB, NULL), __atomic_thread_fence(__ATOMIC_SEQ_CST))
#define smp_rmb() (HOST_BARRIER(HOST_RMB), __atomic_thread_fence(__ATOMIC_ACQUIRE))
#define smp_wmb() (HOST_BARRIER(HOST_WMB), __atomic_thread_fence(__ATOMIC_RELEASE))

#define atomic_read(p)     (HOST_STEP(HOST_READ, (p)), __atomic_load_n((p), HOST_LOAD))
#define atomic_write(p, v) (HOST_STEP(HOST_WRITE, (p)), __atomic_store_n((p), (v), HOST_STORE))

#define atomic_dec_own(p)                            \
    ({                                               \
        __typeof__(*(p)) was_ = atomic_peek(p);      \
        __atomic_store_n((p), was_ - 1, HOST_STORE); \
        was_ == 0;                                   \
    })

/* A look that is no step of the guest's: for the host's own purposes. */
#define atomic_peek(p) __atomic_load_n((p), HOST_LOAD)

/* Spinning on another VCPU, or on Xen: the host's own, which lets them go on. */
void arch_cpu_relax(void);

static inline uint32_t atomic_cas32(uint32_t *p, uint32_t old, uint32_t new)
{
    HOST_STEP(HOST_RMW, p);
    __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return old;
}

static inline uint64_t atomic_cas64(uint64_t *p, uint64_t old, uint64_t new)
{
    HOST_STEP(HOST_RMW, p);
    __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return old;
}

/* Xen's, on evtchn_upcall_pending; the guest needs none. */
static inline uint8_t atomic_xchg8(uint8_t *p, uint8_t new)
{
    return __atomic_exchange_n(p, new, __ATOMIC_SEQ_CST);
}

static inline uint32_t atomic_xchg32(uint32_t *p, uint32_t new)
{
    HOST_STEP(HOST_RMW, p);
    return __atomic_exchange_n(p, new, __ATOMIC_SEQ_CST);
}

static inline xen_ulong_t atomic_xchg_word(xen_ulong_t *p, xen_ulong_t new)
{
    HOST_STEP(HOST_RMW, p);
    return __atomic_exchange_n(p, new, __ATOMIC_SEQ_CST);
}

static inline bool atomic_test_and_set_bit(xen_ulong_t *word, unsigned int bit)
{
    xen_ulong_t one = (xen_ulong_t)1 << bit;

    HOST_STEP(HOST_RMW, word);
    return __atomic_fetch_or(word, one, __ATOMIC_SEQ_CST) & one;
}

static inline bool atomic_test_and_clear_bit(xen_ulong_t *word, unsigned int bit)
{
    xen_ulong_t one = (xen_ulong_t)1 << bit;

    HOST_STEP(HOST_RMW, word);
    return __atomic_fetch_and(word, ~one, __ATOMIC_SEQ_CST) & one;
}

#define atomic_test_and_set_bit32 atomic_test_and_set_bit32
static inline bool atomic_test_and_set_bit32(uint32_t *p, unsigned int bit)
{
    HOST_STEP(HOST_RMW, p);
    return __atomic_fetch_or(p, 1u << bit, __ATOMIC_SEQ_CST) >> bit & 1;
}

#define atomic_test_and_clear_bit32 atomic_test_and_clear_bit32
static inline bool atomic_test_and_clear_bit32(uint32_t *p, unsigned int bit)
{
    HOST_STEP(HOST_RMW, p);
    return __atomic_fetch_and(p, ~(1u << bit), __ATOMIC_SEQ_CST) >> bit & 1;
}

#endif
