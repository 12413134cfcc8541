/* SPDX-License-Identifier: MIT */
/*
 * Barriers, one look at each: what the guest's code reads and writes is noted, and between two
 * places there has to be the barrier that the comments there name. Whether an event is lost without
 * it is for the explorer to say; some need more VCPUs and steps than it can go through.
 */
#include <xenlet/abi/event_channel_3l.h>
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

/* --- what was done ------------------------------------------------------------------------------
 */

#define MAX_NOTES 65536u

static struct note {
    enum host_access kind;
    const volatile void *p;
} notes[MAX_NOTES];
static unsigned int nr_notes;

static void note(enum host_access kind, const volatile void *p)
{
    HOLDS(host_vcpus[0]->info.evtchn_upcall_pending <= 1); /* Xen's ABI has no other values */
    if (nr_notes < MAX_NOTES)
        notes[nr_notes++] = (struct note){ kind, p };
}

static void begin(void)
{
    nr_notes = 0;
    host_on_access = note;
}

static void end(void)
{
    host_on_access = NULL;
    HOLDS(nr_notes < MAX_NOTES);
}

/* The first of them from `from` on; nr_notes for none. */
static unsigned int find(enum host_access kind, const volatile void *p, unsigned int from)
{
    while (from < nr_notes && (notes[from].kind != kind || notes[from].p != p))
        from++;
    return from;
}

static bool is_full(unsigned int i)
{
    return notes[i].kind == HOST_MB || notes[i].kind == HOST_RMW;
}

/* The first write to `p` is one, and everything before it is before it for everyone. */
static bool released_at(unsigned int at)
{
    return at >= 2 && at < nr_notes && notes[at - 1].kind == HOST_WMB &&
           notes[at - 2].kind == HOST_RMB;
}

static bool is_released(const volatile void *p)
{
    return released_at(find(HOST_WRITE, p, 0));
}

/* The first read of `p` from there on is one, and nothing after it is before it. */
static bool is_acquired(const volatile void *p, unsigned int from)
{
    unsigned int i = find(HOST_READ, p, from);

    return i + 1 < nr_notes && notes[i + 1].kind == HOST_RMB;
}

/* `a` is written, then there is a full barrier, then `b` is read. */
static bool full_between(const volatile void *a, const volatile void *b)
{
    unsigned int i = find(HOST_WRITE, a, 0), last;

    for (last = find(HOST_READ, b, i); i < last && !is_full(i); i++)
        ;
    return i < last && last < nr_notes;
}

/* --- what changes under a lock -------------------------------------------------------------- */

static struct evtchn *watched;
static unsigned int nr_writes;

/* Of what is written in one step; what is written plainly stands beside it. */
static void look_who_writes(enum host_access kind, const volatile void *p)
{
    const struct evtchn_vcpu *v = evtchn_vcpus[0];

    if (kind != HOST_WRITE)
        return;
    if (p == &watched->reasons || p == &watched->gate || p == &watched->vcpu ||
        p == &watched->moved_from || p == &watched->share || p == &watched->has_moved) {
        HOLDS(host_holds(&watched->lock));
        nr_writes++;
    }
    if (p == &watched->rest_on) {
        HOLDS(host_holds(&v->lock));
        nr_writes++;
    }
    if ((const char *)p >= (const char *)evtchn_rows[0] &&
        (const char *)p < (const char *)evtchn_rows[0] + 4096) {
        HOLDS(host_locks_held() == 1);
        nr_writes++;
    }
}

static void fields_change_under_their_lock(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn other = { .port = 500 };

        unit_boot(abis[i]);
        SAME(host_add_vcpu(1), 0);
        world_skip(3 * EVTCHN_TICK_DEFAULT);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &watched), 0);
        nr_writes = 0;
        host_on_access = look_who_writes;
        SAME(evtchn_mask(watched), 0);
        SAME(evtchn_unmask(watched), 0);
        SAME(evtchn_set_share(watched, 9), 0);
        SAME(nr_writes, 5);
        SAME(evtchn_bind_vcpu(watched, 1), 0);
        SAME(evtchn_raise(watched), 0);
        host_this = 1;
        platform_upcalls_restore(0);
        host_this = 0;
        HOLDS(seen >= 1);
        SAME(evtchn_bind_vcpu(watched, 0), 0);
        SAME(evtchn_raise(watched), 0);
        HOLDS(seen >= 2 && !watched->moved_from);
        (void)platform_upcalls_save();
        evtchn_storm_begin(evtchn_vcpus[0], watched);
        HOLDS(watched->rest_on);
        SAME(evtchn_rest_forget(watched, REASON_STORM), REASON_STORM);
        evtchn_storm_begin(evtchn_vcpus[0], watched);
        watched->rest_until = 1;
        evtchn_tick();
        HOLDS(!watched->rest_on && !watched->reasons);
        nr_writes = 0;
        SAME(evtchn_publish(&other), 0);
        evtchn_unpublish(&other);
        SAME(nr_writes, 2);
        SAME(evtchn_close(watched), 0);
        host_on_access = NULL;
    }
}

static void look_who_makes_rows(enum host_access kind, const volatile void *p)
{
    if (kind == HOST_WRITE && (const char *)p >= (const char *)evtchn_rows &&
        (const char *)p < (const char *)(evtchn_rows + NR_ROWS)) {
        HOLDS(host_locks_held() == 1);
        nr_writes++;
    }
}

static void rows_are_made_under_a_lock(void)
{
    unit_boot("2l");
    nr_writes = 0;
    host_on_access = look_who_makes_rows;
    SAME(evtchn_make_rows(2048), 0);
    SAME(nr_writes, ROWS_PER_PAGE);
    host_on_access = NULL;
}

/* --- what is shown to others is complete -------------------------------------------------------
 */

static void what_is_published_is_complete(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    FOR_EACH_ABI(i)
    {
        struct evtchn new = { .port = 1000 };

        unit_boot(abis[i]);
        begin();
        SAME(evtchn_publish(&new), 0);
        end();
        HOLDS(is_released(&evtchn_rows[1000 / ROW_PORTS][1000 % ROW_PORTS]));
        evtchn_unpublish(&new);
        begin();
        SAME(evtchn_make_rows(2048), 0);
        end();
        for (unsigned int row = 0; row < ROWS_PER_PAGE; row++)
            HOLDS(is_released(&evtchn_rows[2048 / ROW_PORTS + row]));
        begin();
        SAME(host_add_vcpu(1), 0);
        end();
        HOLDS(is_released(&evtchn_vcpus[1]));
        begin();
        SAME(evtchn_reset(), 0);
        end();
        HOLDS(is_released(&evtchn_ops));
        for (unsigned int at = find(HOST_WRITE, &evtchn_ops, 0); at < nr_notes;
             at = find(HOST_WRITE, &evtchn_ops, at + 1))
            HOLDS(released_at(at));
        /* The first write stops upcalls, and needs no release: nothing was changed before it. */
        HOLDS(released_at(
            find(HOST_WRITE, &evtchn_upcall_now, find(HOST_WRITE, &evtchn_upcall_now, 0) + 1)));
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    }
}

/* Where nobody is stopped. */
static void abi_is_complete_when_it_is_used(void)
{
    unit_boot("2l");
    begin();
    evtchn_use(&evtchn_ops_2l);
    end();
    HOLDS(is_released(&evtchn_ops));
    HOLDS(is_released(&evtchn_upcall_now));
}

static unsigned int at_hypercall, nr_hypercalls;

static void look(unsigned int nr, const long args[4])
{
    if (nr != __HYPERVISOR_event_channel_op ||
        (args[0] != EVTCHNOP_expand_array && args[0] != EVTCHNOP_register_3level))
        return;
    if (args[0] == EVTCHNOP_expand_array || nr_hypercalls == 0)
        SAME(notes[nr_notes - 1].kind, HOST_WMB);
    nr_hypercalls++;
    at_hypercall = nr_notes;
}

/* Xen reads a page's words once it has been told of it; and walks do when nr_pages says so. */
static void pages_are_written_before_they_are_known(void)
{
    unsigned int writes = 0;

    unit_config.model.max_port = 4000;
    unit_boot("fifo");
    nr_hypercalls = 0;
    host_on_hypercall = look;
    begin();
    SAME(evtchn_ops->port_setup(1024), 0);
    end();
    SAME(nr_hypercalls, 1);
    for (unsigned int i = at_hypercall; i < nr_notes; i++) {
        if (notes[i].kind != HOST_WRITE || notes[i].p == &host_vcpus[0]->info.evtchn_upcall_mask)
            continue;
        HOLDS(released_at(i));
        writes++;
    }
    SAME(writes, 1 + 2 + 1); /* nr_pages, the groups of a page, the lock */

    unit_boot("2l");
    nr_hypercalls = 0;
    host_on_hypercall = look;
    begin();
    SAME(evtchn_ops_3l.init(evtchn_vcpus[0]), 0);
    end();
    SAME(nr_hypercalls, 2);
}

/* --- an upcall ----------------------------------------------------------------------------------
 */

static void upcall_says_when_it_is_over(void)
{
    FOR_EACH_ABI(i)
    {
        static const unsigned int flags[] = { GPR, 0 };

        for (unsigned int j = 0; j < 2; j++) {
            unsigned int seen = 0, last = 0, writes = 0;
            struct evtchn_vcpu *v;
            struct evtchn *ch;

            unit_boot(abis[i]);
            v = evtchn_vcpus[0];
            SAME(evtchn_bind_ipi(0, unit_count, &seen, flags[j], &ch), 0);
            (void)platform_upcalls_save();
            SAME(evtchn_send(ch), 0);
            begin();
            platform_upcalls_restore(0);
            end();
            SAME(seen, 1);
            for (unsigned int at = find(HOST_WRITE, &v->current, 0); at < nr_notes;
                 at = find(HOST_WRITE, &v->current, at + 1)) {
                HOLDS(writes == 0 || released_at(at)); /* after what a handler did before */
                last = at;
                writes++;
            }
            HOLDS(released_at(last));
            SAME(writes, j ? 4 : 3); /* in an upcall, the channel, (none,) out of it */
            /* The first is before the flag, and the barrier of the walk before it looks. */
            HOLDS(find(HOST_WRITE, &v->current, 0) <
                  find(HOST_WRITE, &v->info->evtchn_upcall_pending, 0));
            HOLDS(full_between(&v->info->evtchn_upcall_pending, &evtchn_upcall_now));
            HOLDS(full_between(&v->current, &evtchn_upcall_now));
            if (j) { /* what waits for the end of handlers is done after what they wrote */
                unsigned int before = nr_notes;

                for (unsigned int at = 0; at < last; at++) {
                    if (notes[at].kind == HOST_WRITE && notes[at].p == &v->current)
                        before = at;
                }
                HOLDS(released_at(before));
            }
        }
    }
}

static unsigned int until;

static void let_go(void)
{
    if (until-- != 0)
        return;
    host_between_steps = NULL;
    evtchn_let_upcalls_go();
}

/* It says that it looks at nothing any more; and looks at nothing before it may. */
static void stopped_upcall_waits(void)
{
    FOR_EACH_ABI(i)
    {
        struct evtchn_vcpu *v;
        unsigned int first;

        unit_boot(abis[i]);
        v = evtchn_vcpus[0];
        (void)platform_upcalls_save();
        evtchn_stop_upcalls();
        until = 30;
        host_between_steps = let_go;
        begin();
        evtchn_ops->upcall(0);
        end();
        first = find(HOST_WRITE, &v->current, find(HOST_WRITE, &v->current, 0) + 1);
        HOLDS(released_at(first));
        HOLDS(is_acquired(&evtchn_upcall_now, first));
        /* It is in an upcall again before it has all looked at, and says so before it ends. */
        HOLDS(find(HOST_WRITE, &v->current, first + 1) <
              find(HOST_RMW, &v->info->evtchn_pending_sel, first));
        HOLDS(find(HOST_RMW, &v->info->evtchn_pending_sel, first) <
              find(HOST_WRITE, &v->info->evtchn_upcall_pending, first));
        HOLDS(find(HOST_WRITE, &v->info->evtchn_upcall_pending, first) < nr_notes);
        SAME(v->info->evtchn_upcall_pending, 1); /* it is to be called again */

        evtchn_stop_upcalls();
        until = 30;
        host_between_steps = let_go;
        begin();
        evtchn_upcall_now(0);
        end();
        HOLDS(is_acquired(&evtchn_upcall_now, 0));
        platform_upcalls_restore(0);
    }
}

static void stopping_looks_after_it_has_said_so(void)
{
    unit_boot("fifo");
    SAME(host_add_vcpu(1), 0);
    (void)platform_upcalls_save();
    begin();
    evtchn_stop_upcalls();
    end();
    HOLDS(full_between(&evtchn_upcall_now, &evtchn_vcpus[1]->current));
    HOLDS(is_acquired(&evtchn_vcpus[1]->current, 0));
    begin();
    evtchn_let_upcalls_go();
    end();
    HOLDS(is_released(&evtchn_upcall_now));
}

/* --- hazard pointers -----------------------------------------------------------------------------
 */

static void closing_looks_after_it_has_said_so(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    unit_boot("fifo");
    SAME(host_add_vcpu(1), 0);
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    begin();
    SAME(evtchn_close(ch), 0);
    end();
    HOLDS(find(HOST_WRITE, &evtchn_vcpus[0]->closing, 0) <
          find(HOST_READ, &evtchn_vcpus[1]->current, 0));
    HOLDS(full_between(&ch->gate, &evtchn_vcpus[1]->current));
    HOLDS(full_between(&ch->reasons, &ch->rest_on));
}

/* It came from VCPU 1, which may be in its handler. */
static void settling_looks_after_it_has_said_so(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch;

        unit_boot(abis[i]);
        SAME(host_add_vcpu(1), 0);
        SAME(evtchn_bind_unbound(DOMID_SELF, unit_count, &seen, GPR, &ch), 0);
        SAME(evtchn_bind_vcpu(ch, 1), 0);
        SAME(evtchn_raise(ch), 0);
        host_this = 1;
        platform_upcalls_restore(0);
        host_this = 0;
        HOLDS(seen >= 1);
        seen = 0;
        (void)platform_upcalls_save();
        SAME(evtchn_bind_vcpu(ch, 0), 0);
        HOLDS(ch->moved_from == evtchn_vcpus[1]);
        evtchn_vcpus[0]->current = ch; /* what it ran last */
        SAME(evtchn_raise(ch), 0);
        begin();
        evtchn_deliver_slow(evtchn_vcpus[0], evtchn_port(ch));
        end();
        SAME(seen, 1);
        HOLDS(ch->gate == evtchn_gate(0, evtchn_port(ch))); /* the next one goes straight on */
        SAME(find(HOST_WRITE, &evtchn_vcpus[0]->current, 0) <
                 find(HOST_READ, &evtchn_vcpus[1]->current, 0),
             1);
        HOLDS(is_released(&evtchn_vcpus[0]->current)); /* who waits for what we ran looks there */
        evtchn_vcpus[0]->current = NULL;
        platform_upcalls_restore(0);
    }
}

/* The share is used up: the channel is looked at once more, for it may be closed or moved. */
static void new_share_is_given_after_a_look(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;
    unsigned int said, looked;

    unit_boot("2l");
    SAME(evtchn_bind_ipi(0, unit_count, &seen, 0, &ch), 0);
    (void)platform_upcalls_save();
    world_skip(10 * EVTCHN_TICK_DEFAULT);
    SAME(evtchn_raise(ch), 0);
    ch->budget = 0;
    begin();
    evtchn_deliver_slow(evtchn_vcpus[0], evtchn_port(ch));
    end();
    SAME(seen, 1);
    said = find(HOST_WRITE, &evtchn_vcpus[0]->current, 0);
    looked = find(HOST_READ, &ch->gate, said);
    while (said < looked && !is_full(said))
        said++;
    HOLDS(said < looked && looked < nr_notes);
}

/* Of a rest and a close at least one sees the other. */
static void resting_looks_after_it_has_said_so(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;
    unsigned int held;

    unit_boot("2l");
    SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
    (void)platform_upcalls_save();
    begin();
    evtchn_storm_begin(evtchn_vcpus[0], ch);
    end();
    HOLDS(full_between(&ch->rest_on, &ch->reasons));
    begin();
    SAME(evtchn_rest_forget(ch, REASON_ANY), REASON_STORM);
    end();
    held = find(HOST_READ, &ch->rest_on, 0);
    HOLDS(held > 0 && held < nr_notes && is_full(held - 1));
    evtchn_release(ch, REASON_STORM);
    platform_upcalls_restore(0);
}

/* The gate is open before the port is; and shut before it is masked. */
static void gate_is_first(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0, gate, mask;
        struct evtchn *ch;

        unit_boot(abis[i]);
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
        begin();
        SAME(evtchn_mask(ch), 0);
        end();
        gate = find(HOST_WRITE, &ch->gate, 0);
        for (mask = gate; mask < nr_notes && notes[mask].kind != HOST_RMW; mask++)
            ;
        HOLDS(mask < nr_notes);
        begin();
        SAME(evtchn_unmask(ch), 0);
        end();
        gate = find(HOST_WRITE, &ch->gate, 0);
        HOLDS(gate + 1 < nr_notes && notes[gate + 1].kind == HOST_MB);
        for (mask = gate; mask < nr_notes && notes[mask].kind != HOST_RMW; mask++)
            ;
        HOLDS(mask < nr_notes);
    }
}

const struct unit order_units[] = {
    { "fields_change_under_their_lock", fields_change_under_their_lock },
    { "rows_are_made_under_a_lock", rows_are_made_under_a_lock },
    { "what_is_published_is_complete", what_is_published_is_complete },
    { "abi_is_complete_when_it_is_used", abi_is_complete_when_it_is_used },
    { "pages_are_written_before_they_are_known", pages_are_written_before_they_are_known },
    { "upcall_says_when_it_is_over", upcall_says_when_it_is_over },
    { "stopped_upcall_waits", stopped_upcall_waits },
    { "stopping_looks_after_it_has_said_so", stopping_looks_after_it_has_said_so },
    { "closing_looks_after_it_has_said_so", closing_looks_after_it_has_said_so },
    { "settling_looks_after_it_has_said_so", settling_looks_after_it_has_said_so },
    { "new_share_is_given_after_a_look", new_share_is_given_after_a_look },
    { "resting_looks_after_it_has_said_so", resting_looks_after_it_has_said_so },
    { "gate_is_first", gate_is_first },
    { NULL, NULL }
};
