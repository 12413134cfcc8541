/* SPDX-License-Identifier: MIT */
/* Inside the search: the threads of a program, what they can do next, and the states seen. */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H

#include "tests/host/explore/coroutine.h"
#include "tests/host/explore/explore.h"

#define MAX_CHOICES 64u
#define MAX_LOOKED  32u

/* Of both, in a complete search. */
#define ANY 255u

enum kind {
    STEP,
    LET_GO,
    LOOK,
    LOOK_IN_VAIN
};

/* `costs`: it leaves a thread that could go on; `weak`: it is no step of a machine in order. */
struct choice {
    uint8_t thread, kind, option;
    bool costs, weak;
};

#define MAX_HELD 8u

struct thread {
    struct coroutine *coroutine;
    struct op next;
    uint64_t result;
    uint64_t stack; /* its hash; 0: not known */
    bool looked_at, kicked, woken;
    bool asleep;     /* it need not go on: see sleep.c */
    bool used_ghost; /* since its last step */
    bool was_masked; /* since it was kicked */
    bool took_lock;  /* by its last step */
    bool at_ease;    /* at a point, as before its last step; nothing was used in between */
    unsigned int nr_held;
    struct held {
        const struct location *lock;
        bool shared;
    } held[MAX_HELD];
    bool looks_once_more,
        has_looked_once_more; /* it waits, and nothing has changed, and nobody else can go on */
    struct {
        struct location *loc;
        uint64_t expected, value;
        uint32_t newest;
    } failed;                            /* the compare-and-swap that was the last step */
    struct location *looked[MAX_LOOKED]; /* since the last wait or store */
    unsigned int nr_looked;
    unsigned int depth; /* of explore_enter() */
    const char *within[8];
};

enum end {
    RUNNING,
    ENDED,
    PRUNED,
    FAILED,
    RESTART
};

/* --- search.c ------------------------------------------------------------------------------- */

extern const struct program *program;
extern struct result *result;
extern enum end how; /* the run ends; RUNNING: it does not yet */
extern bool printing;

/* --- thread.c ------------------------------------------------------------------------------- */

extern struct thread threads[MAX_THREADS];
extern struct thread *me; /* that runs now; NULL: none */

void threads_create(void);
/* Something that was believed of a location is not so: begin again after this run. */
extern bool threads_believed_wrong;
/* No load will be early any more: x86, or the bounds have been reached. */
extern bool threads_in_order;
/* Memory and threads as at the start; each runs to its first step. */
void threads_begin(void);
/* What could come next: at most MAX_CHOICES. The thread that ran last comes first. */
unsigned int threads_choices(struct choice *list, unsigned int last);
void threads_take(struct choice c);
/* Some thread's stores wait for no purpose: another run shows the same. */
bool threads_redundant(void);
/* Nobody can go on, and some thread's stores wait that nothing has passed: the same holds. */
bool threads_hold_back(void);
/* Let one that waits, and sees no change, look once more: its loop may end for another reason. */
bool threads_look_once_more(void);
uint64_t threads_hash(bool in_order);
void threads_snapshot(struct snapshot *s);

/* --- locks.c -------------------------------------------------------------------------------- */

/* The thread is going to do it. False: a location was believed to have a guard, and has not. */
bool locks_observe(struct thread *t, const struct op *op);
/* It takes a lock that it cannot have yet. */
bool locks_block(const struct op *op);
/* It leaves a lock, or uses something that has a guard. */
bool locks_leave_or_guard(struct thread *t, const struct op *op);
/* It has done it. */
void locks_note(struct thread *t, const struct op *op);

/* --- sleep.c -------------------------------------------------------------------------------- */

/* What a step was, to others. */
struct done {
    const struct location *loc; /* that it used in memory; NULL: none */
    bool wrote, caught_up, visible;
};

void sleep_forget(void);
/* The thread has used a ghost after it had done this; false: that is news. */
bool sleep_observe(const struct op *done);
bool sleep_is_visible(const struct op *op);
/* Of the choices that one is taken: those before it have been. */
void sleep_before(const struct choice *list, unsigned int taken, bool bounded, unsigned int last);
void sleep_after(const struct thread *by, const struct done *d);
/* Who sleeps, a bit each. */
unsigned int sleep_set(void);

/* --- seen.c --------------------------------------------------------------------------------- */

void seen_clear(void);
/* Whether to go on from a state that was reached with so many, while these sleep. */
bool seen_is_new(uint64_t hash, struct bounds used, unsigned int asleep);
/* The same, without noting that it is being gone on from. */
bool seen_covers(uint64_t hash, struct bounds used, unsigned int asleep);

#endif
