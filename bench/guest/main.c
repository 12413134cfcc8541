/* SPDX-License-Identifier: MIT */
/*
 * What is measured, in groups: the command line names those that are to be run.
 *
 *      bound=N    binds up to N ports (0: all); without it none
 *      storm=N    has N ports storm
 *      alone      only these two
 *      wall       only wall time
 *      second=ABI third=ABI, peer    only sends between domains, see peer.c
 */
#include "bench/guest/bench.h"
#include <xen/sched.h>
#include "tests/guest/test.h"

void bench_sample(const char *row, const char *what, unsigned long n)
{
    console_printf("sample %s %s %lu\n", row, what, n);
}

void bench_flight(const char *row, const char *what, unsigned long n)
{
    console_printf("flight %s %s %lu\n", row, what, n);
}

void bench_value(const char *name, unsigned long value)
{
    console_printf("value %s %lu\n", name, value);
}

void bench_fail(const char *what, long rc)
{
    console_printf("bench: %s: %ld\nTest result: FAILURE\n", what, rc);
    xenlet_shutdown(SHUTDOWN_crash);
}

static void on_one_vcpu(void *arg)
{
    (void)arg;
    bench_next_word();
    bench_floor();
    bench_upcalls();
    bench_ops();
    bench_words();
    bench_next_word_end();
}

/* With several VCPUs the last one is measured, and the first waits. */
static void on_last_vcpu(void)
{
    unsigned int last = vcpu_count() - 1;
    int rc = vcpu_start(last, on_one_vcpu, NULL);

    if (rc == 0)
        rc = vcpu_join(last, XENLET_FOREVER);
    if (rc)
        bench_fail("vcpu", rc);
}

static void in_one_domain(void)
{
    if (xenlet_option("alone")) {
        /* What is always measured is not. */
    } else if (vcpu_count() > 1) {
        on_last_vcpu();
        bench_across();
    } else {
        on_one_vcpu(NULL);
    }
    if (xenlet_option("storm"))
        bench_storm(test_number("storm", 0));
    if (xenlet_option("bound"))
        bench_bound(test_number("bound", 0));
}

/* The floor's path of the ABI in use. */
static void wall(void)
{
    bench_wall(evtchn_abi()[0] == '2' ? floor_2l : evtchn_abi()[0] == '3' ? floor_3l : floor_fifo);
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    console_printf("bench: %s, %u VCPUs\n", evtchn_abi(), vcpu_count());
    bench_floor_init();
    if (xenlet_option("wall"))
        wall();
    else if (xenlet_option("second"))
        bench_peers(xenlet_option("second"), xenlet_option("third"));
    else if (xenlet_option("peer"))
        bench_peer();
    else
        in_one_domain();
    console_printf("Test result: SUCCESS\n");
    return 0;
}
