/* SPDX-License-Identifier: MIT */
/* The explorer's command line. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/host/explore/barriers.h"
#include "tests/host/explore/guest.h"
#include "tests/host/explore/litmus.h"

static const char usage[] =
    "usage: explore [options] [SCENARIO...]       the scenarios named, or all, on x86 and arm64\n"
    "       explore [options] --replay STRING SCENARIO\n"
    "                                             one run of it, step by step\n"
    "       explore --litmus N                    the machine itself: the classic litmus tests, "
    "and\n"
    "                                             N made at random, against the architectures' "
    "axioms\n"
    "       explore [options] --barriers          leave out each barrier of evtchn/ in turn: is "
    "it\n"
    "                                             lost as tests/host/explore/barriers.txt says?\n"
    "       explore [options] --barriers-all      and those that no scenario needs, says it: in "
    "all\n"
    "\n"
    "  --abi 2l|3l|fifo        only this one\n"
    "  --memory x86|arm64      only this one\n"
    "  --states N              how many a search may see before it is given up (20000)\n"
    "  --preemptions N         of a search that is not complete (3)\n"
    "  --hunt                  begin with few pre-emptions: finds mistakes sooner\n"
    "  --drop FILE:LINE        leave out the barrier there; --relax: of a read-modify-write, its\n"
    "  --relax FILE:LINE       being a barrier; --split: that it is one operation\n"
    "  --split FILE:LINE\n"
    "  --list                  the scenarios\n"
    "\n"
    "Exit status: 0 nothing is wrong, 1 something is, 2 bad arguments.\n";

static struct limits limits = { .states = 20000, .preemptions = 3 };
static int only_abi = -1, only_memory = -1;
static const char *replay;
static struct {
    unsigned int explorations, complete, bounded, reordered, failed;
    unsigned long states, runs;
} total;

static void bad(const char *what, const char *value)
{
    fprintf(stderr, "explore: %s %s (see --help and --list)\n", what, value);
    exit(2);
}

static const struct scenario *find(const char *name)
{
    const struct scenario *s;

    for (unsigned int i = 0; (s = scenario_number(i)) != NULL; i++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    bad("no such scenario:", name);
    return NULL;
}

static void replay_one(const struct scenario *s, enum abi abi, const char *string)
{
    struct result r;

    scenario_replay(s, abi, string, &r);
    if (r.failed)
        printf("%s\n", r.message);
}

static void print_failure(const struct scenario *s, enum abi abi, struct result *r)
{
    printf("FAIL %s %s on %s: %s\n", s->name, abi_name(abi), memory_names[machine_memory],
           r->message);
    replay_one(s, abi, r->replay);
    printf("again: explore --abi %s --memory %s --replay %s %s\n", abi_name(abi),
           memory_names[machine_memory], r->replay, s->name);
}

static void describe(const struct result *r, char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "up to %u pre-emptions", r->within[0]);

    for (unsigned int i = MAX_PREEMPTIONS; i > 0; i--) {
        if (r->within[i] && r->within[i] >= r->within[1]) {
            n += (size_t)snprintf(text + n, size - n, ", %u with %u reordering%s", r->within[i], i,
                                  i == 1 ? "" : "s");
            break;
        }
    }
}

static void run_one(const struct scenario *s, enum abi abi)
{
    struct result r;
    char how[64] = "every interleaving";

    scenario_run(s, abi, &limits, &r);
    total.explorations++;
    total.states += r.states;
    total.runs += r.runs;
    if (r.failed) {
        total.failed++;
        print_failure(s, abi, &r);
        return;
    }
    total.complete += r.complete;
    total.bounded += !r.complete && r.within[0] >= limits.preemptions;
    total.reordered += !r.complete && r.within[1] >= limits.preemptions;
    if (!r.complete)
        describe(&r, how, sizeof(how));
    printf("ok   %-28s %-4s %-5s  %3u steps, %6lu runs, %6lu states: %s\n", s->name, abi_name(abi),
           memory_names[machine_memory], r.longest, r.runs, r.states, how);
    fflush(stdout);
}

static void run(const struct scenario *s)
{
    for (enum abi abi = ABI_2L; abi <= ABI_FIFO; abi <<= 1) {
        if (!(s->abis & abi) || (only_abi >= 0 && only_abi != (int)abi) || !scenario_has(abi))
            continue;
        for (enum memory m = MEMORY_X86; m <= MEMORY_ARM64; m++) {
            if (only_memory >= 0 && only_memory != (int)m)
                continue;
            machine_memory = m;
            if (replay)
                replay_one(s, abi, replay);
            else
                run_one(s, abi);
        }
    }
}

static void set_abi(const char *name)
{
    for (enum abi abi = ABI_2L; abi <= ABI_FIFO; abi <<= 1) {
        if (strcmp(name, abi_name(abi)) == 0)
            only_abi = (int)abi;
    }
    if (only_abi < 0)
        bad("no such ABI:", name);
}

static void set_memory(const char *name)
{
    for (enum memory m = MEMORY_X86; m < NR_MEMORIES; m++) {
        if (strcmp(name, memory_names[m]) == 0)
            only_memory = (int)m;
    }
    if (only_memory < 0)
        bad("no such memory:", name);
}

static void weaken(const char *where, enum weakening how)
{
    static struct site site;
    const struct site *list[MAX_SITES];
    unsigned int n = explore_sites(list, MAX_SITES);
    const char *colon = strrchr(where, ':');

    for (unsigned int i = 0; colon && i < n; i++) {
        if (strncmp(site_file(list[i]), where, (size_t)(colon - where)) == 0 &&
            list[i]->line == atoi(colon + 1)) {
            site = *list[i];
            explore_weaken(&site, how);
            return;
        }
    }
    bad("no barrier and no atomic operation is at", where);
}

static unsigned long number(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 0);

    if (*end || end == text)
        bad("not a number:", text);
    return n;
}

static void list(void)
{
    const struct scenario *s;

    for (unsigned int i = 0; (s = scenario_number(i)) != NULL; i++)
        printf("%s\n", s->name);
    exit(0);
}

static int summary(void)
{
    printf("%u explorations: %u of every interleaving, %u of those with up to %u pre-emptions (%u "
           "with reorderings), %u of fewer; %lu runs, %lu states; %u failed\n",
           total.explorations, total.complete, total.bounded, limits.preemptions, total.reordered,
           total.explorations - total.complete - total.bounded - total.failed, total.runs,
           total.states, total.failed);
    return total.failed != 0;
}

enum {
    ABI = 1,
    MEMORY,
    STATES,
    PREEMPTIONS,
    HUNT,
    DROP,
    RELAX,
    SPLIT,
    LIST,
    REPLAY,
    LITMUS,
    BARRIERS,
    BARRIERS_ALL,
    HELP
};

static const struct option options[] = {
    { "abi", 1, NULL, ABI },
    { "memory", 1, NULL, MEMORY },
    { "states", 1, NULL, STATES },
    { "preemptions", 1, NULL, PREEMPTIONS },
    { "hunt", 0, NULL, HUNT },
    { "drop", 1, NULL, DROP },
    { "relax", 1, NULL, RELAX },
    { "split", 1, NULL, SPLIT },
    { "list", 0, NULL, LIST },
    { "replay", 1, NULL, REPLAY },
    { "litmus", 1, NULL, LITMUS },
    { "barriers", 0, NULL, BARRIERS },
    { "barriers-all", 0, NULL, BARRIERS_ALL },
    { "help", 0, NULL, HELP },
    { 0 },
};

int main(int argc, char **argv)
{
    bool barriers = false, all = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case ABI:
            set_abi(optarg);
            break;
        case MEMORY:
            set_memory(optarg);
            break;
        case STATES:
            limits.states = number(optarg);
            break;
        case PREEMPTIONS:
            limits.preemptions = (unsigned int)number(optarg);
            if (limits.preemptions > MAX_PREEMPTIONS)
                bad("too many pre-emptions:", optarg);
            break;
        case HUNT:
            limits.hunt = true;
            break;
        case DROP:
            weaken(optarg, WEAKEN_DROP);
            break;
        case RELAX:
            weaken(optarg, WEAKEN_RELAX);
            break;
        case SPLIT:
            weaken(optarg, WEAKEN_SPLIT);
            break;
        case LIST:
            list();
            break;
        case REPLAY:
            replay = optarg;
            break;
        case LITMUS:
            return litmus_main((unsigned int)number(optarg), true) != 0;
        case BARRIERS:
        case BARRIERS_ALL:
            barriers = true;
            all = option == BARRIERS_ALL;
            break;
        case HELP:
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (barriers)
        return barriers_main(&limits, all);
    if (replay && optind == argc)
        bad("which scenario is it that", replay);
    for (int i = optind; i < argc; i++)
        run(find(argv[i]));
    for (unsigned int i = 0; optind == argc && scenario_number(i); i++) {
        if (!scenario_number(i)->breaks)
            run(scenario_number(i));
    }
    return replay ? 0 : summary();
}
