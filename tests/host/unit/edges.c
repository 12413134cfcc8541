/* SPDX-License-Identifier: MIT */
/* The ends of ranges, what Xen refuses seldom, and what it never says: one look at each. */
#include <xenlet/evtchn_static.h>
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

/* --- binding -------------------------------------------------------------------------------- */

/* What is no error of binding on the wrong VCPU is not tried on VCPU 0. */
static void virq_is_bound_where_it_was_asked_for(void)
{
    unsigned int seen = 0;
    struct evtchn *ch, *again;

    unit_boot("fifo");
    SAME(host_add_vcpu(1), 0);
    SAME(evtchn_bind_virq(VIRQ_XENOPROF, 1, unit_count, &seen, GPR, &ch), 0);
    SAME(evtchn_vcpu(ch), 1);
    SAME(evtchn_bind_virq(VIRQ_XENOPROF, 1, unit_count, &seen, GPR, &again), -XEN_EEXIST);
    SAME(evtchn_close(ch), 0);
    model_refuse(EVTCHNOP_bind_virq, 0, 1, -XEN_ENOSPC);
    SAME(evtchn_bind_virq(VIRQ_XENOPROF, 1, unit_count, &seen, GPR, &ch), -XEN_ENOSPC);
    SAME(evtchn_bind_virq(NR_VIRQS, 1, unit_count, &seen, GPR, &ch), -XEN_EINVAL);
}

static void eoi_says_what_xen_says(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("fifo");
    SAME(evtchn_bind_pirq(3, false, unit_count, &seen, GPR, &ch), 0);
    SAME(evtchn_pirq_eoi(ch), 0);
    ch->source = 4; /* it has four of them */
    SAME(evtchn_pirq_eoi(ch), -XEN_EINVAL);
}

static void what_is_nothing_is_refused(void)
{
    struct evtchn_status status = { .status = EVTCHNSTAT_closed };
    struct evtchn lost = { .kind = KIND_LOST }, high = { .port = 4096 }, *ch;
    evtchn_port_t port;

    unit_boot("2l");
    SAME(evtchn_open(&lost), -XEN_ENOTCONN);
    SAME(evtchn_attach(&high), -XEN_ENOSPC);
    SAME(evtchn_identify(&high, &status), -XEN_EINVAL);
    SAME(evtchn_bind_ipi(XENLET_MAX_VCPUS, unit_count, NULL, GPR, &ch), -XEN_ENOENT);
    SAME(evtchn_bind_ipi(XENLET_MAX_VCPUS - 1, unit_count, NULL, GPR, &ch), -XEN_ENOENT);
    HOLDS(evtchn_lookup(NR_ROWS * ROW_PORTS) == NULL);
    SAME(hypercall_evtchn_bind_ipi(0, &port), 0);
    SAME(hypercall_evtchn_close(port), 0);
    SAME(evtchn_bind_port(port, unit_count, NULL, GPR, &ch), -XEN_EINVAL);
}

static void known_vcpu_may_be_refused(void)
{
    unit_boot("fifo");
    SAME(host_add_vcpu(1), 0);
    evtchn_vcpus[1]->fifo_ready = false; /* as after a reset */
    model_refuse(EVTCHNOP_init_control, 0, 1, -XEN_ENOMEM);
    SAME(host_add_vcpu(1), -XEN_ENOMEM);
    HOLDS(evtchn_vcpus[1]->left);
}

/* --- static channels ------------------------------------------------------------------------ */

static void static_channel_is_the_one_meant(void)
{
    struct evtchn_alloc_unbound offer = { .dom = DOMID_SELF, .remote_dom = 0 };
    struct evtchn_static what = EVTCHN_STATIC_PORT(0);
    unsigned int seen = 0;
    struct evtchn *ch;
    bool first;

    unit_boot("2l");
    SAME(model_peer_op(EVTCHNOP_alloc_unbound, &offer), 0);
    SAME(hypercall_evtchn_bind_interdomain(model_peer(), offer.port, &what.port), 0);
    what.peer_domid = (domid_t)(model_peer() + 1);
    SAME(evtchn_bind_static(&what, unit_count, &seen, GPR, &ch), -XEN_EXDEV);
    what.peer_domid = model_peer();
    what.peer_port = offer.port + 1;
    SAME(evtchn_bind_static(&what, unit_count, &seen, GPR, &ch), -XEN_EXDEV);
    what.peer_port = offer.port;
    SAME(evtchn_bind_static(&what, unit_count, &seen, GPR, &ch), 0);
    SAME(evtchn_static_check(ch, &first), 0);
    HOLDS(!first);
    SAME(host_add_vcpu(1), 0);
    SAME(evtchn_bind_vcpu(ch, 1), 0);
    SAME(evtchn_close(ch), 0); /* it goes back to VCPU 0 */
    SAME(evtchn_bind_static(&what, unit_count, &seen, GPR, &ch), 0);
    SAME(evtchn_vcpu(ch), 0);
    /* The port itself is gone: another handle closed it. */
    SAME(hypercall_evtchn_close(what.port), 0);
    SAME(evtchn_static_check(ch, &first), -XEN_ENOTCONN);
    HOLDS(first);
    ch->kind = KIND_LOST;
    SAME(evtchn_static_check(ch, &first), -XEN_ENOTCONN);
}

/* --- rests ---------------------------------------------------------------------------------- */

static struct evtchn *storming(unsigned int *seen)
{
    unsigned long flags = platform_upcalls_save();
    struct evtchn *ch;

    SAME(evtchn_bind_ipi(0, unit_count, seen, GPR, &ch), 0);
    ch->budget = 0;
    ch->refilled = platform_now_ns();
    SAME(evtchn_send(ch), 0);
    platform_upcalls_restore(flags);
    HOLDS(ch->rest_on);
    return ch;
}

/* It rests until a time; at that time it goes on, and not 1 ns before. */
static void rest_ends_when_its_time_has_come(void)
{
    unsigned int first_seen = 0, seen = 0;
    struct evtchn *first, *ch;

    unit_boot("2l");
    first = storming(&first_seen);
    world_skip(10000);
    ch = storming(&seen);
    (void)platform_upcalls_save();
    HOLDS(first->rest_until < ch->rest_until);
    SAME(evtchn_vcpus[0]->rest_until, first->rest_until);
    world_skip(first->rest_until - 1 - world_now());
    evtchn_tick();
    HOLDS(first->rest_on);
    world_skip(first->rest_until - world_now());
    evtchn_tick();
    HOLDS(!first->rest_on && ch->rest_on);
    SAME(evtchn_vcpus[0]->rest_until, ch->rest_until);
    /* The older one on the list is not the first of it. */
    HOLDS(evtchn_vcpus[0]->resting == ch);
    platform_upcalls_restore(0);
    SAME(first_seen, 1);
    SAME(seen, 0);
    first->budget = 0;
    first->refilled = platform_now_ns();
    SAME(evtchn_send(first), 0);
    HOLDS(evtchn_vcpus[0]->resting == first && first->next == ch);
    SAME(evtchn_close(ch), 0);
    SAME(evtchn_close(first), 0);
    HOLDS(!evtchn_vcpus[0]->resting);
}

/* A tick has passed, but this upcall gave it its share: no other one before it is over. */
static void share_is_for_one_upcall(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("2l");
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    (void)platform_upcalls_save();
    world_skip(10 * EVTCHN_TICK_DEFAULT);
    ch->budget = 0;
    ch->refilled_in = evtchn_vcpus[0]->upcalls + 1;
    SAME(evtchn_send(ch), 0);
    platform_upcalls_restore(0);
    HOLDS(ch->rest_on);
    SAME(seen, 0);
}

/* What rests on the list of a VCPU that goes down, and is another's, goes on. */
static void rest_of_another_ends_when_a_vcpu_leaves(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("2l");
    SAME(host_add_vcpu(1), 0);
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR | EVTCHN_LATE_EOI, &ch), 0);
    SAME(evtchn_send(ch), 0);
    host_this = 1;
    ch->spurious_run = 1;
    SAME(evtchn_eoi(ch, true), 0);
    HOLDS(ch->rest_on == evtchn_vcpus[1]);
    (void)platform_upcalls_save();
    evtchn_vcpu_leave();
    HOLDS(!ch->rest_on);
    host_this = 0;
    SAME(evtchn_send(ch), 0);
    SAME(seen, 2);
}

static bool second_time(void *arg)
{
    struct evtchn **ch = arg;

    if (!*ch)
        return true;
    SAME(evtchn_send(*ch), 0);
    *ch = NULL;
    return false;
}

static void wait_without_a_deadline_sets_no_timer(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("2l");
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    SAME(evtchn_wait(second_time, &ch, XENLET_FOREVER), 0);
    SAME(seen, 1);
    SAME(model_timer(0), 0);
}

/* --- FIFO ----------------------------------------------------------------------------------- */

/* A head beyond the array is none; the array has one page. */
static void head_beyond_the_array_is_counted(void)
{
    static const uint32_t heads[] = { 1024, 1025, 2047, 131071, UINT32_MAX };
    struct evtchn_vcpu *v;

    unit_boot("fifo");
    v = evtchn_vcpus[0];
    for (unsigned int i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        v->fifo_control.head[3] = heads[i];
        v->fifo_control.ready = 1u << 3;
        evtchn_upcall();
        SAME(v->fifo_stray, i + 1);
    }
    v->fifo_control.head[3] = 1023; /* the last one; no port near it was ever bound */
    v->fifo_control.ready = 1u << 3;
    evtchn_upcall();
    SAME(v->fifo_stray, sizeof(heads) / sizeof(heads[0]));
}

/*
 * With several words pending each is looked at before it is visited, and that look must see an
 * event at any bit: the lowest, the highest, one between.
 */
static void event_at_any_bit_is_seen_beside_another_word(void)
{
    static const evtchn_port_t pairs[][2] = { { 63, 64 }, { 65, 128 }, { 100, 191 } };

    FOR_EACH_ABI(i)
    {
        struct evtchn *channels[192] = { NULL };
        unsigned int seen[192] = { 0 };
        struct evtchn *ch;

        unit_boot(abis[i]);
        do {
            SAME(evtchn_bind_ipi(0, unit_count, NULL, GPR | EVTCHN_MASKED, &ch), 0);
            channels[evtchn_port(ch)] = ch;
        } while (evtchn_port(ch) < 191);
        for (unsigned int k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++) {
            for (unsigned int j = 0; j < 2; j++) {
                evtchn_port_t port = pairs[k][j];

                SAME(evtchn_close(channels[port]), 0);
                SAME(evtchn_bind_ipi(0, unit_count, &seen[port], GPR, &channels[port]), 0);
                SAME(evtchn_port(channels[port]), port);
            }
            (void)platform_upcalls_save();
            SAME(evtchn_send(channels[pairs[k][0]]), 0);
            SAME(evtchn_send(channels[pairs[k][1]]), 0);
            platform_upcalls_restore(0);
            SAME(seen[pairs[k][0]], 1);
            SAME(seen[pairs[k][1]], 1);
        }
    }
}

/* Nobody's event, in a row of ports of which none was ever bound. */
static void event_of_nobody_is_masked(void)
{
    FOR_EACH_ABI(i)
    {
        struct evtchn_vcpu *v;
        evtchn_port_t port = 0;
        bool masked;

        unit_boot(abis[i]);
        v = evtchn_vcpus[0];
        while (port < 600)
            SAME(hypercall_evtchn_bind_ipi(0, &port), 0);
        evtchn_ops->unmask(port, true);
        evtchn_ops->unmask(port, true); /* a second time: nothing to do */
        SAME(hypercall_evtchn_send(port), 0);
        SAME(v->orphans, 1);
        masked = evtchn_ops->is_masked(port);
        HOLDS(masked && evtchn_ops->is_pending(port));
    }
}

/* As a walk that a restore was made in may leave it: the queue goes on elsewhere than at the head.
 */
static void queue_goes_on_where_it_was(void)
{
    unsigned int seen = 0;
    struct evtchn *ch, *other;

    unit_boot("fifo");
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &other), 0);
    (void)platform_upcalls_save();
    SAME(evtchn_send(ch), 0);
    SAME(evtchn_send(other), 0);
    evtchn_vcpus[0]->fifo_head[EVTCHN_FIFO_PRIORITY_DEFAULT] = evtchn_port(ch);
    platform_upcalls_restore(0);
    SAME(seen, 2);
    SAME(evtchn_vcpus[0]->fifo_head[EVTCHN_FIFO_PRIORITY_DEFAULT], 0);
}

/* Xen does not let go of the word: it is left to Xen to unmask the port. */
static void busy_word_is_left_to_xen(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;
    uint32_t *word;

    unit_boot("fifo");
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR | EVTCHN_MASKED, &ch), 0);
    word = model_fifo_word(evtchn_port(ch));
    *word |= 1u << EVTCHN_FIFO_BUSY;
    SAME(evtchn_unmask(ch), 0);
    SAME(*word, 1u << EVTCHN_FIFO_BUSY);
    *word = 0;
    SAME(evtchn_send(ch), 0);
    SAME(seen, 1);
}

/* --- what cannot be had again ---------------------------------------------------------------- */

static void reset_when_status_is_refused(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("2l");
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    model_refuse(EVTCHNOP_status, 1, 1, -XEN_EINVAL); /* of one port; the first tells who we are */
    SAME(evtchn_reset(), 0);
    SAME(seen, 1);
}

static void loopback_may_be_refused(void)
{
    unsigned int left = 0, right = 0;
    struct evtchn *l, *r;

    unit_boot("fifo");
    SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &left, GPR, &l), 0);
    SAME(evtchn_bind_interdomain(DOMID_SELF, evtchn_port(l), unit_count, &right, GPR, &r), 0);
    model_refuse(EVTCHNOP_alloc_unbound, 1, 1, -XEN_ENOSPC); /* the first tells who we are */
    SAME(evtchn_reset(), 0);
    SAME(evtchn_send(l), -XEN_ENOTCONN);
    SAME(evtchn_send(r), -XEN_ENOTCONN);
}

static void resume_port_may_be_none(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("2l");
    SAME(evtchn_bind_unbound(model_peer(), unit_count, &seen, GPR, &ch), 0);
    (void)platform_upcalls_save();
    SAME(evtchn_suspend(), 0);
    model_restore();
    evtchn_set_resume_port(ch, 1000000);
    SAME(hypercall_register_vcpu_info(0, platform_page_gfn(host_vcpus[0]), 0), 0);
    evtchn_resume(false);
    platform_upcalls_restore(0);
    SAME(evtchn_send(ch), -XEN_ENOTCONN);
}

/* On the way back to 2-level. */
static evtchn_port_t first_port, second_port;

static void two_ports(void)
{
    SAME(hypercall_evtchn_alloc_unbound(DOMID_SELF, model_peer(), &first_port), 0);
    SAME(hypercall_evtchn_alloc_unbound(DOMID_SELF, model_peer(), &second_port), 0);
}

static void way_back_may_be_refused_at_each_step(void)
{
    struct evtchn_status s = { .dom = DOMID_SELF };

    unit_config.before = two_ports;
    /* The first one is lost; the second one gets its number. */
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    model_refuse_too(EVTCHNOP_alloc_unbound, 2, 1, -XEN_EINVAL);
    unit_boot("fifo");
    SAME(hypercall_evtchn_status(((s.port = first_port), &s)), 0);
    SAME(s.status, EVTCHNSTAT_unbound);
    /* What has no answer is not kept. */
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    model_refuse_too(EVTCHNOP_status, 0, 1, -XEN_EINVAL);
    unit_boot("fifo");
    SAME(hypercall_evtchn_status(((s.port = second_port), &s)), 0);
    SAME(s.status, EVTCHNSTAT_unbound);
    /* No reset: the ports are there, and Xen is in FIFO; nothing is to be had. */
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    model_refuse_too(EVTCHNOP_reset, 0, 1, -XEN_EBUSY);
    unit_config.abi = "fifo";
    SAME(host_try_boot(&unit_config), true);
    SAME(hypercall_evtchn_status(((s.port = second_port), &s)), 0);
    SAME(s.status, EVTCHNSTAT_unbound);
}

const struct unit edge_units[] = {
    { "virq_is_bound_where_it_was_asked_for", virq_is_bound_where_it_was_asked_for },
    { "eoi_says_what_xen_says", eoi_says_what_xen_says },
    { "what_is_nothing_is_refused", what_is_nothing_is_refused },
    { "known_vcpu_may_be_refused", known_vcpu_may_be_refused },
    { "static_channel_is_the_one_meant", static_channel_is_the_one_meant },
    { "rest_ends_when_its_time_has_come", rest_ends_when_its_time_has_come },
    { "share_is_for_one_upcall", share_is_for_one_upcall },
    { "rest_of_another_ends_when_a_vcpu_leaves", rest_of_another_ends_when_a_vcpu_leaves },
    { "wait_without_a_deadline_sets_no_timer", wait_without_a_deadline_sets_no_timer },
    { "queue_goes_on_where_it_was", queue_goes_on_where_it_was },
    { "head_beyond_the_array_is_counted", head_beyond_the_array_is_counted },
    { "event_at_any_bit_is_seen_beside_another_word",
      event_at_any_bit_is_seen_beside_another_word },
    { "event_of_nobody_is_masked", event_of_nobody_is_masked },
    { "busy_word_is_left_to_xen", busy_word_is_left_to_xen },
    { "reset_when_status_is_refused", reset_when_status_is_refused },
    { "loopback_may_be_refused", loopback_may_be_refused },
    { "resume_port_may_be_none", resume_port_may_be_none },
    { "way_back_may_be_refused_at_each_step", way_back_may_be_refused_at_each_step },
    { NULL, NULL }
};
