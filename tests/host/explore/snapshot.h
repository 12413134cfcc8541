/* SPDX-License-Identifier: MIT */
/*
 * What a run is in the midst of, so that another can go on from there: each part of the explorer
 * passes all it has through snapshot_move(), which takes it, or puts it back.
 */
#ifndef EXPLORE_SNAPSHOT_H
#define EXPLORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

struct snapshot {
    char *bytes;
    size_t at, room;
    bool restoring;
};

/* The same calls in the same order for both. */
void snapshot_begin(struct snapshot *s, bool restoring);
void snapshot_move(struct snapshot *s, void *p, size_t size);

#endif
