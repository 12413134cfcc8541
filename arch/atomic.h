/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations on what the guest shares with Xen, and between its VCPUs.
 *
 * A CPU defines, in its atomic_arch.h: smp_mb, smp_rmb, smp_wmb, arch_cpu_relax, atomic_cas32,
 * atomic_cas64, atomic_xchg32, atomic_xchg_word, atomic_test_and_set_bit and
 * atomic_test_and_clear_bit. The rest follows from them here, unless the CPU has better and says so
 * by a macro of the same name. ARCH_UPCALL_BY_FLAG says whether evtchn_upcall_pending, set by a
 * VCPU itself, makes an upcall.
 *
 * Every read-modify-write that stores is a full barrier: exchanges, bit operations, and a
 * compare-and-swap that succeeds. One that fails orders what follows it, but on some CPUs not what
 * came before: no caller may rely on it. Operations without a number in their name are on
 * xen_ulong_t, the width Xen itself uses on event bitmaps and selectors; bits count from 0 within
 * one word. atomic_cas*() return what they found: the new value is there if that was `old`.
 */
#ifndef XENLET_ATOMIC_H
#define XENLET_ATOMIC_H

#include "atomic_arch.h"

#ifndef ARCH_UPCALL_BY_FLAG
#define ARCH_UPCALL_BY_FLAG 1
#endif

/*
 * A single access: not torn, not repeated, and not reordered by the compiler with another of these.
 */
#ifndef atomic_read
#define atomic_read(p)     (*(const volatile __typeof__(*(p)) *)(p))
#define atomic_write(p, v) (*(volatile __typeof__(*(p)) *)(p) = (v))
#endif

/*
 * Shorter forms of atomic_read(), for where each instruction counts: compilers do not merge a
 * volatile access into the instruction that uses it. atomic_is() says whether *p, of 8, 32 or 64
 * bits, is v; atomic_read_word() reads a pointer or a xen_ulong_t.
 */
#ifndef atomic_is
#define atomic_is(p, v) (atomic_read(p) == (v))
#endif
#ifndef atomic_read_word
#define atomic_read_word(p) atomic_read(p)
#endif

/* Decrement what the caller alone writes and others read; returns whether it was 0. */
#ifndef atomic_dec_own
#define atomic_dec_own(p) ((*(p))-- == 0)
#endif

/* Set bits in a byte that the caller alone writes and others read. */
#ifndef atomic_or_own
#define atomic_or_own(p, bits) atomic_write((p), (uint8_t)(*(p) | (bits)))
#endif

/* 1 for what is 0 or 1; whether it was 0. */
#ifndef atomic_take
#define atomic_take(p) (atomic_cas32((p), 0, 1) == 0)
#endif

/* The number of the lowest bit that is set in `word`, which is not 0. */
#ifndef arch_lowest_bit
static inline unsigned long arch_lowest_bit(uint64_t word)
{
    return (unsigned long)__builtin_ctzll(word);
}
#endif

#ifndef atomic_read_acquire
#define atomic_read_acquire(p)                \
    ({                                        \
        __typeof__(*(p)) v_ = atomic_read(p); \
        smp_rmb();                            \
        v_;                                   \
    })
#endif

/* Whatever was read or written before this is seen by everyone before it. */
#ifndef atomic_write_release
#define atomic_write_release(p, v) \
    do {                           \
        smp_rmb();                 \
        smp_wmb();                 \
        atomic_write(p, v);        \
    } while (0)
#endif

/* atomic_cas32(); returns whether the new value is there. */
#ifndef atomic_try_cas32
#define atomic_try_cas32(p, old, new)           \
    ({                                          \
        uint32_t old_ = (old);                  \
        atomic_cas32((p), old_, (new)) == old_; \
    })
#endif

#ifndef atomic_test_and_set_bit32
static inline bool atomic_test_and_set_bit32(uint32_t *p, unsigned int bit)
{
    uint32_t old, seen = atomic_read(p);

    do {
        old = seen;
        seen = atomic_cas32(p, old, old | 1u << bit);
    } while (seen != old);
    return old >> bit & 1;
}
#endif

#ifndef atomic_test_and_clear_bit32
static inline bool atomic_test_and_clear_bit32(uint32_t *p, unsigned int bit)
{
    uint32_t old, seen = atomic_read(p);

    do {
        old = seen;
        seen = atomic_cas32(p, old, old & ~(1u << bit));
    } while (seen != old);
    return old >> bit & 1;
}
#endif

#ifndef atomic_set_bit
static inline void atomic_set_bit(xen_ulong_t *word, xen_ulong_t bit)
{
    (void)atomic_test_and_set_bit(word, bit);
}
#endif

#ifndef atomic_clear_bit
static inline void atomic_clear_bit(xen_ulong_t *word, xen_ulong_t bit)
{
    (void)atomic_test_and_clear_bit(word, bit);
}
#endif

#endif
