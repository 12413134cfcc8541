/* SPDX-License-Identifier: MIT */
/* See snapshot.h. */
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/snapshot.h"

void snapshot_begin(struct snapshot *s, bool restoring)
{
    s->restoring = restoring;
    s->at = 0;
}

void snapshot_move(struct snapshot *s, void *p, size_t size)
{
    if (s->restoring) {
        memcpy(p, s->bytes + s->at, size);
        s->at += size;
        return;
    }
    if (s->at + size > s->room) {
        s->room = 2 * s->room + size + 4096;
        s->bytes = realloc(s->bytes, s->room);
        if (!s->bytes)
            abort();
    }
    memcpy(s->bytes + s->at, p, size);
    s->at += size;
}
