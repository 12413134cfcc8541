/* SPDX-License-Identifier: MIT */
/* Channels that move, by VCPU and by priority, while they are raised. */
#include <xenlet/platform.h>
#include "tests/host/explore/guest.h"

#define GPR EVTCHN_HANDLER_GPR

static void raise_a(void)
{
    raise_event(&a);
}

static void raise_b(void)
{
    raise_event(&b);
}

/*
 * A move, and a change of priority, may have the handler run once without need. In FIFO a move once
 * more: EVTCHNOP_unmask looks at PENDING, then sets it, and may raise what was delivered between.
 */
static unsigned int extra_of_a_move(void)
{
    return evtchn_abi()[0] == 'f' ? 2 : 1;
}

static void one_that_moves(void)
{
    connect(&a, 0, GPR);
    a.extra = extra_of_a_move();
}

static void move_to_1(void)
{
    must(evtchn_bind_vcpu(a.ch, 1), "evtchn_bind_vcpu");
}

static void move_there_and_back(void)
{
    must(evtchn_bind_vcpu(a.ch, 1), "evtchn_bind_vcpu");
    must(evtchn_bind_vcpu(a.ch, 0), "evtchn_bind_vcpu");
}

static void move_to_0(void)
{
    must(evtchn_bind_vcpu(a.ch, 0), "evtchn_bind_vcpu");
}

static const struct scenario by_vcpu = {
    .name = "move-vcpu",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, move_to_1 }, { "VCPU 1", 1, idle }, { "peer", PEER, raise_a } },
    .arrange = one_that_moves,
};

static const struct scenario by_vcpu_taken = {
    .name = "move-vcpu-from-there",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle }, { "VCPU 1", 1, move_to_1 }, { "peer", PEER, raise_a } },
    .arrange = one_that_moves,
};

static void two_that_move(void)
{
    connect(&a, 0, GPR);
    a.extra = 2 * extra_of_a_move();
}

static const struct scenario by_vcpu_back = {
    .name = "move-vcpu-and-back",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, idle },
                 { "VCPU 1", 1, move_there_and_back },
                 { "peer", PEER, raise_a } },
    .arrange = two_that_move,
};

static const struct scenario by_two = {
    .name = "move-vcpu-by-two",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, move_to_1 },
                 { "VCPU 1", 1, move_to_0 },
                 { "peer", PEER, raise_a } },
    .arrange = two_that_move,
};

/* --- what is linked already moves ------------------------------------------------------------ */

static void a_is_linked(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
    a.extra = extra_of_a_move();
    take_upcalls();
    (void)platform_upcalls_save();
    raise_event(&a);
}

static void move_then_unmask(void)
{
    move_to_1();
    platform_upcalls_restore(0);
}

static void unmask_upcalls(void)
{
    platform_upcalls_restore(0);
}

static const struct scenario linked_moves = {
    .name = "move-vcpu-linked",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, move_then_unmask },
                 { "VCPU 1", 1, idle },
                 { "peer", PEER, raise_b } },
    .arrange = a_is_linked,
};

static const struct scenario linked_is_moved = {
    .name = "move-vcpu-linked-from-there",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls },
                 { "VCPU 1", 1, move_to_1 },
                 { "peer", PEER, raise_a } },
    .arrange = a_is_linked,
};

/* A VCPU goes on to another channel while the one it was in moves away. */
static void both_are_pending(void)
{
    connect(&a, 0, GPR);
    connect(&b, 0, GPR);
    a.extra = 1 + extra_of_a_move();
    take_upcalls();
    (void)platform_upcalls_save();
    raise_event(&a);
    raise_event(&b);
}

static void move_then_raise(void)
{
    move_to_1();
    must(evtchn_raise(a.ch), "evtchn_raise");
}

static const struct scenario one_of_two = {
    .name = "move-vcpu-one-of-two",
    .abis = ANY_ABI,
    .threads = { { "VCPU 0", 0, unmask_upcalls }, { "VCPU 1", 1, move_then_raise } },
    .arrange = both_are_pending,
};

/* --- priorities ------------------------------------------------------------------------------ */

static void raise_priority(void)
{
    must(evtchn_set_priority(a.ch, 3), "evtchn_set_priority");
}

static void raise_priority_then_unmask(void)
{
    raise_priority();
    platform_upcalls_restore(0);
}

static const struct scenario by_priority = {
    .name = "move-priority",
    .abis = ABI_FIFO,
    .threads = { { "VCPU 0", 0, raise_priority }, { "peer", PEER, raise_a } },
    .arrange = one_that_moves,
};

static const struct scenario by_priority_remote = {
    .name = "move-priority-remote",
    .abis = ABI_FIFO,
    .threads = { { "VCPU 0", 0, idle },
                 { "VCPU 1", 1, raise_priority },
                 { "peer", PEER, raise_a } },
    .arrange = one_that_moves,
};

static const struct scenario linked_priority = {
    .name = "move-priority-linked",
    .abis = ABI_FIFO,
    .threads = { { "VCPU 0", 0, raise_priority_then_unmask }, { "peer", PEER, raise_b } },
    .arrange = a_is_linked,
};

const struct scenario *const moves[] = { &by_vcpu,
                                         &by_vcpu_taken,
                                         &by_vcpu_back,
                                         &by_two,
                                         &linked_moves,
                                         &one_of_two,
                                         &linked_is_moved,
                                         &by_priority,
                                         &by_priority_remote,
                                         &linked_priority,
                                         NULL };
