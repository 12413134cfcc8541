/* SPDX-License-Identifier: MIT */
/*
 * The atomic primitives of arm64: LSE instructions (FEAT_LSE, Armv8.1) where the CPU has them, else
 * exclusive loads and stores. arch_init() finds out which.
 *
 * An LSE instruction with acquire and release is a full barrier by itself (Arm ARM B2.3, "barrier
 * ordered before"). An exclusive pair is not: one dmb in front, for what comes before it against
 * its load, and one behind, for its store against what follows.
 *
 * Names and meanings are documented in arch/atomic.h, which derives what is missing here.
 */
#ifndef XENLET_ATOMIC_ARCH_H
#define XENLET_ATOMIC_ARCH_H

#include <xenlet/types.h>

#define smp_mb()  __asm__ volatile("dmb ish" ::: "memory")
#define smp_rmb() __asm__ volatile("dmb ishld" ::: "memory")
#define smp_wmb() __asm__ volatile("dmb ishst" ::: "memory")

/* The event interrupt comes of Xen's setting the flag (vcpu_mark_events_pending()), and only so. */
#define ARCH_UPCALL_BY_FLAG 0

/* Written once, by VCPU 0, before anything is shared. */
extern bool arch_has_lse __attribute__((visibility("hidden")));

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

/* One barrier, where the derived one would have two. */
#define atomic_write_release(p, v) \
    do {                           \
        smp_mb();                  \
        atomic_write(p, v);        \
    } while (0)

#define ATOMIC_CAS(name, type, w)                               \
    static inline type name(type *p, type old, type new)        \
    {                                                           \
        type seen = old;                                        \
        uint32_t failed;                                        \
                                                                \
        if (arch_has_lse) {                                     \
            __asm__ volatile(".arch_extension lse\n\t"          \
                             "casal %" w "0, %" w "2, %1"       \
                             : "+r"(seen), "+Q"(*p)             \
                             : "r"(new)                         \
                             : "memory");                       \
            return seen;                                        \
        }                                                       \
        __asm__ volatile("dmb ish\n"                            \
                         "1: ldxr %" w "0, %2\n\t"              \
                         "cmp %" w "0, %" w "3\n\t"             \
                         "b.ne 2f\n\t"                          \
                         "stxr %w1, %" w "4, %2\n\t"            \
                         "cbnz %w1, 1b\n"                       \
                         "2: dmb ish"                           \
                         : "=&r"(seen), "=&r"(failed), "+Q"(*p) \
                         : "r"(old), "r"(new)                   \
                         : "memory", "cc");                     \
        return seen;                                            \
    }

/* What was there, after `lse`, or `op` between the exclusive pair, has put another value there. */
#define ATOMIC_FETCH(name, type, w, lse, op)                                       \
    static inline type name(type *p, type value)                                   \
    {                                                                              \
        type old, new;                                                             \
        uint32_t failed;                                                           \
                                                                                   \
        if (arch_has_lse) {                                                        \
            __asm__ volatile(".arch_extension lse\n\t" lse " %" w "2, %" w "0, %1" \
                             : "=&r"(old), "+Q"(*p)                                \
                             : "r"(value)                                          \
                             : "memory");                                          \
            return old;                                                            \
        }                                                                          \
        __asm__ volatile("dmb ish\n"                                               \
                         "1: ldxr %" w "0, %3\n\t" op "\n\t"                       \
                         "stxr %w2, %" w "1, %3\n\t"                               \
                         "cbnz %w2, 1b\n\t"                                        \
                         "dmb ish"                                                 \
                         : "=&r"(old), "=&r"(new), "=&r"(failed), "+Q"(*p)         \
                         : "r"(value)                                              \
                         : "memory");                                              \
        return old;                                                                \
    }

ATOMIC_CAS(atomic_cas32, uint32_t, "w")
ATOMIC_CAS(atomic_cas64, uint64_t, "x")
ATOMIC_FETCH(atomic_xchg32, uint32_t, "w", "swpal", "mov %w1, %w4")
ATOMIC_FETCH(atomic_xchg_word, xen_ulong_t, "x", "swpal", "mov %1, %4")
ATOMIC_FETCH(arch_fetch_or, xen_ulong_t, "x", "ldsetal", "orr %1, %0, %4")
ATOMIC_FETCH(arch_fetch_and_not, xen_ulong_t, "x", "ldclral", "bic %1, %0, %4")
ATOMIC_FETCH(arch_fetch_or32, uint32_t, "w", "ldsetal", "orr %w1, %w0, %w4")
ATOMIC_FETCH(arch_fetch_and_not32, uint32_t, "w", "ldclral", "bic %w1, %w0, %w4")

static inline bool atomic_test_and_set_bit(xen_ulong_t *word, unsigned int bit)
{
    return arch_fetch_or(word, (xen_ulong_t)1 << bit) >> bit & 1;
}

static inline bool atomic_test_and_clear_bit(xen_ulong_t *word, unsigned int bit)
{
    return arch_fetch_and_not(word, (xen_ulong_t)1 << bit) >> bit & 1;
}

#define atomic_test_and_set_bit32 atomic_test_and_set_bit32
static inline bool atomic_test_and_set_bit32(uint32_t *p, unsigned int bit)
{
    return arch_fetch_or32(p, 1u << bit) >> bit & 1;
}

#define atomic_test_and_clear_bit32 atomic_test_and_clear_bit32
static inline bool atomic_test_and_clear_bit32(uint32_t *p, unsigned int bit)
{
    return arch_fetch_and_not32(p, 1u << bit) >> bit & 1;
}

#endif
