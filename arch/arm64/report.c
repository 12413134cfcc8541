/* SPDX-License-Identifier: MIT */
/* What a crash report shows: registers, the stack they belong to, and the calls that led there. */
#include <xenlet/console.h>
#include "arch/arm64/percpu.h"
#include "arch/arm64/trap.h"
#include "boot/arm64/layout.h"
#include "kernel/internal.h"
#include "kernel/report.h"
#include "platform_arch.h"

#define MAX_DEPTH 32
#define PSTATE_I  0x80

extern const char arch_irq_return[];

struct arch_stack arch_stack(void)
{
    const struct percpu *cpu = percpu();
    uint64_t bottom = (uint64_t)cpu->stack;

    return (struct arch_stack){ .name = cpu->stack_name,
                                .guard = bottom - LAYOUT_PAGE_SIZE,
                                .bottom = bottom,
                                .top = bottom + LAYOUT_STACK_SIZE };
}

/* A frame is { caller's x29, return address }; follow only what lies upwards on our own stack. */
static void show_callers(unsigned int *depth, uint64_t fp)
{
    while (*depth < MAX_DEPTH && report_on_stack(fp, 16)) {
        const uint64_t *frame = (const uint64_t *)fp;

        if (!frame[1])
            break;
        /* A call that never returns may be its function's last instruction: look back. */
        report_call(depth, frame[1], frame[1] - 4);
        if (frame[1] == (uint64_t)arch_irq_return && report_on_stack(frame[0], 16)) {
            /* The record that entry.S made holds where it was, no return address. */
            frame = (const uint64_t *)frame[0];
            console_printf("  interrupted by an upcall:\n");
            report_call(depth, frame[1], frame[1]);
        }
        if (frame[0] <= fp)
            break;
        fp = frame[0];
    }
}

void arch_backtrace(uint64_t pc, uint64_t fp)
{
    unsigned int depth = 0;

    console_printf("backtrace:\n");
    report_call(&depth, pc, pc - 4);
    show_callers(&depth, fp);
}

/*
 * x30 is where a function without a frame returns to, and one that is just beginning; in others the
 * frame says the same, or it is where the last call came back.
 */
static bool is_caller(const struct trap_regs *r)
{
    uint64_t in, to, offset;

    if (!symbol_of(r->x[30] - 4, &offset))
        return false;
    to = r->x[30] - 4 - offset;
    if (!symbol_of(r->pc, &offset))
        return true;
    in = r->pc - offset;
    return in != to &&
           !(report_on_stack(r->x[29], 16) && ((const uint64_t *)r->x[29])[1] == r->x[30]);
}

void arch_show_calls(const struct trap_regs *r)
{
    unsigned int depth = 0;

    console_printf("backtrace:\n");
    report_call(&depth, r->pc, r->pc);
    if (is_caller(r))
        report_call(&depth, r->x[30], r->x[30] - 4);
    show_callers(&depth, r->x[29]);
}

void arch_show_regs(const struct trap_regs *r)
{
    char name[96];

    report_place(name, sizeof(name), r->pc, r->pc);
    console_printf("pc  %016lx %s\n", r->pc, name);
    for (unsigned int i = 0; i < 28; i += 4)
        console_printf("x%-2u %016lx x%-2u %016lx x%-2u %016lx x%-2u %016lx\n", i, r->x[i], i + 1,
                       r->x[i + 1], i + 2, r->x[i + 2], i + 3, r->x[i + 3]);
    console_printf("x28 %016lx x29 %016lx x30 %016lx sp  %016lx\n", r->x[28], r->x[29], r->x[30],
                   r->sp);
    console_printf("pstate %08lx esr %08lx far %016lx upcalls %s\n", r->pstate, r->esr, r->far,
                   r->pstate & PSTATE_I ? "masked" : "unmasked");
}
