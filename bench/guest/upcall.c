/* SPDX-License-Identifier: MIT */
/* An upcall, from Xen's callback to the iretq: with no event, with one, and with several. */
#include "arch/x86_64/percpu.h"
#include "bench/guest/bench.h"
#include "evtchn/internal.h"

#define MOST 64u

static struct evtchn *channels[MOST];

/* Xen makes the upcall on the way back from the hypercall. */
void bench_take_upcall(void)
{
    percpu()->info.evtchn_upcall_mask = 0;
    hypercall_xen_version(0 /* XENVER_version */, NULL);
    percpu()->info.evtchn_upcall_mask = 1;
}

/* Upcalls are masked. The events are merely sent before: that is not counted. */
static void one_upcall(const char *row, unsigned int events, bool print)
{
    for (unsigned int i = 0; i < events; i++)
        evtchn_send(channels[i]);
    if (events == 0)
        percpu()->info.evtchn_upcall_pending = 1;
    bench_begin();
    bench_take_upcall();
    bench_end();
    if (print)
        bench_sample(row, "events", events);
    for (unsigned int i = 0; i < events; i++) {
        if (evtchn_is_pending(channels[i]))
            bench_fail("an event was not delivered", i);
    }
}

static void rows(const char *row)
{
    static const unsigned int numbers[] = BENCH_EVENTS;

    for (unsigned int n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
        for (unsigned int i = 0; i <= BENCH_REPEAT; i++)
            one_upcall(row, numbers[n], BENCH_COUNTS(i));
    }
}

/*
 * Have the next port bound be the first of a word of the bitmaps: those that are measured lie
 * together, and no port of another's is among them.
 */
static evtchn_port_t below[MOST];
static unsigned int nr_below;

void bench_next_word(void)
{
    do {
        int rc = hypercall_evtchn_bind_ipi(vcpu_this(), &below[nr_below]);

        if (rc)
            bench_fail("bind_ipi", rc);
    } while (below[nr_below++] % MOST != MOST - 1);
}

void bench_next_word_end(void)
{
    while (nr_below > 0)
        hypercall_evtchn_close(below[--nr_below]);
}

static void bind(evtchn_handler_t *handler, unsigned int flags)
{
    for (unsigned int i = 0; i < MOST; i++) {
        int rc = evtchn_bind_ipi(vcpu_this(), handler, NULL, flags, &channels[i]);

        if (rc)
            bench_fail("bind_ipi", rc);
    }
}

static void close_all(void)
{
    for (unsigned int i = 0; i < MOST; i++)
        evtchn_close(channels[i]);
}

void bench_upcalls(void)
{
    unsigned long flags = platform_upcalls_save();

    bind(bench_empty, EVTCHN_HANDLER_GPR);
    for (unsigned int i = 0; i <= BENCH_REPEAT; i++)
        one_upcall("upcall", 0, BENCH_COUNTS(i));
    rows("upcall");
    close_all();
    bind(bench_empty_fp, 0);
    rows("upcall-fp");
    close_all();
    bind(bench_fp_work, 0);
    rows("upcall-fp-work");
    close_all();
    platform_upcalls_restore(flags);
}
