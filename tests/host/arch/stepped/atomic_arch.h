/* SPDX-License-Identifier: MIT */
/*
 * The atomic primitives as steps of the explorer, tests/host/explore. Loads and stores get there by
 * themselves; names and meanings are documented in arch/atomic.h.
 */
#ifndef XENLET_ATOMIC_ARCH_H
#define XENLET_ATOMIC_ARCH_H

#include <xenlet/types.h>
#include "tests/host/arch/stepped/stepped.h"

#define smp_mb()         stepped_fence(STEPPED_MB, STEPPED_SITE("smp_mb"))
#define smp_rmb()        stepped_fence(STEPPED_RMB, STEPPED_SITE("smp_rmb"))
#define smp_wmb()        stepped_fence(STEPPED_WMB, STEPPED_SITE("smp_wmb"))
#define arch_cpu_relax() stepped_relax()

#define atomic_xchg8(p, new) \
    ((uint8_t)stepped_rmw(RMW_XCHG, (p), 1, (uint8_t)(new), 0, STEPPED_SITE("atomic_xchg8")))
#define atomic_cas32(p, old, new)                                             \
    ((uint32_t)stepped_rmw(RMW_CAS, (p), 4, (uint32_t)(new), (uint32_t)(old), \
                           STEPPED_SITE("atomic_cas32")))
#define atomic_xchg32(p, new) \
    ((uint32_t)stepped_rmw(RMW_XCHG, (p), 4, (uint32_t)(new), 0, STEPPED_SITE("atomic_xchg32")))
#define atomic_xchg_word(p, new)                                            \
    ((xen_ulong_t)stepped_rmw(RMW_XCHG, (p), sizeof(xen_ulong_t), (new), 0, \
                              STEPPED_SITE("atomic_xchg_word")))

/* The model's locks, which many may hold: a step each. */
#define arch_read_lock(p)   ((void)stepped_rmw(RMW_ADD, (p), 4, 1, 0, STEPPED_SITE("read_lock")))
#define arch_read_unlock(p) ((void)stepped_rmw(RMW_ADD, (p), 4, UINT32_MAX, 0, STEPPED_SITE("read_unlock")))

/* The bits once more than arch/atomic.h needs: a site is where the program stands. */
#define STEPPED_BIT(kind, name, p, size, bit) \
    stepped_bit((kind), (p), (size), (bit), STEPPED_SITE(name))
#define atomic_test_and_set_bit(p, bit) \
    STEPPED_BIT(RMW_SET_BIT, "atomic_test_and_set_bit", p, sizeof(xen_ulong_t), bit)
#define atomic_test_and_clear_bit(p, bit) \
    STEPPED_BIT(RMW_CLEAR_BIT, "atomic_test_and_clear_bit", p, sizeof(xen_ulong_t), bit)
#define atomic_set_bit(p, bit) \
    ((void)STEPPED_BIT(RMW_SET_BIT, "atomic_set_bit", p, sizeof(xen_ulong_t), bit))
#define atomic_clear_bit(p, bit) \
    ((void)STEPPED_BIT(RMW_CLEAR_BIT, "atomic_clear_bit", p, sizeof(xen_ulong_t), bit))
#define atomic_test_and_set_bit32(p, bit) \
    STEPPED_BIT(RMW_SET_BIT, "atomic_test_and_set_bit32", p, 4, bit)
#define atomic_test_and_clear_bit32(p, bit) \
    STEPPED_BIT(RMW_CLEAR_BIT, "atomic_test_and_clear_bit32", p, 4, bit)

#endif
