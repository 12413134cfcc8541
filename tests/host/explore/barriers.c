/* SPDX-License-Identifier: MIT */
/* Every barrier in turn: what is lost without it. See barriers.h. */
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/barriers.h"
#include "tests/host/explore/guest.h"

#define ENTRIES "tests/host/explore/barriers.txt"
#define LOST_BY "lost by "

extern const struct site __start_explore_sites[], __stop_explore_sites[];

const char *site_file(const struct site *s)
{
    return strncmp(s->file, "./", 2) == 0 ? s->file + 2 : s->file;
}

static bool is_same(const struct site *one, const struct site *other)
{
    return one->line == other->line && strcmp(site_file(one), site_file(other)) == 0;
}

unsigned int explore_sites(const struct site **list, unsigned int max)
{
    unsigned int n = 0;

    for (const struct site *s = __start_explore_sites; s < __stop_explore_sites; s++) {
        bool known = false;

        for (unsigned int i = 0; i < n; i++)
            known = known || is_same(list[i], s);
        if (!known && n < max)
            list[n++] = s;
    }
    return n;
}

/* --- reasons --------------------------------------------------------------------------------- */

static void describe(const struct site *s, enum weakening how, char *text, size_t size)
{
    static const char *const ways[] = {
        [WEAKEN_DROP] = "left out", [WEAKEN_RELAX] = "no barrier", [WEAKEN_SPLIT] = "not atomic"
    };

    snprintf(text, size, "%s %s() %s %s", site_file(s), s->function, s->what, ways[how]);
}

/*
 * Lines "FILE FUNCTION() NAME WAY: lost by SCENARIO ABI MEMORY", or why no scenario can need it;
 * see the file.
 */
/* The one of that number, of those there are for it. */
static bool find_entry(const char *what, unsigned int number, char *entry, size_t size)
{
    FILE *f = fopen(ENTRIES, "r");
    char line[512];
    bool found = false;

    while (f && !found && fgets(line, sizeof(line), f)) {
        size_t n = strlen(what);

        if (strncmp(line, what, n) == 0 && line[n] == ':' && number-- == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(entry, size, "%s", line + n + 2);
            found = true;
        }
    }
    if (f)
        fclose(f);
    return found;
}

/* --- who comes by ---------------------------------------------------------------------------- */

#define MAX_SCENARIOS 64u

/* Which scenarios execute which sites, under which ABI. */
static uint8_t comes_by[MAX_SITES][MAX_SCENARIOS];

static void look_who_comes_by(const struct site *const *sites, unsigned int n)
{
    static const struct limits few = { .states = 1000, .preemptions = 1 };
    const struct scenario *s;
    struct result r;

    machine_memory = MEMORY_ARM64;
    for (unsigned int i = 0; (s = scenario_number(i)) != NULL && i < MAX_SCENARIOS; i++) {
        for (enum abi abi = ABI_2L; abi <= ABI_FIFO; abi <<= 1) {
            if (s->breaks || !(s->abis & abi) || !scenario_has(abi))
                continue;
            access_note_sites(true);
            scenario_run(s, abi, &few, &r);
            access_note_sites(false);
            for (unsigned int j = 0; j < n; j++) {
                if (access_came_by(sites[j]))
                    comes_by[j][i] |= (uint8_t)abi;
            }
        }
    }
}

/* --- one site -------------------------------------------------------------------------------- */

static bool fails_in(const struct site *site, enum weakening how, const struct scenario *s,
                     enum abi abi, enum memory memory, const struct limits *limits)
{
    struct result r;

    machine_memory = memory;
    explore_weaken(site, how);
    scenario_run(s, abi, limits, &r);
    explore_weaken(NULL, WEAKEN_NOTHING);
    if (r.failed)
        printf("  lost by %s %s %s: %s\n", s->name, abi_name(abi), memory_names[memory], r.message);
    return r.failed;
}

/* As the entry says. */
static bool fails_as(const char *entry, const struct site *site, enum weakening how,
                     const struct limits *limits)
{
    char name[64], abi_text[8], memory_text[8];
    const struct scenario *s;

    if (sscanf(entry, LOST_BY "%63s %7s %7s", name, abi_text, memory_text) != 3)
        return false;
    for (unsigned int i = 0; (s = scenario_number(i)) != NULL; i++) {
        for (enum abi abi = ABI_2L; abi <= ABI_FIFO; abi <<= 1) {
            enum memory memory =
                strcmp(memory_text, memory_names[MEMORY_X86]) == 0 ? MEMORY_X86 : MEMORY_ARM64;

            if (strcmp(s->name, name) == 0 && strcmp(abi_name(abi), abi_text) == 0)
                return fails_in(site, how, s, abi, memory, limits);
        }
    }
    return false;
}

static bool fails(const struct site *site, unsigned int number, enum weakening how,
                  enum memory memory, const struct limits *limits)
{
    const struct scenario *s;

    for (unsigned int i = 0; (s = scenario_number(i)) != NULL && i < MAX_SCENARIOS; i++) {
        for (enum abi abi = ABI_2L; abi <= ABI_FIFO; abi <<= 1) {
            if ((comes_by[number][i] & abi) && fails_in(site, how, s, abi, memory, limits))
                return true;
        }
    }
    return false;
}

/* 1: it has no entry, or not the right one. */
static unsigned int try_site(const struct site *site, unsigned int number, enum weakening how,
                             const struct limits *limits, bool all)
{
    char what[256], entry[512] = "";
    bool has_entry;

    describe(site, how, what, sizeof(what));
    has_entry = find_entry(what, 0, entry, sizeof(entry));
    printf("%s:%d  %s:", site_file(site), site->line, what);
    fflush(stdout);
    if (strncmp(entry, LOST_BY, strlen(LOST_BY)) == 0) {
        for (unsigned int i = 1; has_entry; i++) {
            if (fails_as(entry, site, how, limits))
                return 0;
            has_entry = find_entry(what, i, entry, sizeof(entry)); /* there are several like it */
        }
        printf("  FAIL: not %s\n", entry);
        return 1;
    }
    if ((all || !has_entry) &&
        (fails(site, number, how, MEMORY_ARM64, limits) ||
         (how != WEAKEN_RELAX && fails(site, number, how, MEMORY_X86, limits)))) {
        printf("  FAIL: " ENTRIES " %s\n", has_entry ? "gives a reason" : "does not say so");
        return 1;
    }
    printf(has_entry ? "  %s\n" : "  FAIL: nothing, and " ENTRIES " gives no reason\n", entry);
    return !has_entry;
}

static bool is_ours(const struct site *s)
{
    return strncmp(site_file(s), "evtchn/", 7) == 0 || strcmp(site_file(s), "arch/spinlock.h") == 0;
}

int barriers_main(const struct limits *limits, bool all)
{
    struct limits hunting = *limits;
    const struct site *sites[MAX_SITES];
    unsigned int n = explore_sites(sites, MAX_SITES), tried = 0, bad = 0;

    hunting.hunt = true;
    look_who_comes_by(sites, n);
    for (unsigned int i = 0; i < n; i++) {
        bool fence = strncmp(sites[i]->what, "smp_", 4) == 0;

        if (!is_ours(sites[i]))
            continue;
        tried += 1 + !fence;
        bad += try_site(sites[i], i, fence ? WEAKEN_DROP : WEAKEN_RELAX, &hunting, all);
        if (!fence)
            bad += try_site(sites[i], i, WEAKEN_SPLIT, &hunting, all);
        fflush(stdout);
    }
    printf("%u weakenings of barriers and atomic operations: %u are not as " ENTRIES " says\n",
           tried, bad);
    return bad != 0;
}
