/* SPDX-License-Identifier: MIT */
/* VCPUs that go down while a channel comes to them, and a reset beside one that takes upcalls. */
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "evtchn/internal.h"
#include "tests/host/explore/guest.h"
#include "tests/host/model/model.h"

#define GPR EVTCHN_HANDLER_GPR

/* --- a global VIRQ is bound to a VCPU that leaves ----------------------------------------------
 */

/*
 * When both have done what they do. Not before: Xen looks once where to notify, and an event that
 * is under way in Xen while its VCPU moves its channels away, and goes down, waits there.
 */
static uint32_t done;

static void nothing_bound(void)
{
    connect(&b, 0, GPR);
    a.from = &a.sent;
    a.extra = 3; /* moved twice, and both may be the last one */
    done = 0;
}

static void last_one_raises(unsigned int me)
{
    atomic_test_and_set_bit32(&done, me);
    if (atomic_read(&done) != 3)
        return;
    atomic_write(&a.sent, 1);
    model_raise_virq(0, VIRQ_TBUF);
    if (me == 0)
        take_upcalls();
}

static void bind_virq(void)
{
    int rc = evtchn_bind_virq(VIRQ_TBUF, 1, handler, &a, GPR, &a.ch);

    if (rc == -XEN_ENOENT) /* it had left */
        rc = evtchn_bind_virq(VIRQ_TBUF, 0, handler, &a, GPR, &a.ch);
    must(rc, "evtchn_bind_virq");
    last_one_raises(0);
}

static void leave(void)
{
    (void)platform_upcalls_save();
    evtchn_vcpu_leave();
    last_one_raises(1);
}

static void is_not_left_behind(void)
{
    if (evtchn_vcpu(a.ch) != 0)
        explore_fail("the channel is bound to a VCPU that is down");
}

static const struct scenario virq_leave = {
    .name = "bind-virq-leave",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, bind_virq }, { "VCPU 1", 1, leave } },
    .arrange = nothing_bound,
    .check = is_not_left_behind,
};

/* --- a reset beside a walk ---------------------------------------------------------------------
 */

static void one_each_alone(void)
{
    connect(&a, 1, GPR);
    a.extra = 3; /* bound again, moved again, and the reset's own call */
    take_upcalls();
    be_vcpu(1);
    take_upcalls();
    (void)platform_upcalls_save(); /* VCPU 1 begins by unmasking them */
    raise_event(&a);
    be_vcpu(0);
}

static void one_each(void)
{
    connect(&b, 0, GPR);
    b.extra = 3;
    one_each_alone();
}

static void reset(void)
{
    must(evtchn_reset(), "evtchn_reset");
}

static void unmask_upcalls(void)
{
    platform_upcalls_restore(0);
}

/* A walk that goes on in what the reset has changed finds heads that lead nowhere. */
static void saw_nothing_strange(void)
{
    if (evtchn_vcpus[1]->fifo_stray)
        explore_fail("a walk looked at queues that the reset had taken away");
    if (evtchn_vcpu(a.ch) != 1)
        explore_fail("the channel did not come back on its VCPU");
}

static const struct scenario reset_walk = {
    .name = "reset-walk",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, reset }, { "VCPU 1", 1, unmask_upcalls } },
    .arrange = one_each,
    .check = saw_nothing_strange,
};

/* Xen refuses it: what was stopped goes on, and nothing was raised anew. */
static void one_each_and_refused(void)
{
    connect(&b, 1, GPR);
    if (evtchn_abi()[0] == 'f')
        must(evtchn_set_priority(b.ch, 3), "evtchn_set_priority");
    b.extra = 2;
    one_each_alone();
    model_refuse(EVTCHNOP_reset, 0, 1, -XEN_EPERM);
}

static void refused_reset(void)
{
    if (evtchn_reset() != -XEN_EPERM)
        explore_fail("the reset was not refused");
}

static void raise_b(void)
{
    raise_event(&b);
}

static const struct scenario reset_refused = {
    .name = "reset-refused",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, refused_reset },
                 { "VCPU 1", 1, unmask_upcalls },
                 { "peer", PEER, raise_b } },
    .arrange = one_each_and_refused,
};

const struct scenario *const vcpus_go[] = { &virq_leave, &reset_walk, &reset_refused, NULL };
