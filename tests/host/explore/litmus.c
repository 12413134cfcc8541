/* SPDX-License-Identifier: MIT */
/*
 * The machine itself, tested: small programs whose outcomes are known for each memory, and, for
 * programs made at random, a second opinion that knows no machine (axioms.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arch/atomic.h"
#include "tests/host/explore/litmus.h"

static uint32_t vars[LITMUS_VARS];
static uint32_t regs[MAX_THREADS][LITMUS_OPS];
static const struct litmus *test;
static uint64_t outcomes[LITMUS_OUTCOMES];
static unsigned int nr_outcomes;

static void run_thread(unsigned int t)
{
    for (unsigned int i = 0; test->ops[t][i].kind; i++) {
        const struct litmus_op *op = &test->ops[t][i];

        switch (op->kind) {
        case 'R':
            regs[t][i] = atomic_read(&vars[op->var]);
            break;
        case 'W':
            atomic_write(&vars[op->var], op->value);
            break;
        case 'X':
            regs[t][i] = atomic_xchg32(&vars[op->var], op->value);
            break;
        case 'm':
            smp_mb();
            break;
        case 'r':
            smp_rmb();
            break;
        case 'w':
            smp_wmb();
            break;
        default:
            abort();
        }
    }
}

static void thread_0(void)
{
    run_thread(0);
}

static void thread_1(void)
{
    run_thread(1);
}

static void thread_2(void)
{
    run_thread(2);
}

static void thread_3(void)
{
    run_thread(3);
}

static void set_up(void)
{
    memset(vars, 0, sizeof(vars));
    memset(regs, 0, sizeof(regs));
}

void litmus_note(uint64_t *list, unsigned int *n, uint64_t outcome)
{
    for (unsigned int i = 0; i < *n; i++) {
        if (list[i] == outcome)
            return;
    }
    if (*n == LITMUS_OUTCOMES)
        abort();
    list[(*n)++] = outcome;
}

/* The registers in their order, four bits each, then the variables. */
static void check(void)
{
    uint64_t outcome = 0;

    for (unsigned int t = 0; t < test->nr_threads; t++) {
        for (unsigned int i = 0; test->ops[t][i].kind; i++) {
            if (test->ops[t][i].kind == 'R' || test->ops[t][i].kind == 'X')
                outcome = outcome << 4 | regs[t][i];
        }
    }
    for (unsigned int i = 0; i < LITMUS_VARS; i++)
        outcome = outcome << 4 | vars[i];
    litmus_note(outcomes, &nr_outcomes, outcome);
}

unsigned int litmus_run(const struct litmus *l, enum memory memory, const uint64_t **list,
                        struct result *result)
{
    static const struct limits limits = { .states = 2000000 };
    struct program p = { .name = l->name,
                         .nr_threads = l->nr_threads,
                         .threads = { { "P0", thread_0 },
                                      { "P1", thread_1 },
                                      { "P2", thread_2 },
                                      { "P3", thread_3 } },
                         .setup = set_up,
                         .check = check };

    test = l;
    nr_outcomes = 0;
    machine_memory = memory;
    explore(&p, &limits, result);
    *list = outcomes;
    return nr_outcomes;
}
