/* SPDX-License-Identifier: MIT */
/*
 * From a send to the end of the handler on another VCPU, which sleeps in evtchn_wait(), or is busy.
 * The sender sleeps before and after: then nothing else is done on either CPU.
 */
#include "arch/atomic.h"
#include "bench/guest/bench.h"

#define SETTLE 300000u /* ns: by then the other one sleeps, or spins */

unsigned int bench_arrivals;
static struct evtchn *ch;
static unsigned int rounds; /* the other VCPU is in this one, from 1 on */

static bool has_arrived(void *until)
{
    return atomic_read(&bench_arrivals) == *(unsigned int *)until;
}

static void asleep(void *arg)
{
    (void)arg;
    for (unsigned int i = 1; i <= BENCH_FLIGHTS; i++) {
        atomic_write(&rounds, i);
        evtchn_wait(has_arrived, &i, XENLET_FOREVER);
    }
}

static void busy(void *arg)
{
    (void)arg;
    for (unsigned int i = 1; i <= BENCH_FLIGHTS; i++) {
        atomic_write(&rounds, i);
        bench_spin(i);
    }
}

static void row(const char *name, void (*other)(void *arg))
{
    int rc;

    bench_arrivals = rounds = 0;
    rc = vcpu_start(1, other, NULL);
    if (rc == 0)
        rc = evtchn_bind_ipi(1, bench_arrival, NULL, EVTCHN_HANDLER_GPR, &ch);
    for (unsigned int i = 1; rc == 0 && i <= BENCH_FLIGHTS; i++) {
        while (atomic_read(&rounds) < i)
            clock_sleep(SETTLE);
        clock_sleep(SETTLE);
        bench_depart();
        rc = evtchn_send(ch);
        bench_sent();
        while (rc == 0 && !has_arrived(&i))
            clock_sleep(SETTLE);
        bench_flight(name, "events", 1);
    }
    if (rc == 0)
        rc = vcpu_join(1, XENLET_FOREVER);
    if (rc == 0)
        rc = evtchn_close(ch);
    if (rc)
        bench_fail(name, rc);
}

void bench_across(void)
{
    row("send-to-sleeping-vcpu", asleep);
    row("send-to-busy-vcpu", busy);
}
