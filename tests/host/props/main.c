/* SPDX-License-Identifier: MIT */
/* Making traces, running them, and making one that fails as short as it can be. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "evtchn/internal.h"
#include "kernel/internal.h"
#include "tests/host/platform/host.h"
#include "tests/host/props/props.h"

const char *const op_names[NR_OPS] = {
#define X(name) #name,
    FOR_EACH_OP(X)
#undef X
};

/* --- running one ---------------------------------------------------------------------------- */

static unsigned int until_inject;

/* An event of Xen's every few steps, and the upcall it makes due at once. */
static void between_steps(void)
{
    static bool busy;

    if (busy || host_vcpus[host_this]->in_xen)
        return;
    busy = true;
    if (until_inject-- == 0) {
        until_inject = below(2 * config.inject);
        props_inject();
    }
    busy = false;
    host_take_upcalls();
}

static void start_vcpus(void)
{
    if (timer_init() != 0)
        props_fail("no timer");
    for (unsigned int i = 1; i < config.vcpus; i++) {
        host_this = 0;
        if (host_add_vcpu(i) != 0)
            props_fail("no VCPU %u", i);
        host_this = i;
        if (timer_init() != 0)
            props_fail("no timer of VCPU %u", i);
    }
    for (unsigned int i = config.vcpus; i-- > 0;) {
        host_this = i;
        platform_upcalls_restore(0);
    }
}

void props_run(const struct trace *t)
{
    struct host_config boot = { .model = { .nr_vcpus = t->config.vcpus,
                                           .max_port = t->config.max_port,
                                           .has_fifo = true,
                                           .has_3l = true,
                                           .quiet = true },
                                .abi = t->config.abi,
                                .pages = 512 };
    unsigned int ports;

    config = t->config;
    reference_start();
    host_boot(&boot);
    start_vcpus();
    if (strcmp(evtchn_abi(), config.abi) != 0)
        props_fail("the ABI is %s", evtchn_abi());
    ports = model_bound_ports();
    until_inject = config.inject;
    host_between_steps = config.inject ? between_steps : NULL;
    for (unsigned int i = 0; i < t->nr; i++) {
        if (props_verbose)
            fprintf(stderr, "%u: %s vcpu %u slot %u arg %u\n", i, op_names[t->ops[i].kind],
                    t->ops[i].vcpu, t->ops[i].slot, t->ops[i].arg);
        do_op(&t->ops[i]);
    }
    host_between_steps = NULL;
    come_to_rest();
    check_at_rest();
    all_come_up();
    come_to_rest();
    check_at_rest();
    close_everything();
    check_nothing_left(ports);
}

/* --- making one ----------------------------------------------------------------------------- */

static const char *only_abi;
static bool as_is; /* what fails is not made short */
static unsigned int length = 400;

static uint64_t state;

static unsigned int pick(unsigned int n)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33) % n;
}

/* How much more seldom than others an operation comes. */
static unsigned int rarity(unsigned int kind)
{
    switch (kind) {
    case OP_reset:
    case OP_rest:
    case OP_dump:
        return 8;
    case OP_come_up:
        return 6;
    case OP_leave:
        return 2;
    default:
        return 1;
    }
}

/* The seed alone says what comes out. */
static struct trace make_trace(uint64_t seed)
{
    static const char *const abis[] = { "2l", "fifo", "3l" };
    struct trace t = { .nr = length };

    state = seed;
    (void)pick(1);
    strcpy(t.config.abi, only_abi ? only_abi : abis[pick(3)]);
    t.config.vcpus = pick(3) ? 1 + pick(MAX_VCPUS) : 1;
    t.config.max_port = pick(4) ? 1023 : 8 + pick(24);
    t.config.inject = pick(2) ? 1 + pick(40) : 0;
    t.ops = calloc(t.nr, sizeof(*t.ops));
    for (unsigned int i = 0; i < t.nr; i++) {
        struct op *op = &t.ops[i];

        do
            op->kind = (uint8_t)pick(NR_OPS);
        while (pick(rarity(op->kind)));
        op->vcpu = (uint8_t)pick(t.config.vcpus);
        op->slot = (uint8_t)pick(SLOTS);
        op->arg = (uint8_t)pick(256);
        op->seed = pick(1u << 30);
    }
    return t;
}

/* --- a process of its own for what may crash ------------------------------------------------- */

/* Run it; whether it held. */
static bool holds(const struct trace *t, bool silent)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (silent && !freopen("/dev/null", "w", stderr))
            _exit(2);
        alarm(20);
        props_verbose = !silent;
        props_run(t);
        host_coverage_flush();
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Leave out what can be left out: halves first, single operations last. */
static void shorten(struct trace *t)
{
    for (unsigned int part = t->nr / 2; part > 0; part /= 2) {
        for (unsigned int from = 0; from + part <= t->nr;) {
            struct trace less = { .config = t->config, .nr = t->nr - part };

            less.ops = malloc((less.nr + 1) * sizeof(*less.ops));
            memcpy(less.ops, t->ops, from * sizeof(*less.ops));
            memcpy(less.ops + from, t->ops + from + part, (less.nr - from) * sizeof(*less.ops));
            if (holds(&less, true)) {
                free(less.ops);
                from += part;
            } else {
                free(t->ops);
                *t = less;
            }
        }
    }
}

/* --- a trace as text ------------------------------------------------------------------------ */

static void print_trace(FILE *file, const struct trace *t)
{
    fprintf(file, "abi %s vcpus %u max_port %u inject %u\n", t->config.abi, t->config.vcpus,
            t->config.max_port, t->config.inject);
    for (unsigned int i = 0; i < t->nr; i++) {
        const struct op *op = &t->ops[i];

        fprintf(file, "%s %u %u %u %u\n", op_names[op->kind], op->vcpu, op->slot, op->arg,
                op->seed);
    }
}

static int bad_line(const char *name, unsigned int line)
{
    fprintf(stderr, "%s:%u: not a line of a trace\n", name, line);
    return 2;
}

static int read_trace(const char *name, struct trace *t)
{
    FILE *file = fopen(name, "r");
    char word[32];
    unsigned int vcpu, slot, arg, seed;

    if (!file) {
        perror(name);
        return 2;
    }
    *t = (struct trace){ .ops = malloc(sizeof(struct op)) };
    if (fscanf(file, "abi %7s vcpus %u max_port %u inject %u", t->config.abi, &t->config.vcpus,
               &t->config.max_port, &t->config.inject) != 4 ||
        t->config.vcpus < 1 || t->config.vcpus > MAX_VCPUS)
        return bad_line(name, 1);
    while (fscanf(file, "%31s %u %u %u %u", word, &vcpu, &slot, &arg, &seed) == 5) {
        unsigned int kind = 0;

        while (kind < NR_OPS && strcmp(word, op_names[kind]) != 0)
            kind++;
        if (kind == NR_OPS || vcpu >= t->config.vcpus || slot >= SLOTS || arg > 255)
            return bad_line(name, t->nr + 2);
        t->ops = realloc(t->ops, (t->nr + 1) * sizeof(*t->ops));
        t->ops[t->nr++] =
            (struct op){ (uint8_t)kind, (uint8_t)vcpu, (uint8_t)slot, (uint8_t)arg, seed };
    }
    if (!feof(file))
        return bad_line(name, t->nr + 2);
    fclose(file);
    return 0;
}

/* --- the program ---------------------------------------------------------------------------- */

static void report(uint64_t seed)
{
    struct trace t = make_trace(seed);
    char name[64];
    FILE *file;

    printf("seed %llu fails; looking for a shorter trace\n", (unsigned long long)seed);
    fflush(stdout);
    if (holds(&t, true)) {
        printf("not by itself: it needs what ran before it in the same process\n");
        return;
    }
    shorten(&t);
    snprintf(name, sizeof(name), "props-%llu.trace", (unsigned long long)seed);
    printf("%u operations are left:\n", t.nr);
    print_trace(stdout, &t);
    file = fopen(name, "w");
    if (file) {
        print_trace(file, &t);
        fclose(file);
        printf("replay it: --replay %s\n", name);
    }
    fflush(stdout);
    holds(&t, false);
}

/* All that is asked for, in one child; it tells in `*at` how far it came. */
static int run_all(uint64_t first, uint64_t nr_ops, uint64_t *at)
{
    uint64_t nr = (nr_ops + length - 1) / length;
    pid_t child = fork();
    int status;

    if (child == 0) {
        for (*at = first; *at < first + nr; ++*at) {
            struct trace t = make_trace(*at);

            alarm(60);
            props_run(&t);
            free(t.ops);
        }
        host_coverage_flush();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        return 2;
    }
    if (status == 0) {
        printf("%llu operations in %llu traces from seed %llu on: every property held\n",
               (unsigned long long)(nr * length), (unsigned long long)nr,
               (unsigned long long)first);
        return 0;
    }
    if (as_is)
        printf("seed %llu fails\n", (unsigned long long)*at);
    else
        report(*at);
    return 1;
}

static int usage(int status)
{
    fprintf(status ? stderr : stdout,
            "usage: props [--seed N] [--ops N] [--length N] [--abi 2l|fifo|3l] [--as-is]\n"
            "       props --replay FILE\n"
            "Runs random traces of --length operations (400) on the model of Xen, --ops in all\n"
            "(100,000), the first from --seed (1). One that fails is made short and printed;\n"
            "with --as-is only its seed is.\n");
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seed", required_argument, NULL, 's' },   { "ops", required_argument, NULL, 'o' },
        { "length", required_argument, NULL, 'l' }, { "abi", required_argument, NULL, 'a' },
        { "replay", required_argument, NULL, 'r' }, { "as-is", no_argument, NULL, 'i' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 }
    };
    uint64_t seed = 1, ops = 100000;
    uint64_t *at =
        mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct trace t;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            seed = strtoull(optarg, NULL, 0);
            break;
        case 'o':
            ops = strtoull(optarg, NULL, 0);
            break;
        case 'l':
            length = (unsigned int)strtoul(optarg, NULL, 0);
            break;
        case 'a':
            only_abi = optarg;
            break;
        case 'i':
            as_is = true;
            break;
        case 'r':
            if (read_trace(optarg, &t) != 0)
                return 2;
            return holds(&t, false) ? 0 : 1;
        default:
            return usage(option == 'h' ? 0 : 2);
        }
    }
    if (optind < argc || length == 0 || at == MAP_FAILED)
        return usage(2);
    return run_all(seed, ops, at);
}
