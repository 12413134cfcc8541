/* SPDX-License-Identifier: MIT */
/*
 * The explorer: runs a program of up to four threads in every interleaving, with every value each
 * load may take on the machine of machine.h, and looks at how each run ends.
 */
#ifndef EXPLORE_EXPLORE_H
#define EXPLORE_EXPLORE_H

#include <stdio.h>
#include "tests/host/explore/machine.h"

enum looks {
    LOOKS,         /* something, perhaps */
    LOOKS_IN_VAIN, /* nothing: upcalls are masked */
    LOOKS_LATER,   /* the CPU is in Xen already, and looks on the way back */
};

struct program {
    const char *name;
    unsigned int nr_threads;
    struct {
        const char *name;
        void (*body)(void);
    } threads[MAX_THREADS];
    /* Once, before anything is explored; what it leaves is where each run begins. */
    void (*setup)(void);
    /* At the end of a run, when no thread can go on; what is wrong is said by explore_fail(). */
    void (*check)(void);
    /* What thread `t` does when Xen looks at it (explore_kick()); NULL: nothing ever. */
    void (*look)(unsigned int t);
    /* What would come of that now. */
    enum looks (*looks)(unsigned int t);
    /* Of all memory that a run may write: no store may escape us. NULL: not looked at. */
    uint64_t (*memory)(void);
    /* Of what the program keeps besides memory. NULL: nothing. */
    uint64_t (*hash)(void);
};

/* How often a thread is left that could go on; and loads and stores that are out of their order. */
struct bounds {
    unsigned int preemptions, reorderings;
};
#define MAX_PREEMPTIONS 6u

struct limits {
    unsigned long states;     /* of the complete search, and of each bounded one; in order: more */
    unsigned int preemptions; /* of the bounded ones; 0: only the complete one */
    bool hunt;                /* the bounded one first: for what is believed to be wrong */
};

struct result {
    bool failed;
    char message[512];
    char replay[4096];
    bool complete; /* every interleaving */
    /* Else up to so many pre-emptions, by how many reorderings. */
    unsigned int within[MAX_PREEMPTIONS + 1];
    unsigned long runs, states, steps;
    unsigned int longest; /* steps of a run */
};

/* Explore; a failure ends it. */
void explore(const struct program *p, const struct limits *limits, struct result *result);
/* One run, printed step by step. */
void explore_replay(const struct program *p, const char *replay, FILE *out, struct result *result);

/* A barrier is left out, an RMW is no barrier, or is none: load and store. NULL: all as written. */
enum weakening {
    WEAKEN_NOTHING,
    WEAKEN_DROP,
    WEAKEN_RELAX,
    WEAKEN_SPLIT
};
void explore_weaken(const struct site *site, enum weakening how);
/* Its file, as seen from the top of the tree. All sites there are, each line once. */
const char *site_file(const struct site *s);
unsigned int explore_sites(const struct site **list, unsigned int max);

/* --- from within the program ---------------------------------------------------------------- */

/* Which thread this is; -1: none, in set-up and checks. */
int explore_thread(void);
/* Something is wrong: ends the run. */
void explore_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Nothing more of interest comes in this run. */
void explore_prune(void) __attribute__((noreturn));
/* A place where others may go on, named `text`. */
void explore_point(const char *text);
/* What is known of the program, and is not in its memory: no thread decides by it. */
uint32_t ghost(const uint32_t *p);
void ghost_set(uint32_t *p, uint32_t value);
/* Sleep until explore_wake(). */
void explore_sleep(const char *text);
void explore_wake(unsigned int thread);
/* Xen, on the thread's CPU, is to look what there is to do, at any time from now on. */
void explore_kick(unsigned int thread);
/* It has looked. */
void explore_unkick(void);
/* The thread runs something within something else, as an upcall. */
void explore_enter(const char *what);
void explore_leave(void);
/* A line of the schedule, when one is printed. */
void explore_print(unsigned int thread, const char *text);

/* --- between the parts ---------------------------------------------------------------------- */

/* Do `op` as the running thread, when its turn has come. */
uint64_t search_step(const struct op *op);
/* A location turned out to be shared: this exploration begins again with it. */
void search_restart(void) __attribute__((noreturn));

/* The running thread has looked at a ghost, or set one. */
void threads_use_ghost(void);
void access_forget(void);       /* before a program is set up */
void access_begin(void);        /* before a run: memory as after set-up */
void access_switch(int thread); /* -1: to none */
/* A plain access of the running thread; a store is looked at when it is done. */
void access_load(void *addr, size_t size, const void *pc);
void access_store(void *addr, size_t size, const void *pc);
/* The running thread's last plain store is done now, at the latest. */
void access_flush(void);
/* Of all memory that is not shared and was written. */
uint64_t access_private_hash(void);
void access_snapshot(struct snapshot *s);
/* Memory will be what it was: note that before it is written. */
void undo_note(void *addr, size_t size);
void undo_all(void);
void undo_snapshot(struct snapshot *s);
/* What lies there decides nothing. */
void access_ignore(const void *addr);
/* Note which sites are executed, from here on; and whether one was. */
void access_note_sites(bool note);
bool access_came_by(const struct site *site);

/* What lies where; see names.c. */
struct member {
    const char *name;
    uint16_t offset, size, count; /* count: of an array */
};
void names_forget(void);
/* `n` objects of `stride` bytes at `base`; pointers lead to each, if it says so. */
void names_add(const char *name, const void *base, size_t stride, unsigned int n,
               const struct member *members, bool by_pointer);
/* The member `addr` is in: its start and size. False: nothing is known. */
bool names_member(const void *addr, void **start, unsigned int *size);
void names_location(const void *addr, char *text, size_t size);
/* The source line of a code address, "evtchn/mask.c:42 release()"; NULL: none. */
const char *names_line(const void *pc);

void print_begin(FILE *out, const struct program *p);
void print_step(unsigned int t, unsigned int depth, const char *within, const struct op *op,
                const struct effect *e);
void print_text(unsigned int t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void print_end(void);

#endif
