/* SPDX-License-Identifier: MIT */
/* What is delivered to: handlers that do nothing, and one that computes. */
#include "bench/guest/bench.h"

#define NUMBERS 16

double bench_sum, bench_numbers[NUMBERS];

void bench_empty(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
}

/* The same, but not promised to leave FP registers alone. */
void bench_empty_fp(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
}

/* So much that it is worth the registers: a sum of squares. */
void bench_fp_work(struct evtchn *ch, void *data)
{
    double sum = 0;

    (void)ch;
    (void)data;
    for (unsigned int i = 0; i < NUMBERS; i++)
        sum += bench_numbers[i] * bench_numbers[i];
    bench_sum = sum;
}
