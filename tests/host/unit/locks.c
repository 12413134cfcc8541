/* SPDX-License-Identifier: MIT */
/* What is done under a lock, in which order, and who waits for whom; and the handles' memory. */
#include <string.h>
#include <xenlet/abi/event_channel_3l.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

/* --- hypercalls ---------------------------------------------------------------------------------
 */

static unsigned int changes, others;
static struct evtchn *moving;

/* XSA-505: those that change the ABI must not meet. Moves and unmasks keep our order in Xen. */
static void look_at_locks(unsigned int nr, const long args[4])
{
    if (nr != __HYPERVISOR_event_channel_op)
        return;
    switch (args[0]) {
    case EVTCHNOP_init_control:
    case EVTCHNOP_expand_array:
    case EVTCHNOP_register_3level:
    case EVTCHNOP_reset:
        HOLDS(host_holds(&evtchn_abi_lock));
        HOLDS(host_vcpus[host_this]->info.evtchn_upcall_mask);
        changes++;
        break;
    case EVTCHNOP_bind_vcpu:
        HOLDS(host_locks_held() == 1);
        if (moving) /* or where it goes it would be delivered, and handed on, over and over */
            HOLDS(moving->reasons & REASON_MOVE && evtchn_ops->is_masked(evtchn_port(moving)));
        others++;
        break;
    case EVTCHNOP_unmask:
        HOLDS(host_locks_held() >= 1);
        others++;
        break;
    default:
        break;
    }
}

static void boot_and_look(const char *abi)
{
    host_on_hypercall = look_at_locks;
    unit_boot(abi);
    SAME(host_add_vcpu(1), 0);
}

static void hypercalls_are_made_under_locks(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    FOR_EACH_ABI(i)
    {
        changes = others = 0;
        boot_and_look(abis[i]);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &ch), 0);
        moving = ch;
        SAME(evtchn_bind_vcpu(ch, 1), 0);
        SAME(evtchn_bind_vcpu(ch, 0), 0);
        moving = NULL;
        HOLDS(others >= 3);
        SAME(evtchn_reset(), 0);
        HOLDS(changes >= (i ? 5 : 1));
        /* The way back, from the first VCPU's part and from the second's. */
        model_refuse(i == 1 ? EVTCHNOP_expand_array : EVTCHNOP_register_3level, 0, 1, -XEN_ENOMEM);
        boot_and_look(abis[i]);
        model_refuse(i == 1 ? EVTCHNOP_init_control : EVTCHNOP_register_3level, i, 1, -XEN_ENOMEM);
        SAME(evtchn_reset(), 0);
    }
    model_refuse(0, 0, 0, 0);
    unit_config.pages = 2048;
    unit_config.model.max_port = 131071;
    boot_and_look("fifo");
    changes = 0;
    SAME(evtchn_ops->port_setup(4000), 0);
    SAME(changes, 3);
}

/* --- upcalls are stopped ------------------------------------------------------------------------
 */

static unsigned int leaving, until;

static void leaves(void)
{
    if (host_vcpus[host_this]->in_xen || until-- != 0)
        return;
    host_between_steps = NULL;
    HOLDS(evtchn_upcall_now == evtchn_upcall_stopped);
    HOLDS(evtchn_vcpus[leaving]->current);
    evtchn_vcpus[leaving]->current = NULL;
}

/* Whoever stops them, every other VCPU is waited for; oneself is not. */
static void stopping_waits_for_every_other_vcpu(void)
{
    for (unsigned int who = 0; who < 3; who++) {
        for (leaving = 0; leaving < 3; leaving++) {
            unit_boot("2l");
            SAME(host_add_vcpu(1), 0);
            SAME(host_add_vcpu(2), 0);
            host_this = who;
            (void)platform_upcalls_save();
            evtchn_vcpus[leaving]->current = IN_UPCALL;
            until = 200;
            if (leaving != who)
                host_between_steps = leaves;
            evtchn_stop_upcalls();
            host_between_steps = NULL;
            HOLDS(leaving == who ? evtchn_vcpus[who]->current == IN_UPCALL
                                 : !evtchn_vcpus[leaving]->current);
            evtchn_let_upcalls_go();
            HOLDS(evtchn_upcall_now == evtchn_ops->upcall);
            host_this = 0;
        }
    }
}

/* --- the table of handles --------------------------------------------------------------------- */

static void count_it(struct evtchn *ch, void *arg)
{
    (void)arg;
    ch->pirq_flags++; /* the timer's channel too: it is no PIRQ */
}

/* The first and the last port of a row, a page and all; each is found once, and nobody else. */
static void table_holds_each_port_once(void)
{
    static const evtchn_port_t ports[] = { 1023, 1024, 1087, 1088, 2559, 2560, MAX_PORTS - 1 };
    static struct evtchn handles[7];

    unit_boot("2l");
    for (unsigned int i = 0; i < 7; i++) {
        handles[i] = (struct evtchn){ .port = ports[i], .source = 77 };
        HOLDS(!evtchn_lookup(ports[i]));
        SAME(evtchn_publish(&handles[i]), 0);
        SAME(evtchn_publish(&handles[i]), -XEN_EEXIST);
        HOLDS(evtchn_lookup(ports[i]) == &handles[i]);
        HOLDS(!evtchn_lookup(ports[i] - 2) && !evtchn_lookup(ports[i] + 2));
    }
    HOLDS(!evtchn_lookup(MAX_PORTS) && !evtchn_lookup(UINT32_MAX));
    evtchn_for_each(count_it, NULL);
    for (unsigned int i = 0; i < 7; i++) {
        SAME(handles[i].pirq_flags, 1);
        evtchn_unpublish(&handles[i]);
        HOLDS(!evtchn_lookup(ports[i]));
    }
}

/* Rows come by the page: those beside it are not made. */
static void rows_come_by_the_page(void)
{
    size_t pages;

    unit_boot("2l");
    pages = xenlet_nr_free_pages();
    SAME(evtchn_make_rows(2048), 0);
    SAME(xenlet_nr_free_pages(), pages - 1);
    SAME(evtchn_make_rows(2048 + SLOTS_PER_PAGE - 1), 0);
    SAME(xenlet_nr_free_pages(), pages - 1);
    HOLDS(!evtchn_rows[2048 / ROW_PORTS - 1]);
    HOLDS(!evtchn_rows[2048 / ROW_PORTS + ROWS_PER_PAGE]);
    for (unsigned int i = 0; i < ROWS_PER_PAGE; i++) {
        struct evtchn **row = evtchn_rows[2048 / ROW_PORTS + i];

        HOLDS(row == evtchn_rows[2048 / ROW_PORTS] + i * ROW_PORTS);
        for (unsigned int j = 0; j < ROW_PORTS; j++)
            HOLDS(row[j] == NOBODY);
    }
    host_memory_fail_after(0);
    SAME(evtchn_make_rows(4096), -XEN_ENOMEM);
    HOLDS(!evtchn_rows[4096 / ROW_PORTS]);
    host_memory_fail_after(UINT32_MAX);
}

/* A page holds as many as fit, none of them twice; the one freed last comes first. */
static void handles_come_by_the_page(void)
{
    const unsigned int per_page = XENLET_PAGE_SIZE / sizeof(struct evtchn);
    struct evtchn *ch[64], *first = NULL;
    size_t pages;

    unit_boot("2l");
    pages = xenlet_nr_free_pages();
    while (xenlet_nr_free_pages() == pages) /* what is left of the timer's page */
        first = evtchn_handle_alloc();
    ch[0] = first;
    for (unsigned int i = 1; i < per_page; i++)
        ch[i] = evtchn_handle_alloc();
    SAME(xenlet_nr_free_pages(), pages - 1);
    for (unsigned int i = 0; i < per_page; i++) {
        HOLDS(((uintptr_t)ch[i] ^ (uintptr_t)first) < XENLET_PAGE_SIZE);
        for (unsigned int j = 0; j < i; j++)
            HOLDS(ch[i] != ch[j]);
    }
    ch[per_page] = evtchn_handle_alloc();
    SAME(xenlet_nr_free_pages(), pages - 2);
    evtchn_handle_free(ch[3]);
    evtchn_handle_free(ch[5]);
    HOLDS(evtchn_handle_alloc() == ch[5]);
    HOLDS(evtchn_handle_alloc() == ch[3]);
}

/* Nothing of a life is left in the next one, and nothing may be delivered yet. */
static void handle_is_blank(void)
{
    struct evtchn zero = { .gate = GATE_SHUT, .reasons = REASON_MOVE };
    struct evtchn *ch;

    unit_boot("2l");
    ch = evtchn_handle_alloc();
    memset(ch, 0x5a, sizeof(*ch));
    memset(&ch->lock, 0, offsetof(struct evtchn, moved_from) - offsetof(struct evtchn, lock));
    evtchn_handle_free(ch);
    HOLDS(evtchn_handle_alloc() == ch);
    HOLDS(memcmp(ch, &zero, sizeof(zero)) == 0);
}

static struct evtchn *reused;

static void is_inside_for_a_while(void)
{
    if (until-- > 0) {
        if (reused->lock.held)
            HOLDS(reused->source == 0x5a5a5a5a && reused->gate == GATE_SHUT);
        return;
    }
    host_between_steps = NULL;
    reused->lock.held = 0;
}

/* Whoever still has a pointer to it may be inside its lock: nothing changes meanwhile. */
static void handle_is_blanked_under_its_lock(void)
{
    unit_boot("2l");
    reused = evtchn_handle_alloc();
    reused->source = 0x5a5a5a5a;
    evtchn_handle_free(reused);
    reused->lock.held = 1;
    until = 20;
    host_between_steps = is_inside_for_a_while;
    HOLDS(evtchn_handle_alloc() == reused);
    HOLDS(!host_between_steps && !reused->lock.held);
    SAME(reused->source, 0);
}

/* What was not bound after all is not lost. */
static void handle_of_a_bind_that_failed_comes_back(void)
{
    static const unsigned int steps[] = { EVTCHNOP_bind_ipi, EVTCHNOP_expand_array };
    unsigned int seen = 0, ports;
    struct evtchn *ch, *expected;
    evtchn_port_t port = 0;

    for (unsigned int i = 0; i < 2; i++) {
        unit_config.model.max_port = 4000;
        unit_config.pages = 1024;
        unit_boot("fifo");
        while (i && port < 1022)
            SAME(hypercall_evtchn_bind_ipi(0, &port), 0);
        if (i)
            SAME(hypercall_evtchn_bind_ipi(0, &port), 0);
        ports = model_bound_ports();
        expected = evtchn_handle_alloc();
        evtchn_handle_free(expected);
        model_refuse(steps[i], 0, 1, -XEN_ENOMEM);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), -XEN_ENOMEM);
        SAME(model_bound_ports(), ports);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
        HOLDS(ch == expected);
        SAME(evtchn_close(ch), 0);
        HOLDS(evtchn_handle_alloc() == expected);
    }
}

const struct unit lock_units[] = {
    { "hypercalls_are_made_under_locks", hypercalls_are_made_under_locks },
    { "stopping_waits_for_every_other_vcpu", stopping_waits_for_every_other_vcpu },
    { "table_holds_each_port_once", table_holds_each_port_once },
    { "rows_come_by_the_page", rows_come_by_the_page },
    { "handles_come_by_the_page", handles_come_by_the_page },
    { "handle_is_blank", handle_is_blank },
    { "handle_is_blanked_under_its_lock", handle_is_blanked_under_its_lock },
    { "handle_of_a_bind_that_failed_comes_back", handle_of_a_bind_that_failed_comes_back },
    { NULL, NULL }
};
