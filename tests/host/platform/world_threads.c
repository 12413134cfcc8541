/* SPDX-License-Identifier: MIT */
/*
 * Each VCPU is a thread, on the machine's own clock; Xen is whoever makes a hypercall. An upcall is
 * taken where the VCPU comes back from Xen, spins or looks at the clock.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "tests/host/platform/host.h"

#define LONGEST_SLEEP 100000000ull /* ns; then it looks again */

static struct thread {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool created, up, woken;
} threads[MODEL_MAX_VCPUS];

void world_start(void)
{
    for (unsigned int i = 0; i < MODEL_MAX_VCPUS; i++) {
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_mutex_init(&threads[i].mutex, NULL);
        pthread_cond_init(&threads[i].cond, &attr);
    }
}

uint64_t world_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void world_pass(void)
{
    if (atomic_peek(&host_vcpus[host_this]))
        model_timer_check(host_this, world_now());
    sched_yield();
}

static uint64_t earliest(unsigned int vcpu)
{
    uint64_t until = world_now() + LONGEST_SLEEP, timer = model_timer(vcpu),
             limit = model_sleeps_until(vcpu);

    until = timer && timer < until ? timer : until;
    return limit && limit < until ? limit : until;
}

void world_sleep(unsigned int vcpu)
{
    struct thread *t = &threads[vcpu];

    while (model_sleeps(vcpu)) {
        uint64_t until = earliest(vcpu);
        struct timespec at = { .tv_sec = (time_t)(until / 1000000000),
                               .tv_nsec = (long)(until % 1000000000) };

        pthread_mutex_lock(&t->mutex);
        if (!t->woken)
            pthread_cond_timedwait(&t->cond, &t->mutex, &at);
        t->woken = false;
        pthread_mutex_unlock(&t->mutex);
        model_timer_check(vcpu, world_now());
        model_sleep_check(vcpu, world_now());
    }
}

void world_wake(unsigned int vcpu)
{
    struct thread *t = &threads[vcpu];

    pthread_mutex_lock(&t->mutex);
    t->woken = true;
    pthread_cond_broadcast(&t->cond);
    pthread_mutex_unlock(&t->mutex);
}

static void *run(void *arg)
{
    host_this = (unsigned int)((struct thread *)arg - threads);
    vcpu_main();
}

void world_up(unsigned int vcpu)
{
    struct thread *t = &threads[vcpu];
    pthread_t thread;

    pthread_mutex_lock(&t->mutex);
    t->up = true;
    if (!t->created && pthread_create(&thread, NULL, run, t) == 0)
        t->created = true;
    pthread_cond_broadcast(&t->cond);
    pthread_mutex_unlock(&t->mutex);
}

void world_down(unsigned int vcpu)
{
    struct thread *t = &threads[vcpu];

    pthread_mutex_lock(&t->mutex);
    t->up = false;
    while (!t->up)
        pthread_cond_wait(&t->cond, &t->mutex);
    pthread_mutex_unlock(&t->mutex);
}
