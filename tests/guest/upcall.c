/* SPDX-License-Identifier: MIT */
/*
 * The upcall's entry and exit: registers, and upcalls that come while one is on its way out.
 *
 * The exit window, upcalls unmasked and the frame not yet left, is a few instructions long. A
 * hardware breakpoint stops the program there with an exception, during which upcalls are masked;
 * the hook raises an event, and when the exception returns Xen delivers the upcall at that very
 * instruction.
 */
#include <xenlet/hypercall_pv.h>
#include "arch/x86_64/entry.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "tests/guest/pattern.h"
#include "tests/guest/test.h"

#define RFLAGS_TF 0x00100ul
#define RFLAGS_IF 0x00200ul
#define RFLAGS_DF 0x00400ul
#define RFLAGS_RF 0x10000ul

extern char hypercall_page[];

static struct evtchn *ch;
static evtchn_port_t port;
static uint64_t sent, seen;
static unsigned int handled, inside;
static uintptr_t first_rsp;  /* of the handler, the first time */
static unsigned int strayed; /* how often it was another */

/*
 * Handlers are called from one of several functions of a walk, a few words apart. An upcall within
 * another lies further away: Xen's frame and the registers are 16 words, and the walk is besides.
 */
#define APART 16

static GPR_ONLY void note_event(struct evtchn *channel, void *data)
{
    uintptr_t rsp = (uintptr_t)__builtin_frame_address(0);

    (void)channel;
    (void)data;
    if (!first_rsp)
        first_rsp = rsp;
    strayed += rsp > first_rsp + APART * 8 || first_rsp > rsp + APART * 8;
    EXPECT_EQ(rsp % 16, 0); /* as the ABI has it behind `push %rbp` */
    EXPECT_EQ(__builtin_ia32_readeflags_u64() & RFLAGS_DF, 0);
    EXPECT_EQ(percpu()->info.evtchn_upcall_mask, 1);
    EXPECT_EQ(inside++, 0);
    seen = *(volatile uint64_t *)&sent;
    handled++;
    inside--;
}

static GPR_ONLY void raise_event(void)
{
    sent++;
    hypercall_evtchn_send(port);
}

static bool begin(unsigned int flags)
{
    sent = seen = handled = inside = strayed = 0;
    first_rsp = 0;
    if (!test_same(__FILE__, __LINE__, "bind",
                   evtchn_bind_ipi(0, note_event, NULL, flags | EVTCHN_HANDLER_GPR, &ch), 0))
        return false;
    port = evtchn_port(ch);
    return true;
}

static void end(void)
{
    arch_trap_hook = NULL;
    EXPECT_EQ(hypercall_set_debugreg(7, 0), 0);
    EXPECT_EQ(seen, sent);
    EXPECT_EQ(strayed, 0);
    EXPECT_EQ(evtchn_close(ch), 0);
}

/*
 * What the ud2 of a test does: raise an event, and unmask upcalls where it returns to. So the
 * upcall comes with all registers loaded, and no other one has come since the breakpoint was set.
 */
static GPR_ONLY void raise_behind(struct trap_regs *regs)
{
    raise_event();
    regs->rip += 2;
    regs->rflags |= RFLAGS_IF;
}

/* Stop before the instruction at `addr` is executed, from now on. */
static GPR_ONLY void break_at(const void *addr)
{
    EXPECT_EQ(hypercall_set_debugreg(0, (unsigned long)addr), 0);
    EXPECT_EQ(hypercall_set_debugreg(7, 0x105), 0); /* DR0 and DR1, on execution */
}

static GPR_ONLY void break_nowhere(void)
{
    EXPECT_EQ(hypercall_set_debugreg(7, 0), 0);
}

/* --- between any two instructions ----------------------------------------------------------- */

/* What a program does to its registers and its stack, and undoes. */
PATTERN_FUNCTION(upcall_steps, "pushfq; orl $0x100, (%rsp); popfq\n\t"
                               "nop; xchg %rax, %rbx; xchg %rbx, %rax; push %rcx; pop %rcx\n\t"
                               "lea 1(%rdx), %rdx; lea -1(%rdx), %rdx; not %r15; not %r15\n\t"
                               "pushfq; std; popfq; pushfq; cld; popfq; push %rsp; pop %rsp\n\t"
                               "call 1f; jmp 2f; 1: xchg (%rsp), %r8; xchg %r8, (%rsp); ret; 2:\n\t"
                               "bswap %r9; bswap %r9; enter $64, $0; leave; nop");

/* An upcall after each of them. */
static GPR_ONLY bool raise_at_step(struct trap_regs *regs)
{
    raise_event();
    if (regs->rip == (uint64_t)upcall_steps_end)
        regs->rflags &= ~RFLAGS_TF;
    return regs->vector == TRAP_DEBUG;
}

TEST(upcall_between_any_two_instructions)
{
    CHECK(begin(EVTCHN_NO_SHARE));
    for (unsigned int round = 0; round < 2; round++) {
        first_rsp = 0;
        strayed = 0; /* the stack moves on the way: another frame each time is right */
        pattern_fill(round, round ? 0 : PATTERN_FLAGS);
        arch_trap_hook = raise_at_step;
        upcall_steps();
        arch_trap_hook = NULL;
        EXPECT(pattern_kept());
    }
    strayed = 0;
    EXPECT(handled >= 2 * 24);
    EXPECT_EQ(handled, sent);
    end();
}

/* --- from a timer --------------------------------------------------------------------------- */

/* Goes round without touching a register or a flag until a handler points `spin_next` elsewhere. */
PATTERN_FUNCTION(upcall_spin, "movb $1, spinning\n"
                              "9: nop; xchg %rax, %rbx; xchg %rax, %rbx; push %rcx; pop %rcx\n\t"
                              "lea 1(%r11), %r11; lea -1(%r11), %r11; jmp *spin_next");
__asm__(".set upcall_spin_again, upcall_spin_at + 8");
extern const char upcall_spin_again[];

__attribute__((used)) static const char *volatile spin_next;
__attribute__((used)) static volatile bool spinning;
static unsigned int interrupted;

static GPR_ONLY void end_spin(struct evtchn *channel, void *data)
{
    (void)channel;
    ++*(unsigned int *)data;
    interrupted += spinning;
    spin_next = upcall_spin_end;
}

/*
 * An event that was put off comes a tick later, out of the timer's upcall, whatever runs then: here
 * a loop that makes no hypercall.
 */
TEST(upcall_from_a_timer)
{
    unsigned int events = 0;

    CHECK_EQ(evtchn_bind_ipi(0, end_spin, &events, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT_EQ(evtchn_set_share(ch, 1), 0);
    interrupted = 0;
    for (unsigned int round = 0; round < 20; round++) {
        unsigned int before;

        pattern_fill(round, round % 2 ? 0 : PATTERN_FLAGS);
        spinning = false;
        do {
            before = events;
            spin_next = upcall_spin_again;
            EXPECT_EQ(evtchn_send(ch), 0);
        } while (events != before);
        upcall_spin();
        EXPECT_EQ(events, before + 1);
        EXPECT(pattern_kept());
    }
    EXPECT(interrupted > 0);
    CHECK_EQ(evtchn_close(ch), 0);
}

/* --- in the exit window --------------------------------------------------------------------- */

PATTERN_FUNCTION(upcall_fold, "ud2");

static unsigned int left; /* events still to be raised at the breakpoint */
static uintptr_t frame;   /* the frame of the upcall that is being left */
static unsigned int stopped, stopped_again, frames;

static GPR_ONLY bool raise_in_window(struct trap_regs *regs)
{
    if (regs->vector == TRAP_INVALID_OPCODE) {
        raise_behind(regs);
        return true;
    }
    if (regs->vector != TRAP_DEBUG)
        return false;
    if (regs->rsp != frame) {
        frame = regs->rsp;
        frames++;
    }
    regs->rflags |= RFLAGS_RF; /* past the breakpoint, unless an upcall comes first */
    if (regs->rip == (uint64_t)arch_upcall_again) {
        stopped_again++;
        return true;
    }
    stopped++;
    if (left-- > 0)
        raise_event();
    else
        break_nowhere();
    return true;
}

static GPR_ONLY void arrange(const void *addr, unsigned int events)
{
    (void)platform_upcalls_save();
    left = events;
    frame = 0;
    stopped = stopped_again = frames = 0;
    arch_trap_hook = raise_in_window;
    break_at(addr);
    EXPECT_EQ(hypercall_set_debugreg(1, (unsigned long)arch_upcall_again), 0);
}

/* One upcall, and `events` more at the instruction at `addr` of its exit: all in one frame. */
static void fold(const void *addr, unsigned int events, uint64_t rflags)
{
    if (!begin(EVTCHN_NO_SHARE))
        return;
    pattern_fill(events, rflags);
    arrange(addr, events);
    upcall_fold();
    EXPECT_EQ(stopped, events + 1);
    EXPECT_EQ(frames, 1);
    EXPECT_EQ(handled, events + 1);
    EXPECT(pattern_kept());
    end();
}

TEST(upcall_100000_at_iretq_use_one_frame)
{
    fold(arch_upcall_iret, 100000, PATTERN_FLAGS);
}

TEST(upcall_after_unmasking_uses_the_same_frame)
{
    fold(arch_upcall_unmasked, 10000, PATTERN_FLAGS);
    fold(arch_upcall_unmasked, 1, 0);
}

/* Xen tells nothing while upcalls are masked: what comes just before that ends must be looked for.
 */
TEST(upcall_before_unmasking_is_not_lost)
{
    /* movb $0, %gs:1 */
    static const uint8_t unmask[] = { 0x65, 0xc6, 0x04, 0x25, 1, 0, 0, 0, 0 };
    const uint8_t *at = (const uint8_t *)((uintptr_t)arch_upcall_unmasked - sizeof(unmask));

    for (unsigned int i = 0; i < sizeof(unmask); i++)
        CHECK_EQ(at[i], unmask[i]);
    fold(at, 10000, PATTERN_FLAGS);
    /* An interrupt of Xen's own may bring the upcall a little earlier. */
    CHECK(stopped_again > 5000);
    fold(at, 1, 0);
}

static unsigned int fault_depth;

/* A fault handler that lets upcalls in: its own ud2 is raise_in_window()'s. */
static GPR_ONLY bool upcalls_in_fault(struct trap_regs *regs)
{
    if (regs->vector != TRAP_INVALID_OPCODE)
        return false;
    fault_depth++;
    arrange(arch_upcall_iret, 100000);
    __asm__ volatile("ud2" ::: "memory");
    EXPECT_EQ(platform_upcalls_save(), 0);
    regs->rip += 2;
    return true;
}

TEST(upcall_100000_at_iretq_within_a_fault_handler)
{
    CHECK(begin(EVTCHN_NO_SHARE));
    fault_depth = 0;
    pattern_fill(7, PATTERN_FLAGS);
    arch_trap_hook = upcalls_in_fault;
    upcall_fold();
    EXPECT_EQ(fault_depth, 1);
    EXPECT_EQ(stopped, 100001);
    EXPECT_EQ(frames, 1);
    EXPECT_EQ(handled, 100001);
    EXPECT(pattern_kept());
    end();
}

/* --- at every instruction of an upcall ------------------------------------------------------ */

static unsigned int step, raise_at, in_hypercall_page;
static bool stepping;

static bool at_hypercall(uint64_t rip)
{
    return rip - (uint64_t)hypercall_page < XENLET_PAGE_SIZE;
}

/* Steps through the upcall from its entry to the program; raises an event at one of the steps. */
static GPR_ONLY bool step_upcall(struct trap_regs *regs)
{
    if (regs->vector == TRAP_INVALID_OPCODE) {
        raise_behind(regs);
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
    in_hypercall_page += at_hypercall(regs->rip);
    step++;
    if (regs->rip == (uint64_t)upcall_fold_end)
        stepping = false;
    if (stepping && step == raise_at) {
        stepping = false;
        raise_event();
    }
    regs->rflags = stepping ? regs->rflags | RFLAGS_TF : regs->rflags & ~RFLAGS_TF;
    return true;
}

static void step_through(unsigned int where, uint64_t rflags)
{
    step = in_hypercall_page = 0;
    stepping = false;
    raise_at = where;
    pattern_fill(where, rflags);
    arch_trap_hook = step_upcall;
    (void)platform_upcalls_save();
    break_at(arch_upcall_entry);
    upcall_fold();
    break_nowhere();
    arch_trap_hook = NULL;
    EXPECT(pattern_kept());
}

TEST(upcall_at_every_instruction_of_an_upcall)
{
    unsigned int where = 0;

    CHECK(begin(EVTCHN_NO_SHARE));
    do {
        where++;
        step_through(where, where % 2 ? PATTERN_FLAGS : 0);
        EXPECT_EQ(seen, sent);
    } while (step == where && where < 2000);
    EXPECT(where > 40 && where < 2000); /* 40 instructions are the entry's and the exit's alone */
    end();
}

TEST(upcall_makes_no_hypercall)
{
    CHECK(begin(EVTCHN_NO_SHARE));
    step_through(0, PATTERN_FLAGS);
    EXPECT_EQ(handled, 1);
    EXPECT(step > 60);
    EXPECT_EQ(in_hypercall_page, 0);
    end();
}
