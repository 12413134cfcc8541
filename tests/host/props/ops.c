/* SPDX-License-Identifier: MIT */
/* What the operations of a trace do. On a state where one means nothing it does nothing. */
#include <string.h>
#include <xenlet/clock.h>
#include "evtchn/internal.h"
#include "tests/host/platform/host.h"
#include "tests/host/props/props.h"
#include <xenlet/hypercall.h>

struct config config;
bool props_verbose;

static bool holds_upcalls[MAX_VCPUS];
bool is_down[MAX_VCPUS];
static uint64_t random_state;

uint32_t props_random(void)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(random_state >> 33);
}

unsigned int below(unsigned int n)
{
    return props_random() % n;
}

/* --- VCPUs ---------------------------------------------------------------------------------- */

static void hold_upcalls(unsigned int vcpu)
{
    if (!holds_upcalls[vcpu])
        PROPS_CHECK(platform_upcalls_save() == 0, "VCPU %u: upcalls are masked", vcpu);
    holds_upcalls[vcpu] = true;
}

static void let_upcalls(unsigned int vcpu)
{
    if (holds_upcalls[vcpu]) {
        holds_upcalls[vcpu] = false;
        platform_upcalls_restore(0);
    }
}

/* It goes down. Its channels go to VCPU 0, unless a handler brings one back meanwhile. */
static void leave(unsigned int vcpu)
{
    uint64_t before = nr_delivered;

    if (vcpu == 0)
        return;
    /* All of them: a handler may move one here at the last moment. */
    for (unsigned int i = 0; i < SLOTS; i++) {
        if (slots[i]) {
            life_may_see(slots[i]);
            slots[i]->moving++;
        }
    }
    (void)platform_upcalls_save();
    evtchn_vcpu_leave();
    is_down[vcpu] = true;
    for (unsigned int i = 0; i < SLOTS; i++) {
        struct life *l = slots[i];

        if (!l || !l->moving)
            continue;
        l->moving--;
        l->vcpu = evtchn_vcpu(l->ch);
        PROPS_CHECK(!may_move(l) || l->vcpu != vcpu || is_lost(l) || nr_delivered != before,
                    "channel %u did not leave VCPU %u", l->number, vcpu);
    }
}

/* As kernel/vcpu.c does it: another VCPU sees to its delivery state, then it unmasks upcalls. */
static void come_up(unsigned int vcpu)
{
    if (!is_down[vcpu])
        return;
    host_this = 0;
    PROPS_CHECK(host_add_vcpu(vcpu) == 0, "VCPU %u does not come up again", vcpu);
    is_down[vcpu] = false;
    host_this = vcpu;
    platform_upcalls_restore(0);
}

void all_come_up(void)
{
    for (unsigned int i = 0; i < config.vcpus; i++)
        come_up(i);
}

/*
 * Its contract: VCPU 0, upcalls unmasked, and the others do not use channels. Refused, which it is
 * when no port is free, it changes nothing.
 */
static void reset(void)
{
    int rc;

    host_this = 0;
    let_upcalls(0);
    for (unsigned int i = 0; i < SLOTS; i++) {
        struct life *l = slots[i];

        if (!l)
            continue;
        l->ends_eoi = true;
        l->allowed += 3; /* its own call; what was left in the bitmaps; the binder's */
        l->raised_at = SOMEWHERE;
    }
    rc = evtchn_reset();
    PROPS_CHECK(rc == 0 || rc == -XEN_ENOSPC, "reset: error %d", rc);
    for (unsigned int i = 0; i < SLOTS; i++) {
        struct life *l = slots[i];

        if (!l)
            continue;
        l->ends_eoi = false;
        if (rc == 0 && l->type == VIRQ_OF && l->virq == VIRQ_DEBUG)
            life_taken(l); /* the one that is not called: a key pressed meanwhile is forgotten */
        if (rc == 0)
            l->awaits_eoi = late_and_awaited(l);
    }
}

static void no_print(const char *format, ...)
{
    (void)format;
}

/* Xen calls, and everything says that something may be there. */
static void spurious_upcall(unsigned int vcpu)
{
    struct vcpu_info *info = &host_vcpus[vcpu]->info;

    for (unsigned int bit = 0; bit < sizeof(xen_ulong_t) * 8; bit++)
        atomic_set_bit(&info->evtchn_pending_sel, bit);
    atomic_xchg8(&info->evtchn_upcall_pending, 1);
    host_take_upcalls();
}

static bool someone_rests(void)
{
    for (unsigned int i = 0; i < config.vcpus; i++) {
        if (!is_down[i] && evtchn_vcpus[i]->resting)
            return true;
    }
    return false;
}

static bool upcalls_due(void)
{
    for (unsigned int i = 0; i < config.vcpus; i++) {
        if (is_down[i])
            continue;
        if (holds_upcalls[i] || host_vcpus[i]->info.evtchn_upcall_pending)
            return true;
    }
    return false;
}

void come_to_rest(void)
{
    for (unsigned int round = 0; upcalls_due() || someone_rests(); round++) {
        PROPS_CHECK(round < 100000, "it never comes to rest");
        for (unsigned int i = 0; i < config.vcpus; i++) {
            if (is_down[i])
                continue;
            host_this = i;
            let_upcalls(i);
            host_take_upcalls();
        }
        host_this = 0;
        if (someone_rests())
            clock_sleep(EVTCHN_TICK_DEFAULT);
    }
}

/* Xen is quiet meanwhile: what it raises on one VCPU when another is looked at would not be seen.
 */
static void rest_and_check(void)
{
    void (*injects)(void) = host_between_steps;

    host_between_steps = NULL;
    come_to_rest();
    check_at_rest();
    host_between_steps = injects;
}

void close_everything(void)
{
    host_this = 0;
    for (unsigned int i = 0; i < SLOTS; i++) {
        if (slots[i])
            do_close(slots[i]);
    }
    come_to_rest();
}

/* --- by their names ------------------------------------------------------------------------- */

static void on_channel(const struct op *op, struct life *l)
{
    switch (op->kind) {
    case OP_close:
        do_close(l);
        break;
    case OP_mask:
        do_mask(l);
        break;
    case OP_unmask:
        do_unmask(l);
        break;
    case OP_send:
        do_send(l);
        break;
    case OP_raise:
        do_raise(l);
        break;
    case OP_burst:
        for (unsigned int i = op->arg; i > 0 && !l->closed; i--)
            do_send(l);
        break;
    case OP_move:
        do_move(l, op->arg % config.vcpus);
        break;
    case OP_priority:
        do_priority(l, op->arg % 17);
        break;
    case OP_share:
        PROPS_CHECK(evtchn_set_share(l->ch, op->arg) == (op->arg ? 0 : -XEN_EINVAL), "share");
        break;
    case OP_eoi:
        do_eoi(l, op->arg & 1);
        break;
    case OP_take:
        do_take(l);
        break;
    case OP_poll:
        do_poll(l);
        break;
    case OP_peer_bind:
        peer_bind(l);
        break;
    case OP_peer_send:
        peer_send(l);
        break;
    case OP_peer_close:
        peer_close(l);
        break;
    case OP_virq:
        raise_virq(l);
        break;
    default:
        break;
    }
}

static void on_vcpu(const struct op *op)
{
    unsigned int vcpu = host_this;

    switch (op->kind) {
    case OP_hold_upcalls:
        hold_upcalls(vcpu);
        break;
    case OP_let_upcalls:
        let_upcalls(vcpu);
        break;
    case OP_sleep:
        if (!holds_upcalls[vcpu])
            clock_sleep(op->arg * 10000ull);
        break;
    case OP_leave:
        if (!holds_upcalls[vcpu])
            leave(vcpu);
        break;
    case OP_come_up:
        all_come_up();
        break;
    case OP_reset:
        reset();
        break;
    case OP_dump:
        evtchn_dump(no_print);
        break;
    case OP_spurious_upcall:
        spurious_upcall(vcpu);
        break;
    case OP_stray_send:
        PROPS_CHECK(hypercall_evtchn_send(200u + op->arg) == -XEN_EINVAL, "a send to nothing");
        break;
    case OP_upcall:
        host_take_upcalls();
        break;
    case OP_rest:
        rest_and_check();
        break;
    default:
        break;
    }
}

void do_op(const struct op *op)
{
    struct life *l = slots[op->slot];

    random_state = op->seed;
    host_this = is_down[op->vcpu] ? 0 : op->vcpu;
    if (op->kind <= OP_bind_port)
        do_bind(op);
    else if ((op->kind >= OP_close && op->kind <= OP_poll) ||
             (op->kind >= OP_peer_bind && op->kind <= OP_virq)) {
        if (l) {
            l->in_api = true;
            on_channel(op, l);
            l->in_api = false;
        }
    } else {
        on_vcpu(op);
    }
    host_take_upcalls();
}
