/* SPDX-License-Identifier: MIT */
/*
 * Timers. Each VCPU has one (arch_timer_set()), which two things share: the time that evtchn/ asked
 * for, and the first timer of the VCPU's queue. The functions of the queue may use FP registers, so
 * they run on a channel of their own, which the timer's handler raises: as long as nobody sets a
 * timer, none are saved.
 */
#include <xenlet/clock.h>
#include <xenlet/evtchn.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"
#include "kernel/internal.h"
#include "platform_arch.h"

static struct queue {
    bool bound;
    struct evtchn *work; /* runs the queue's functions */
    uint64_t tick;       /* what evtchn/ asked for; 0: nothing */
    uint64_t not_before; /* the queue rests until then */
    bool raised;         /* the work was, and will arm when it is done */
    struct spinlock lock;
    struct clock_timer *first; /* by time */
} queues[XENLET_MAX_VCPUS];

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void clock_sleep(uint64_t ns)
{
    evtchn_wait(never, NULL, clock_after(ns));
}

/* On the queue's VCPU, with upcalls masked. In the far past the timer fires at once. */
static void arm(struct queue *q)
{
    uint64_t first = q->first && !q->raised ? q->first->at : XENLET_FOREVER, at;

    if (first < q->not_before)
        first = q->not_before;
    at = q->tick && q->tick < first ? q->tick : first;
    if (at != XENLET_FOREVER)
        arch_timer_set(clock_to_system(at));
}

void platform_tick_at(uint64_t ns)
{
    struct queue *q = &queues[platform_vcpu()];

    spin_lock(&q->lock);
    q->tick = ns ? ns : 1;
    arm(q);
    spin_unlock(&q->lock);
}

/* --- the queue ------------------------------------------------------------------------------ */

static bool take_off(struct queue *q, struct clock_timer *timer)
{
    struct clock_timer **link = &q->first;

    while (*link && *link != timer)
        link = &(*link)->next;
    if (!*link)
        return false;
    *link = timer->next;
    atomic_write(&timer->vcpu, 0);
    return true;
}

bool clock_timer_cancel(struct clock_timer *timer)
{
    unsigned long flags = platform_upcalls_save();
    uint32_t vcpu = atomic_read(&timer->vcpu);
    bool was_set = false;

    if (vcpu) {
        struct queue *q = &queues[vcpu - 1];

        spin_lock(&q->lock);
        was_set = take_off(q, timer);
        spin_unlock(&q->lock);
    }
    platform_upcalls_restore(flags);
    return was_set;
}

static void insert(struct queue *q, struct clock_timer *timer)
{
    struct clock_timer **link;

    spin_lock(&q->lock);
    for (link = &q->first; *link && (*link)->at <= timer->at; link = &(*link)->next)
        ;
    timer->next = *link;
    *link = timer;
    atomic_write(&timer->vcpu, platform_vcpu() + 1);
    if (link == &q->first)
        arm(q);
    spin_unlock(&q->lock);
}

void clock_timer_set(struct clock_timer *timer, uint64_t at, void (*function)(void *data),
                     void *data)
{
    unsigned long flags = platform_upcalls_save();

    clock_timer_cancel(timer);
    timer->at = at ? at : 1;
    timer->function = function;
    timer->data = data;
    insert(&queues[platform_vcpu()], timer);
    platform_upcalls_restore(flags);
}

/* The first timer whose time has come, taken off; NULL for none. */
static struct clock_timer *take_due(struct queue *q, uint64_t now)
{
    struct clock_timer *timer;

    spin_lock(&q->lock);
    timer = q->first && q->first->at <= now ? q->first : NULL;
    if (timer)
        take_off(q, timer);
    spin_unlock(&q->lock);
    return timer;
}

/*
 * Run as many as a channel may be delivered in a tick, then rest for a tick: timers that set
 * themselves for now again and again leave the VCPU time for other things.
 */
static void run_due(struct evtchn *ch, void *data)
{
    struct queue *q = data;
    struct clock_timer *timer = NULL;

    (void)ch;
    for (unsigned int n = 0; n < EVTCHN_SHARE_DEFAULT; n++) {
        timer = take_due(q, clock_now());
        if (!timer)
            break;
        timer->function(timer->data);
    }
    spin_lock(&q->lock);
    q->raised = false;
    if (timer)
        q->not_before = clock_after(EVTCHN_TICK_DEFAULT);
    arm(q);
    spin_unlock(&q->lock);
}

static void timer_event(struct evtchn *ch, void *data)
{
    struct queue *q = data;
    uint64_t now = clock_now();
    bool due;

    (void)ch;
    spin_lock(&q->lock);
    q->tick = 0;
    due = q->first && q->first->at <= now && q->not_before <= now;
    q->raised = due; /* else what is due would make the timer fire again until the work is done */
    if (!due)
        arm(q);
    spin_unlock(&q->lock);
    if (due)
        evtchn_raise(q->work); /* arms */
    evtchn_tick();             /* evtchn/ asks again if it was not its time */
}

/* --- up and down ---------------------------------------------------------------------------- */

int timer_resume(void)
{
    return arch_timer_start();
}

int timer_init(void)
{
    unsigned int vcpu = platform_vcpu();
    struct queue *q = &queues[vcpu];
    int rc = timer_resume();

    if (rc)
        return rc;
    if (q->bound) {
        timer_event(NULL, q); /* up again: what fell due, or rested, when it was down */
        return 0;
    }
    rc = evtchn_bind_ipi(vcpu, run_due, q, EVTCHN_NO_SHARE, &q->work);
    if (rc == 0)
        rc = arch_timer_bind(timer_event, q);
    if (rc)
        return rc;
    evtchn_set_priority(q->work, EVTCHN_FIFO_PRIORITY_MAX); /* where there are any */
    q->bound = true;
    return 0;
}

void timer_fini(void)
{
    arch_timer_set(0);
}
