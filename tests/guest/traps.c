/* SPDX-License-Identifier: MIT */
/* Exceptions: what the handler sees, and that what was interrupted goes on as if nothing had been.
 */
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "kernel/internal.h"
#include "kernel/report.h"
#include "kernel/string.h"
#include "tests/guest/pattern.h"
#include "tests/guest/test.h"

enum {
    TRAP_DIVIDE = 0,
    TRAP_PROTECTION = 13,
};

#define RFLAGS_TF 0x100ul
#define RFLAGS_DF 0x400ul

/* Bits of a page fault's error code. */
enum {
    PF_PRESENT = 1,
    PF_WRITE = 2,
    PF_EXEC = 16,
};

/* What the hook saw last, and where it is to go on. Copied by call: no FP register may be used. */
static struct trap_regs seen;
static uint64_t seen_cr2;
static uint8_t seen_mask;
static unsigned int nr_traps;
static const char *go_on;

static GPR_ONLY bool take_trap(struct trap_regs *regs)
{
    /* What the C ABI promises a function. */
    EXPECT_EQ((uintptr_t)__builtin_frame_address(0) % 16, 0);
    EXPECT_EQ(__builtin_ia32_readeflags_u64() & RFLAGS_DF, 0);
    memcpy(&seen, regs, sizeof(seen));
    seen_cr2 = percpu()->info.arch.cr2;
    seen_mask = percpu()->info.evtchn_upcall_mask;
    nr_traps++;
    regs->rip = (uint64_t)go_on;
    return true;
}

/* Run a PATTERN_FUNCTION under the hook. */
static void provoke(void (*function)(void), const char *end)
{
    nr_traps = 0;
    go_on = end;
    arch_trap_hook = take_trap;
    function();
    arch_trap_hook = NULL;
}

static bool saw(const char *name, uint64_t got, uint64_t expected)
{
    if (got != expected)
        test_fail(__FILE__, __LINE__, "%s in the handler: expected 0x%lx, got 0x%lx", name,
                  expected, got);
    return got == expected;
}

/* The handler's view of the interrupted registers is what was loaded. */
static bool seen_registers(const struct pattern *p)
{
    return saw("rax", seen.rax, p->gpr[0]) && saw("rbx", seen.rbx, p->gpr[1]) &&
           saw("rcx", seen.rcx, p->gpr[2]) && saw("rdx", seen.rdx, p->gpr[3]) &&
           saw("rsi", seen.rsi, p->gpr[4]) && saw("rdi", seen.rdi, p->gpr[5]) &&
           saw("rbp", seen.rbp, p->gpr[6]) && saw("r8", seen.r8, p->gpr[7]) &&
           saw("r9", seen.r9, p->gpr[8]) && saw("r10", seen.r10, p->gpr[9]) &&
           saw("r11", seen.r11, p->gpr[10]) && saw("r12", seen.r12, p->gpr[11]) &&
           saw("r13", seen.r13, p->gpr[12]) && saw("r14", seen.r14, p->gpr[13]) &&
           saw("r15", seen.r15, p->gpr[14]) && saw("rsp", seen.rsp, p->rsp) &&
           saw("rflags", seen.rflags & PATTERN_FLAGS, p->rflags);
}

/* One exception at `rip`, twice: with every flag set and with none. */
static bool survives(void (*function)(void), const char *rip, const char *end, uint64_t vector,
                     uint64_t error)
{
    static unsigned int seed;

    for (unsigned int round = 0; round < 2; round++) {
        pattern_fill(++seed, round ? 0 : PATTERN_FLAGS);
        provoke(function, end);
        if (!test_same(__FILE__, __LINE__, "exceptions", nr_traps, 1) ||
            !saw("vector", seen.vector, vector) || !saw("error code", seen.error, error) ||
            !saw("rip", seen.rip, (uint64_t)rip) || !seen_registers(&pattern_in) || !pattern_kept())
            return false;
    }
    return true;
}

/* The assembly below names these. */
__attribute__((used)) static const uint32_t zero_divisor;
__attribute__((used)) static const uint16_t bad_selector = 0xfffb; /* beyond the GDT */
__attribute__((used)) static const uint8_t a_constant = 1;

PATTERN_FUNCTION(trap_divide, "divl zero_divisor");
PATTERN_FUNCTION(trap_undefined, "ud2");
PATTERN_FUNCTION(trap_breakpoint, "int3");
PATTERN_FUNCTION(trap_not_canonical, "cmpb $0, (%rax)");
PATTERN_FUNCTION(trap_bad_selector, "mov bad_selector, %fs");
PATTERN_FUNCTION(trap_read_null, "testb $1, 8");
PATTERN_FUNCTION(trap_write_null, "movb $1, 16");
PATTERN_FUNCTION(trap_write_constant, "movb $1, a_constant");
PATTERN_FUNCTION(trap_call_constant, "jmp a_constant");

TEST(traps_divide_error)
{
    survives(trap_divide, trap_divide_at, trap_divide_end, TRAP_DIVIDE, 0);
}

TEST(traps_invalid_opcode)
{
    survives(trap_undefined, trap_undefined_at, trap_undefined_end, TRAP_INVALID_OPCODE, 0);
}

TEST(traps_breakpoint_reports_the_address_behind_it)
{
    survives(trap_breakpoint, trap_breakpoint_at + 1, trap_breakpoint_end, TRAP_BREAKPOINT, 0);
}

TEST(traps_general_protection)
{
    CHECK(survives(trap_not_canonical, trap_not_canonical_at, trap_not_canonical_end,
                   TRAP_PROTECTION, 0));
    CHECK(survives(trap_bad_selector, trap_bad_selector_at, trap_bad_selector_end, TRAP_PROTECTION,
                   bad_selector & ~3ul));
}

TEST(traps_page_fault_tells_address_and_access)
{
    CHECK(survives(trap_read_null, trap_read_null_at, trap_read_null_end, TRAP_PAGE_FAULT, 0));
    CHECK_EQ(seen_cr2, 8);
    CHECK(survives(trap_write_null, trap_write_null_at, trap_write_null_end, TRAP_PAGE_FAULT,
                   PF_WRITE));
    CHECK_EQ(seen_cr2, 16);
    CHECK(survives(trap_write_constant, trap_write_constant_at, trap_write_constant_end,
                   TRAP_PAGE_FAULT, PF_WRITE | PF_PRESENT));
    CHECK_EQ(seen_cr2, &a_constant);
    CHECK(survives(trap_call_constant, (const char *)&a_constant, trap_call_constant_end,
                   TRAP_PAGE_FAULT, PF_EXEC | PF_PRESENT));
    CHECK_EQ(seen_cr2, &a_constant);
}

/* --- single steps --------------------------------------------------------------------------- */

PATTERN_FUNCTION(trap_step, "pushfq; orl $0x100, (%rsp); popfq; nop; lea 1(%rax), %rax; nop");

static uint64_t steps[4];

/* The step after popfq comes behind the nop; the last one ends it. */
static GPR_ONLY bool take_step(struct trap_regs *regs)
{
    if (nr_traps < 4)
        steps[nr_traps] = regs->rip;
    memcpy(&seen, regs, sizeof(seen));
    if (++nr_traps >= 3)
        regs->rflags &= ~RFLAGS_TF;
    return regs->vector == TRAP_DEBUG;
}

TEST(traps_single_step)
{
    pattern_fill(77, PATTERN_FLAGS);
    nr_traps = 0;
    arch_trap_hook = take_step;
    trap_step();
    arch_trap_hook = NULL;
    CHECK_EQ(nr_traps, 3);
    CHECK_EQ(steps[0], (uint64_t)trap_step_end - 5);
    CHECK_EQ(steps[1], (uint64_t)trap_step_end - 1);
    CHECK_EQ(steps[2], trap_step_end);
    CHECK(seen.rflags & RFLAGS_TF);
    CHECK_EQ(pattern_out.gpr[0], pattern_in.gpr[0] + 1);
    pattern_out.gpr[0]--;
    CHECK(pattern_kept());
}

/* --- upcalls -------------------------------------------------------------------------------- */

TEST(traps_mask_upcalls_inside_and_keep_the_mask_outside)
{
    struct vcpu_info *info = &percpu()->info;

    for (unsigned int masked = 0; masked < 2; masked++) {
        unsigned long flags = platform_upcalls_save();

        info->evtchn_upcall_mask = (uint8_t)masked;
        provoke(trap_undefined, trap_undefined_end);
        EXPECT_EQ(info->evtchn_upcall_mask, masked);
        platform_upcalls_restore(flags);
        EXPECT_EQ(nr_traps, 1);
        EXPECT_EQ(seen_mask, 1);
        EXPECT_EQ(seen.cs >> 32 & 0xff, masked);
    }
}

static evtchn_port_t port;
static unsigned int handled, handled_in_trap;

static GPR_ONLY bool raise_in_trap(struct trap_regs *regs)
{
    hypercall_evtchn_send(port);
    handled_in_trap = handled;
    regs->rip = (uint64_t)go_on;
    return true;
}

TEST(traps_hold_an_event_back_until_they_return)
{
    struct evtchn *ch;

    handled = 0;
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &handled, EVTCHN_HANDLER_GPR, &ch), 0);
    port = evtchn_port(ch);
    pattern_fill(5, PATTERN_FLAGS);
    go_on = trap_undefined_end;
    arch_trap_hook = raise_in_trap;
    trap_undefined();
    arch_trap_hook = NULL;
    EXPECT_EQ(handled_in_trap, 0);
    EXPECT_EQ(handled, 1);
    EXPECT(pattern_kept());
    CHECK_EQ(evtchn_close(ch), 0);
}

/* --- the exception table -------------------------------------------------------------------- */

/* A fault on the way of another: what the outer one interrupted is not lost. */
static GPR_ONLY bool fault_in_trap(struct trap_regs *regs)
{
    uint8_t value;

    if (regs->vector != TRAP_INVALID_OPCODE)
        return false;
    nr_traps++;
    EXPECT_EQ(xenlet_probe_read(NULL, &value), -XEN_EFAULT);
    regs->rip = (uint64_t)go_on;
    return true;
}

TEST(traps_nest)
{
    nr_traps = 0;
    pattern_fill(6, PATTERN_FLAGS);
    go_on = trap_undefined_end;
    arch_trap_hook = fault_in_trap;
    trap_undefined();
    arch_trap_hook = NULL;
    CHECK_EQ(nr_traps, 1);
    CHECK(pattern_kept());
}

/* --- names ---------------------------------------------------------------------------------- */

static __attribute__((noinline)) void named_function(void)
{
    __asm__ volatile("nop");
}

static __attribute__((noinline)) uint64_t return_address(void)
{
    return (uint64_t)__builtin_return_address(0);
}

static bool is_named(uint64_t addr, const char *expected)
{
    char text[64];

    report_place(text, sizeof(text), addr, addr);
    if (strcmp(text, expected) != 0)
        test_fail(__FILE__, __LINE__, "0x%lx: expected %s, got %s", addr, expected, text);
    return strcmp(text, expected) == 0;
}

TEST(traps_are_reported_by_name)
{
    uint64_t offset, here = return_address();
    const char *name;

    named_function();
    CHECK(is_named((uint64_t)named_function, "named_function+0x0"));
    CHECK(is_named((uint64_t)trap_undefined + 3, "trap_undefined+0x3"));
    CHECK(is_named(0, "(not in a function)"));
    CHECK(!symbol_of((uint64_t)&a_constant, &offset));
    name = symbol_of(here, &offset);
    CHECK(name && strcmp(name, "traps_are_reported_by_name") == 0);
    CHECK_EQ(here - offset, traps_are_reported_by_name);
}
