/* SPDX-License-Identifier: MIT */
/*
 * How long a port that is raised in the midst of a storm waits for its handler: one that is quiet
 * and like the others, and under FIFO one of priority 0. Each storming port raises itself whenever
 * it is delivered; at random ones of these deliveries one of the two is raised besides.
 */
#include <xenlet/memory.h>
#include "bench/guest/bench.h"

#define SAMPLES  201u /* of each, the first is not looked at */
#define GPR_ONLY __attribute__((target("general-regs-only")))

enum {
    QUIET,
    FIRST,
    KINDS
};
static const char *const names[KINDS] = { "storm-quiet", "storm-priority-0" };

static struct evtchn **storms;
static unsigned long nr_storms;
static struct evtchn *waiting[KINDS];
static unsigned int nr_kinds; /* that are raised in turn */
static bool storming;

static unsigned long deliveries, raised_at;
static unsigned long countdown; /* deliveries until one is raised; 0: one is */
static unsigned int nr_samples;
static unsigned long before[SAMPLES * KINDS];

static GPR_ONLY unsigned long random_below(unsigned long n)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned long)(state >> 33) % n;
}

static GPR_ONLY void storm_on(struct evtchn *ch, void *data)
{
    (void)data;
    deliveries++;
    if (!storming)
        return;
    evtchn_send(ch);
    if (countdown == 0 || --countdown > 0)
        return;
    raised_at = deliveries;
    bench_depart();
    evtchn_send(waiting[nr_samples % nr_kinds]);
    bench_sent();
}

static GPR_ONLY void has_come(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    bench_arrived();
    before[nr_samples++] = deliveries - raised_at;
    storming = nr_samples < SAMPLES * nr_kinds;
    countdown = 1 + random_below(nr_storms);
}

static bool is_over(void *arg)
{
    (void)arg;
    return !storming;
}

static int bind(evtchn_handler_t *handler, struct evtchn **ch)
{
    return evtchn_bind_ipi(0, handler, NULL, EVTCHN_HANDLER_GPR, ch);
}

/* What waits lies in the midst of what storms. */
static int bind_all(void)
{
    int rc = 0;

    for (unsigned long i = 0; rc == 0 && i < nr_storms; i++) {
        if (i == nr_storms / 2)
            rc = bind(has_come, &waiting[QUIET]);
        if (rc == 0)
            rc = bind(storm_on, &storms[i]);
    }
    nr_kinds = FIRST;
    if (rc == 0 && evtchn_set_priority(waiting[QUIET], 7) != -XEN_ENOSYS) {
        nr_kinds = KINDS;
        rc = bind(has_come, &waiting[FIRST]);
        if (rc == 0)
            rc = evtchn_set_priority(waiting[FIRST], 0);
    }
    return rc;
}

static void run(void)
{
    unsigned long flags = platform_upcalls_save();

    nr_samples = 0; /* a change of priority may have called a handler */
    storming = true;
    countdown = 1 + random_below(nr_storms);
    for (unsigned long i = 0; i < nr_storms; i++)
        evtchn_send(storms[i]);
    platform_upcalls_restore(flags);
    evtchn_wait(is_over, NULL, XENLET_FOREVER);
    clock_sleep(3 * EVTCHN_TICK_DEFAULT);
}

void bench_storm(unsigned long n)
{
    size_t pages = (n * sizeof(storms[0]) + XENLET_PAGE_SIZE - 1) / XENLET_PAGE_SIZE;
    int rc;

    nr_storms = n;
    storms = xenlet_pages_alloc(pages);
    rc = storms ? bind_all() : -XEN_ENOMEM;
    if (rc)
        bench_fail("storm", rc);
    run();
    bench_value("storm", n);
    for (unsigned int i = 0; i < nr_samples; i++)
        bench_flight(names[i % nr_kinds], "deliveries", before[i]);
    for (unsigned long i = 0; i < n; i++)
        evtchn_close(storms[i]);
    for (unsigned int i = 0; i < nr_kinds; i++)
        evtchn_close(waiting[i]);
    xenlet_pages_free(storms, pages);
}
