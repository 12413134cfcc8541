/* SPDX-License-Identifier: MIT */
/* Litmus tests: programs of a few loads, stores and barriers. */
#ifndef EXPLORE_LITMUS_H
#define EXPLORE_LITMUS_H

#include "tests/host/explore/explore.h"

#define LITMUS_VARS     3u
#define LITMUS_OPS      6u
#define LITMUS_OUTCOMES 4096u

struct litmus_op {
    char kind; /* R load, W store, X exchange, m smp_mb, r smp_rmb, w smp_wmb; 0: the end */
    uint8_t var, value;
};

struct litmus {
    const char *name;
    unsigned int nr_threads;
    struct litmus_op ops[MAX_THREADS][LITMUS_OPS];
};

/* All outcomes: each load's value in order, then each variable's, four bits each. */
unsigned int litmus_run(const struct litmus *l, enum memory memory, const uint64_t **list,
                        struct result *result);
/* The same by the axioms of the architecture. */
unsigned int axioms_run(const struct litmus *l, enum memory memory, const uint64_t **list);
void litmus_note(uint64_t *list, unsigned int *n, uint64_t outcome);

/* The classic ones, and `random` made ones; how many were wrong. */
unsigned int litmus_main(unsigned int random, bool verbose);

#endif
