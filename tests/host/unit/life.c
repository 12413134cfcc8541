/* SPDX-License-Identifier: MIT */
/* Channels over resets and restores, physical interrupts, and others who come in between. */
#include <string.h>
#include <xenlet/hypercall.h>
#include "kernel/internal.h"
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

static void pirqs(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch, *again;
        evtchn_port_t port;

        unit_boot(abis[i]);
        SAME(host_add_vcpu(1), 0);
        SAME(evtchn_bind_pirq(4, false, unit_count, &seen, GPR, &ch), -XEN_EINVAL);
        SAME(evtchn_bind_pirq(2, true, unit_count, &seen, GPR, &ch), 0);
        SAME(evtchn_bind_pirq(2, false, unit_count, &seen, GPR, &again), -XEN_EEXIST);
        SAME(evtchn_send(ch), -XEN_EINVAL);
        SAME(evtchn_raise(ch), 0);
        SAME(seen, 1);
        SAME(evtchn_pirq_eoi(ch), 0);
        SAME(evtchn_bind_vcpu(ch, 1), 0);
        unit_settle();
        SAME(evtchn_reset(), 0);
        SAME(evtchn_vcpu(ch), 1);
        SAME(evtchn_close(ch), 0);
        SAME(hypercall_evtchn_bind_pirq(3, 0, &port), 0);
        SAME(evtchn_bind_port(port, unit_count, &seen, GPR, &ch), 0);
        SAME(evtchn_close(ch), 0);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
        SAME(evtchn_pirq_eoi(ch), -XEN_EINVAL);
        SAME(evtchn_close(ch), 0);
    }
}

static void poll_may_be_refused(void)
{
    struct evtchn *ch;

    unit_boot("2l");
    SAME(evtchn_bind_ipi(0, NULL, NULL, 0, &ch), 0);
    model_refuse_poll(-XEN_EINVAL);
    SAME(evtchn_poll(&ch, 1, XENLET_FOREVER), -XEN_EINVAL);
}

static void bind_may_be_refused(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("fifo");
    SAME(host_add_vcpu(1), 0);
    /* The global VIRQ is closed again when it cannot be moved. */
    model_refuse(EVTCHNOP_bind_vcpu, 0, 1, -XEN_EINVAL);
    SAME(evtchn_bind_virq(VIRQ_TBUF, 1, unit_count, &seen, GPR, &ch), -XEN_EINVAL);
    SAME(evtchn_bind_virq(VIRQ_TBUF, 1, unit_count, &seen, GPR, &ch), 0);
    SAME(evtchn_bind_port(500, unit_count, &seen, GPR, &ch), -XEN_EINVAL);
    model_refuse(EVTCHNOP_set_priority, 0, 1, -XEN_EACCES);
    SAME(evtchn_set_priority(ch, 3), -XEN_EACCES);
    model_refuse(EVTCHNOP_bind_vcpu, 0, 1, -XEN_EINVAL);
    SAME(evtchn_bind_vcpu(ch, 0), -XEN_EINVAL);
}

/* --- reset ---------------------------------------------------------------------------------- */

static void reset_may_be_refused(void)
{
    unsigned int seen = 0;
    unsigned long flags;
    struct evtchn *ch;

    unit_boot("fifo");
    SAME(host_add_vcpu(1), 0);
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    flags = platform_upcalls_save();
    SAME(evtchn_reset(), -XEN_EDEADLK);
    platform_upcalls_restore(flags);
    host_this = 1;
    platform_upcalls_restore(0);
    SAME(evtchn_reset(), -XEN_EINVAL);
    host_this = 0;
    model_refuse(EVTCHNOP_bind_pirq, 0, 1, -XEN_EOPNOTSUPP); /* as the PV shim */
    model_refuse_too(EVTCHNOP_set_priority, 0, 1, -XEN_EOPNOTSUPP);
    SAME(evtchn_reset(), -XEN_EOPNOTSUPP);
    model_refuse(EVTCHNOP_bind_pirq, 0, 1, -XEN_EOPNOTSUPP); /* as a Xen that has none */
    SAME(evtchn_reset(), 0);
    SAME(seen, 1);
    seen = 0;
    model_refuse(EVTCHNOP_alloc_unbound, 0, 1, -XEN_ENOSPC);
    SAME(evtchn_reset(), -XEN_ENOSPC);
    model_refuse(EVTCHNOP_reset, 0, 1, -XEN_EBUSY);
    SAME(evtchn_send(ch), 0);
    SAME(evtchn_reset(), -XEN_EBUSY);
    SAME(seen, 1);
    SAME(evtchn_send(ch), 0);
    SAME(seen, 2);
    model_refuse(EVTCHNOP_reset, 0, 3, -XEN_EAGAIN);
    SAME(evtchn_reset(), 0);
    SAME(seen, 3);
}

static void lose(struct evtchn *ch, void *data)
{
    SAME(evtchn_send(ch), -XEN_ENOTCONN);
    ++*(unsigned int *)data;
}

static void expect_lost(struct evtchn *ch)
{
    struct evtchn_status status;

    SAME(evtchn_send(ch), -XEN_ENOTCONN);
    SAME(evtchn_raise(ch), -XEN_ENOTCONN);
    SAME(evtchn_mask(ch), -XEN_ENOTCONN);
    SAME(evtchn_unmask(ch), -XEN_ENOTCONN);
    SAME(evtchn_eoi(ch, false), -XEN_ENOTCONN);
    SAME(evtchn_set_priority(ch, 1), -XEN_ENOTCONN);
    SAME(evtchn_bind_vcpu(ch, 0), -XEN_ENOTCONN);
    SAME(evtchn_pirq_eoi(ch), -XEN_ENOTCONN);
    SAME(evtchn_status(ch, &status), -XEN_ENOTCONN);
    HOLDS(!evtchn_is_pending(ch) && !evtchn_take_pending(ch));
}

/* What cannot be bound again is lost, its owner told once; a second reset leaves it so. */
static void what_reset_cannot_bind_is_lost(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0, lost = 0;
        struct evtchn *a, *b, *c;

        unit_boot(abis[i]);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &a), 0);
        SAME(evtchn_bind_ipi(0, lose, &lost, GPR, &b), 0);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &c), 0);
        evtchn_on_lost(b, lose);
        model_refuse(EVTCHNOP_bind_ipi, 1, 1, -XEN_ENOSPC);
        SAME(evtchn_reset(), 0);
        SAME(lost, 1);
        expect_lost(b);
        SAME(evtchn_reset(), 0);
        SAME(lost, 1);
        expect_lost(b);
        SAME(evtchn_close(b), 0);
        SAME(evtchn_send(a), 0);
        SAME(evtchn_send(c), 0);
        SAME(evtchn_close(a), 0);
        SAME(evtchn_close(c), 0);
    }
}

/* No memory for the row of a port's handle, or a page of the array, when it is bound anew. */
static void reset_without_memory(void)
{
    unsigned int seen = 0, ports;
    struct evtchn *ch[600];

    unit_config.pages = 1024;
    unit_boot("fifo");
    ports = model_bound_ports();
    for (unsigned int i = 0; i < 600; i++) {
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch[i]), 0);
        evtchn_on_lost(ch[i], unit_count);
    }
    host_memory_fail_after(0);
    SAME(evtchn_reset(), 0);
    host_memory_fail_after(UINT32_MAX);
    for (unsigned int i = 0; i < 600; i++)
        SAME(evtchn_close(ch[i]), 0);
    SAME(model_bound_ports(), ports);
}

/* More ports than the array has room for when it is set up again. */
static void reset_with_a_shorter_array(void)
{
    static struct evtchn *ch[1100];
    unsigned int seen = 0, lost = 0, ports;

    unit_config.pages = 1024;
    unit_config.model.max_port = 2000;
    unit_boot("fifo");
    ports = model_bound_ports();
    for (unsigned int i = 0; i < 1100; i++)
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch[i]), 0);
    model_refuse(EVTCHNOP_expand_array, 1, 1000, -XEN_ENOMEM);
    SAME(evtchn_reset(), 0);
    for (unsigned int i = 0; i < 1100; i++) {
        lost += evtchn_send(ch[i]) == -XEN_ENOTCONN;
        SAME(evtchn_close(ch[i]), 0);
    }
    /* The oldest are bound last: the timer is among those. */
    SAME(lost + ports - model_bound_ports(), 1100 + ports - 1023);
}

static unsigned int lines;

static void count_line(const char *format, ...)
{
    (void)format;
    lines++;
}

static void dump_it(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    evtchn_dump(count_line);
}

/* In the middle of a walk, with a lost channel and one that is masked for everything. */
static void dump_shows_what_is_under_way(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch[4];

        unit_boot(abis[i]);
        for (unsigned int j = 0; j < 4; j++)
            SAME(evtchn_bind_ipi(0, dump_it, &seen, j ? GPR : GPR | EVTCHN_LATE_EOI, &ch[j]), 0);
        SAME(evtchn_send(ch[0]), 0);
        SAME(evtchn_send(ch[0]), 0);
        (void)platform_upcalls_save();
        for (unsigned int j = 0; j < 4; j++)
            SAME(evtchn_send(ch[j]), 0);
        lines = 0;
        platform_upcalls_restore(0);
        HOLDS(lines >= 3 * 6);
        SAME(evtchn_mask(ch[0]), 0);
        evtchn_hold(ch[1], REASON_MOVE);
        evtchn_dump(count_line);
        evtchn_release(ch[1], REASON_MOVE);
    }
}

/* --- suspend -------------------------------------------------------------------------------- */

static void register_again(unsigned int vcpu)
{
    SAME(hypercall_register_vcpu_info(vcpu, platform_page_gfn(host_vcpus[vcpu]), 0), 0);
}

static void cancelled_suspend_changes_nothing(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        unsigned long flags;
        struct evtchn *ch;

        unit_boot(abis[i]);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
        flags = platform_upcalls_save();
        SAME(evtchn_suspend(), 0);
        SAME(evtchn_send(ch), 0);
        evtchn_resume(true);
        platform_upcalls_restore(flags);
        SAME(seen, 1);
        flags = platform_upcalls_save();
        model_refuse(EVTCHNOP_alloc_unbound, 0, 1, -XEN_ENOSPC);
        SAME(evtchn_suspend(), -XEN_ENOSPC);
        platform_upcalls_restore(flags);
        SAME(evtchn_send(ch), 0);
        SAME(seen, 2);
    }
}

/* IPIs, VIRQs and loop-back come back; the console's is where the toolstack says; peers are lost.
 */
static void restored_domain_has_its_channels(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int ipi = 0, left = 0, right = 0, console = 0, lost = 0;
        struct evtchn *a, *l, *r, *c, *p;
        unsigned long flags;
        evtchn_port_t port;

        unit_boot(abis[i]);
        SAME(host_add_vcpu(1), 0);
        SAME(evtchn_bind_ipi(1, unit_count, &ipi, GPR, &a), 0);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &left, GPR, &l), 0);
        SAME(evtchn_bind_interdomain(DOMID_SELF, evtchn_port(l), unit_count, &right, GPR, &r), 0);
        SAME(evtchn_bind_unbound(model_peer(), unit_count, &console, GPR, &c), 0);
        SAME(evtchn_bind_unbound(model_peer(), unit_count, &lost, GPR, &p), 0);
        evtchn_on_lost(p, lose);
        flags = platform_upcalls_save();
        SAME(evtchn_suspend(), 0);
        model_restore();
        SAME(hypercall_evtchn_alloc_unbound(DOMID_SELF, model_peer(), &port), 0);
        evtchn_set_resume_port(c, port);
        register_again(0);
        register_again(1);
        ipi = left = right = console = 0;
        evtchn_resume(false);
        platform_upcalls_restore(flags);
        host_this = 1;
        platform_upcalls_restore(0);
        unit_settle();
        HOLDS(strcmp(evtchn_abi(), abis[i]) == 0);
        SAME(ipi, 1);
        HOLDS(left >= 1 && right >= 1);
        SAME(console, 1);
        SAME(evtchn_port(c), port);
        SAME(lost, 1);
        left = 0;
        SAME(evtchn_send(r), 0);
        SAME(left, 1);
        expect_lost(p);
        SAME(evtchn_close(a), 0);
        SAME(evtchn_close(p), 0);
    }
}

/* --- others come in between ------------------------------------------------------------------- */

static unsigned int until, in_between_seen;
static void (*in_between)(void);
static struct evtchn *target;

/* Before one step of VCPU 0's, another VCPU does something; not where it would wait for VCPU 0. */
static void step(void)
{
    if (host_vcpus[host_this]->in_xen || until-- != 0)
        return;
    host_between_steps = NULL;
    if (target && !target->lock.held) {
        host_this = 1;
        in_between();
        (void)platform_upcalls_save();
        host_this = 0;
    }
}

static void mask_it(void)
{
    SAME(evtchn_mask(target), 0);
}

static void move_it(void)
{
    SAME(evtchn_bind_vcpu(target, 1), 0);
}

static void take_it(void)
{
    (void)evtchn_take_pending(target);
}

static void spend_it(void)
{
    target->budget = 0;
}

/* At every step of a delivery, in each ABI, with each kind of handler: then the event is seen. */
static void between_steps_of_a_delivery(void)
{
    static void (*const acts[])(void) = { mask_it, move_it, take_it, spend_it };
    static const unsigned int flags[] = { GPR, 0, GPR | EVTCHN_LATE_EOI };

    for (unsigned int n = 0; n < 2 * 3 * 4 * 3 * 60; n++) {
        unsigned int act = n / 60 % 4;
        bool spent = n >= 3 * 4 * 3 * 60; /* and there is a new share */

        unit_boot(abis[n / 60 / 12 % 3]);
        SAME(host_add_vcpu(1), 0); /* its upcalls are masked: it may not wait for VCPU 0 */
        in_between_seen = 0;
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &in_between_seen, flags[n / 240 % 3],
                                 &target),
             0);
        (void)platform_upcalls_save();
        SAME(evtchn_raise(target), 0);
        if (spent)
            target->budget = 0;
        until = n % 60;
        in_between = acts[act];
        host_between_steps = step;
        platform_upcalls_restore(0);
        host_between_steps = NULL;
        host_this = 1;
        platform_upcalls_restore(0);
        unit_settle();
        if (evtchn_unmask(target) != 0)
            unit_fail(__FILE__, __LINE__, "unmask", 1, 0);
        unit_settle();
        for (unsigned int i = 0; i < 3 && !in_between_seen; i++) {
            world_skip(2 * EVTCHN_TICK_DEFAULT);
            unit_settle();
        }
        if (acts[act] != take_it)
            HOLDS(in_between_seen >= 1);
        target = NULL;
    }
}

const struct unit life_units[] = {
    { "pirqs", pirqs },
    { "poll_may_be_refused", poll_may_be_refused },
    { "bind_may_be_refused", bind_may_be_refused },
    { "reset_may_be_refused", reset_may_be_refused },
    { "what_reset_cannot_bind_is_lost", what_reset_cannot_bind_is_lost },
    { "reset_without_memory", reset_without_memory },
    { "reset_with_a_shorter_array", reset_with_a_shorter_array },
    { "dump_shows_what_is_under_way", dump_shows_what_is_under_way },
    { "cancelled_suspend_changes_nothing", cancelled_suspend_changes_nothing },
    { "restored_domain_has_its_channels", restored_domain_has_its_channels },
    { "between_steps_of_a_delivery", between_steps_of_a_delivery },
    { NULL, NULL }
};
