/* SPDX-License-Identifier: MIT */
/* What a program may rely on, in sets and counts; no bitmap, no queue, no mask is known here. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "evtchn/internal.h"
#include "tests/host/platform/host.h"
#include "tests/host/props/props.h"

#define MAX_LIVES 4096u

static struct life lives[MAX_LIVES];
static unsigned int nr_lives;
static uint64_t now; /* raises are numbered */

void props_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("FAIL: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(1);
}

void reference_start(void)
{
    memset(lives, 0, nr_lives * sizeof(lives[0]));
    memset(slots, 0, sizeof(slots));
    memset(is_down, 0, sizeof(is_down));
    nr_lives = 0;
    now = 0;
}

struct life *life_new(void)
{
    struct life *l = &lives[nr_lives % MAX_LIVES];

    if (nr_lives >= MAX_LIVES)
        props_fail("the trace binds more than %u channels", MAX_LIVES);
    memset(l, 0, sizeof(*l));
    l->number = nr_lives++;
    l->priority = 7;
    return l;
}

void life_sent(struct life *l)
{
    l->sent++;
    l->allowed++;
    if (l->raised_at)
        return;
    l->raised_at = l->ch && !l->ch->reasons ? ++now : SOMEWHERE;
    l->deferred = l->ch ? l->ch->deferred : 0;
}

void life_may_see(struct life *l)
{
    l->allowed++;
    l->raised_at = SOMEWHERE; /* until it is delivered */
}

/*
 * FIFO only, and only where nothing happens but what the trace says: of two that wait on one VCPU
 * the higher priority comes first, and of one priority the one that was raised first. A channel
 * that is put off, or that was moved, has no place in that order.
 */
static void check_order(const struct life *l)
{
    if (strcmp(config.abi, "fifo") != 0 || config.inject || !l->raised_at ||
        l->raised_at == SOMEWHERE || l->moving)
        return;
    for (unsigned int i = 0; i < SLOTS; i++) {
        const struct life *other = slots[i];

        if (!other || other == l || !other->ch || !other->raised_at ||
            other->raised_at == SOMEWHERE || other->moving || other->polled || other->masked ||
            other->awaits_eoi || other->vcpu != l->vcpu || other->ch->reasons ||
            other->ch->deferred != other->deferred)
            continue;
        PROPS_CHECK(other->priority >= l->priority,
                    "channel %u of priority %u delivered while %u of priority %u waits", l->number,
                    l->priority, other->number, other->priority);
        PROPS_CHECK(other->priority != l->priority || other->raised_at > l->raised_at,
                    "channel %u delivered before %u, which was raised before it", l->number,
                    other->number);
    }
}

void life_taken(struct life *l)
{
    l->seen = l->sent;
    l->raised_at = 0;
}

void life_delivered(struct life *l)
{
    PROPS_CHECK(!l->closed_done, "channel %u delivered after it was closed", l->number);
    PROPS_CHECK(!l->polled, "channel %u delivered without a handler", l->number);
    PROPS_CHECK(!l->masked || l->unmasking, "channel %u delivered while masked", l->number);
    PROPS_CHECK(!l->awaits_eoi || l->ends_eoi, "channel %u delivered before its EOI", l->number);
    PROPS_CHECK(!l->inside, "channel %u delivered within its own handler", l->number);
    PROPS_CHECK(l->gpr || host_fp_saved[host_this], "channel %u: FP registers are not saved",
                l->number);
    PROPS_CHECK(l->moving || host_this == l->vcpu, "channel %u of VCPU %u delivered on %u",
                l->number, l->vcpu, host_this);
    PROPS_CHECK(host_vcpus[host_this]->info.evtchn_upcall_mask,
                "channel %u delivered with upcalls unmasked", l->number);
    l->delivered++;
    PROPS_CHECK(l->delivered <= l->allowed, "channel %u delivered %lu times, raised %lu times",
                l->number, (unsigned long)l->delivered, (unsigned long)l->allowed);
    check_order(l);
    life_taken(l);
}

static void check_life(struct life *l)
{
    struct evtchn_counters counters;

    if (!l->ch || l->ch->kind == KIND_LOST)
        return;
    evtchn_get_counters(l->ch, &counters);
    PROPS_CHECK(counters.delivered == l->delivered, "channel %u: counts %lu deliveries, had %lu",
                l->number, (unsigned long)counters.delivered, (unsigned long)l->delivered);
    if (l->seen == l->sent)
        return;
    PROPS_CHECK(l->polled || l->masked || l->awaits_eoi || is_down[l->vcpu],
                "channel %u: sent %lu, seen %lu, delivered %lu times", l->number,
                (unsigned long)l->sent, (unsigned long)l->seen, (unsigned long)l->delivered);
    PROPS_CHECK(evtchn_is_pending(l->ch), "channel %u: an event that waits is not pending",
                l->number);
}

/* Nothing is to be delivered that no upcall will find. */
static void check_vcpu(const struct host_vcpu *v)
{
    const struct evtchn_vcpu *e = evtchn_vcpus[v->id];

    PROPS_CHECK(!v->info.evtchn_upcall_pending, "VCPU %u: an upcall is still due", v->id);
    PROPS_CHECK(!host_fp_saved[v->id], "VCPU %u: FP registers are not restored", v->id);
    PROPS_CHECK(!e->current, "VCPU %u: says it runs a handler", v->id);
    PROPS_CHECK(!e->closed, "VCPU %u: closed handles are left", v->id);
    PROPS_CHECK(!e->resting, "VCPU %u: a channel still rests", v->id);
    if (strcmp(evtchn_abi(), "2l") == 0)
        PROPS_CHECK(!v->info.evtchn_pending_sel, "VCPU %u: its selector is %lx", v->id,
                    (unsigned long)v->info.evtchn_pending_sel);
    if (strcmp(evtchn_abi(), "fifo") == 0)
        PROPS_CHECK(!e->fifo_control.ready, "VCPU %u: queues %x are ready", v->id,
                    e->fifo_control.ready);
    PROPS_CHECK(!e->fifo_stray, "VCPU %u: %lu stray heads", v->id, (unsigned long)e->fifo_stray);
}

void check_at_rest(void)
{
    struct model_stats stats = model_stats();

    for (unsigned int i = 0; i < SLOTS; i++) {
        if (slots[i])
            check_life(slots[i]);
    }
    for (unsigned int i = 0; i < config.vcpus; i++) {
        if (!is_down[i])
            check_vcpu(host_vcpus[i]);
    }
    PROPS_CHECK(!stats.lost && !stats.not_linked && !stats.bad_words, "Xen lost events");
}

/* All channels are closed, and all is at rest: the ports are bound that were at the beginning. */
void check_nothing_left(unsigned int ports)
{
    PROPS_CHECK(model_bound_ports() == ports, "%u ports are bound, %u were", model_bound_ports(),
                ports);
    PROPS_CHECK(model_busy_ports() == 0, "%u free ports are still linked", model_busy_ports());
}
