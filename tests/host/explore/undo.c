/* SPDX-License-Identifier: MIT */
/* What memory was before each store of a run, to go back to the beginning, or to a snapshot. */
#include <stdint.h>
#include <stdlib.h>
#include "tests/host/explore/explore.h"

static struct undo {
    uint64_t *word;
    uint64_t was;
} * undo;
static size_t nr_undo, max_undo;

void undo_note(void *addr, size_t size)
{
    uint64_t *first = (uint64_t *)((uintptr_t)addr & ~(uintptr_t)7);

    for (uint64_t *w = first; (char *)w < (char *)addr + size; w++) {
        if (nr_undo == max_undo) {
            max_undo = max_undo ? 2 * max_undo : 65536;
            undo = realloc(undo, max_undo * sizeof(*undo));
            if (!undo)
                abort();
        }
        undo[nr_undo].word = w;
        undo[nr_undo++].was = *w;
    }
}

static void undo_to(size_t n)
{
    while (nr_undo > n) {
        nr_undo--;
        *undo[nr_undo].word = undo[nr_undo].was;
    }
}

void undo_all(void)
{
    undo_to(0);
}

void undo_snapshot(struct snapshot *s)
{
    size_t n = nr_undo;

    snapshot_move(s, &n, sizeof(n));
    undo_to(n);
}
