/* SPDX-License-Identifier: MIT */
/*
 * Threads that run until they wait. All waiting in evtchn/ is one function, evtchn_wait(): here it
 * is this kernel's, and lets another thread run.
 */
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include "examples/rtos/rtos.h"

#define THREADS 4u
#define STACK   16384u

static struct thread {
    void (*program)(void);
    void *stack;             /* its stack pointer while another runs */
    bool (*done)(void *arg); /* NULL: it can run */
    void *arg;
    uint64_t deadline;
    int result;
    bool over;
    char memory[STACK] __attribute__((aligned(16)));
} threads[THREADS];

static unsigned int nr_threads;
static struct thread *current;
static void *scheduler; /* rtos_run()'s own stack */

unsigned int rtos_switches;

static void to_scheduler(void)
{
    rtos_switch(&current->stack, scheduler);
}

static void first_steps(void)
{
    platform_upcalls_restore(0);
    current->program();
    (void)platform_upcalls_save();
    current->over = true;
    to_scheduler();
}

/* Make its stack look as if it had called rtos_switch() at the start of first_steps(). */
void rtos_thread(void (*program)(void))
{
    struct thread *t = &threads[nr_threads++];
    uint64_t *top = (uint64_t *)(t->memory + STACK) - 2;

    *top = (uint64_t)first_steps; /* above it nothing: first_steps() does not return */
    t->program = program;
    t->stack = top - 6;
}

int evtchn_wait(bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    unsigned long flags = platform_upcalls_save();

    if (flags)
        return -XEN_EDEADLK;
    current->arg = arg;
    current->deadline = deadline;
    current->done = done;
    to_scheduler(); /* with upcalls masked, there and back */
    platform_upcalls_restore(0);
    return current->result;
}

/* With upcalls masked, so that nothing changes before we sleep. */
static bool can_run(struct thread *t, uint64_t now)
{
    if (t->over)
        return false;
    if (!t->done)
        return true;
    if (t->done(t->arg))
        t->result = 0;
    else if (t->deadline <= now)
        t->result = -XEN_ETIME;
    else
        return false;
    t->done = NULL;
    return true;
}

static struct thread *next_to_run(unsigned int *turn, uint64_t now)
{
    for (unsigned int i = 0; i < nr_threads; i++) {
        struct thread *t = &threads[(*turn + i) % nr_threads];

        if (can_run(t, now)) {
            *turn = (unsigned int)(t - threads) + 1;
            return t;
        }
    }
    return NULL;
}

/* Asleep until an event comes, or the first of the threads' deadlines. */
static bool idle(void)
{
    uint64_t first = XENLET_FOREVER;
    bool any = false;

    for (unsigned int i = 0; i < nr_threads; i++) {
        any |= !threads[i].over;
        if (!threads[i].over && threads[i].deadline < first)
            first = threads[i].deadline;
    }
    if (!any)
        return false;
    rtos_timer_at(first);
    hypercall_sched_block();
    (void)platform_upcalls_save();
    return true;
}

void rtos_run(void)
{
    unsigned int turn = 0;

    do {
        while ((current = next_to_run(&turn, platform_now_ns())) != NULL) {
            rtos_switches++;
            rtos_switch(&scheduler, current->stack);
        }
    } while (idle());
}
