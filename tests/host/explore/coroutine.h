/* SPDX-License-Identifier: MIT */
/*
 * Threads of the explored program: each has a stack of its own, and runs until it yields. All are
 * run by one, the scheduler. A coroutine may be started over at any time, wherever it is.
 */
#ifndef EXPLORE_COROUTINE_H
#define EXPLORE_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/host/explore/snapshot.h"

struct coroutine;

struct coroutine *coroutine_new(void (*body)(void *arg), void *arg);
/* Let the next coroutine_run() begin with the body. */
void coroutine_restart(struct coroutine *c);
/* Run it until it yields or its body returns; false: it has returned. */
bool coroutine_run(struct coroutine *c);
/* In a coroutine: back to whoever ran it. */
void coroutine_yield(void);
/* In a coroutine, or in a signal handler that interrupted one: back, for good until restarted. */
void coroutine_abandon(void) __attribute__((noreturn));
/* Where it is: its registers and its stack, between two runs. */
void coroutine_snapshot(struct coroutine *c, struct snapshot *s);
/* Of these: two that are equal go on alike, as far as they find the same in memory. */
uint64_t coroutine_hash(const struct coroutine *c);
/* Whether `p` points into a stack. */
bool coroutine_owns(const void *p);

#endif
