/* SPDX-License-Identifier: MIT */
/*
 * The atomic primitives of x86_64. Every locked operation is a full barrier, plain loads are not
 * reordered with loads nor stores with stores; only a store and a later load are.
 *
 * Names and meanings are documented in arch/atomic.h, which derives what is missing here.
 */
#ifndef XENLET_ATOMIC_ARCH_H
#define XENLET_ATOMIC_ARCH_H

#include <xenlet/types.h>

#define smp_mb()  __asm__ volatile("lock orl $0, (%%rsp)" ::: "memory", "cc")
#define smp_rmb() __asm__ volatile("" ::: "memory")
#define smp_wmb() __asm__ volatile("" ::: "memory")

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static inline uint32_t atomic_cas32(uint32_t *p, uint32_t old, uint32_t new)
{
    __asm__ volatile("lock cmpxchgl %2, %1" : "+a"(old), "+m"(*p) : "r"(new) : "memory", "cc");
    return old;
}

/* 8, 32 or 64 bits. */
#define atomic_is(p, v)                                                                       \
    ({                                                                                        \
        bool is_;                                                                             \
        if (sizeof(*(p)) == 1)                                                                \
            __asm__ volatile("cmpb %2, %1"                                                    \
                             : "=@ccz"(is_)                                                   \
                             : "m"(*(p)), "qn"((uint8_t)(uintptr_t)(v)));                     \
        else if (sizeof(*(p)) == 4)                                                           \
            __asm__ volatile("cmpl %2, %1"                                                    \
                             : "=@ccz"(is_)                                                   \
                             : "m"(*(p)), "rn"((uint32_t)(uintptr_t)(v)));                    \
        else                                                                                  \
            __asm__ volatile("cmpq %2, %1" : "=@ccz"(is_) : "m"(*(p)), "er"((uintptr_t)(v))); \
        is_;                                                                                  \
    })

#define atomic_read_word(p)                                        \
    ({                                                             \
        uintptr_t word_;                                           \
        _Static_assert(sizeof(*(p)) == sizeof(word_), "");         \
        __asm__ volatile("movq %1, %0" : "=r"(word_) : "m"(*(p))); \
        (__typeof__(*(p)))word_;                                   \
    })

#define atomic_dec_own atomic_dec_own
static inline bool atomic_dec_own(uint32_t *p)
{
    bool was_0;

    __asm__ volatile("subl $1, %1" : "=@ccc"(was_0), "+m"(*p));
    return was_0;
}

#define atomic_take atomic_take
static inline bool atomic_take(uint32_t *p)
{
    bool was_1;

    __asm__ volatile("lock btsl $0, %1" : "=@ccc"(was_1), "+m"(*p) : : "memory");
    return !was_1;
}

#define atomic_or_own atomic_or_own
static inline void atomic_or_own(uint8_t *p, uint8_t bits)
{
    __asm__ volatile("orb %1, %0" : "+m"(*p) : "iq"(bits) : "cc");
}

/* tzcnt where there is one. The compiler's own is an int, and clears its target first. */
#define arch_lowest_bit arch_lowest_bit
static inline unsigned long arch_lowest_bit(uint64_t word)
{
    unsigned long bit;

    __asm__("rep bsfq %1, %0" : "=r"(bit) : "r"(word) : "cc");
    return bit;
}

#define atomic_try_cas32 atomic_try_cas32
static inline bool atomic_try_cas32(uint32_t *p, uint32_t old, uint32_t new)
{
    bool done;

    __asm__ volatile("lock cmpxchgl %3, %1"
                     : "=@ccz"(done), "+m"(*p), "+a"(old)
                     : "r"(new)
                     : "memory");
    return done;
}

static inline uint64_t atomic_cas64(uint64_t *p, uint64_t old, uint64_t new)
{
    __asm__ volatile("lock cmpxchgq %2, %1" : "+a"(old), "+m"(*p) : "r"(new) : "memory", "cc");
    return old;
}

static inline uint32_t atomic_xchg32(uint32_t *p, uint32_t new)
{
    __asm__ volatile("xchgl %0, %1" : "+r"(new), "+m"(*p)::"memory");
    return new;
}

static inline xen_ulong_t atomic_xchg_word(xen_ulong_t *p, xen_ulong_t new)
{
    __asm__ volatile("xchgq %0, %1" : "+r"(new), "+m"(*p)::"memory");
    return new;
}

static inline bool atomic_test_and_set_bit(xen_ulong_t *word, xen_ulong_t bit)
{
    bool old;

    __asm__ volatile("lock btsq %2, %1" : "=@ccc"(old), "+m"(*word) : "Jr"(bit) : "memory");
    return old;
}

static inline bool atomic_test_and_clear_bit(xen_ulong_t *word, xen_ulong_t bit)
{
    bool old;

    __asm__ volatile("lock btrq %2, %1" : "=@ccc"(old), "+m"(*word) : "Jr"(bit) : "memory");
    return old;
}

#define atomic_test_and_set_bit32 atomic_test_and_set_bit32
static inline bool atomic_test_and_set_bit32(uint32_t *p, unsigned int bit)
{
    bool old;

    __asm__ volatile("lock btsl %2, %1" : "=@ccc"(old), "+m"(*p) : "Jr"(bit) : "memory");
    return old;
}

#define atomic_test_and_clear_bit32 atomic_test_and_clear_bit32
static inline bool atomic_test_and_clear_bit32(uint32_t *p, unsigned int bit)
{
    bool old;

    __asm__ volatile("lock btrl %2, %1" : "=@ccc"(old), "+m"(*p) : "Jr"(bit) : "memory");
    return old;
}

#endif
