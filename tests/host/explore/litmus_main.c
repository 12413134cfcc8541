/* SPDX-License-Identifier: MIT */
/* The classic litmus tests with the answers of the literature, and others made at random. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/litmus.h"

#define R(v)      \
    {             \
        'R', v, 0 \
    }
#define W(v, x)   \
    {             \
        'W', v, x \
    }
#define X(v, x)   \
    {             \
        'X', v, x \
    }
#define MB        \
    {             \
        'm', 0, 0 \
    }
#define RMB       \
    {             \
        'r', 0, 0 \
    }
#define WMB       \
    {             \
        'w', 0, 0 \
    }
enum {
    x,
    y,
    z
};

/*
 * `seen` is the outcome that the test is about: loads, then x, y, z. It is found on the memories
 * that allow it and nowhere else; and each finds exactly what the axioms do.
 */
static const struct classic {
    struct litmus l;
    uint64_t seen;
    bool x86, arm64;
} classics[] = {
    { { "SB", 2, { { W(x, 1), R(y) }, { W(y, 1), R(x) } } }, 0x00110, true, true },
    { { "SB+mb+mb", 2, { { W(x, 1), MB, R(y) }, { W(y, 1), MB, R(x) } } }, 0x00110, false, false },
    { { "SB+mb+po", 2, { { W(x, 1), MB, R(y) }, { W(y, 1), R(x) } } }, 0x00110, true, true },
    { { "SB+rmb+wmb", 2, { { W(x, 1), RMB, R(y) }, { W(y, 1), WMB, R(x) } } },
      0x00110,
      true,
      true },
    { { "SB+xchg+xchg", 2, { { X(x, 1), R(y) }, { X(y, 1), R(x) } } }, 0x0000110, false, false },
    { { "SB+rfi", 2, { { W(x, 1), R(x), R(y) }, { W(y, 1), R(y), R(x) } } },
      0x1010110,
      true,
      true },
    { { "MP", 2, { { W(x, 1), W(y, 1) }, { R(y), R(x) } } }, 0x10110, false, true },
    { { "MP+wmb+po", 2, { { W(x, 1), WMB, W(y, 1) }, { R(y), R(x) } } }, 0x10110, false, true },
    { { "MP+po+rmb", 2, { { W(x, 1), W(y, 1) }, { R(y), RMB, R(x) } } }, 0x10110, false, true },
    { { "MP+wmb+rmb", 2, { { W(x, 1), WMB, W(y, 1) }, { R(y), RMB, R(x) } } },
      0x10110,
      false,
      false },
    { { "MP+xchg+xchg", 2, { { W(x, 1), X(y, 1) }, { X(y, 0), R(x) } } }, 0x010100, false, false },
    { { "LB (its stores ordered)", 2, { { R(x), W(y, 1) }, { R(y), W(x, 1) } } },
      0x11110,
      false,
      false },
    { { "S", 2, { { W(x, 2), W(y, 1) }, { R(y), W(x, 1) } } }, 0x1210, false, true },
    { { "S+wmb", 2, { { W(x, 2), WMB, W(y, 1) }, { R(y), W(x, 1) } } }, 0x1210, false, false },
    { { "R", 2, { { W(x, 1), W(y, 1) }, { W(y, 2), R(x) } } }, 0x0120, true, true },
    { { "R+po+mb", 2, { { W(x, 1), W(y, 1) }, { W(y, 2), MB, R(x) } } }, 0x0120, false, true },
    { { "R+wmb+po", 2, { { W(x, 1), WMB, W(y, 1) }, { W(y, 2), R(x) } } }, 0x0120, true, true },
    { { "R+wmb+mb", 2, { { W(x, 1), WMB, W(y, 1) }, { W(y, 2), MB, R(x) } } },
      0x0120,
      false,
      false },
    { { "2+2W", 2, { { W(x, 1), W(y, 2) }, { W(y, 1), W(x, 2) } } }, 0x110, false, true },
    { { "2+2W+wmb+po", 2, { { W(x, 1), WMB, W(y, 2) }, { W(y, 1), W(x, 2) } } },
      0x110,
      false,
      true },
    { { "2+2W+wmb+wmb", 2, { { W(x, 1), WMB, W(y, 2) }, { W(y, 1), WMB, W(x, 2) } } },
      0x110,
      false,
      false },
    { { "CoRR", 2, { { W(x, 1) }, { R(x), R(x) } } }, 0x10100, false, false },
    { { "CoRW", 2, { { R(x), W(x, 1) }, { W(x, 2) } } }, 0x1100, false, false },
    { { "CoWR", 2, { { W(x, 1), R(x) }, { W(x, 2) } } }, 0x0100, false, false },
    { { "WRC+po+po", 3, { { W(x, 1) }, { R(x), W(y, 1) }, { R(y), R(x) } } },
      0x110110,
      false,
      true },
    { { "WRC+po+rmb", 3, { { W(x, 1) }, { R(x), W(y, 1) }, { R(y), RMB, R(x) } } },
      0x110110,
      false,
      false },
    { { "ISA2+wmb+po+rmb",
        3,
        { { W(x, 1), WMB, W(y, 1) }, { R(y), W(z, 1) }, { R(z), RMB, R(x) } } },
      0x110111,
      false,
      false },
    { { "ISA2+po+po+rmb", 3, { { W(x, 1), W(y, 1) }, { R(y), W(z, 1) }, { R(z), RMB, R(x) } } },
      0x110111,
      false,
      true },
    { { "IRIW", 4, { { W(x, 1) }, { W(y, 1) }, { R(x), R(y) }, { R(y), R(x) } } },
      0x1010110,
      false,
      true },
    { { "IRIW+rmb+po", 4, { { W(x, 1) }, { W(y, 1) }, { R(x), RMB, R(y) }, { R(y), R(x) } } },
      0x1010110,
      false,
      true },
    { { "IRIW+rmb+rmb", 4, { { W(x, 1) }, { W(y, 1) }, { R(x), RMB, R(y) }, { R(y), RMB, R(x) } } },
      0x1010110,
      false,
      false },
};
#define NR_CLASSICS (sizeof(classics) / sizeof(classics[0]))

static bool contains(const uint64_t *list, unsigned int n, uint64_t outcome)
{
    for (unsigned int i = 0; i < n; i++) {
        if (list[i] == outcome)
            return true;
    }
    return false;
}

static bool difference(const struct litmus *l, enum memory memory, const uint64_t *a,
                       unsigned int na, const uint64_t *b, unsigned int nb, const char *what)
{
    for (unsigned int i = 0; i < na; i++) {
        if (!contains(b, nb, a[i])) {
            printf("FAIL %s on %s: outcome %lx %s\n", l->name, memory_names[memory],
                   (unsigned long)a[i], what);
            return true;
        }
    }
    return false;
}

/* The machine against the axioms: the same outcomes, no more and no fewer. */
static unsigned int compare(const struct litmus *l, enum memory memory, const uint64_t **list,
                            unsigned int *n, unsigned long *states)
{
    const uint64_t *axioms;
    unsigned int nr_axioms = axioms_run(l, memory, &axioms);
    struct result result;

    *n = litmus_run(l, memory, list, &result);
    *states += result.states;
    if (result.failed || !result.complete) {
        printf("FAIL %s on %s: %s\n", l->name, memory_names[memory],
               result.failed ? result.message : "too many states");
        return 1;
    }
    return difference(l, memory, *list, *n, axioms, nr_axioms, "is none of the architecture's") ||
           difference(l, memory, axioms, nr_axioms, *list, *n, "is not found");
}

static unsigned int run_classic(const struct classic *c, bool verbose, unsigned long *states)
{
    const bool allowed[] = { false, c->x86, c->arm64 };
    unsigned int bad = 0;

    if (verbose)
        printf("%-26s", c->l.name);
    for (enum memory m = MEMORY_SC; m < NR_MEMORIES; m++) {
        const uint64_t *list;
        unsigned int n;
        bool seen;

        bad += compare(&c->l, m, &list, &n, states);
        seen = contains(list, n, c->seen);
        if (seen != allowed[m]) {
            bad++;
            printf("FAIL %s on %s: is %s\n", c->l.name, memory_names[m],
                   seen ? "seen, and must not be" : "not seen, and must be");
        }
        if (verbose)
            printf("  %s: %s, %u outcomes", memory_names[m], seen ? "allowed  " : "forbidden", n);
    }
    if (verbose)
        printf("\n");
    return bad;
}

/* --- at random ------------------------------------------------------------------------------ */

static uint32_t state;

static unsigned int random_below(unsigned int n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % n;
}

static struct litmus_op random_op(uint8_t *value)
{
    static const char kinds[] = "RRRRWWWWXmrw";
    char kind = kinds[random_below(sizeof(kinds) - 1)];
    struct litmus_op op = { kind, (uint8_t)random_below(2 + random_below(2)), 0 };

    if (kind == 'W' || kind == 'X')
        op.value = ++*value;
    return op;
}

static void make_random(struct litmus *l, char *name, size_t size)
{
    uint8_t value = 0;
    size_t at = 0;

    *l = (struct litmus){ .name = name, .nr_threads = 2 + random_below(2) };
    for (unsigned int t = 0; t < l->nr_threads; t++) {
        unsigned int n = l->nr_threads == 2 ? 2 + random_below(3) : 1 + random_below(3);

        for (unsigned int i = 0; i < n; i++) {
            struct litmus_op op = random_op(&value);

            l->ops[t][i] = op;
            at += (size_t)snprintf(name + at, size - at, "%c", op.kind);
            if (strchr("RWX", op.kind))
                at += (size_t)snprintf(name + at, size - at, "%c", 'x' + op.var);
        }
        at += (size_t)snprintf(name + at, size - at, "%s", t + 1 < l->nr_threads ? "|" : "");
    }
}

unsigned int litmus_main(unsigned int random, bool verbose)
{
    unsigned long states = 0;
    unsigned int bad = 0;

    for (unsigned int i = 0; i < NR_CLASSICS; i++)
        bad += run_classic(&classics[i], verbose, &states);
    state = 1;
    for (unsigned int i = 0; i < random; i++) {
        char name[64];
        struct litmus l;

        make_random(&l, name, sizeof(name));
        for (enum memory m = MEMORY_SC; m < NR_MEMORIES; m++) {
            const uint64_t *list;
            unsigned int n;

            bad += compare(&l, m, &list, &n, &states);
        }
    }
    printf("%zu classic litmus tests and %u random ones, each on sc, x86 and arm64: %u wrong, "
           "%lu states\n",
           NR_CLASSICS, random, bad, states);
    return bad;
}
