/* SPDX-License-Identifier: MIT */
/* What the xenstore client calls, on the host: one VCPU, its one channel, memory that may end. */
#include <xenlet/clock.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include <xenlet/vcpu.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "tests/host/xenstore/server.h"
#include <stdlib.h>

static bool masked, pending, in_handler;
static uint64_t now = 1000;

struct evtchn *store_channel = (struct evtchn *)&pending;
evtchn_handler_t *store_handler;
long allocated;
unsigned int failing;

void take_upcall(void)
{
    while (pending && !masked && !in_handler && store_handler) {
        pending = false;
        masked = in_handler = true;
        store_handler(store_channel, NULL);
        masked = in_handler = false;
    }
}

unsigned long platform_upcalls_save(void)
{
    unsigned long flags = masked;

    masked = true;
    return flags;
}

void platform_upcalls_restore(unsigned long flags)
{
    masked = flags;
    take_upcall();
}

/* There is one VCPU: who waits for a lock waits for ever. */
void arch_cpu_relax(void)
{
    abort();
}

unsigned int platform_vcpu(void)
{
    return 0;
}

unsigned int platform_nr_vcpus(void)
{
    return 1;
}

int vcpu_wake(unsigned int vcpu)
{
    (void)vcpu;
    return 0;
}

uint64_t clock_now(void)
{
    return now;
}

uint64_t clock_after(uint64_t ns)
{
    return now + ns;
}

void *xenlet_alloc(size_t size)
{
    if (failing) {
        failing--;
        return NULL;
    }
    allocated++;
    return malloc(size);
}

void xenlet_free(void *p)
{
    allocated -= p != NULL;
    free(p);
}

/* The server is told; it looks when it likes. */
int evtchn_send(struct evtchn *ch)
{
    (void)ch;
    return 0;
}

int evtchn_raise(struct evtchn *ch)
{
    (void)ch;
    pending = true;
    take_upcall();
    return 0;
}

int evtchn_unmask(struct evtchn *ch)
{
    (void)ch;
    take_upcall();
    return 0;
}

bool evtchn_take_pending(struct evtchn *ch)
{
    bool was = pending;

    (void)ch;
    pending = false;
    return was;
}

/* Time goes on as the other side acts. */
static bool step(uint64_t ns, uint64_t deadline)
{
    now += ns;
    if (deadline != XENLET_FOREVER && now >= deadline)
        return false;
    server_act();
    return true;
}

int evtchn_poll(struct evtchn *const *ch, unsigned int n, uint64_t deadline)
{
    (void)ch;
    (void)n;
    while (!pending) {
        if (!step(50000000, deadline))
            return -XEN_ETIME;
    }
    return 0;
}

int evtchn_wait(bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    if (masked)
        return -XEN_EDEADLK;
    for (;;) {
        bool is_done;

        masked = true;
        is_done = done(arg);
        masked = false;
        if (is_done)
            return 0;
        if (!step(100, deadline))
            return -XEN_ETIME;
        take_upcall();
    }
}
