/* SPDX-License-Identifier: MIT */
/*
 * Every access of the explored program to memory. The compiler puts a call before each plain one
 * (-fsanitize=thread); we are that sanitizer. Before a load we put into memory what the thread is
 * to find there; what a store has stored we look at when the thread calls us next. The names of
 * arch/atomic.h come here directly: tests/host/arch/stepped.
 *
 * A location is shared when two threads use it and one of them writes it. That is found out while
 * exploring, which then begins again. All others stay what they are: memory.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/host/arch/stepped/memory.h"
#include "tests/host/arch/stepped/stepped.h"
#include "tests/host/explore/coroutine.h"
#include "tests/host/explore/explore.h"

#define TABLE 65536u /* words that were used, twice over */

struct cell {
    void *addr;
    uint8_t size, readers, writers;
    bool ignored;
    struct location *loc; /* NULL: not shared */
    uint64_t mark;        /* what `private_hash` has of it; 0: it was not written */
};

static struct word {
    uintptr_t number;
    struct cell *cells[8]; /* by its bytes */
} words[TABLE];
static unsigned int nr_words;
static struct cell cells[TABLE * 2];
static unsigned int nr_cells;

static uint64_t private_hash; /* of all cells that are not shared, and were written in this run */

static struct pending {
    void *addr;
    size_t size;
    const void *pc;
} pending[MAX_THREADS];

/* Of an access that is larger than a word: one upon the other, where an upcall came between. */
struct piece {
    struct cell *cell;
    uint64_t value;
};

#define MAX_PIECES 512u
static struct piece pieces[MAX_THREADS][MAX_PIECES];
static unsigned int nr_pieces[MAX_THREADS];

static int running = -1;

void access_begin(void)
{
    undo_all();
    private_hash = 1;
    memset(pending, 0, sizeof(pending));
    memset(nr_pieces, 0, sizeof(nr_pieces));
    running = -1;
}

void access_forget(void)
{
    access_begin();
    memset(words, 0, sizeof(words));
    nr_words = nr_cells = 0;
}

uint32_t ghost(const uint32_t *p)
{
    threads_use_ghost();
    return *p;
}

void ghost_set(uint32_t *p, uint32_t value)
{
    if (running >= 0)
        undo_note(p, sizeof(*p));
    *p = value;
    threads_use_ghost();
}

void access_switch(int thread)
{
    running = thread;
}

/* --- cells ---------------------------------------------------------------------------------- */

static struct word *word_at(const void *addr)
{
    uintptr_t number = (uintptr_t)addr >> 3;
    unsigned int i = (unsigned int)(number * 0x9e3779b1u) % TABLE;

    while (words[i].number && words[i].number != number)
        i = (i + 1) % TABLE;
    if (!words[i].number) {
        words[i].number = number;
        if (++nr_words > TABLE / 2)
            abort();
    }
    return &words[i];
}

static struct cell *new_cell(struct word *w, void *addr, unsigned int size)
{
    struct cell *c = &cells[nr_cells++];

    if (nr_cells == sizeof(cells) / sizeof(cells[0]))
        abort();
    *c = (struct cell){ .addr = addr, .size = (uint8_t)size };
    for (unsigned int i = 0; i < size; i++)
        w->cells[((uintptr_t)addr & 7) + i] = c;
    return c;
}

/* NULL when other accesses took other pieces of it. */
static struct cell *cell_of(void *addr, unsigned int size)
{
    struct word *w = word_at(addr);
    unsigned int offset = (uintptr_t)addr & 7;
    struct cell *c = w->cells[offset];

    if (c && c->addr == addr && c->size == size)
        return c;
    for (unsigned int i = 0; i < size; i++) {
        if (w->cells[offset + i])
            return NULL;
    }
    return new_cell(w, addr, size);
}

uint64_t access_private_hash(void)
{
    uint64_t h = private_hash;

    for (unsigned int t = 0; t < MAX_THREADS; t++) {
        for (unsigned int i = 0; i < nr_pieces[t]; i++)
            h = mix(h, pieces[t][i].value ^ (uint64_t)(pieces[t][i].cell - cells) << 48);
    }
    return h;
}

void access_snapshot(struct snapshot *s)
{
    undo_snapshot(s);
    snapshot_move(s, &private_hash, sizeof(private_hash));
    for (unsigned int t = 0; t < MAX_THREADS; t++) {
        snapshot_move(s, &nr_pieces[t], sizeof(nr_pieces[t]));
        snapshot_move(s, pieces[t], nr_pieces[t] * sizeof(pieces[t][0]));
    }
    memset(pending, 0, sizeof(pending)); /* nobody stops between a store and its step */
    running = -1;
}

/* It has another value now, which nobody else looks at. */
static void note_private(struct cell *c)
{
    if (c->ignored)
        return;
    undo_note(&c->mark, sizeof(c->mark));
    private_hash ^= c->mark;
    c->mark = mix(mix(1, (uint64_t)(c - cells)), native_get(c->addr, c->size));
    private_hash ^= c->mark;
}

/* Only of use before it is accessed otherwise. */
void access_ignore(const void *addr)
{
    struct cell *c = cell_of((void *)(uintptr_t)addr, 8);

    if (c)
        c->ignored = true;
}

static void note_access(struct cell *c, bool write)
{
    uint8_t bit = (uint8_t)(1u << running);

    if (write)
        c->writers |= bit;
    else
        c->readers |= bit;
    if (c->writers && ((c->readers | c->writers) & ~bit)) {
        c->loc = machine_location(c->addr, c->size);
        search_restart();
    }
}

static void mixed(const void *addr, unsigned int size)
{
    char name[128];

    names_location(addr, name, sizeof(name));
    explore_fail("%s is used in pieces of other sizes than %u", name, size);
}

/* --- loads ---------------------------------------------------------------------------------- */

static void load_cell(struct cell *c, const void *pc, const struct site *site)
{
    struct op op = { .kind = OP_LOAD, .pc = pc, .site = site };
    uint64_t value;

    if (!c->loc) {
        note_access(c, false);
        return;
    }
    op.loc = c->loc;
    value = search_step(&op);
    native_put(c->addr, c->size, value);
}

static void keep_piece(struct cell *c, const void *pc)
{
    (void)pc;
    if (nr_pieces[running] == MAX_PIECES)
        abort();
    pieces[running][nr_pieces[running]++] = (struct piece){ c, native_get(c->addr, c->size) };
}

static bool is_private(const void *addr)
{
    return running < 0 || coroutine_owns(addr);
}

/* One after the other, what is known of which sizes; the rest by words. */
static void by_pieces(void *addr, size_t size, void (*f)(struct cell *, const void *),
                      const void *pc)
{
    char *at = addr, *end = at + size;

    while (at < end) {
        struct cell *c = word_at(at)->cells[(uintptr_t)at & 7];
        void *start = at;
        unsigned int n;

        if (c && c->addr == at && at + c->size <= end) {
            n = c->size;
        } else {
            if (!names_member(at, &start, &n) || start != at || at + n > end || n > 8)
                n = (unsigned int)(8 - ((uintptr_t)at & 7));
            while (n > (size_t)(end - at) || ((uintptr_t)at & (n - 1)) || (n & (n - 1)))
                n /= 2;
            c = cell_of(at, n);
        }
        if (!c) {
            mixed(at, n);
            return;
        }
        f(c, pc);
        at += n;
    }
}

/* One step a piece; all values are put there at last, whatever others have put there meanwhile. */
static void load_pieces(void *addr, size_t size, const void *pc)
{
    unsigned int first = nr_pieces[running], n;

    by_pieces(addr, size, keep_piece, pc);
    n = nr_pieces[running];
    for (unsigned int i = first; i < n; i++) {
        struct piece *p = &pieces[running][i];

        load_cell(p->cell, pc, NULL);
        p->value = native_get(p->cell->addr, p->cell->size);
    }
    for (unsigned int i = first; i < n; i++) {
        struct piece *p = &pieces[running][i];

        if (p->cell->loc)
            native_put(p->cell->addr, p->cell->size, p->value);
    }
    nr_pieces[running] = first;
}

void access_load(void *addr, size_t size, const void *pc)
{
    struct cell *c;

    if (running < 0)
        return;
    access_flush();
    if (is_private(addr))
        return;
    if (size > 8 || ((uintptr_t)addr & 7) + size > 8) {
        load_pieces(addr, size, pc);
        return;
    }
    c = cell_of(addr, (unsigned int)size);
    if (c)
        load_cell(c, pc, NULL);
    else
        load_pieces(addr, size, pc);
}

/* --- stores --------------------------------------------------------------------------------- */

void access_store(void *addr, size_t size, const void *pc)
{
    if (running < 0)
        return;
    access_flush();
    if (is_private(addr))
        return;
    undo_note(addr, size);
    pending[running] = (struct pending){ addr, size, pc };
}

static void store_cell(struct cell *c, const void *pc, const struct site *site, uint64_t value)
{
    struct op op = { .kind = OP_STORE, .pc = pc, .site = site, .value = value };

    if (!c->loc) {
        note_access(c, true);
        note_private(c);
        return;
    }
    op.loc = c->loc;
    search_step(&op);
}

/* The values are taken now, before another thread, or an upcall, can use the memory. */
void access_flush(void)
{
    struct pending p;
    struct cell *c;
    unsigned int first;

    if (running < 0 || !pending[running].addr)
        return;
    p = pending[running];
    pending[running].addr = NULL;
    if (p.size <= 8 && ((uintptr_t)p.addr & 7) + p.size <= 8 &&
        (c = cell_of(p.addr, (unsigned int)p.size)) != NULL) {
        store_cell(c, p.pc, NULL, native_get(p.addr, (unsigned int)p.size));
        return;
    }
    first = nr_pieces[running];
    by_pieces(p.addr, p.size, keep_piece, p.pc);
    for (unsigned int i = first, n = nr_pieces[running]; i < n; i++) {
        struct piece piece = pieces[running][i];

        store_cell(piece.cell, p.pc, NULL, piece.value);
    }
    nr_pieces[running] = first;
}

/* --- the names of arch/atomic.h -------------------------------------------------------------- */

static const struct site *weak_site;
static enum weakening weakening;
static bool weak_locks; /* arch/spinlock.h: then nothing is believed of it */

void explore_weaken(const struct site *site, enum weakening how)
{
    weak_site = site;
    weakening = how;
    weak_locks = site && strcmp(site_file(site), "arch/spinlock.h") == 0;
}

static enum lock lock_of(enum rmw kind, uint64_t value, const struct site *site)
{
    if (!weak_locks && strcmp(site->function, "spin_trylock") == 0)
        return LOCK;
    if (kind == RMW_CAS && strcmp(site->function, "write_lock") == 0)
        return LOCK;
    return kind == RMW_ADD && value == 1 ? LOCK_SHARED : NO_LOCK;
}

#define MAX_PASSED 256u
static const struct site *passed[MAX_PASSED]; /* sites that were executed */
static unsigned int nr_passed;
static bool noting;

void access_note_sites(bool note)
{
    if (note)
        nr_passed = 0;
    noting = note;
}

bool access_came_by(const struct site *site)
{
    for (unsigned int i = 0; i < nr_passed; i++) {
        if (passed[i]->line == site->line && strcmp(passed[i]->file, site->file) == 0)
            return true;
    }
    return false;
}

static void note_site(const struct site *site)
{
    if (nr_passed < MAX_PASSED && !access_came_by(site))
        passed[nr_passed++] = site;
}

static enum weakening weakened(const struct site *site)
{
    if (noting)
        note_site(site);
    if (!weak_site || weak_site->line != site->line || strcmp(weak_site->file, site->file) != 0)
        return WEAKEN_NOTHING;
    return weakening;
}

void stepped_fence(enum stepped_fence kind, const struct site *site)
{
    static const enum op_kind kinds[] = { OP_MB, OP_RMB, OP_WMB };
    struct op op = { .kind = kinds[kind], .site = site, .pc = __builtin_return_address(0) };

    if (running < 0)
        return;
    access_flush();
    if (weakened(site) == WEAKEN_NOTHING && !machine_is_idle_fence((unsigned int)running, op.kind))
        search_step(&op);
}

static uint64_t native_rmw(void *addr, unsigned int size, enum rmw kind, uint64_t value,
                           uint64_t expected)
{
    uint64_t old = native_get(addr, size), new = value;

    if (kind == RMW_CAS && old != expected)
        new = old;
    else if (kind == RMW_SET_BIT)
        new = old | (uint64_t)1 << value;
    else if (kind == RMW_CLEAR_BIT)
        new = old & ~((uint64_t)1 << value);
    else if (kind == RMW_ADD)
        new = old + value;
    native_put(addr, size, new);
    return old;
}

/* What it would be without its lock: a load and a store. */
static uint64_t split_rmw(struct cell *c, const struct op *op)
{
    uint64_t old, new;

    load_cell(c, op->pc, op->site);
    old = native_rmw(c->addr, c->size, op->rmw, op->value, op->expected);
    new = native_get(c->addr, c->size);
    if (op->rmw != RMW_CAS || old == op->expected)
        store_cell(c, op->pc, op->site, new);
    return old;
}

static uint64_t on_rmw(enum rmw kind, void *addr, unsigned int size, uint64_t value,
                       uint64_t expected, const struct site *site, const void *pc)
{
    struct op op = {
        .kind = OP_RMW, .rmw = kind, .value = value, .expected = expected, .site = site, .pc = pc
    };
    enum weakening weak;
    struct cell *c;
    uint64_t old;

    access_flush();
    if (is_private(addr))
        return native_rmw(addr, size, kind, value, expected);
    weak = weakened(site);
    c = cell_of(addr, size);
    if (!c) {
        mixed(addr, size);
        return 0;
    }
    undo_note(addr, size);
    op.loc = c->loc;
    op.lock = c->loc ? lock_of(kind, value, site) : NO_LOCK;
    op.relaxed = weak == WEAKEN_RELAX || weak == WEAKEN_SPLIT;
    if (!c->loc) {
        /* It is a barrier all the same. */
        const struct op mb = { .kind = OP_MB, .site = site, .pc = op.pc };

        note_access(c, false);
        note_access(c, true);
        old = native_rmw(addr, size, kind, value, expected);
        note_private(c);
        if ((!op.relaxed || (machine_memory == MEMORY_X86 && weak == WEAKEN_RELAX)) &&
            !machine_is_idle_fence((unsigned int)running, OP_MB))
            search_step(&mb);
        return old;
    }
    if (weak == WEAKEN_SPLIT)
        return split_rmw(c, &op);
    return search_step(&op);
}

uint64_t stepped_rmw(enum rmw kind, void *addr, unsigned int size, uint64_t value,
                     uint64_t expected, const struct site *site)
{
    return on_rmw(kind, addr, size, value, expected, site, __builtin_return_address(0));
}

bool stepped_bit(enum rmw kind, void *addr, unsigned int size, unsigned int bit,
                 const struct site *site)
{
    return on_rmw(kind, addr, size, bit, 0, site, __builtin_return_address(0)) >> bit & 1;
}

void stepped_relax(void)
{
    const struct op op = { .kind = OP_WAIT, .pc = __builtin_return_address(0) };

    if (running < 0)
        return;
    access_flush();
    search_step(&op);
}
