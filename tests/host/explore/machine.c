/* SPDX-License-Identifier: MIT */
/* The memory: see machine.h. */
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/machine.h"

#define MAX_LOCATIONS 512u
#define MAX_STORES    16384u /* more than a run has steps */
#define MAX_WAITING   32u
#define MAX_OBJECTS   256

const char *const memory_names[NR_MEMORIES] = { "sc", "x86", "arm64" };
enum memory machine_memory = MEMORY_X86;

struct store {
    struct location *loc;
    uint64_t value;
    uint32_t before; /* the one before it to the same location */
    const struct thread *by;
};

struct waiting {
    struct location *loc;
    uint64_t value;
    bool passed; /* by a later one */
};

static struct thread {
    uint32_t view;                 /* everything up to here was seen */
    uint32_t last_load;            /* the newest store a load took; smp_rmb moves the view there */
    uint32_t last_store;           /* the own last one */
    bool after_load, after_store;  /* since the last barrier that orders them with later loads */
    uint32_t seen[MAX_LOCATIONS];  /* of each location */
    uint32_t through[MAX_OBJECTS]; /* what the pointer to the object was loaded from */
    struct waiting waiting[MAX_WAITING];
    unsigned int nr_waiting;
} threads[MAX_THREADS], *me;

static struct location locations[MAX_LOCATIONS];
static unsigned int nr_locations, nr_threads;
static struct store stores[MAX_STORES]; /* the line; the first is number 1 */
static uint32_t end;
static unsigned int nr_objects; /* that pointers were taken to */

static uint32_t max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

struct location *machine_location(void *addr, unsigned int size)
{
    struct location *l = &locations[nr_locations];

    if (nr_locations == MAX_LOCATIONS)
        abort();
    *l = (struct location){ .addr = addr,
                            .size = (uint8_t)size,
                            .id = (uint16_t)nr_locations++,
                            .object = object_of(addr) };
    return l;
}

void machine_forget_locations(void)
{
    nr_locations = 0;
}

void machine_start(unsigned int nr)
{
    nr_threads = nr;
    end = 0;
    for (unsigned int i = 0; i < nr_locations; i++) {
        locations[i].init = native_get(locations[i].addr, locations[i].size);
        locations[i].newest = 0;
    }
    for (unsigned int t = 0; t < nr; t++)
        memset(&threads[t], 0, sizeof(threads[t]));
}

/* --- loads ---------------------------------------------------------------------------------- */

static uint64_t value_of(const struct location *loc, uint32_t store)
{
    return store ? stores[store].value : loc->init;
}

uint64_t machine_newest(const struct location *loc)
{
    return value_of(loc, loc->newest);
}

bool machine_has_seen_newest(unsigned int t, const struct location *loc)
{
    return threads[t].seen[loc->id] == loc->newest;
}

/* Before which nothing of the location can be seen any more. */
static uint32_t view_of(unsigned int t, const struct location *loc)
{
    uint32_t view = max(threads[t].view, threads[t].seen[loc->id]);

    return loc->object >= 0 ? max(view, threads[t].through[loc->object]) : view;
}

static const struct waiting *own_waiting(unsigned int t, const struct location *loc)
{
    for (unsigned int i = threads[t].nr_waiting; i-- > 0;) {
        if (threads[t].waiting[i].loc == loc)
            return &threads[t].waiting[i];
    }
    return NULL;
}

/*
 * Whether an older store than the newest may be taken. Without anything to pass, going early is the
 * same as being first in another interleaving.
 */
static bool may_go_early(unsigned int t)
{
    return machine_memory == MEMORY_ARM64 && (threads[t].after_store || threads[t].after_load);
}

static unsigned int load_options(unsigned int t, const struct location *loc)
{
    uint32_t view = view_of(t, loc), store = loc->newest;
    unsigned int n = 1;

    if (!may_go_early(t) || own_waiting(t, loc))
        return 1;
    while (store > view && n < MAX_OPTIONS) {
        store = stores[store].before;
        n++;
    }
    return n;
}

/* x86: by a load; arm64: by a store. A store that nothing passes need not have waited. */
static void pass(unsigned int older_than)
{
    for (unsigned int i = 0; i < older_than; i++)
        me->waiting[i].passed = true;
}

/* A thread may have its own store before it reaches memory: that says nothing of when it does. */
static void took(const struct location *loc, uint32_t store, uint64_t value)
{
    int object = loc->size == sizeof(void *) ? object_of((const void *)(uintptr_t)value) : -1;

    me->seen[loc->id] = max(me->seen[loc->id], store);
    me->after_load = true;
    if (store && stores[store].by == me)
        store = 0;
    me->last_load = max(me->last_load, store);
    if (object < 0 || object >= MAX_OBJECTS)
        return;
    nr_objects = max(nr_objects, (uint32_t)object + 1);
    me->through[object] = max(me->through[object], store);
}

static uint64_t load(unsigned int t, const struct location *loc, unsigned int option,
                     struct effect *e)
{
    const struct waiting *own = own_waiting(t, loc);
    uint32_t store = loc->newest;

    e->newest = store;
    if (own) {
        e->own = true;
        me->after_load = true;
        return e->found = own->value;
    }
    while (option-- > 0)
        store = stores[store].before;
    e->read = store;
    e->found = value_of(loc, store);
    took(loc, store, e->found);
    if (machine_memory == MEMORY_X86)
        pass(me->nr_waiting);
    return e->found;
}

/* --- stores --------------------------------------------------------------------------------- */

static uint32_t append(struct location *loc, uint64_t value)
{
    if (++end == MAX_STORES)
        abort();
    stores[end] = (struct store){ loc, value, loc->newest, me };
    loc->newest = end;
    me->seen[loc->id] = end;
    me->last_store = max(me->last_store, end);
    me->after_store = true;
    return end;
}

/* A store before it waits, and it may not pass that. */
static bool must_queue(unsigned int t, const struct location *loc)
{
    return machine_memory == MEMORY_X86 ? threads[t].nr_waiting != 0 : own_waiting(t, loc) != NULL;
}

bool machine_may_go(unsigned int t, const struct op *op)
{
    return !must_queue(t, op->loc);
}

static unsigned int store_options(unsigned int t, const struct location *loc)
{
    bool room = threads[t].nr_waiting < MAX_WAITING;

    if (machine_memory == MEMORY_SC)
        return 1;
    return must_queue(t, loc) ? room : 1 + room;
}

static void store(unsigned int t, const struct op *op, unsigned int option, struct effect *e)
{
    e->now = op->value;
    if (option == 1 || must_queue(t, op->loc)) {
        e->waits = true;
        me->waiting[me->nr_waiting++] = (struct waiting){ op->loc, op->value, false };
        me->after_store = true;
        return;
    }
    e->wrote = true;
    append(op->loc, op->value);
    if (machine_memory == MEMORY_ARM64)
        pass(me->nr_waiting);
}

unsigned int machine_waiting(unsigned int t, uint8_t which[MAX_OPTIONS])
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < threads[t].nr_waiting; i++) {
        const struct waiting *w = &threads[t].waiting[i];
        bool first = machine_memory == MEMORY_ARM64 || i == 0;

        for (unsigned int j = 0; j < i; j++)
            first = first && threads[t].waiting[j].loc != w->loc;
        if (first && w->passed)
            which[n++] = (uint8_t)i;
    }
    return n;
}

void machine_let_go(unsigned int t, unsigned int which, struct effect *e, struct location **loc)
{
    struct waiting w = threads[t].waiting[which];

    me = &threads[t];
    *e = (struct effect){ .now = w.value, .wrote = true };
    *loc = w.loc;
    append(w.loc, w.value);
    if (machine_memory == MEMORY_ARM64)
        pass(which);
    memmove(&me->waiting[which], &me->waiting[which + 1],
            (--me->nr_waiting - which) * sizeof(me->waiting[0]));
}

bool machine_waits_with(unsigned int t, const struct location *loc)
{
    return own_waiting(t, loc) != NULL;
}

bool machine_has_let_go(unsigned int t)
{
    return threads[t].nr_waiting == 0;
}

static bool waits_for_stores(const struct op *op)
{
    switch (op->kind) {
    case OP_MB:
    case OP_IDLE:
        return true;
    case OP_WMB:
        return machine_memory == MEMORY_ARM64;
    case OP_RMW:
        return !op->relaxed || machine_memory == MEMORY_X86;
    default:
        return false;
    }
}

static bool must_wait(unsigned int t, const struct op *op)
{
    if (waits_for_stores(op))
        return threads[t].nr_waiting != 0;
    return op->kind == OP_RMW && own_waiting(t, op->loc);
}

bool machine_redundant(unsigned int t, const struct op *op)
{
    uint8_t which[MAX_OPTIONS];

    return must_wait(t, op) && machine_waiting(t, which) == 0;
}

bool machine_is_idle_fence(unsigned int t, enum op_kind kind)
{
    switch (machine_memory) {
    case MEMORY_SC:
        return true;
    case MEMORY_X86:
        return kind != OP_MB || !threads[t].nr_waiting;
    default:
        if (threads[t].nr_waiting && kind != OP_RMB)
            return false;
        if (kind == OP_WMB)
            return true;
        return !threads[t].after_load && (kind == OP_RMB || !threads[t].after_store);
    }
}

/* --- the rest ------------------------------------------------------------------------------- */

static uint64_t changed(const struct op *op, uint64_t old)
{
    switch (op->rmw) {
    case RMW_CAS:
        return old == op->expected ? op->value : old;
    case RMW_XCHG:
        return op->value;
    case RMW_SET_BIT:
        return old | (uint64_t)1 << op->value;
    case RMW_ADD:
        return (uint32_t)(old + op->value);
    case RMW_CLEAR_BIT:
    default:
        return old & ~((uint64_t)1 << op->value);
    }
}

static void full_barrier(void)
{
    me->view = max(me->view, max(me->last_load, me->last_store));
    me->after_load = me->after_store = false;
}

static uint64_t rmw(const struct op *op, struct effect *e)
{
    uint32_t newest = op->loc->newest;

    e->read = e->newest = newest;
    e->found = value_of(op->loc, newest);
    e->now = changed(op, e->found);
    took(op->loc, newest, e->found);
    me->last_load = max(me->last_load, newest);
    if (op->rmw != RMW_CAS || e->found == op->expected) {
        e->wrote = true;
        append(op->loc, e->now);
        if (machine_memory == MEMORY_ARM64)
            pass(me->nr_waiting);
    }
    if (!op->relaxed || machine_memory == MEMORY_X86)
        full_barrier();
    return e->found;
}

unsigned int machine_options(unsigned int t, const struct op *op)
{
    if (must_wait(t, op))
        return 0;
    if (op->kind == OP_LOAD)
        return load_options(t, op->loc);
    if (op->kind == OP_STORE)
        return store_options(t, op->loc);
    return 1;
}

uint64_t machine_do(unsigned int t, const struct op *op, unsigned int option, struct effect *e)
{
    *e = (struct effect){ 0 };
    me = &threads[t];
    switch (op->kind) {
    case OP_LOAD:
        return load(t, op->loc, option, e);
    case OP_STORE:
        store(t, op, option, e);
        return 0;
    case OP_RMW:
        return rmw(op, e);
    case OP_MB:
        full_barrier();
        return 0;
    case OP_RMB:
        if (machine_memory == MEMORY_ARM64) {
            me->view = max(me->view, me->last_load);
            me->after_load = false;
        }
        return 0;
    default:
        return 0;
    }
}

void machine_catch_up(unsigned int t)
{
    threads[t].view = end;
    threads[t].last_load = end;
}

void machine_settle(void)
{
    for (unsigned int i = 0; i < nr_locations; i++)
        native_put(locations[i].addr, locations[i].size, machine_newest(&locations[i]));
}

/* Stores behind `end` are nothing; what is before never changes. */
void machine_snapshot(struct snapshot *s)
{
    snapshot_move(s, &end, sizeof(end));
    for (unsigned int i = 0; i < nr_locations; i++)
        snapshot_move(s, &locations[i].newest, sizeof(locations[i].newest));
    for (unsigned int t = 0; t < nr_threads; t++) {
        struct thread *th = &threads[t];

        snapshot_move(s, th, offsetof(struct thread, seen));
        snapshot_move(s, th->seen, nr_locations * sizeof(th->seen[0]));
        snapshot_move(s, th->through, MAX_OBJECTS * sizeof(th->through[0]));
        snapshot_move(s, &th->nr_waiting, sizeof(th->nr_waiting));
        snapshot_move(s, th->waiting, th->nr_waiting * sizeof(th->waiting[0]));
    }
}

/* --- what there is to see ------------------------------------------------------------------- */

static uint8_t live[MAX_STORES];      /* stores that some thread may still take */
static uint32_t rank[MAX_STORES + 1]; /* their numbers, without gaps */

/* The last store to the location that a thread cannot but have seen. */
static uint32_t oldest_for(unsigned int t, const struct location *loc)
{
    uint32_t view = max(threads[t].view, threads[t].seen[loc->id]), s = loc->newest;

    while (s > view)
        s = stores[s].before;
    return s;
}

static void find_live(unsigned int alive)
{
    memset(live, 0, end + 1);
    for (unsigned int i = 0; i < nr_locations; i++) {
        uint32_t oldest = locations[i].newest, s;

        if (!oldest)
            continue;
        for (unsigned int t = 0; t < nr_threads; t++) {
            if (alive >> t & 1) {
                s = oldest_for(t, &locations[i]);
                oldest = s < oldest ? s : oldest;
            }
        }
        for (s = locations[i].newest; s > oldest; s = stores[s].before)
            live[s] = 1;
        if (s)
            live[s] = 1;
    }
}

static uint64_t hash_waiting(unsigned int t)
{
    uint64_t h = t;

    for (unsigned int i = 0; i < threads[t].nr_waiting; i++) {
        const struct waiting *w = &threads[t].waiting[i];

        h = mix(mix(h, w->value), (uint64_t)w->loc->id << 1 | w->passed);
    }
    return h;
}

static uint64_t hash_thread(unsigned int t)
{
    uint64_t h = hash_waiting(t);

    h = mix(h, (uint64_t)rank[threads[t].last_load] << 32 | rank[threads[t].last_store]);
    h = mix(h, (uint64_t)rank[threads[t].view] << 2 | (unsigned)threads[t].after_store << 1 |
                   threads[t].after_load);
    for (unsigned int i = 0; i < nr_locations; i++) {
        if (locations[i].newest && threads[t].seen[i] > threads[t].view)
            h = mix(h, (uint64_t)i << 32 | rank[threads[t].seen[i]]);
    }
    for (unsigned int i = 0; i < nr_objects; i++) {
        if (threads[t].through[i] > threads[t].view)
            h = mix(h, (uint64_t)(i + 1000) << 32 | rank[threads[t].through[i]]);
    }
    return h;
}

static uint64_t hash_in_order(void)
{
    uint64_t h = 1;

    for (unsigned int i = 0; i < nr_locations; i++)
        h = mix(h, machine_newest(&locations[i]));
    for (unsigned int t = 0; t < nr_threads; t++)
        h = mix(h, hash_waiting(t));
    return h;
}

uint64_t machine_hash(unsigned int alive, bool in_order)
{
    uint64_t h = 0;
    uint32_t n = 0;

    if (in_order)
        return hash_in_order();
    find_live(alive);
    rank[0] = 0;
    for (uint32_t s = 1; s <= end; s++) {
        if (live[s]) {
            n++;
            h = mix(mix(h, (uint64_t)(stores[s].by - threads) << 16 | stores[s].loc->id),
                    stores[s].value);
        }
        rank[s] = n;
    }
    for (unsigned int t = 0; t < nr_threads; t++) {
        if (alive >> t & 1)
            h = mix(h, hash_thread(t));
    }
    return h;
}
