/* SPDX-License-Identifier: MIT */
/*
 * Each VCPU is a thread; Xen is whoever makes a hypercall. An upcall is taken where the VCPU comes
 * back from Xen, spins or looks at the clock.
 *
 * Time goes on by what VCPUs do: look at the clock, spin, call Xen; and when all of them sleep it
 * is the next timer's. So it does not matter how long the host lets a thread wait.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "tests/host/platform/host.h"

#define STEP_NS      100u /* a look at the clock, a turn of a spin */
#define HYPERCALL_NS 1000u
#define YIELD_EVERY  16u
#define LOOK_AGAIN \
    10000000 /* ns of the host's time, after which a sleeper looks whether all sleep */

static struct thread {
    pthread_cond_t cond;
    bool created, asleep;
    unsigned int
        ups; /* ups less downs: who is down for Xen may be told to come up before we know */
} threads[MODEL_MAX_VCPUS];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* threads[] */
static uint64_t now;

void world_start(void)
{
    now = 1000000;
    for (unsigned int i = 0; i < MODEL_MAX_VCPUS; i++)
        pthread_cond_init(&threads[i].cond, NULL);
    threads[0].ups = 1;
}

uint64_t world_now(void)
{
    return __atomic_load_n(&now, __ATOMIC_SEQ_CST);
}

static bool exists(unsigned int vcpu)
{
    return vcpu < MODEL_MAX_VCPUS && atomic_peek(&host_vcpus[vcpu]);
}

/* Everybody's, so that nothing is due that was not raised at a time that anybody was told. */
static void check_timers(uint64_t time)
{
    for (unsigned int i = 0; exists(i); i++) {
        model_timer_check(i, time);
        model_sleep_check(i, time);
    }
}

void world_pass(void)
{
    check_timers(__atomic_add_fetch(&now, STEP_NS, __ATOMIC_SEQ_CST));
    sched_yield();
}

/* Now and then the others go on, on a host with fewer CPUs than VCPUs. */
void world_hypercall(void)
{
    static _Thread_local unsigned int calls;

    if (++calls % YIELD_EVERY == 0)
        sched_yield();
    check_timers(__atomic_add_fetch(&now, HYPERCALL_NS, __ATOMIC_SEQ_CST));
}

/* --- sleep ---------------------------------------------------------------------------------- */

static bool all_asleep(void)
{
    for (unsigned int i = 0; i < MODEL_MAX_VCPUS; i++) {
        if (threads[i].ups && !(threads[i].asleep && model_sleeps(i)))
            return false;
    }
    return true;
}

static void earlier(uint64_t *first, uint64_t time)
{
    if (time && (!*first || time < *first))
        *first = time;
}

/* Nobody can do anything before that; 0 when nothing will ever be due. */
static uint64_t next_time(void)
{
    uint64_t next = 0;

    for (unsigned int i = 0; exists(i); i++) {
        earlier(&next, model_timer(i));
        if (model_sleeps(i))
            earlier(&next, model_sleeps_until(i));
    }
    return next;
}

/* By the last one to fall asleep, whose mutex keeps the others as they are. */
static void skip_time(unsigned int vcpu)
{
    uint64_t next = next_time();

    if (!next)
        platform_panic("VCPU %u and all others sleep for ever", vcpu);
    if (next > world_now())
        __atomic_store_n(&now, next, __ATOMIC_SEQ_CST);
}

static void wait_for_a_while(struct thread *t)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += LOOK_AGAIN;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    pthread_cond_timedwait(&t->cond, &mutex, &at);
}

void world_sleep(unsigned int vcpu)
{
    struct thread *t = &threads[vcpu];

    pthread_mutex_lock(&mutex);
    t->asleep = true;
    while (model_sleeps(vcpu)) {
        if (all_asleep()) {
            skip_time(vcpu);
            t->asleep = false; /* a timer that was taken, and not raised yet, is nobody's to see */
            pthread_mutex_unlock(&mutex);
            check_timers(world_now());
            pthread_mutex_lock(&mutex);
            t->asleep = true;
        } else {
            wait_for_a_while(t);
        }
    }
    t->asleep = false;
    pthread_mutex_unlock(&mutex);
}

void world_wake(unsigned int vcpu)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&threads[vcpu].cond);
    pthread_mutex_unlock(&mutex);
}

/* It looks at it wherever it spins, calls Xen or looks at the clock. */
void world_kick(unsigned int vcpu)
{
    (void)vcpu;
}

/* --- up and down ---------------------------------------------------------------------------- */

static void *run(void *arg)
{
    host_this = (unsigned int)((struct thread *)arg - threads);
    vcpu_main();
}

void world_up(unsigned int vcpu)
{
    struct thread *t = &threads[vcpu];
    pthread_t thread;

    pthread_mutex_lock(&mutex);
    t->ups++;
    if (!t->created && pthread_create(&thread, NULL, run, t) == 0)
        t->created = true;
    pthread_cond_broadcast(&t->cond);
    pthread_mutex_unlock(&mutex);
}

void world_down(unsigned int vcpu)
{
    struct thread *t = &threads[vcpu];

    pthread_mutex_lock(&mutex);
    t->ups--;
    while (!t->ups)
        pthread_cond_wait(&t->cond, &mutex);
    pthread_mutex_unlock(&mutex);
}
