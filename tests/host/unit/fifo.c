/* SPDX-License-Identifier: MIT */
/* Words, selectors and queues: what Xen or a peer may leave in them, and what is left behind. */
#include <string.h>
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

static struct evtchn *bind(unsigned int *seen)
{
    struct evtchn *ch;

    SAME(evtchn_bind_ipi(0, unit_count, seen, GPR, &ch), 0);
    return ch;
}

/* --- set up --------------------------------------------------------------------------------- */

static unsigned int controls;

static void junk(unsigned int nr, const long args[4])
{
    struct evtchn_vcpu *v = evtchn_vcpus[0];

    if (nr != __HYPERVISOR_event_channel_op)
        return;
    if (args[0] == EVTCHNOP_reset) {
        memset(&v->fifo_control, 0x5a, sizeof(v->fifo_control));
        memset(v->fifo_head, 0x5a, sizeof(v->fifo_head));
    } else if (args[0] == EVTCHNOP_init_control) {
        SAME(v->fifo_control.ready, 0);
        for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
            SAME(v->fifo_control.head[i] | v->fifo_head[i], 0);
        controls++;
    }
}

static void control_block_is_empty_when_xen_gets_it(void)
{
    unsigned int seen = 0;

    unit_boot("fifo");
    (void)bind(&seen);
    controls = 0;
    host_on_hypercall = junk;
    SAME(evtchn_reset(), 0);
    SAME(controls, 1);
    SAME(seen, 1);
}

/* What was refused once may be had the next time. */
static void refused_fifo_may_be_had_later(void)
{
    static const unsigned int steps[] = { EVTCHNOP_init_control, EVTCHNOP_expand_array };

    for (unsigned int i = 0; i < 2; i++) {
        unsigned int seen = 0;

        model_refuse(steps[i], 0, 1, -XEN_ENOMEM);
        unit_boot("fifo");
        HOLDS(evtchn_ops == &evtchn_ops_2l);
        (void)bind(&seen);
        SAME(evtchn_reset(), 0);
        HOLDS(evtchn_ops == &evtchn_ops_fifo);
        SAME(seen, 1);
    }
}

/* The array grows by pages, and with it what is known of its handles; no further. */
static void array_grows_by_pages(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;
    evtchn_port_t port = 0;

    unit_config.pages = 2048;
    unit_config.model.max_port = 131071;
    unit_boot("fifo");
    HOLDS(evtchn_rows[1023 / ROW_PORTS] && !evtchn_rows[1024 / ROW_PORTS]);
    HOLDS(model_fifo_word(1023) && !model_fifo_word(1024));
    SAME(evtchn_ops->port_setup(1024), 0);
    HOLDS(evtchn_rows[2047 / ROW_PORTS] && !evtchn_rows[2048 / ROW_PORTS]);
    HOLDS(model_fifo_word(2047) && !model_fifo_word(2048));
    while (port < 131071)
        SAME(hypercall_evtchn_bind_ipi(0, &port), 0);
    SAME(hypercall_evtchn_close(1000), 0);
    SAME(evtchn_bind_port(port, unit_count, &seen, GPR, &ch), 0);
    SAME(seen, 1); /* as it was bound before */
    SAME(evtchn_send(ch), 0);
    SAME(seen, 2);
    /* The last port is one in a queue of several, too. */
    (void)platform_upcalls_save();
    SAME(evtchn_send(ch), 0);
    SAME(evtchn_send(bind(&seen)), 0);
    evtchn_vcpus[0]->fifo_head[EVTCHN_FIFO_PRIORITY_DEFAULT] = 0;
    platform_upcalls_restore(0);
    SAME(seen, 4);
    SAME(evtchn_vcpus[0]->fifo_stray, 0);
}

static void port_is_masked_when_it_is_set_up(void)
{
    FOR_EACH_ABI(i)
    {
        evtchn_port_t port;

        unit_boot(abis[i]);
        SAME(hypercall_evtchn_bind_ipi(0, &port), 0);
        SAME(evtchn_ops->port_setup(port), 0);
        HOLDS(evtchn_ops->is_masked(port));
        evtchn_ops->unmask(port, true);
        HOLDS(!evtchn_ops->is_masked(port));
        SAME(evtchn_ops->port_setup(port), 0);
        HOLDS(evtchn_ops->is_masked(port));
        HOLDS(!evtchn_ops->is_pending(port) && !evtchn_ops->clear_pending(port));
        evtchn_ops->set_pending(port);
        HOLDS(evtchn_ops->is_pending(port) && !evtchn_ops->is_pending(port + 1));
        HOLDS(evtchn_ops->is_masked(port));
        HOLDS(evtchn_ops->clear_pending(port) && !evtchn_ops->is_pending(port));
        HOLDS(evtchn_ops->is_masked(port));
    }
}

/* --- one event ------------------------------------------------------------------------------ */

static unsigned int hypercalls;

static void count_hypercall(unsigned int nr, const long args[4])
{
    (void)nr;
    (void)args;
    hypercalls++;
}

/* Nothing is pending: Xen need not be asked. */
static void unmasking_asks_xen_for_what_is_pending_only(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch;

        unit_boot(abis[i]);
        ch = bind(&seen);
        SAME(evtchn_mask(ch), 0);
        hypercalls = 0;
        host_on_hypercall = count_hypercall;
        SAME(evtchn_unmask(ch), 0);
        SAME(hypercalls, 0);
        SAME(evtchn_mask(ch), 0);
        SAME(evtchn_send(ch), 0);
        (void)platform_upcalls_save();
        hypercalls = 0;
        SAME(evtchn_unmask(ch), 0);
        SAME(hypercalls, i == 1);
        SAME(host_vcpus[0]->info.evtchn_upcall_pending, 1); /* 0 and 1 are what it has */
        if (i != 1) /* bitmaps: its own word, and no other */
            SAME(host_vcpus[0]->info.evtchn_pending_sel, 1);
        platform_upcalls_restore(0);
        SAME(seen, 1);
        host_on_hypercall = NULL;
    }
}

static unsigned int accesses[HOST_RMW + 1];

static void count_access(enum host_access kind, const volatile void *p)
{
    (void)p;
    accesses[kind]++;
}

/* One event alone: straight on, with two operations that the bus sees. */
static void event_alone_takes_two_exchanges(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch;

        unit_boot(abis[i]);
        ch = bind(&seen);
        (void)platform_upcalls_save();
        for (unsigned int n = 0; n < 2; n++) { /* 3-level: the first looks at all */
            SAME(evtchn_send(ch), 0);
            memset(accesses, 0, sizeof(accesses));
            host_on_access = count_access;
            evtchn_upcall();
            host_on_access = NULL;
        }
        SAME(seen, 2);
        SAME(accesses[HOST_RMW], i == 2 ? 3 : 2); /* selectors or `ready`, and PENDING */
        SAME(accesses[HOST_WRITE], 4);            /* the flag; `current`, three times */
        HOLDS(accesses[HOST_READ] <= 12);
    }
}

/* --- queues --------------------------------------------------------------------------------- */

/* A LINK that leads beyond the array ends its queue; what comes later does not wait behind it. */
static void link_beyond_the_array_ends_its_queue(void)
{
    unsigned int first = 0, second = 0;
    struct evtchn *a, *b;

    unit_boot("fifo");
    a = bind(&first);
    b = bind(&second);
    (void)platform_upcalls_save();
    SAME(evtchn_send(a), 0);
    *model_fifo_word(evtchn_port(a)) |= 2000;
    platform_upcalls_restore(0);
    SAME(first, 1);
    SAME(evtchn_vcpus[0]->fifo_stray, 1);
    SAME(evtchn_vcpus[0]->fifo_head[EVTCHN_FIFO_PRIORITY_DEFAULT], 0);
    SAME(evtchn_send(b), 0);
    SAME(evtchn_send(a), 0);
    SAME(first, 2);
    SAME(second, 1);
}

/* And leads to no other port: what is linked elsewhere stays so. */
static void stray_head_touches_nothing(void)
{
    static const uint32_t heads[] = { 1024, 2000, 131071, 131072, UINT32_MAX };
    const uint32_t linked =
        1u << EVTCHN_FIFO_LINKED | 1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_MASKED;

    unit_boot("fifo");
    *model_fifo_word(1) = linked | 2;
    *model_fifo_word(0) |= 1; /* which is no port */
    for (unsigned int i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        evtchn_vcpus[0]->fifo_control.head[3] = heads[i];
        evtchn_vcpus[0]->fifo_control.ready = 1u << 3;
        evtchn_upcall();
        SAME(evtchn_vcpus[0]->fifo_stray, i + 1);
        SAME(*model_fifo_word(1), linked | 2);
    }
    *model_fifo_word(1) = 0;
}

static unsigned int until;

static void go(void)
{
    if (until-- != 0)
        return;
    host_between_steps = NULL;
    evtchn_let_upcalls_go();
}

/* Each bit of `ready` that a stopped walk has taken comes back, the first and the last too. */
static void stopped_walk_gives_back_every_queue(void)
{
    unsigned int seen[EVTCHN_FIFO_MAX_QUEUES] = { 0 };
    struct evtchn *ch[EVTCHN_FIFO_MAX_QUEUES];

    unit_boot("fifo");
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
        ch[i] = bind(&seen[i]);
        SAME(evtchn_set_priority(ch[i], i), 0);
        seen[i] = 0;
    }
    (void)platform_upcalls_save();
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        SAME(evtchn_send(ch[i]), 0);
    evtchn_stop_upcalls();
    until = 60;
    host_between_steps = go;
    evtchn_ops->upcall(0);
    host_between_steps = NULL;
    platform_upcalls_restore(0);
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        SAME(seen[i], 1);
}

const struct unit fifo_units[] = {
    { "control_block_is_empty_when_xen_gets_it", control_block_is_empty_when_xen_gets_it },
    { "refused_fifo_may_be_had_later", refused_fifo_may_be_had_later },
    { "array_grows_by_pages", array_grows_by_pages },
    { "port_is_masked_when_it_is_set_up", port_is_masked_when_it_is_set_up },
    { "unmasking_asks_xen_for_what_is_pending_only", unmasking_asks_xen_for_what_is_pending_only },
    { "event_alone_takes_two_exchanges", event_alone_takes_two_exchanges },
    { "link_beyond_the_array_ends_its_queue", link_beyond_the_array_ends_its_queue },
    { "stray_head_touches_nothing", stray_head_touches_nothing },
    { "stopped_walk_gives_back_every_queue", stopped_walk_gives_back_every_queue },
    { NULL, NULL }
};
