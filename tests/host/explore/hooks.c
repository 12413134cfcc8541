/* SPDX-License-Identifier: MIT */
/* The names the compiler calls the sanitizer by: see access.c. */
#include <string.h>
#include "tests/host/arch/stepped/memory.h"
#include "tests/host/explore/explore.h"

#define PC __builtin_return_address(0)
#define HOOKS(n)                                \
    void __tsan_read##n(void *addr);            \
    void __tsan_write##n(void *addr);           \
    void __tsan_unaligned_read##n(void *addr);  \
    void __tsan_unaligned_write##n(void *addr); \
    void __tsan_volatile_read##n(void *addr);   \
    void __tsan_volatile_write##n(void *addr);  \
    void __tsan_read##n(void *addr)             \
    {                                           \
        access_load(addr, n, PC);               \
    }                                           \
    void __tsan_write##n(void *addr)            \
    {                                           \
        access_store(addr, n, PC);              \
    }                                           \
    void __tsan_unaligned_read##n(void *addr)   \
    {                                           \
        access_load(addr, n, PC);               \
    }                                           \
    void __tsan_unaligned_write##n(void *addr)  \
    {                                           \
        access_store(addr, n, PC);              \
    }                                           \
    void __tsan_volatile_read##n(void *addr)    \
    {                                           \
        access_load(addr, n, PC);               \
    }                                           \
    void __tsan_volatile_write##n(void *addr)   \
    {                                           \
        access_store(addr, n, PC);              \
    }

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

uint64_t __tsan_atomic64_fetch_add(uint64_t *addr, uint64_t value, int order);
void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_read_range(void *addr, size_t size);
void __tsan_write_range(void *addr, size_t size);

/* The model counts with it; nobody decides by it. */
uint64_t __tsan_atomic64_fetch_add(uint64_t *addr, uint64_t value, int order)
{
    (void)order;
    undo_note(addr, sizeof(*addr));
    *addr += value;
    return *addr - value;
}

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
    (void)pc;
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *addr, size_t size)
{
    access_load(addr, size, PC);
}

void __tsan_write_range(void *addr, size_t size)
{
    access_store(addr, size, PC);
}

/* What explored code calls memset() and memcpy(): explore.mk. */

void *explore_memset(void *to, int value, size_t size)
{
    access_store(to, size, PC);
    return memset(to, value, size);
}

void *explore_memcpy(void *to, const void *from, size_t size)
{
    access_load((void *)(uintptr_t)from, size, PC);
    access_store(to, size, PC);
    return memcpy(to, from, size);
}
