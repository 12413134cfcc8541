/* SPDX-License-Identifier: MIT */
/*
 * A second opinion on what a litmus test may come to: not by running it, but by trying every way in
 * which its loads may have read and its stores may be ordered, and keeping those in which nothing
 * comes before itself. What comes before what is the architecture's: Sewell et al. for x86-TSO; the
 * Arm Architecture Reference Manual, "external visibility", for arm64, with every store ordered
 * after all earlier loads of its thread (machine.h says why).
 */
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/litmus.h"

#define MAX_EVENTS 32u

static struct event {
    unsigned int thread, at; /* at: place in the thread; an exchange is two events at one place */
    bool writes, rmw;
    uint8_t var, value;
    int from; /* a load: the event it reads, -1 for the initial value */
} events[MAX_EVENTS];
static unsigned int nr;
static const struct litmus *test;
static enum memory memory;

static unsigned int order[LITMUS_VARS][MAX_EVENTS]; /* coherence: the stores of each variable */
static unsigned int nr_order[LITMUS_VARS];

static uint64_t outcomes[LITMUS_OUTCOMES];
static unsigned int nr_outcomes;

static bool before[MAX_EVENTS][MAX_EVENTS];

static void collect(void)
{
    nr = 0;
    for (unsigned int t = 0; t < test->nr_threads; t++) {
        for (unsigned int i = 0; test->ops[t][i].kind; i++) {
            const struct litmus_op *op = &test->ops[t][i];
            struct event e = {
                .thread = t, .at = i, .var = op->var, .value = op->value, .rmw = op->kind == 'X'
            };

            if (op->kind == 'R' || op->kind == 'X')
                events[nr++] = e;
            e.writes = true;
            if (op->kind == 'W' || op->kind == 'X')
                events[nr++] = e;
        }
    }
}

static bool po(const struct event *a, const struct event *b)
{
    return a->thread == b->thread && (a->at < b->at || (a->at == b->at && a < b));
}

static bool fence_between(const struct event *a, const struct event *b, const char *kinds)
{
    for (unsigned int i = a->at + 1; i < b->at; i++) {
        if (strchr(kinds, test->ops[a->thread][i].kind))
            return true;
    }
    return false;
}

/* In program order, and nobody can see them the other way round. */
static bool preserved(const struct event *a, const struct event *b)
{
    if (!po(a, b))
        return false;
    if (memory == MEMORY_SC || a->rmw || b->rmw || fence_between(a, b, "mX"))
        return true;
    if (memory == MEMORY_X86)
        return !(a->writes && !b->writes);
    if (!a->writes)
        return b->writes || fence_between(a, b, "r");
    return b->writes && fence_between(a, b, "w");
}

static int place(unsigned int store)
{
    const unsigned int *list = order[events[store].var];

    for (unsigned int i = 0; i < nr_order[events[store].var]; i++) {
        if (list[i] == store)
            return (int)i;
    }
    abort();
}

static int place_read(const struct event *e)
{
    return e->from < 0 ? -1 : place((unsigned int)e->from);
}

/* By what was read and written: reads-from, coherence, from-reads. */
static bool communicated(unsigned int a, unsigned int b)
{
    const struct event *x = &events[a], *y = &events[b];

    if (x->var != y->var || a == b)
        return false;
    if (x->writes && y->writes)
        return place(a) < place(b);
    if (x->writes)
        return y->from == (int)a;
    return y->writes && place_read(x) < place(b);
}

static bool cyclic(void)
{
    for (unsigned int k = 0; k < nr; k++)
        for (unsigned int i = 0; i < nr; i++)
            for (unsigned int j = 0; before[i][k] && j < nr; j++)
                before[i][j] = before[i][j] || before[k][j];
    for (unsigned int i = 0; i < nr; i++) {
        if (before[i][i])
            return true;
    }
    return false;
}

static bool atomic(void)
{
    for (unsigned int i = 0; i + 1 < nr; i++) {
        if (events[i].rmw && !events[i].writes && place(i + 1) != place_read(&events[i]) + 1)
            return false;
    }
    return true;
}

static bool possible(void)
{
    for (unsigned int i = 0; i < nr; i++)
        for (unsigned int j = 0; j < nr; j++)
            before[i][j] = communicated(i, j) ||
                           (po(&events[i], &events[j]) && events[i].var == events[j].var && i != j);
    if (cyclic() || !atomic())
        return false;
    for (unsigned int i = 0; i < nr; i++) {
        for (unsigned int j = 0; j < nr; j++) {
            bool outside = events[i].thread != events[j].thread;

            before[i][j] =
                i != j && (preserved(&events[i], &events[j]) || (outside && communicated(i, j)));
        }
    }
    return !cyclic();
}

static uint64_t outcome(void)
{
    uint64_t o = 0;

    for (unsigned int i = 0; i < nr; i++) {
        if (!events[i].writes)
            o = o << 4 | (events[i].from < 0 ? 0 : events[events[i].from].value);
    }
    for (unsigned int v = 0; v < LITMUS_VARS; v++)
        o = o << 4 | (nr_order[v] ? events[order[v][nr_order[v] - 1]].value : 0);
    return o;
}

static void choose_reads(unsigned int i)
{
    if (i == nr) {
        if (possible())
            litmus_note(outcomes, &nr_outcomes, outcome());
        return;
    }
    if (events[i].writes) {
        choose_reads(i + 1);
        return;
    }
    events[i].from = -1;
    choose_reads(i + 1);
    for (unsigned int j = 0; j < nr; j++) {
        bool own = events[i].rmw && j == i + 1; /* the exchange's own store */

        if (events[j].writes && events[j].var == events[i].var && !own) {
            events[i].from = (int)j;
            choose_reads(i + 1);
        }
    }
}

/* Put store `i` anywhere among those of its variable that are placed. */
static void choose_order(unsigned int i)
{
    unsigned int *list;

    if (i == nr) {
        choose_reads(0);
        return;
    }
    if (!events[i].writes) {
        choose_order(i + 1);
        return;
    }
    list = order[events[i].var];
    for (unsigned int at = 0; at <= nr_order[events[i].var]; at++) {
        unsigned int n = nr_order[events[i].var]++;

        memmove(&list[at + 1], &list[at], (n - at) * sizeof(*list));
        list[at] = i;
        choose_order(i + 1);
        memmove(&list[at], &list[at + 1], (n - at) * sizeof(*list));
        nr_order[events[i].var]--;
    }
}

unsigned int axioms_run(const struct litmus *l, enum memory m, const uint64_t **list)
{
    test = l;
    memory = m;
    nr_outcomes = 0;
    memset(nr_order, 0, sizeof(nr_order));
    collect();
    choose_order(0);
    *list = outcomes;
    return nr_outcomes;
}
