/* SPDX-License-Identifier: MIT */
/*
 * Wall time, for ratios within one run: of upcalls, with the cheapest hypercall before which Xen
 * makes them; and of events that a program sends itself. What is compared takes turns.
 */
#include "bench/guest/bench.h"

#define ROUNDS  15u
#define UPCALLS 300u
#define SENDS   3000u

static struct evtchn *channels[64];

static uint64_t upcalls(unsigned int events, void (*floor)(void))
{
    uint64_t ns = 0, start;

    for (unsigned int i = 0; i < UPCALLS; i++) {
        if (floor)
            bench_floor_raise(events);
        for (unsigned int j = 0; !floor && j < events; j++)
            evtchn_send(channels[j]);
        if (floor)
            bench_callback(floor);
        start = clock_now();
        bench_take_upcall();
        ns += clock_now() - start;
        if (floor)
            bench_callback(arch_upcall_entry);
    }
    return ns;
}

static uint64_t sends(void)
{
    uint64_t start = clock_now();

    for (unsigned int i = 0; i < SENDS; i++)
        evtchn_send(channels[0]);
    return clock_now() - start;
}

static void round(void (*floor)(void))
{
    static const unsigned int numbers[] = BENCH_EVENTS;
    unsigned long flags = platform_upcalls_save();

    for (unsigned int n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
        unsigned long events = (unsigned long)UPCALLS * numbers[n];

        console_printf("wall floor %u %lu %lu\n", numbers[n], events, upcalls(numbers[n], floor));
        console_printf("wall upcall %u %lu %lu\n", numbers[n], events, upcalls(numbers[n], NULL));
    }
    platform_upcalls_restore(flags);
    console_printf("wall send-to-handler 1 %u %lu\n", SENDS, sends());
}

/* A share of 64 in a tick is not what is to be seen. */
void bench_wall(void (*floor)(void))
{
    int rc = 0;

    bench_next_word();
    for (unsigned int i = 0; rc == 0 && i < 64; i++)
        rc = evtchn_bind_ipi(0, bench_empty, NULL, EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE,
                             &channels[i]);
    if (rc)
        bench_fail("wall", rc);
    for (unsigned int i = 0; i < ROUNDS; i++)
        round(floor);
    for (unsigned int i = 0; i < 64; i++)
        evtchn_close(channels[i]);
}
