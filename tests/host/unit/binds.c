/* SPDX-License-Identifier: MIT */
/* Channels bound, moved, opened again and lost: what the handle and Xen say about each. */
#include <setjmp.h>
#include <string.h>
#include <xenlet/abi/event_channel_3l.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/vcpu.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

static void boot(const char *abi)
{
    unit_boot(abi);
    SAME(host_add_vcpu(1), 0);
    SAME(host_add_vcpu(2), 0);
}

/* --- bound ---------------------------------------------------------------------------------- */

static void flags_are_those_there_are(void)
{
    const unsigned int known =
        EVTCHN_HANDLER_GPR | EVTCHN_MASKED | EVTCHN_NO_SHARE | EVTCHN_LATE_EOI | EVTCHN_NO_RERAISE;

    unit_boot("2l");
    for (unsigned int bit = 0; bit < 32; bit++) {
        unsigned int seen = 0, flag = 1u << bit;
        struct evtchn *ch;
        int rc = evtchn_bind_ipi(0, unit_count, &seen, flag, &ch);

        SAME(rc, flag & known ? 0 : -XEN_EINVAL);
        if (rc)
            continue;
        SAME(ch->flags, flag);
        SAME(ch->reasons, flag == EVTCHN_MASKED ? REASON_USER : 0);
        SAME(ch->priority, PRIORITY_UNSET);
        HOLDS(ch->handler == unit_count && ch->data == &seen);
        SAME(evtchn_close(ch), 0);
    }
}

static void no_handler_no_delivery(void)
{
    struct evtchn *ch;

    unit_boot("2l");
    SAME(evtchn_bind_ipi(0, NULL, NULL, 0, &ch), 0);
    SAME(ch->reasons, REASON_USER);
    SAME(evtchn_unmask(ch), -XEN_EINVAL);
    SAME(evtchn_send(ch), 0);
    HOLDS(evtchn_is_pending(ch) && evtchn_take_pending(ch) && !evtchn_is_pending(ch));
    HOLDS(!evtchn_take_pending(ch));
}

/* Each kind, as Xen says it is bound. */
static void port_is_what_xen_says(void)
{
    struct evtchn_status s = { .vcpu = 2 };
    struct evtchn ch = { 0 };

    unit_boot("2l");
    s.status = EVTCHNSTAT_unbound;
    s.u.unbound.dom = 7;
    SAME(evtchn_identify(&ch, &s), 0);
    HOLDS(ch.kind == KIND_UNBOUND && ch.remote_dom == 7 && ch.vcpu == 2);
    s.status = EVTCHNSTAT_interdomain;
    s.u.interdomain.dom = 8;
    s.u.interdomain.port = 99;
    s.vcpu = 1;
    SAME(evtchn_identify(&ch, &s), 0);
    HOLDS(ch.kind == KIND_INTERDOMAIN && ch.remote_dom == 8 && ch.remote_port == 99);
    SAME(ch.vcpu, 1);
    s.status = EVTCHNSTAT_virq;
    s.u.virq = 5;
    SAME(evtchn_identify(&ch, &s), 0);
    HOLDS(ch.kind == KIND_VIRQ && ch.source == 5);
    s.status = EVTCHNSTAT_pirq;
    s.u.pirq = 6;
    SAME(evtchn_identify(&ch, &s), 0);
    HOLDS(ch.kind == KIND_PIRQ && ch.source == 6);
    s.status = EVTCHNSTAT_ipi;
    SAME(evtchn_identify(&ch, &s), 0);
    SAME(ch.kind, KIND_IPI);
    s.status = EVTCHNSTAT_ipi + 1;
    SAME(evtchn_identify(&ch, &s), -XEN_EINVAL);
}

static uint32_t asked_flags;

static void look_at_pirq(unsigned int nr, const long args[4])
{
    if (nr == __HYPERVISOR_event_channel_op && args[0] == EVTCHNOP_bind_pirq)
        asked_flags = ((const struct evtchn_bind_pirq *)args[1])->flags;
}

static void pirq_is_shared_when_that_is_asked_for(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("2l");
    host_on_hypercall = look_at_pirq;
    SAME(evtchn_bind_pirq(2, true, unit_count, &seen, GPR, &ch), 0);
    SAME(asked_flags, BIND_PIRQ__WILL_SHARE);
    asked_flags = 9;
    SAME(evtchn_reset(), 0); /* and when it is bound again */
    SAME(asked_flags, BIND_PIRQ__WILL_SHARE);
    SAME(evtchn_bind_pirq(3, false, unit_count, &seen, GPR, &ch), 0);
    SAME(asked_flags, 0);
}

/* --- moved ---------------------------------------------------------------------------------- */

/* Who ran it last is waited for by whoever gets it in the end. */
static void moved_channel_knows_where_it_was_run(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch, *virq;

        boot(abis[i]);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &ch), 0);
        HOLDS(!ch->has_moved);
        SAME(evtchn_bind_virq(VIRQ_TBUF, 1, unit_count, &seen, GPR, &virq), 0);
        HOLDS(virq->has_moved && virq->vcpu == 1); /* Xen has it on VCPU 0 at first */
        (void)platform_upcalls_save();
        SAME(evtchn_bind_vcpu(ch, 0), 0);
        HOLDS(!ch->moved_from && ch->has_moved && ch->vcpu == 0);
        SAME(evtchn_bind_vcpu(ch, 1), 0);
        HOLDS(ch->moved_from == evtchn_vcpus[0] && ch->vcpu == 1 && ch->gate == GATE_SHUT);
        SAME(evtchn_bind_vcpu(ch, 2), 0);
        HOLDS(ch->moved_from == evtchn_vcpus[0] && ch->vcpu == 2);
        SAME(evtchn_bind_vcpu(ch, 3), -XEN_ENOENT);
        SAME(evtchn_bind_vcpu(ch, XENLET_MAX_VCPUS), -XEN_ENOENT);
        SAME(evtchn_vcpu(ch), 2);
        platform_upcalls_restore(0);
        host_this = 2;
        platform_upcalls_restore(0);
        host_this = 0;
        SAME(seen, i == 1); /* FIFO: Xen may have dropped one on the way */
    }
}

static unsigned int priority_then;

static void count_and_see_priority(struct evtchn *ch, void *data)
{
    priority_then = ch->priority;
    ++*(unsigned int *)data;
}

static void new_priority_ends_with_a_raise(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("fifo");
    SAME(evtchn_bind_ipi(0, count_and_see_priority, &seen, GPR, &ch), 0);
    SAME(evtchn_set_priority(ch, EVTCHN_FIFO_PRIORITY_MIN), 0);
    SAME(ch->priority, EVTCHN_FIFO_PRIORITY_MIN);
    SAME(seen, 1);
    SAME(evtchn_set_priority(ch, EVTCHN_FIFO_PRIORITY_MIN + 1), -XEN_EINVAL);
    SAME(ch->priority, EVTCHN_FIFO_PRIORITY_MIN);
    SAME(evtchn_set_priority(ch, 0), 0);
    SAME(ch->priority, 0);
    SAME(seen, 2);
    SAME(priority_then, 0); /* it is set when the handler runs, which may reset */
}

/* A VCPU that leaves: nothing comes to it any more, until it is there again. */
static void vcpu_that_left_gets_nothing(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0, ipi = 0;
        struct evtchn *ch, *stays, *other;

        boot(abis[i]);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &ch), 0);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &other), 0);
        SAME(evtchn_bind_ipi(1, unit_count, &ipi, GPR, &stays), 0);
        SAME(evtchn_bind_vcpu(ch, 1), 0);
        SAME(evtchn_bind_vcpu(other, 2), 0);
        host_this = 1;
        (void)platform_upcalls_save();
        HOLDS(!evtchn_vcpu_has_left(evtchn_vcpus[1]));
        evtchn_vcpu_leave();
        HOLDS(evtchn_vcpu_has_left(evtchn_vcpus[1]) && !evtchn_vcpu_has_left(evtchn_vcpus[2]));
        host_this = 0;
        SAME(evtchn_vcpu(ch), 0);
        SAME(evtchn_vcpu(other), 2);
        SAME(evtchn_vcpu(stays), 1);
        SAME(evtchn_bind_vcpu(ch, 1), -XEN_ENOENT);
        SAME(host_add_vcpu(1), 0);
        HOLDS(!evtchn_vcpu_has_left(evtchn_vcpus[1]));
        SAME(evtchn_bind_vcpu(ch, 1), 0);
    }
}

static struct evtchn *awaited;

static void finds_nothing(struct evtchn *ch, void *data)
{
    (void)ch;
    ++*(unsigned int *)data;
    SAME(evtchn_eoi(awaited, true), 0);
    HOLDS(awaited->rest_on == evtchn_vcpus[1]);
}

/* What its last upcall has put to rest there goes on, too. */
static void rest_of_the_last_upcall_is_not_left_behind(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0, last = 0;
        struct evtchn *ch;

        boot(abis[i]);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR | EVTCHN_LATE_EOI, &awaited), 0);
        SAME(evtchn_bind_ipi(1, finds_nothing, &last, GPR, &ch), 0);
        SAME(evtchn_send(awaited), 0);
        awaited->spurious_run = 1;
        host_this = 1;
        (void)platform_upcalls_save();
        SAME(evtchn_send(ch), 0);
        evtchn_vcpu_leave();
        SAME(last, 1);
        HOLDS(!awaited->rest_on && !awaited->reasons);
        host_this = 0;
        SAME(evtchn_send(awaited), 0);
        SAME(seen, 2);
    }
}

/* What a VCPU needs of Xen it has before it comes up: where Xen is to tell it of events. */
static jmp_buf comes_up;
static unsigned int registered;

static void look_at_vcpu(unsigned int nr, const long args[4])
{
    const struct vcpu_register_vcpu_info *info = (const void *)args[2];

    if (nr != __HYPERVISOR_vcpu_op || args[1] != 1)
        return;
    if (args[0] == VCPUOP_register_vcpu_info) {
        HOLDS(info->mfn == platform_page_gfn(host_vcpus[1]));
        registered++;
    } else if (args[0] == VCPUOP_up) {
        longjmp(comes_up, 1);
    }
}

static void vcpu_info_is_registered_before_a_vcpu_comes_up(void)
{
    unit_boot("2l");
    registered = 0;
    host_on_hypercall = look_at_vcpu;
    if (setjmp(comes_up) == 0) {
        (void)vcpu_start(1, NULL, NULL);
        HOLDS(false); /* it never comes back from there */
    }
    SAME(registered, 1);
    HOLDS(evtchn_vcpu_exists(1) && !evtchn_vcpu_has_left(evtchn_vcpus[1]));
}

/* --- opened again --------------------------------------------------------------------------- */

/* What it takes to learn our own number is given back. */
static void suspend_leaves_no_port(void)
{
    unsigned int seen = 0, ports;
    struct evtchn *ch;

    FOR_EACH_ABI(i)
    {
        unit_boot(abis[i]);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
        ports = model_bound_ports();
        (void)platform_upcalls_save();
        SAME(evtchn_suspend(), 0);
        SAME(model_bound_ports(), ports);
        SAME(ch->reasons, REASON_MOVE);
        evtchn_resume(true);
        SAME(ch->reasons, 0);
        platform_upcalls_restore(0);
        model_refuse(EVTCHNOP_status, 0, 1, -XEN_EINVAL);
        SAME(evtchn_reset(), -XEN_EINVAL);
        SAME(model_bound_ports(), ports);
        SAME(ch->reasons, 0);
    }
}

static struct evtchn *lost_ones[4];
static unsigned int told[4];

static void is_told(struct evtchn *ch, void *data)
{
    unsigned int i = (unsigned int)((unsigned int *)data - told);

    HOLDS(ch == lost_ones[i]);
    told[i]++;
    /* The one told first closes another that was lost: its owner is not told any more. */
    for (unsigned int j = 0; j < 4; j++) {
        if (j != i && lost_ones[j] && !told[j]) {
            SAME(evtchn_close(lost_ones[j]), 0);
            lost_ones[j] = NULL;
            break;
        }
    }
}

static void lost_channel_may_be_closed_before_its_owner_is_told(void)
{
    unsigned int ports;

    unit_boot("fifo");
    ports = model_bound_ports();
    for (unsigned int i = 0; i < 4; i++) {
        told[i] = 0;
        SAME(evtchn_bind_unbound(model_peer(), is_told, &told[i], GPR, &lost_ones[i]), 0);
        evtchn_on_lost(lost_ones[i], is_told);
    }
    model_refuse(EVTCHNOP_alloc_unbound, 1, 4, -XEN_ENOSPC);
    SAME(evtchn_reset(), 0);
    SAME(told[0] + told[1] + told[2] + told[3], 2);
    for (unsigned int i = 0; i < 4; i++) {
        SAME(lost_ones[i] != NULL, told[i]);
        if (lost_ones[i])
            SAME(evtchn_close(lost_ones[i]), 0);
    }
    SAME(model_bound_ports(), ports);
}

/* VCPU, priority, what it rests for: what outlives a reset and what does not. */
static void reset_keeps_what_was_set(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0, quiet = 0, eoi = 0;
        struct evtchn *ch, *q, *late;

        boot(abis[i]);
        SAME(evtchn_bind_unbound(model_peer(), unit_count, &seen, GPR, &ch), 0);
        SAME(evtchn_bind_ipi(0, unit_count, &quiet, GPR | EVTCHN_NO_RERAISE, &q), 0);
        SAME(evtchn_bind_ipi(0, unit_count, &eoi, GPR | EVTCHN_LATE_EOI, &late), 0);
        SAME(evtchn_bind_vcpu(ch, 2), 0);
        if (i == 1)
            SAME(evtchn_set_priority(ch, 3), 0);
        SAME(evtchn_mask(ch), 0);
        SAME(evtchn_send(late), 0);
        SAME(late->reasons, REASON_EOI);
        seen = 0;
        SAME(evtchn_reset(), 0);
        SAME(evtchn_vcpu(ch), 2);
        SAME(ch->reasons, REASON_USER);
        HOLDS(ch->has_moved);
        SAME(ch->priority, i == 1 ? 3 : PRIORITY_UNSET);
        SAME(quiet, 0);
        SAME(eoi, 2); /* what it waited for is forgotten; have the handler look */
        HOLDS(!q->has_moved || i == 3);
        SAME(evtchn_unmask(ch), 0);
        host_this = 2;
        platform_upcalls_restore(0);
        host_this = 0;
        SAME(seen, 1);
    }
}

/* --- the way back to 2-level ---------------------------------------------------------------- */

static evtchn_port_t kept[80];

static void many_ports(void)
{
    for (unsigned int i = 1; i < 70; i++) {
        if (i % 3 == 0)
            SAME(hypercall_evtchn_bind_ipi(0, &kept[i]), 0);
        else
            SAME(hypercall_evtchn_alloc_unbound(DOMID_SELF, model_peer(), &kept[i]), 0);
        SAME(kept[i], i);
    }
}

/* Of the first 63 those that have another end keep their numbers, and nothing else is bound. */
static void way_back_keeps_ports_of_the_toolstack(void)
{
    unit_config.before = many_ports;
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    unit_boot("fifo");
    HOLDS(evtchn_ops == &evtchn_ops_2l);
    for (unsigned int i = 1; i < 70; i++) {
        struct evtchn_status s = { .dom = DOMID_SELF, .port = i };
        int rc = hypercall_evtchn_status(&s);

        if (i % 3 == 0 || i > 63) { /* unless the timer's channels have it now */
            HOLDS(rc || s.status != EVTCHNSTAT_unbound);
        } else {
            SAME(s.status, EVTCHNSTAT_unbound);
            SAME(s.u.unbound.dom, model_peer());
        }
    }
    SAME(model_bound_ports(), 42 + 2);
}

/* --- 3-level --------------------------------------------------------------------------------- */

static void each_port_has_a_bit_of_its_own(void)
{
    static const evtchn_port_t ports[] = { 1, 63, 64, 4095, 4096, 32767, 32768, 262143 };

    unit_config.pages = 1024;
    unit_boot("3l");
    SAME(evtchn_ops->nr_ports, 262144);
    for (unsigned int i = 0; i < 8; i++) {
        evtchn_ops->unmask(ports[i], true);
        evtchn_ops->set_pending(ports[i]);
        for (unsigned int j = 0; j < 8; j++) {
            SAME(evtchn_ops->is_pending(ports[j]), i == j);
            SAME(evtchn_ops->is_masked(ports[j]), i != j);
        }
        HOLDS(evtchn_ops->clear_pending(ports[i]));
        evtchn_ops->mask(ports[i]);
    }
}

/* Unmasked and pending: all three selectors say so, in the right place. */
static void unmask_sets_each_selector(void)
{
    static const evtchn_port_t ports[] = { 64, 4096 + 3 * 64 + 5, 262143 };

    unit_config.pages = 1024;
    for (unsigned int i = 0; i < 3; i++) {
        const unsigned int l2 = ports[i] / 4096, bit = ports[i] / 64 % 64;
        struct evtchn_vcpu *v;

        unit_boot("3l");
        v = evtchn_vcpus[0];
        (void)platform_upcalls_save();
        evtchn_upcall(); /* empties what the switch had set */
        SAME(v->info->evtchn_pending_sel, 0);
        for (unsigned int j = 0; j < BITS_PER_WORD; j++)
            SAME(v->l2_selector[j], 0);
        evtchn_ops->set_pending(ports[i]);
        SAME(v->info->evtchn_upcall_pending, 0);
        evtchn_ops->unmask(ports[i], true);
        SAME(v->info->evtchn_upcall_pending, 1);
        HOLDS(v->info->evtchn_pending_sel == (xen_ulong_t)1 << l2);
        for (unsigned int j = 0; j < BITS_PER_WORD; j++)
            HOLDS(v->l2_selector[j] == (j == l2 ? (xen_ulong_t)1 << bit : 0));
    }
}

/* Pages of bitmaps that were refused are given back; those that are had are kept for the next time.
 */
static void bitmaps_are_made_once(void)
{
    size_t pages;

    unit_boot("2l");
    pages = xenlet_nr_free_pages();
    model_refuse(EVTCHNOP_register_3level, 0, 1, -XEN_ENOMEM);
    SAME(evtchn_ops_3l.init(evtchn_vcpus[0]), -XEN_ENOMEM);
    SAME(xenlet_nr_free_pages(), pages);
    for (unsigned int n = 0; n < 16; n++) {
        host_memory_fail_after(n);
        SAME(evtchn_ops_3l.init(evtchn_vcpus[0]), -XEN_ENOMEM);
        host_memory_fail_after(UINT32_MAX);
        SAME(xenlet_nr_free_pages(), pages);
    }
    SAME(evtchn_ops_3l.init(evtchn_vcpus[0]), 0);
    HOLDS(evtchn_vcpus[0]->l2_registered);
    SAME(xenlet_nr_free_pages(), pages - 16);
    unit_boot("3l");
    pages = xenlet_nr_free_pages();
    SAME(evtchn_reset(), 0);
    SAME(xenlet_nr_free_pages(), pages);
}

const struct unit bind_units[] = {
    { "flags_are_those_there_are", flags_are_those_there_are },
    { "no_handler_no_delivery", no_handler_no_delivery },
    { "port_is_what_xen_says", port_is_what_xen_says },
    { "pirq_is_shared_when_that_is_asked_for", pirq_is_shared_when_that_is_asked_for },
    { "moved_channel_knows_where_it_was_run", moved_channel_knows_where_it_was_run },
    { "new_priority_ends_with_a_raise", new_priority_ends_with_a_raise },
    { "vcpu_that_left_gets_nothing", vcpu_that_left_gets_nothing },
    { "vcpu_info_is_registered_before_a_vcpu_comes_up",
      vcpu_info_is_registered_before_a_vcpu_comes_up },
    { "rest_of_the_last_upcall_is_not_left_behind", rest_of_the_last_upcall_is_not_left_behind },
    { "suspend_leaves_no_port", suspend_leaves_no_port },
    { "lost_channel_may_be_closed_before_its_owner_is_told",
      lost_channel_may_be_closed_before_its_owner_is_told },
    { "reset_keeps_what_was_set", reset_keeps_what_was_set },
    { "way_back_keeps_ports_of_the_toolstack", way_back_keeps_ports_of_the_toolstack },
    { "each_port_has_a_bit_of_its_own", each_port_has_a_bit_of_its_own },
    { "unmask_sets_each_selector", unmask_sets_each_selector },
    { "bitmaps_are_made_once", bitmaps_are_made_once },
    { NULL, NULL }
};
