/* SPDX-License-Identifier: MIT */
/*
 * What an event costs when many ports are bound: one, 64 that lie together, and 64 that lie as far
 * apart as they can. And what memory a port takes.
 */
#include <xenlet/memory.h>
#include "bench/guest/bench.h"

#define EVENTS 64u

static struct evtchn **channels;
static unsigned long bound, most;

static void bind_up_to(unsigned long n)
{
    size_t before = xenlet_nr_free_pages();
    unsigned long from = bound;

    for (; bound < n; bound++) {
        int rc = evtchn_bind_ipi(0, bench_empty, NULL, EVTCHN_HANDLER_GPR, &channels[bound]);

        if (rc == -XEN_ENOSPC) {
            most = bound;
            break;
        }
        if (rc)
            bench_fail("bind", rc);
    }
    if (bound - from >= 512)
        bench_value("bytes-per-port",
                    (before - xenlet_nr_free_pages()) * XENLET_PAGE_SIZE / (bound - from));
}

static void upcall(const char *row, unsigned int events, unsigned long step)
{
    for (unsigned int i = 0; i <= BENCH_REPEAT; i++) {
        for (unsigned long j = 0; j < events; j++)
            evtchn_send(channels[bound - 1 - j * step]);
        bench_begin();
        bench_take_upcall();
        bench_end();
        if (BENCH_COUNTS(i))
            bench_sample(row, "ports", bound);
    }
}

static void measure(void)
{
    unsigned long flags = platform_upcalls_save();

    upcall("bound-one", 1, 1);
    if (bound >= EVENTS) {
        upcall("bound-together", EVENTS, 1);
        upcall("bound-apart", EVENTS, bound / EVENTS);
    }
    platform_upcalls_restore(flags);
}

/* `to` is the most to bind; 0 for all there are. */
void bench_bound(unsigned long to)
{
    static const unsigned long numbers[] = { 2, 64, 1000, 10000, 100000 };
    size_t pages;

    most = to && to < evtchn_nr_ports() ? to : evtchn_nr_ports();
    pages = (most * sizeof(channels[0]) + XENLET_PAGE_SIZE - 1) / XENLET_PAGE_SIZE;
    channels = xenlet_pages_alloc(pages);
    if (!channels)
        bench_fail("memory", (long)pages);
    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && numbers[i] < most; i++) {
        bind_up_to(numbers[i]);
        measure();
    }
    bind_up_to(most);
    measure();
    while (bound > 0)
        evtchn_close(channels[--bound]);
    xenlet_pages_free(channels, pages);
}
