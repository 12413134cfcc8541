/* SPDX-License-Identifier: MIT */
/*
 * makecontext() gives a coroutine its stack, once; after that only _setjmp() and _longjmp() are
 * used, which make no system calls.
 */
#undef _FORTIFY_SOURCE /* its longjmp() takes a change of stacks for an error */
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>
#include "tests/host/explore/coroutine.h"

#define STACK_SIZE 65536u
#define MAX        8u

struct coroutine {
    jmp_buf here; /* where it yielded */
    jmp_buf base; /* where its body begins */
    void (*body)(void *arg);
    void *arg;
    bool restart, returned;
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
    return !c->returned;
}

void coroutine_yield(void)
{
    if (_setjmp(running->here) == 0)
        _longjmp(scheduler, 1);
}

void coroutine_abandon(void)
{
    _longjmp(scheduler, 1);
}

bool coroutine_owns(const void *p)
{
    return (uintptr_t)p - (uintptr_t)stacks < sizeof(stacks);
}
