/* SPDX-License-Identifier: MIT */
/*
 * Locks, and what is only used under them. To take a lock that is held is a step that cannot be
 * done yet: nothing but trying again came of it.
 *
 * To leave a lock can be done at once: until then nobody can do anything with it, so it makes no
 * difference to what others do meanwhile. Neither does the use of a location that everybody who
 * uses it holds one and the same lock for: its guard. And as taking and leaving are full barriers,
 * or release and acquire, there is one value to be found, and a store need not have waited.
 *
 * Which locations have a guard is believed as long as nobody was seen without it; then the search
 * begins again. Nobody can be missed by believing it: look at the first step at which somebody
 * would have been seen. What was left out before that are orders of steps that make no difference,
 * so a run in which that thread comes to that step is among those that are followed.
 */
#include <stdlib.h>
#include "tests/host/explore/search.h"

static struct held *find_held(struct thread *t, const struct location *loc)
{
    for (unsigned int i = 0; i < t->nr_held; i++) {
        if (t->held[i].lock == loc)
            return &t->held[i];
    }
    return NULL;
}

static bool writes(const struct op *op)
{
    return op->kind != OP_LOAD;
}

/* Without one that it does not hold; or that it shares, and writes. */
static unsigned int keep_guards(struct thread *t, const struct op *op)
{
    struct location *loc = op->loc;
    unsigned int n = 0;

    for (unsigned int i = 0; i < loc->nr_guards; i++) {
        const struct held *held = find_held(t, loc->guards[i]);

        if (held && !(held->shared && writes(op)))
            loc->guards[n++] = loc->guards[i];
    }
    return n;
}

static void first_guards(const struct thread *t, const struct op *op)
{
    struct location *loc = op->loc;

    for (unsigned int i = 0; i < t->nr_held && loc->nr_guards < MAX_GUARDS; i++) {
        if (!(t->held[i].shared && writes(op)))
            loc->guards[loc->nr_guards++] = t->held[i].lock;
    }
}

bool locks_observe(struct thread *t, const struct op *op)
{
    struct location *loc = op->loc;
    unsigned int n;

    if (op->kind != OP_LOAD && op->kind != OP_STORE && op->kind != OP_RMW)
        return true;
    if (op->lock || find_held(t, loc))
        loc->is_lock = true;
    if (loc->is_lock)
        return true;
    if (!loc->observed) {
        loc->observed = true;
        first_guards(t, op);
        return true;
    }
    n = keep_guards(t, op);
    if (n == loc->nr_guards)
        return true;
    loc->nr_guards = (uint8_t)n;
    return false;
}

bool locks_block(const struct op *op)
{
    return op->lock && machine_newest(op->loc) >= (op->lock == LOCK ? 1 : UINT32_MAX);
}

bool locks_leave_or_guard(struct thread *t, const struct op *op)
{
    return op->loc->nr_guards || (!op->lock && find_held(t, op->loc));
}

void locks_note(struct thread *t, const struct op *op)
{
    struct held *held;

    if (op->lock) {
        if (t->nr_held == MAX_HELD)
            abort();
        t->held[t->nr_held++] = (struct held){ op->loc, op->lock == LOCK_SHARED };
        return;
    }
    if (op->kind != OP_STORE && op->kind != OP_RMW)
        return;
    held = find_held(t, op->loc);
    if (held)
        *held = t->held[--t->nr_held];
}
