/* SPDX-License-Identifier: MIT */
/*
 * What another VCPU may do in the middle of a delivery, done by a debug trap at each instruction of
 * one: masking, closing, binding anew. What only a race of two VCPUs would show so shows each time.
 *
 * A real other VCPU would wait where the channel's lock is held: the trap then does it a step
 * later.
 */
#include <xenlet/hypercall_pv.h>
#include "arch/x86_64/entry.h"
#include "arch/x86_64/trap.h"
#include "evtchn/internal.h"
#include "tests/guest/pattern.h"
#include "tests/guest/test.h"

#define RFLAGS_TF 0x00100ul
#define RFLAGS_IF 0x00200ul
#define RFLAGS_RF 0x10000ul

#define MS         1000000ull
#define MOST_STEPS 2000u
#define GIVE_BACK  150u /* more steps than it takes to give an event back */

PATTERN_FUNCTION(steps_fold, "ud2");

static struct evtchn *ch;
static evtchn_port_t port;
static unsigned int handled;
static bool eoi;

static unsigned int step, first_at, second_at;
static void (*first)(void), (*second)(void);
static bool acted, acted_twice, stepping;
static bool running; /* the delivery had got so far that who acts has to expect the handler */
static unsigned int had_been; /* handled by then */

static GPR_ONLY void note_event(struct evtchn *channel, void *data)
{
    (void)data;
    handled++;
    if (eoi)
        EXPECT_EQ(evtchn_eoi(channel, false), 0);
}

static GPR_ONLY bool locked(void)
{
    return ch && (ch->lock.held || this_evtchn_vcpu()->lock.held);
}

static GPR_ONLY void act(void)
{
    if (!acted && first && step >= first_at && !locked()) {
        acted = true;
        running = ch && this_evtchn_vcpu()->current == ch;
        had_been = handled;
        first();
    } else if (acted && !acted_twice && second && step >= second_at && !locked()) {
        acted_twice = true;
        second();
    }
}

static GPR_ONLY bool step_upcall(struct trap_regs *regs)
{
    if (regs->vector == TRAP_INVALID_OPCODE) {
        hypercall_evtchn_send(port);
        regs->rip += 2;
        regs->rflags |= RFLAGS_IF;
        return true;
    }
    if (regs->vector != TRAP_DEBUG)
        return false;
    if (regs->rip == (uint64_t)arch_upcall_entry) {
        regs->rflags |= RFLAGS_RF;
        if (stepping || step)
            return true; /* the second upcall: runs through */
        stepping = true;
    }
    step++;
    if (regs->rip == (uint64_t)steps_fold_end)
        stepping = false;
    if (stepping)
        act();
    if (acted && (acted_twice || !second))
        stepping = false;
    regs->rflags = stepping ? regs->rflags | RFLAGS_TF : regs->rflags & ~RFLAGS_TF;
    return true;
}

/* One event; `one` at step `at` of its upcall, and `two`, unless NULL, at step `at_two`. */
static void deliver(void (*one)(void), unsigned int at, void (*two)(void), unsigned int at_two)
{
    first = one;
    second = two;
    first_at = at;
    second_at = at_two;
    acted = acted_twice = stepping = running = false;
    step = handled = 0;
    arch_trap_hook = step_upcall;
    (void)platform_upcalls_save();
    EXPECT_EQ(hypercall_set_debugreg(0, (unsigned long)arch_upcall_entry), 0);
    EXPECT_EQ(hypercall_set_debugreg(7, 0x101), 0);
    steps_fold();
    EXPECT_EQ(hypercall_set_debugreg(7, 0), 0);
    arch_trap_hook = NULL;
}

static bool begin(unsigned int flags)
{
    eoi = flags & EVTCHN_LATE_EOI;
    if (!test_same(__FILE__, __LINE__, "bind",
                   evtchn_bind_ipi(0, note_event, NULL, flags | EVTCHN_NO_SHARE, &ch), 0))
        return false;
    port = evtchn_port(ch);
    return true;
}

/* --- masked --------------------------------------------------------------------------------- */

static GPR_ONLY void mask(void)
{
    EXPECT_EQ(evtchn_mask(ch), 0);
}

static GPR_ONLY void unmask(void)
{
    EXPECT_EQ(evtchn_unmask(ch), 0);
}

/* Where it was masked in time the handler does not run, and the event comes with the unmask. */
static unsigned int mask_everywhere(void)
{
    unsigned int at = 0, last_in_time = 0;

    do {
        deliver(mask, ++at, NULL, 0);
        if (acted && !running && step < MOST_STEPS && handled == 0)
            last_in_time = at;
        if (acted && !running)
            EXPECT_EQ(handled, had_been);
        EXPECT_EQ(evtchn_is_pending(ch), handled == 0);
        EXPECT_EQ(evtchn_unmask(ch), 0);
        EXPECT_EQ(handled, 1);
    } while (acted && at < MOST_STEPS);
    EXPECT(last_in_time > 20 && at < MOST_STEPS);
    return last_in_time;
}

/* Masked just in time, and unmasked again while the event is given back. */
static void unmask_everywhere(unsigned int masked_at)
{
    unsigned int at = masked_at;

    do {
        deliver(mask, masked_at, unmask, ++at);
        EXPECT_EQ(evtchn_unmask(ch), 0);
        EXPECT_EQ(handled, 1);
        EXPECT(!evtchn_is_pending(ch));
    } while (acted_twice && at < masked_at + GIVE_BACK);
}

static void mask_test(unsigned int flags)
{
    unsigned int last;

    if (!begin(flags))
        return;
    last = mask_everywhere();
    for (unsigned int at = last - 6; at <= last; at++)
        unmask_everywhere(at);
    EXPECT_EQ(evtchn_close(ch), 0);
    ch = NULL;
}

TEST(masked_at_every_instruction_of_a_delivery)
{
    mask_test(EVTCHN_HANDLER_GPR);
}

TEST(masked_at_every_instruction_of_a_slow_delivery)
{
    mask_test(0);
    mask_test(EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI);
}

/* --- others raised meanwhile ----------------------------------------------------------------- */

/* In the same word of the bitmaps, in another, and in one that another L2 word names. */
#define OTHERS 3

static struct evtchn *others[OTHERS];
static unsigned int handled_others[OTHERS], nr_others;

static GPR_ONLY void raise_others(void)
{
    for (unsigned int i = 0; i < nr_others; i++)
        EXPECT_EQ(hypercall_evtchn_send(evtchn_port(others[i])), 0);
}

static GPR_ONLY void unmask_others(void)
{
    for (unsigned int i = 0; i < nr_others; i++)
        EXPECT_EQ(evtchn_unmask(others[i]), 0);
}

/* Ports with no handle stand between; they are closed by who closes the others. */
static bool bind_others(void)
{
    const evtchn_port_t from[OTHERS] = { 0, 2 * BITS_PER_WORD, BITS_PER_WORD * BITS_PER_WORD };
    evtchn_port_t between = 0;

    /* Only 3-level has the last; there a domU may have too few ports. */
    nr_others = abi_is("3l") && xenlet_is_initial_domain() ? 3 : 2;
    for (unsigned int i = 0; i < nr_others; i++) {
        while (between + 1 < from[i] && hypercall_evtchn_bind_ipi(0, &between) == 0)
            ;
        if (!test_same(__FILE__, __LINE__, "bind",
                       evtchn_bind_ipi(0, count_event, &handled_others[i],
                                       EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE, &others[i]),
                       0))
            return false;
    }
    return true;
}

static void close_others(void)
{
    evtchn_port_t end = evtchn_port(others[nr_others - 1]);

    for (evtchn_port_t p = 1; p < end; p++) {
        if (!evtchn_lookup(p))
            hypercall_evtchn_close(p);
    }
    for (unsigned int i = 0; i < nr_others; i++)
        EXPECT_EQ(evtchn_close(others[i]), 0);
}

/* Whatever the walk has passed by then, each is delivered in the end, and none twice. */
static void others_everywhere(bool masked)
{
    unsigned int at = 0;

    do {
        for (unsigned int i = 0; i < nr_others; i++) {
            handled_others[i] = 0;
            if (masked) {
                EXPECT_EQ(evtchn_mask(others[i]), 0);
                EXPECT_EQ(evtchn_send(others[i]), 0);
            }
        }
        deliver(masked ? unmask_others : raise_others, ++at, NULL, 0);
        if (!acted)
            first();
        EXPECT_EQ(handled, 1);
        for (unsigned int i = 0; i < nr_others; i++)
            EXPECT_EQ(handled_others[i], 1);
    } while (acted && at < MOST_STEPS);
    EXPECT(at > 60 && at < MOST_STEPS);
}

TEST(others_raised_at_every_instruction_of_a_delivery)
{
    CHECK(begin(EVTCHN_HANDLER_GPR));
    CHECK(bind_others());
    others_everywhere(false);
    others_everywhere(true);
    close_others();
    EXPECT_EQ(evtchn_close(ch), 0);
    ch = NULL;
}

/* --- closed, and its handle used again ------------------------------------------------------ */

static struct evtchn *next;
static evtchn_port_t taken;
static unsigned int handled_next;

/* The handle comes back for another port: who still has it from before must not run it. */
static GPR_ONLY void rebind(void)
{
    struct evtchn *old = ch;

    ch = NULL;
    EXPECT_EQ(evtchn_close(old), 0);
    EXPECT_EQ(hypercall_evtchn_bind_ipi(0, &taken),
              0); /* the old port, if Xen gives it out again */
    EXPECT_EQ(evtchn_bind_ipi(0, count_event, &handled_next, EVTCHN_HANDLER_GPR, &next), 0);
}

static void rebind_everywhere(unsigned int flags)
{
    unsigned int at = 0;

    do {
        if (!begin(flags))
            return;
        handled_next = 0;
        deliver(rebind, ++at, NULL, 0);
        EXPECT_EQ(handled_next, 0);
        EXPECT(handled <= 1);
        if (acted) {
            EXPECT_EQ(evtchn_send(next), 0);
            EXPECT_EQ(handled_next, 1);
            EXPECT_EQ(evtchn_close(next), 0);
            EXPECT_EQ(hypercall_evtchn_close(taken), 0);
        } else {
            EXPECT_EQ(handled, 1);
            EXPECT_EQ(evtchn_close(ch), 0);
            ch = NULL;
        }
    } while (acted && at < MOST_STEPS);
    EXPECT(at > 60 && at < MOST_STEPS);
}

TEST(closed_and_bound_anew_at_every_instruction_of_a_delivery)
{
    rebind_everywhere(EVTCHN_HANDLER_GPR);
    rebind_everywhere(0);
}

/* --- bound while it is found without a handle ----------------------------------------------- */

static GPR_ONLY void bind_it(void)
{
    EXPECT_EQ(evtchn_bind_port(port, note_event, NULL, EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE, &ch),
              0);
}

TEST(bound_at_every_instruction_of_a_delivery_to_nobody)
{
    unsigned int at = 0;

    eoi = false;
    do {
        ch = NULL;
        CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
        CHECK_EQ(evtchn_ops->port_setup(port), 0);
        EXPECT_EQ(hypercall_evtchn_unmask(port), 0);
        deliver(bind_it, ++at, NULL, 0);
        if (!acted)
            bind_it();
        EXPECT_EQ(handled, 1);
        EXPECT_EQ(evtchn_close(ch), 0);
        ch = NULL;
    } while (acted && at < MOST_STEPS);
    EXPECT(at > 60 && at < MOST_STEPS);
}

/* --- moved, and delivered there, while it begins to storm ------------------------------------ */

static unsigned int stay_up;

static bool may_leave(void *arg)
{
    return !atomic_read((unsigned int *)arg);
}

static void take_events(void *arg)
{
    evtchn_wait(may_leave, arg, XENLET_FOREVER);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* VCPU 1 gets the time to do what it can while this VCPU stands where it stands. */
static GPR_ONLY void move_to_1(void)
{
    uint64_t end = clock_now() + MS / 5;

    EXPECT_EQ(evtchn_bind_vcpu(ch, 1), 0);
    while (!atomic_read(&handled) && clock_now() < end)
        arch_cpu_relax();
}

/* An event that meets a share used up in this very upcall: at step `at` the channel goes to VCPU 1.
 */
static void storm_and_move(unsigned int at)
{
    uint64_t end;

    CHECK_EQ(evtchn_bind_vcpu(ch, 0), 0);
    CHECK_EQ(vcpu_call(1, nothing, NULL, true), 0); /* it is through with what it was at */
    while (evtchn_eoi(ch, false) == 0 || evtchn_is_pending(ch)) /* in FIFO a move raises it */
        ;
    ch->budget = 0;
    ch->refilled_in = this_evtchn_vcpu()->upcalls + 1;
    deliver(move_to_1, at, NULL, 0);
    for (end = clock_after(PATIENCE); !atomic_read(&handled) && clock_now() < end;)
        clock_sleep(MS / 4);
    EXPECT_EQ(atomic_read(&handled), 1);
    EXPECT_EQ(evtchn_eoi(ch, false), 0);
    EXPECT_EQ(ch->reasons, 0);
}

TEST(moved_at_every_instruction_of_a_storm)
{
    unsigned int at = 0;

    if (vcpu_count() < 2)
        SKIP("the domain has fewer than 2 VCPUs");
    eoi = false;
    stay_up = 1;
    CHECK_EQ(vcpu_start(1, take_events, &stay_up), 0);
    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, note_event, NULL, EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI,
                                 &ch),
             0);
    CHECK_EQ(hypercall_evtchn_bind_interdomain(DOMID_SELF, evtchn_port(ch), &port), 0);
    evtchn_eoi(ch, false); /* binding may raise it */
    do
        storm_and_move(++at);
    while (acted && at < MOST_STEPS);
    EXPECT(at > 60 && at < MOST_STEPS);
    atomic_write(&stay_up, 0);
    vcpu_wake(1); /* unless it saw that already */
    EXPECT_EQ(vcpu_join(1, clock_after(PATIENCE)), 0);
    EXPECT_EQ(evtchn_close(ch), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    ch = NULL;
}

/* --- raised while it is unmasked ------------------------------------------------------------- */

/* Steps from one ud2 to the next. */
static GPR_ONLY bool step_program(struct trap_regs *regs)
{
    if (regs->vector == TRAP_INVALID_OPCODE) {
        regs->rip += 2;
        stepping = !stepping;
    } else if (regs->vector != TRAP_DEBUG) {
        return false;
    } else if (stepping && ++step == first_at) {
        acted = true;
        first();
    }
    regs->rflags = stepping ? regs->rflags | RFLAGS_TF : regs->rflags & ~RFLAGS_TF;
    return true;
}

static GPR_ONLY void raise_it(void)
{
    hypercall_evtchn_send(port);
}

TEST(raised_at_every_instruction_of_an_unmask)
{
    CHECK(begin(EVTCHN_HANDLER_GPR));
    first = raise_it;
    first_at = 0;
    do {
        EXPECT_EQ(evtchn_mask(ch), 0);
        acted = stepping = false;
        step = handled = 0;
        first_at++;
        arch_trap_hook = step_program;
        __asm__ volatile("ud2" ::: "memory");
        evtchn_unmask(ch);
        __asm__ volatile("ud2" ::: "memory");
        arch_trap_hook = NULL;
        EXPECT_EQ(handled, acted);
    } while (acted && first_at < MOST_STEPS);
    EXPECT(first_at > 20 && first_at < MOST_STEPS);
    EXPECT_EQ(evtchn_close(ch), 0);
    ch = NULL;
}
