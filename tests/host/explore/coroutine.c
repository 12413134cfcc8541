/* SPDX-License-Identifier: MIT */
/*
 * makecontext() gives a coroutine its stack, once; after that only _setjmp() and _longjmp() are
 * used, which make no system calls.
 */
#undef _FORTIFY_SOURCE /* its longjmp() takes a change of stacks for an error */
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "tests/host/explore/coroutine.h"
#include "tests/host/explore/machine.h"

#define STACK_SIZE 65536u
#define MAX        8u
#define FRAME      64u   /* of coroutine_yield(): what it has pushed */
#define BELOW      128u  /* and what it calls */
#define DEAD       2048u /* below that, what is over may have left something */

struct coroutine {
    jmp_buf here; /* where it yielded */
    jmp_buf base; /* where its body begins */
    void (*body)(void *arg);
    void *arg;
    bool restart, returned;
    char *top, *base_of_stack, *frame; /* frame: of coroutine_yield() */
};

static char stacks[MAX][STACK_SIZE] __attribute__((aligned(64)));
static struct coroutine all[MAX];
static unsigned int nr;
static struct coroutine *running;
static jmp_buf scheduler;
static ucontext_t creator;

static void bottom(void)
{
    struct coroutine *c = running;

    if (_setjmp(c->base) == 0) {
        if (_setjmp(c->here) == 0)
            setcontext(&creator);
    }
    running->body(running->arg);
    running->returned = true;
    _longjmp(scheduler, 1);
}

struct coroutine *coroutine_new(void (*body)(void *arg), void *arg)
{
    struct coroutine *c = &all[nr];
    volatile bool created = false;
    ucontext_t context;

    if (nr == MAX)
        abort();
    *c = (struct coroutine){ .body = body, .arg = arg, .restart = true };
    getcontext(&context);
    c->base_of_stack = stacks[nr];
    c->top = stacks[nr] + STACK_SIZE;
    context.uc_stack.ss_sp = stacks[nr++];
    context.uc_stack.ss_size = STACK_SIZE;
    context.uc_link = NULL;
    makecontext(&context, bottom, 0);
    running = c;
    getcontext(&creator);
    if (!created) {
        created = true;
        setcontext(&context);
    }
    running = NULL;
    return c;
}

void coroutine_restart(struct coroutine *c)
{
    c->restart = true;
    c->returned = false;
}

/* So that what was there before a function was called makes no difference in its frame. */
static void clear_dead(const struct coroutine *c)
{
    size_t room = c->frame ? (size_t)(c->frame - BELOW - c->base_of_stack) : 0;

    if (room)
        memset(c->frame - BELOW - (room < DEAD ? room : DEAD), 0, room < DEAD ? room : DEAD);
}

bool coroutine_run(struct coroutine *c)
{
    if (c->returned)
        return false;
    running = c;
    if (_setjmp(scheduler) == 0) {
        if (c->restart) {
            c->restart = false;
            _longjmp(c->base, 1);
        }
        _longjmp(c->here, 1);
    }
    running = NULL;
    clear_dead(c);
    return !c->returned;
}

void coroutine_yield(void)
{
    running->frame = __builtin_frame_address(0);
    if (_setjmp(running->here) == 0)
        _longjmp(scheduler, 1);
}

void coroutine_abandon(void)
{
    _longjmp(scheduler, 1);
}

void coroutine_snapshot(struct coroutine *c, struct snapshot *s)
{
    snapshot_move(s, &c->here, sizeof(c->here));
    snapshot_move(s, &c->restart, sizeof(c->restart));
    snapshot_move(s, &c->returned, sizeof(c->returned));
    snapshot_move(s, &c->frame, sizeof(c->frame));
    snapshot_move(s, c->frame - BELOW, (size_t)(c->top - (c->frame - BELOW)));
}

uint64_t coroutine_hash(const struct coroutine *c)
{
    const uint64_t *registers = (const uint64_t *)(const void *)&c->here;
    const uint64_t *end = (const uint64_t *)(const void *)c->top;
    uint64_t h = 0;

    for (unsigned int i = 0; i < 8; i++)
        h = mix(h, registers[i]);
    for (const uint64_t *w = (const uint64_t *)(const void *)(c->frame - FRAME); w < end; w++)
        h = mix(h, *w);
    return h;
}

bool coroutine_owns(const void *p)
{
    return (uintptr_t)p - (uintptr_t)stacks < sizeof(stacks);
}
