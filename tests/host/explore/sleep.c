/* SPDX-License-Identifier: MIT */
/*
 * Threads that need not go on: sleep sets. All that a thread could do at some state was tried, and
 * now another goes before it. As long as what others do makes no difference to what it could do,
 * nor that to them, it has been tried to the end: first its step, then theirs, comes to the same.
 * So it sleeps until somebody does something that depends on its next step.
 *
 * Within bounds only the thread that ran last is put to sleep: to do its step first, and be left
 * then, costs no more. Of others that may not be so.
 *
 * Two steps depend on each other when they use the same location, and one of them writes it; where
 * loads go early also when both write, whatever it is: where a store stands in the line says what
 * else has been seen by who takes it. And when both have to do with what the scenario knows:
 * ghosts.
 */
#include "tests/host/explore/search.h"

#define MAX_VISIBLE 256u

/* After these steps the thread looks at ghosts, or sets one. Believed until it is seen; see
 * locks.c. */
static const void *visible[MAX_VISIBLE];
static unsigned int nr_visible;

void sleep_forget(void)
{
    nr_visible = 0;
}

bool sleep_is_visible(const struct op *op)
{
    for (unsigned int i = 0; i < nr_visible; i++) {
        if (visible[i] == op->pc)
            return true;
    }
    return nr_visible == MAX_VISIBLE;
}

bool sleep_observe(const struct op *done)
{
    if (sleep_is_visible(done))
        return true;
    visible[nr_visible++] = done->pc;
    return false;
}

static bool writes(const struct op *op)
{
    return op->kind == OP_STORE || op->kind == OP_RMW;
}

/*
 * Taking a lock is not among them: others need not come between that and the next step, since they
 * could have come before it.
 */
static bool may_sleep(const struct thread *t)
{
    if (t->kicked || t->next.lock)
        return false;
    return t->next.kind == OP_LOAD || writes(&t->next);
}

void sleep_before(const struct choice *list, unsigned int taken, bool bounded, unsigned int last)
{
    for (unsigned int i = 0; i < taken; i++) {
        struct thread *t = &threads[list[i].thread];

        if (list[i].thread != list[taken].thread && may_sleep(t) &&
            (!bounded || list[i].thread == last))
            t->asleep = true;
    }
    threads[list[taken].thread].asleep = false;
}

static bool depends(const struct thread *t, const struct done *d)
{
    unsigned int number = (unsigned int)(t - threads);
    bool will_write = writes(&t->next) || !machine_has_let_go(number);

    if (d->visible && sleep_is_visible(&t->next))
        return true;
    if ((d->wrote || d->caught_up) && will_write && !threads_in_order)
        return true;
    if (!d->loc)
        return false;
    return (t->next.loc == d->loc && (d->wrote || writes(&t->next))) ||
           machine_waits_with(number, d->loc);
}

void sleep_after(const struct thread *by, const struct done *d)
{
    for (unsigned int t = 0; t < program->nr_threads; t++) {
        if (&threads[t] != by && threads[t].asleep && depends(&threads[t], d))
            threads[t].asleep = false;
    }
}

unsigned int sleep_set(void)
{
    unsigned int set = 0;

    for (unsigned int t = 0; t < program->nr_threads; t++)
        set |= (unsigned)threads[t].asleep << t;
    return set;
}
