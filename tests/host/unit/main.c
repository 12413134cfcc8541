/* SPDX-License-Identifier: MIT */
/* Runs the unit tests, each from a fresh boot; the argument names those to run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/internal.h"
#include "tests/host/unit/unit.h"

static const char *current;
static unsigned int failures;

void unit_fail(const char *file, int line, const char *what, long got, long expected)
{
    printf("FAIL %s: %s: expected %ld, got %ld (%s:%d)\n", current, what, expected, got, file,
           line);
    failures++;
}

struct host_config unit_config;

void unit_boot(const char *abi)
{
    unit_config.abi = abi;
    host_boot(&unit_config);
    SAME(timer_init(), 0);
}

void unit_settle(void)
{
    for (unsigned int round = 0; round < 20; round++) {
        host_this = round % MODEL_MAX_VCPUS;
        if (host_vcpus[host_this])
            host_take_upcalls();
    }
    host_this = 0;
}

void unit_count(struct evtchn *ch, void *data)
{
    (void)ch;
    ++*(unsigned int *)data;
}

static void run(const struct unit *units, const char *only)
{
    for (; units->name; units++) {
        unsigned int before = failures;

        if (only && !strstr(units->name, only))
            continue;
        current = units->name;
        unit_config = (struct host_config){ .model = { .nr_vcpus = 3,
                                                       .max_port = 1023,
                                                       .has_fifo = true,
                                                       .has_3l = true,
                                                       .nr_pirqs = 4,
                                                       .quiet = true },
                                            .pages = 256 };
        host_on_hypercall = NULL;
        host_on_console = NULL;
        model_refuse(0, 0, 0, 0);
        model_refuse_poll(0);
        units->run();
        if (failures == before)
            printf("ok   %s\n", current);
    }
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IOLBF, 0);
    run(abi_units, only);
    run(bind_units, only);
    run(edge_units, only);
    run(fifo_units, only);
    run(life_units, only);
    run(lock_units, only);
    run(meeting_units, only);
    run(order_units, only);
    run(rest_units, only);
    run(reuse_units, only);
    run(said_units, only);
    printf("%u failures\n", failures);
    return failures ? 1 : 0;
}
