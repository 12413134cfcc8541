/* SPDX-License-Identifier: MIT */
/*
 * What is measured, in groups: the command line names those that are to be run.
 *
 *      bound=N    binds up to N ports (0: all); without it none
 */
#include "bench/guest/bench.h"
#include <xen/sched.h>
#include "tests/guest/test.h"

void bench_sample(const char *row, const char *what, unsigned long n)
{
    console_printf("sample %s %s %lu\n", row, what, n);
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
    bench_floor();
    bench_upcalls();
    bench_ops();
    bench_words();
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

int main(int argc, char **argv)
{
    const char *to = xenlet_option("bound");

    (void)argc;
    (void)argv;
    console_printf("bench: %s, %u VCPUs\n", evtchn_abi(), vcpu_count());
    if (vcpu_count() > 1)
        on_last_vcpu();
    else
        on_one_vcpu(NULL);
    if (to)
        bench_bound(test_number("bound", 0));
    console_printf("Test result: SUCCESS\n");
    return 0;
}
