/* SPDX-License-Identifier: MIT */
/* The states that were seen, by their hash. */
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/search.h"

/* With i pre-emptions, and least[i] reorderings or more; NEVER: not with so few pre-emptions. */
#define NEVER 255u

static struct seen {
    uint64_t hash;
    uint8_t least[MAX_PREEMPTIONS + 1];
    uint8_t generation;
} * table;
static size_t table_size;
static uint8_t generation;
static unsigned long nr_seen;

void seen_clear(void)
{
    if (!table || ++generation == 0) {
        free(table);
        table_size = table_size ? table_size : (size_t)1 << 16;
        table = calloc(table_size, sizeof(*table));
        generation = 1;
    }
    nr_seen = 0;
}

static struct seen *table_find(uint64_t hash)
{
    size_t i = hash & (table_size - 1);

    while (table[i].generation == generation && table[i].hash != hash)
        i = (i + 1) & (table_size - 1);
    return &table[i];
}

static void table_grow(void)
{
    struct seen *old = table;
    size_t n = table_size;

    table_size *= 4;
    table = calloc(table_size, sizeof(*table));
    if (!table)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (old[i].generation == generation)
            *table_find(old[i].hash) = old[i];
    }
    free(old);
}

/* Who had fewer of both could do all that can be done from here. */
static bool note(struct seen *s, struct bounds used)
{
    if (s->least[used.preemptions] <= used.reorderings)
        return false;
    for (unsigned int i = used.preemptions; i <= MAX_PREEMPTIONS; i++) {
        if (s->least[i] > used.reorderings)
            s->least[i] = (uint8_t)used.reorderings;
    }
    return true;
}

static bool covers(uint64_t hash, struct bounds used)
{
    const struct seen *s = table_find(hash);

    return s->generation == generation && s->least[used.preemptions] <= used.reorderings;
}

static uint64_t with(uint64_t hash, unsigned int asleep)
{
    return asleep ? mix(hash, asleep) : hash;
}

/* With fewer that sleep, more was tried. */
bool seen_covers(uint64_t hash, struct bounds used, unsigned int asleep)
{
    for (unsigned int some = asleep;; some = (some - 1) & asleep) {
        if (covers(with(hash, some), used))
            return true;
        if (!some)
            return false;
    }
}

bool seen_is_new(uint64_t hash, struct bounds used, unsigned int asleep)
{
    struct seen *s;

    if (seen_covers(hash, used, asleep))
        return false;
    hash = with(hash, asleep);
    s = table_find(hash);
    if (s->generation == generation)
        return note(s, used);
    s->hash = hash;
    s->generation = generation;
    memset(s->least, NEVER, sizeof(s->least));
    note(s, used);
    if (++nr_seen * 2 > table_size)
        table_grow();
    return true;
}
