/* SPDX-License-Identifier: MIT */
/* What is delivered to: handlers that do nothing. */
#include "bench/guest/bench.h"

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
