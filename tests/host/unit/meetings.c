/* SPDX-License-Identifier: MIT */
/* Other VCPUs that come in at one step of a delivery, a close or a reset: each step in turn. */
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)
#define STEPS           60u

static struct evtchn *target;
static unsigned int seen, until;
static void (*act)(void);

/* Before one step of VCPU 0's; with upcalls masked on the others, who wait for nobody. */
static void step(void)
{
    if (host_vcpus[host_this]->in_xen || until-- != 0)
        return;
    host_between_steps = NULL;
    act();
    host_this = 0;
}

static void at_step(unsigned int n, void (*what)(void))
{
    until = n;
    act = what;
    host_between_steps = step;
}

static void boot(const char *abi)
{
    unit_boot(abi);
    SAME(host_add_vcpu(1), 0);
    SAME(host_add_vcpu(2), 0);
    seen = 0;
}

static void take_on(unsigned int vcpu)
{
    host_this = vcpu;
    platform_upcalls_restore(0);
    host_this = 0;
}

/* --- a delivery meets a close ----------------------------------------------------------------- */

/* As far as evtchn_close() comes before it waits for VCPU 0. */
static void begin_to_close(void)
{
    if (target->lock.held || evtchn_vcpus[0]->lock.held)
        return;
    host_this = 1;
    evtchn_hold(target, REASON_CLOSED);
    (void)evtchn_rest_forget(target, REASON_ANY);
    evtchn_unpublish(target);
    SAME(hypercall_evtchn_close(target->port), 0);
    (void)platform_upcalls_save();
}

/* It is delivered before, or not at all; and it does not rest. */
static void close_meets_a_delivery(void)
{
    static const unsigned int flags[] = { GPR, 0, GPR | EVTCHN_LATE_EOI };

    for (unsigned int n = 0; n < 3 * 3 * 2 * STEPS; n++) {
        bool spent = n / STEPS % 2;

        boot(abis[n / STEPS / 6]);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, flags[n / STEPS / 2 % 3], &target),
             0);
        (void)platform_upcalls_save();
        SAME(evtchn_raise(target), 0);
        if (spent) {
            target->budget = 0;
            target->refilled = platform_now_ns();
        }
        at_step(n % STEPS, begin_to_close);
        platform_upcalls_restore(0);
        host_between_steps = NULL;
        HOLDS(seen <= 1);
        if (target->reasons & REASON_CLOSED)
            HOLDS(!target->rest_on && !evtchn_vcpus[0]->resting);
    }
}

/* --- nobody's event meets a bind ---------------------------------------------------------------
 */

static evtchn_port_t early;

static void bind_early(void)
{
    struct evtchn *ch;

    if (evtchn_lookup(early))
        return;
    host_this = 1;
    SAME(evtchn_bind_port(early, unit_count, &seen, GPR, &ch), 0);
    (void)platform_upcalls_save();
}

static void bind_meets_an_event(void)
{
    FOR_EACH_ABI(i)
    {
        for (unsigned int n = 0; n < STEPS; n++) {
            boot(abis[i]);
            SAME(hypercall_evtchn_bind_ipi(0, &early), 0);
            SAME(evtchn_ops->port_setup(early), 0);
            (void)platform_upcalls_save();
            evtchn_ops->unmask(early, true);
            SAME(hypercall_evtchn_send(early), 0);
            at_step(n, bind_early);
            platform_upcalls_restore(0);
            host_between_steps = NULL;
            bind_early();
            unit_settle();
            HOLDS(seen >= 1);
        }
    }
}

/* What was taken is given back, to the channel that is bound to the port at any step of that. */
static void bind_meets_what_is_given_back(void)
{
    FOR_EACH_ABI(i)
    {
        for (unsigned int n = 0; n < 20; n++) {
            boot(abis[i]);
            SAME(hypercall_evtchn_bind_ipi(0, &early), 0);
            SAME(evtchn_ops->port_setup(early), 0);
            at_step(n, bind_early);
            evtchn_give_back(early);
            host_between_steps = NULL;
            bind_early();
            unit_settle();
            HOLDS(seen >= 1);
        }
    }
}

/* --- a channel that moved here meets another move -----------------------------------------------
 */

/* Elsewhere, where it settles, which waits for VCPU 0's handler; and back. */
static void go_round(void)
{
    if (target->lock.held || evtchn_vcpus[0]->current == target)
        return;
    host_this = 1;
    SAME(evtchn_bind_vcpu(target, 2), 0);
    take_on(2);
    host_this = 1;
    SAME(evtchn_bind_vcpu(target, 0), 0);
    (void)platform_upcalls_save();
}

static void go_away(void)
{
    if (target->lock.held)
        return;
    host_this = 1;
    SAME(evtchn_bind_vcpu(target, 2), 0);
    (void)platform_upcalls_save();
}

/* VCPU 1 is about to run the handler once more, for a while. */
static void is_out_again(void)
{
    evtchn_vcpus[1]->current = NULL;
}

static void is_in_it_again(void)
{
    evtchn_vcpus[1]->current = target;
    at_step(25, is_out_again);
}

static void move_meets_a_delivery(void)
{
    static void (*const acts[])(void) = { go_round, go_away, is_in_it_again };

    for (unsigned int n = 0; n < 3 * 3 * STEPS; n++) {
        boot(abis[n / STEPS / 3]);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &target), 0);
        unit_settle();
        SAME(evtchn_bind_vcpu(target, 1), 0);
        take_on(1);
        seen = 0;
        (void)platform_upcalls_save();
        SAME(evtchn_bind_vcpu(target, 0), 0);
        SAME(evtchn_raise(target), 0);
        at_step(n % STEPS, acts[n / STEPS % 3]);
        platform_upcalls_restore(0);
        host_between_steps = NULL;
        evtchn_vcpus[1]->current = NULL;
        for (unsigned int i = 0; i < 3; i++)
            take_on(i);
        unit_settle();
        HOLDS(seen >= 1);
    }
}

/* --- handlers that close each other's channels ---------------------------------------------------
 */

static struct evtchn *in_handler_of(unsigned int vcpu)
{
    struct evtchn *ch;

    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    evtchn_vcpus[vcpu]->current = ch;
    return ch;
}

static void others_are_done(void)
{
    for (unsigned int i = 1; i < 3; i++)
        evtchn_vcpus[i]->current = evtchn_vcpus[i]->closing = NULL;
}

/* Who waits for us, over how many others ever, is not waited for; anybody else is. */
static void closing_follows_the_chain(void)
{
    FOR_EACH_ABI(i)
    {
        struct evtchn *ours, *first, *second, *third, *fourth;

        boot(abis[i]);
        ours = in_handler_of(0);
        first = in_handler_of(1);
        second = in_handler_of(2);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &third), 0);

        evtchn_vcpus[1]->closing = second; /* us -> 1 -> 2 -> us */
        evtchn_vcpus[2]->closing = ours;
        SAME(evtchn_close(first), 0);
        HOLDS(evtchn_vcpus[0]->closed == first);

        evtchn_vcpus[1]->current = third; /* us -> 1 -> 2 -> 1: a ring without us */
        evtchn_vcpus[1]->closing = second;
        evtchn_vcpus[2]->closing = third;
        SAME(evtchn_close(third), 0);
        HOLDS(evtchn_vcpus[0]->closed == third);

        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &third), 0);
        /* us -> 1 -> 2, which waits for nobody: they are waited for. */
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &fourth), 0);
        evtchn_vcpus[1]->current = fourth;
        evtchn_vcpus[1]->closing = second;
        evtchn_vcpus[2]->current = second;
        evtchn_vcpus[2]->closing = NULL;
        at_step(40, others_are_done);
        SAME(evtchn_close(fourth), 0);
        HOLDS(!evtchn_vcpus[1]->current && evtchn_vcpus[0]->closed != fourth);
        HOLDS(!evtchn_vcpus[0]->closing);

        evtchn_vcpus[1]->current = third; /* us -> 1 -> nobody */
        evtchn_vcpus[1]->closing = first;
        evtchn_vcpus[2]->current = NULL;
        SAME(evtchn_close(third), 0);
        HOLDS(evtchn_vcpus[0]->closed == third);

        /* 1 waits for nobody: we wait for it, in a handler as in main. */
        evtchn_vcpus[2]->current = second;
        evtchn_vcpus[2]->closing = NULL;
        for (unsigned int n = 20; n < 100; n += 20) {
            evtchn_vcpus[2]->current = second;
            at_step(n, others_are_done);
            SAME(evtchn_close(second), 0);
            HOLDS(evtchn_vcpus[0]->closed == third && !evtchn_vcpus[2]->current);
            evtchn_vcpus[0]->current = n == 60 ? NULL : ours;
            SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &second), 0);
        }
        /* What was given up is freed when nobody runs it. */
        evtchn_vcpus[1]->current = third;
        evtchn_vcpus[0]->after_walk = false;
        evtchn_free_closed(evtchn_vcpus[0]);
        HOLDS(evtchn_vcpus[0]->closed == third && evtchn_vcpus[0]->after_walk);
        evtchn_vcpus[1]->current = NULL;
        evtchn_free_closed(evtchn_vcpus[0]);
        HOLDS(!evtchn_vcpus[0]->closed);
        HOLDS(evtchn_handle_alloc() == first || evtchn_handle_alloc() == first);
    }
}

/* Not freed at the end of one upcall, because another VCPU runs it, it is at that of the next. */
static void closed_channel_is_freed_by_a_later_upcall(void)
{
    FOR_EACH_ABI(i)
    {
        struct evtchn *ours, *other;

        boot(abis[i]);
        ours = in_handler_of(0);
        other = in_handler_of(1);
        evtchn_vcpus[1]->closing = ours; /* it waits for us */
        SAME(evtchn_close(other), 0);
        HOLDS(evtchn_vcpus[0]->closed == other);
        evtchn_vcpus[0]->current = NULL;
        evtchn_upcall();
        HOLDS(evtchn_vcpus[0]->closed == other && evtchn_vcpus[0]->after_walk);
        evtchn_vcpus[1]->current = NULL;
        evtchn_upcall();
        HOLDS(!evtchn_vcpus[0]->closed && !evtchn_vcpus[0]->after_walk);
        HOLDS(evtchn_handle_alloc() == other);
    }
}

/* --- a rest ends while it is forgotten -----------------------------------------------------------
 */

static struct evtchn *resting;

static void forget_it(void)
{
    if (resting->rest_on && !resting->rest_on->lock.held)
        (void)evtchn_rest_forget(resting, REASON_STORM);
}

static void rest_ends_while_it_is_forgotten(void)
{
    for (unsigned int n = 0; n < 20; n++) {
        unsigned long flags;

        boot("2l");
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &resting), 0);
        flags = platform_upcalls_save();
        resting->budget = 0;
        resting->refilled = platform_now_ns();
        SAME(evtchn_send(resting), 0);
        platform_upcalls_restore(flags);
        HOLDS(resting->rest_on);
        at_step(n, forget_it);
        SAME(evtchn_rest_forget(resting, REASON_EOI), 0); /* that is not what it rests for */
        SAME(evtchn_close(resting), 0);
        host_between_steps = NULL;
        HOLDS(!evtchn_vcpus[0]->resting);
    }
}

/* --- a walk beside a reset, and over a restore
 * ---------------------------------------------------- */

static bool stopped(void)
{
    return evtchn_upcall_now == evtchn_upcall_stopped;
}

static void go(void)
{
    evtchn_let_upcalls_go();
}

/* Its upcall waits until it may go on, and then finds the event. */
static void stopped_walk_loses_nothing(void)
{
    FOR_EACH_ABI(i)
    {
        for (unsigned int n = 3; n < 40; n++) {
            boot(abis[i]);
            SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &target), 0);
            (void)platform_upcalls_save();
            SAME(evtchn_send(target), 0);
            evtchn_stop_upcalls(); /* nobody else is in one */
            HOLDS(stopped());
            at_step(n, go);
            if (n % 2)
                evtchn_upcall();
            else
                evtchn_ops->upcall(0); /* which it was before it was stopped */
            HOLDS(!stopped());
            platform_upcalls_restore(0);
            SAME(seen, 1);
            HOLDS(!evtchn_vcpus[0]->current);
        }
    }
}

static void leave_upcall(void)
{
    HOLDS(stopped());
    evtchn_vcpus[2]->current = NULL;
}

static void reset_waits_for_upcalls(void)
{
    FOR_EACH_ABI(i)
    {
        boot(abis[i]);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &target), 0);
        evtchn_vcpus[2]->current = IN_UPCALL;
        at_step(150, leave_upcall);
        SAME(evtchn_reset(), 0);
        HOLDS(!evtchn_vcpus[2]->current && !stopped());
        SAME(seen, 1);
    }
}

/* VCPU 1 has read which upcall it is, and nothing else, when VCPU 0 resets; into another ABI. */
static void reset_now(void)
{
    if (evtchn_vcpus[1]->current)
        return;
    host_this = 0;
    SAME(evtchn_reset(), 0);
    HOLDS(evtchn_ops == &evtchn_ops_fifo);
    host_this = 1;
}

static void step_of_1(void)
{
    if (host_vcpus[1]->in_xen || until-- != 0)
        return;
    host_between_steps = NULL;
    reset_now();
}

static void upcall_before_a_reset_loses_nothing(void)
{
    for (unsigned int n = 0; n < 10; n++) {
        model_refuse(EVTCHNOP_init_control, 0, 1, -XEN_ENOMEM);
        model_refuse_too(EVTCHNOP_query_extended_abis, 0, 1, -XEN_ENOSYS);
        boot("auto");
        HOLDS(evtchn_ops == &evtchn_ops_2l);
        SAME(evtchn_bind_ipi(1, unit_count, &seen, GPR, &target), 0);
        host_this = 1;
        until = n;
        host_between_steps = step_of_1;
        evtchn_upcall();
        host_between_steps = NULL;
        host_this = 0;
        SAME(evtchn_send(target), 0);
        take_on(1);
        HOLDS(seen >= 1);
    }
}

/* The handler that waits while VCPU 0 restores the domain: on a Xen that has not the same ABIs. */
static void restored_meanwhile(struct evtchn *ch, void *data)
{
    unsigned int *times = data;

    (void)ch;
    if (++*times != 1)
        return;
    host_this = 0;
    (void)platform_upcalls_save();
    SAME(evtchn_suspend(), 0);
    model_restore();
    model_refuse(EVTCHNOP_init_control, 0, 1, -XEN_EOPNOTSUPP);
    model_refuse_too(EVTCHNOP_query_extended_abis, 0, 1, -XEN_ENOSYS);
    for (unsigned int i = 0; i < 3; i++)
        SAME(hypercall_register_vcpu_info(i, platform_page_gfn(host_vcpus[i]), 0), 0);
    evtchn_resume(false);
    host_this = 1;
}

static void walk_over_a_restore_finds_the_new_abi(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int times = 0, behind = 0;
        struct evtchn *ch, *next;

        boot(abis[i]);
        SAME(evtchn_bind_ipi(1, restored_meanwhile, &times, GPR, &ch), 0);
        SAME(evtchn_bind_ipi(1, unit_count, &behind, GPR, &next), 0);
        host_this = 1;
        (void)platform_upcalls_save();
        host_this = 0;
        SAME(evtchn_send(ch), 0);
        SAME(evtchn_send(next), 0);
        take_on(1);
        SAME(times, 2);  /* and the restore's own call */
        SAME(behind, 1); /* what was on its way before is gone */
        SAME(evtchn_send(ch), 0);
        take_on(1);
        SAME(times, 3);
    }
}

/* --- a VCPU leaves while a channel is bound to it
 * -------------------------------------------------- */

/* It has looked for channels to move, and did not find this one. */
static void leave(void)
{
    evtchn_vcpus[1]->left = true;
}

static void bind_to_a_vcpu_that_leaves(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int refused = 0, moved = 0;

        for (unsigned int n = 0; n < 100; n++) {
            int rc;

            boot(abis[i]);
            at_step(n, leave);
            rc = evtchn_bind_virq(VIRQ_TBUF, 1, unit_count, &seen, GPR, &target);
            host_between_steps = NULL;
            HOLDS(rc == 0 || rc == -XEN_ENOENT);
            refused += rc != 0;
            moved += rc == 0 && evtchn_vcpu(target) == 0;
        }
        HOLDS(refused > 0 && moved > 0);
    }
}

/* An event is raised at any step of its going: it goes along, and stays on no queue there. */
static void raise_it(void)
{
    SAME(evtchn_raise(target), 0);
    (void)platform_upcalls_save();
}

static void step_of_leaving(void)
{
    if (host_vcpus[1]->in_xen || until-- != 0)
        return;
    if (host_locks_held()) {
        until = 0; /* at the next step */
        return;
    }
    host_between_steps = NULL;
    host_this = 0;
    raise_it();
    host_this = 1;
}

static void leaving_vcpu_meets_a_raise(void)
{
    FOR_EACH_ABI(i)
    {
        for (unsigned int n = 0; n < 150; n++) {
            boot(abis[i]);
            SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &target), 0);
            SAME(evtchn_bind_vcpu(target, 1), 0);
            take_on(1);
            seen = 0;
            host_this = 1;
            (void)platform_upcalls_save();
            until = n;
            host_between_steps = step_of_leaving;
            evtchn_vcpu_leave();
            if (host_between_steps) {
                host_between_steps = NULL;
                host_this = 0;
                raise_it();
            }
            take_on(0);
            HOLDS(seen >= 1);
            SAME(evtchn_close(target), 0);
            SAME(model_busy_ports(), 0);
        }
    }
}

const struct unit meeting_units[] = {
    { "close_meets_a_delivery", close_meets_a_delivery },
    { "bind_meets_an_event", bind_meets_an_event },
    { "bind_meets_what_is_given_back", bind_meets_what_is_given_back },
    { "closed_channel_is_freed_by_a_later_upcall", closed_channel_is_freed_by_a_later_upcall },
    { "move_meets_a_delivery", move_meets_a_delivery },
    { "closing_follows_the_chain", closing_follows_the_chain },
    { "rest_ends_while_it_is_forgotten", rest_ends_while_it_is_forgotten },
    { "stopped_walk_loses_nothing", stopped_walk_loses_nothing },
    { "reset_waits_for_upcalls", reset_waits_for_upcalls },
    { "upcall_before_a_reset_loses_nothing", upcall_before_a_reset_loses_nothing },
    { "walk_over_a_restore_finds_the_new_abi", walk_over_a_restore_finds_the_new_abi },
    { "bind_to_a_vcpu_that_leaves", bind_to_a_vcpu_that_leaves },
    { "leaving_vcpu_meets_a_raise", leaving_vcpu_meets_a_raise },
    { NULL, NULL }
};
