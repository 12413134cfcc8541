/* SPDX-License-Identifier: MIT */
/*
 * The machine that explored programs run on: threads, and a memory that is as weak as a CPU's.
 *
 * All stores there have been form one line, in the order in which they reached memory. A store may
 * wait before it does, while its thread goes on; a thread finds its own stores at once. On arm64 a
 * load may also take an older store than the newest: it was executed early. How far back it may go
 * is the thread's view, a point of the line before which it has seen everything.
 *
 *              a store that waits is passed by    the view moves
 *   x86        loads; other stores wait behind    always up to now: a load takes the newest
 *              it, smp_mb and RMWs wait for it
 *   arm64      stores to other locations;         smp_rmb: to the last of what loads have taken;
 *              smp_wmb, smp_mb and RMWs wait      smp_mb, RMW: and to the own last store; a load
 *                                                 through a pointer: to where that was taken
 *
 * A read-modify-write takes the newest, and is a full barrier, as arch/atomic.h says. A store never
 * goes before an earlier load of its thread: arm64 allows that where nothing depends on the load,
 * and here it is not shown. What is shown is exactly the rest: litmus_main.c, axioms.c.
 */
#ifndef EXPLORE_MACHINE_H
#define EXPLORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/host/explore/snapshot.h"

#define MAX_THREADS 4u
#define MAX_OPTIONS 16u

enum memory {
    MEMORY_SC, /* every load takes the newest */
    MEMORY_X86,
    MEMORY_ARM64,
    NR_MEMORIES,
};
extern const char *const memory_names[NR_MEMORIES];

/* Where in the sources an operation with a name of arch/atomic.h stands. */
struct site {
    const char *file;
    int line;
    const char *function;
    const char *what;
};

enum op_kind {
    OP_NONE,
    OP_LOAD,
    OP_STORE,
    OP_RMW,
    OP_MB,
    OP_RMB,
    OP_WMB,
    OP_POINT, /* nothing but a place where another thread may go on, or an upcall come */
    OP_WAIT,  /* arch_cpu_relax(): until something that was looked at has changed */
    OP_SLEEP, /* until woken */
    OP_START, /* the thread begins: it has seen all there is */
    OP_IDLE,  /* the thread's program is over */
};

enum rmw {
    RMW_CAS,
    RMW_XCHG,
    RMW_SET_BIT,
    RMW_CLEAR_BIT,
    RMW_ADD
};

/* To take a lock: alone, by writing what is not 0 into it; or with others, by counting up. */
enum lock {
    NO_LOCK,
    LOCK,
    LOCK_SHARED, /* UINT32_MAX: somebody is alone in it */
};

#define MAX_GUARDS 4u

struct location {
    void *addr;
    uint8_t size;
    uint16_t id;
    int32_t object; /* that it is part of; -1: of none that is reached by pointers */
    uint64_t init;
    uint32_t newest; /* the last store to it in the line; 0: none, it has `init` */
    /* See locks.c: the locks that each use of it so far was under. */
    bool is_lock, observed;
    uint8_t nr_guards;
    const struct location *guards[MAX_GUARDS];
};

struct op {
    enum op_kind kind;
    struct location *loc; /* of load, store, RMW */
    enum rmw rmw;
    enum lock lock;    /* an RMW that takes one; then it waits until it can */
    bool relaxed;      /* an RMW that is no barrier */
    uint64_t value;    /* to be stored; or cas: new; or the bit */
    uint64_t expected; /* cas */
    const void *pc;    /* where in the program */
    const struct site *site;
    const char *text; /* of OP_POINT, OP_SLEEP */
};

/* What one step did, for who prints it. */
struct effect {
    uint64_t found, now;   /* the value that was read; the value that is there now */
    uint32_t read, newest; /* the store it was read from, and the newest one then */
    bool wrote, waits;     /* a store: it reached memory; or it waits */
    bool own;              /* read from an own store that waits */
};

extern enum memory machine_memory;

/* --- by the search -------------------------------------------------------------------------- */

/* Every location has its native value, nothing was loaded or stored. */
void machine_start(unsigned int nr_threads);
/* In how many ways thread `t` could do `op` now; 0: not before its stores have gone. */
unsigned int machine_options(unsigned int t, const struct op *op);
/* A store may go to memory at once. */
bool machine_may_go(unsigned int t, const struct op *op);
/* Do it in the `option`th way. The result is that of a load or an RMW. */
uint64_t machine_do(unsigned int t, const struct op *op, unsigned int option, struct effect *e);
/* Stores of the thread that wait and may go now; and let the nth of them go. */
unsigned int machine_waiting(unsigned int t, uint8_t which[MAX_OPTIONS]);
void machine_let_go(unsigned int t, unsigned int which, struct effect *e, struct location **loc);
/* A store to the location does. */
bool machine_waits_with(unsigned int t, const struct location *loc);
/* None waits. */
bool machine_has_let_go(unsigned int t);
/* The thread waits for stores of its own which no later one has passed: it is like another run. */
bool machine_redundant(unsigned int t, const struct op *op);
/* The fence would change nothing. */
bool machine_is_idle_fence(unsigned int t, enum op_kind kind);
/* See everything: an interrupt, or the end of a wait. */
void machine_catch_up(unsigned int t);
/* The newest value; the newest store; whether the thread has seen it. */
uint64_t machine_newest(const struct location *loc);
bool machine_has_seen_newest(unsigned int t, const struct location *loc);
/* All locations get their newest value natively. */
void machine_settle(void);
void machine_snapshot(struct snapshot *s);
/*
 * Of all there can be seen by the threads in `alive`, one bit each. `in_order`: no load will be
 * early any more, and nobody asks for what could be.
 */
uint64_t machine_hash(unsigned int alive, bool in_order);

/* --- locations ------------------------------------------------------------------------------ */

struct location *machine_location(void *addr, unsigned int size);
void machine_forget_locations(void);
/* The object `p` points into; -1 for none. See names.c. */
int object_of(const void *p);

static inline uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15u;
    h *= 0xff51afd7ed558ccdu;
    return h ^ h >> 32;
}

static inline uint64_t native_get(const void *addr, unsigned int size)
{
    switch (size) {
    case 1:
        return *(const uint8_t *)addr;
    case 2:
        return *(const uint16_t *)addr;
    case 4:
        return *(const uint32_t *)addr;
    default:
        return *(const uint64_t *)addr;
    }
}

static inline void native_put(void *addr, unsigned int size, uint64_t value)
{
    switch (size) {
    case 1:
        *(uint8_t *)addr = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)addr = (uint16_t)value;
        break;
    case 4:
        *(uint32_t *)addr = (uint32_t)value;
        break;
    default:
        *(uint64_t *)addr = value;
        break;
    }
}

#endif
