/* SPDX-License-Identifier: MIT */
/* A handle that becomes another port's while a delivery has it in hand; waits and polls. */
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define STEPS 60u

static struct evtchn *target;
static unsigned int seen, until, spent;
static bool became;

/* VCPU 1 closes the channel, Xen gives its port to somebody else, and its handle a new one. */
static void becomes_another(void)
{
    evtchn_port_t port = evtchn_port(target);
    struct evtchn *ch;

    if (host_vcpus[host_this]->in_xen || until-- != 0)
        return;
    host_between_steps = NULL;
    if (host_locks_held() || evtchn_vcpus[0]->current == target)
        return; /* it would be waited for */
    host_this = 1;
    became = true;
    seen = 0;
    SAME(evtchn_close(target), 0);
    SAME(hypercall_evtchn_bind_ipi(2, &port), 0);
    SAME(evtchn_bind_ipi(0, unit_count, &seen, target->flags, &ch), 0);
    HOLDS(ch == target);
    if (spent)
        ch->budget = 0;
    (void)platform_upcalls_save();
    host_this = 0;
}

/* What is delivered was raised for the port that the handle has now. */
static void handle_that_became_anothers_gets_no_event(void)
{
    static const unsigned int flags[] = { GPR, 0, GPR | EVTCHN_LATE_EOI };

    for (unsigned int n = 0; n < 3 * 3 * 2 * STEPS; n++) {
        unit_boot(abis[n / STEPS / 6]);
        SAME(host_add_vcpu(1), 0);
        SAME(host_add_vcpu(2), 0);
        world_skip(3 * EVTCHN_TICK_DEFAULT); /* there may be a new share */
        spent = n / STEPS % 2;
        seen = became = false;
        SAME(evtchn_bind_ipi(0, unit_count, &seen, flags[n / STEPS / 2 % 3], &target), 0);
        (void)platform_upcalls_save();
        SAME(evtchn_send(target), 0);
        if (spent)
            target->budget = 0;
        until = n % STEPS;
        host_between_steps = becomes_another;
        platform_upcalls_restore(0);
        host_between_steps = NULL;
        unit_settle();
        SAME(seen, became ? 0 : 1);
    }
}

/* --- waits ---------------------------------------------------------------------------------- */

static unsigned int asked;

static bool never(void *arg)
{
    (void)arg;
    asked++;
    return false;
}

static unsigned int sleeps;

static void count_sleep(unsigned int nr, const long args[4])
{
    sleeps += nr == __HYPERVISOR_sched_op && (args[0] == SCHEDOP_block || args[0] == SCHEDOP_poll);
}

static void wait_ends_at_its_deadline(void)
{
    uint64_t deadline;

    unit_boot("2l");
    asked = 0;
    SAME(evtchn_wait(never, NULL, platform_now_ns()), -XEN_ETIME); /* it has come already */
    SAME(asked, 1);
    SAME(host_vcpus[0]->info.evtchn_upcall_mask, 0);
    asked = sleeps = 0;
    host_on_hypercall = count_sleep;
    SAME(evtchn_wait(never, NULL, platform_now_ns() + 100), -XEN_ETIME); /* it comes just now */
    SAME(asked, 1);
    SAME(sleeps, 0);
    host_on_hypercall = NULL;
    deadline = platform_now_ns() + 5 * EVTCHN_TICK_DEFAULT;
    SAME(evtchn_wait(never, NULL, deadline), -XEN_ETIME);
    HOLDS(platform_now_ns() >= deadline && platform_now_ns() < deadline + 3000);
    SAME(evtchn_vcpus[0]->wait_until, 0);
    (void)platform_upcalls_save();
    SAME(evtchn_wait(never, NULL, deadline), -XEN_EDEADLK);
    platform_upcalls_restore(0);
}

static void poll_looks_at_all_of_them(void)
{
    struct evtchn *ch[129];

    unit_boot("2l");
    for (unsigned int i = 0; i < 129; i++)
        SAME(evtchn_bind_ipi(0, NULL, NULL, 0, &ch[i]), 0);
    SAME(evtchn_poll(ch, 0, 0), -XEN_EINVAL);
    SAME(evtchn_poll(ch, 129, 0), -XEN_EINVAL);
    SAME(evtchn_poll(ch, 128, platform_now_ns()), -XEN_ETIME);
    sleeps = 0;
    host_on_hypercall = count_sleep;
    SAME(evtchn_poll(ch, 128, platform_now_ns() + 100), -XEN_ETIME);
    SAME(sleeps, 0);
    host_on_hypercall = NULL;
    for (unsigned int i = 0; i < 128; i += 127) {
        SAME(evtchn_send(ch[i]), 0);
        SAME(evtchn_poll(ch, 128, XENLET_FOREVER), 0);
        HOLDS(evtchn_take_pending(ch[i]));
    }
    SAME(evtchn_send(ch[128]), 0);
    SAME(evtchn_poll(ch, 128, platform_now_ns() + 1000000), -XEN_ETIME);
    SAME(evtchn_poll(ch + 1, 128, 0), 0); /* its time is over, but there is something */
    ch[5]->kind = KIND_LOST;
    SAME(evtchn_poll(ch, 128, XENLET_FOREVER), -XEN_ENOTCONN);
}

const struct unit reuse_units[] = { { "handle_that_became_anothers_gets_no_event",
                                      handle_that_became_anothers_gets_no_event },
                                    { "wait_ends_at_its_deadline", wait_ends_at_its_deadline },
                                    { "poll_looks_at_all_of_them", poll_looks_at_all_of_them },
                                    { NULL, NULL } };
