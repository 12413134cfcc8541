/* SPDX-License-Identifier: MIT */
/*
 * The in-guest tests that need nothing but event channels, on the model: what is in tests/guest is
 * compiled as it stands. The arguments are the guest's command line; `vcpus=N` is for us.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include "kernel/internal.h"
#include "tests/host/platform/host.h"

int guest_main(int argc, char **argv);

static void must(int rc, const char *what)
{
    if (rc) {
        fprintf(stderr, "%s: error %d\n", what, rc);
        exit(2);
    }
}

static void started(void)
{
    must(timer_init(), "timer");
    must(console_init(), "console");
    must(debug_init(), "VIRQ_DEBUG");
}

static void join(char *line, size_t size, int argc, char **argv)
{
    line[0] = '\0';
    for (int i = 1; i < argc; i++) {
        if (strlen(line) + strlen(argv[i]) + 2 > size) {
            fprintf(stderr, "the arguments are too long\n");
            exit(2);
        }
        strcat(line, argv[i]);
        strcat(line, " ");
    }
}

int main(int argc, char **argv)
{
    static char line[MAX_GUEST_CMDLINE];
    struct host_config config = {
        .model = { .nr_vcpus = 1, .max_port = UINT32_MAX, .has_fifo = true, .has_3l = true },
        .started = started
    };
    char **guest_argv;
    int guest_argc;

    join(line, sizeof(line), argc, argv);
    cmdline_init(line);
    if (xenlet_option("vcpus"))
        config.model.nr_vcpus = (unsigned int)atoi(xenlet_option("vcpus"));
    if (config.model.nr_vcpus < 1 || config.model.nr_vcpus > MODEL_MAX_VCPUS) {
        fprintf(stderr, "vcpus=: 1 to %u\n", MODEL_MAX_VCPUS);
        return 2;
    }
    config.cmdline = line;
    config.abi = xenlet_option("evtchn");
    setvbuf(stdout, NULL, _IOLBF, 0);
    host_boot(&config);
    guest_argc = cmdline_argv(&guest_argv);
    return guest_main(guest_argc, guest_argv);
}
