/* SPDX-License-Identifier: MIT */
/* What a crash report shows: registers, the stack they belong to, and the calls that led there. */
#include <xenlet/console.h>
#include "arch/arm64/percpu.h"
#include "arch/arm64/trap.h"
#include "boot/arm64/layout.h"
#include "kernel/internal.h"

#define MAX_DEPTH 32
#define PSTATE_I  0x80

extern const char arch_irq_return[];

/* `inside` is an address of the instruction that `addr` is about. */
static void symbol(char *buf, size_t size, uint64_t addr, uint64_t inside)
{
    uint64_t offset;
    const char *name = symbol_of(inside, &offset);

    if (name)
        xenlet_snprintf(buf, size, "%s+0x%lx", name, offset + (addr - inside));
    else
        xenlet_snprintf(buf, size, "(not in a function)");
}

void arch_symbol(char *buf, size_t size, uint64_t addr)
{
    symbol(buf, size, addr, addr);
}

const char *arch_stack_of(uint64_t addr, bool *guard)
{
    const struct percpu *cpu = percpu();
    uint64_t bottom = (uint64_t)cpu->stack;

    if (addr < bottom - LAYOUT_PAGE_SIZE || addr >= bottom + LAYOUT_STACK_SIZE)
        return NULL;
    *guard = addr < bottom;
    return cpu->stack_name;
}

static void show_frame(unsigned int *depth, uint64_t pc, uint64_t inside)
{
    char name[96];

    symbol(name, sizeof(name), pc, inside);
    console_printf("  #%u 0x%lx %s\n", (*depth)++, pc, name);
}

/* Whether the 16 bytes at `addr` are on this VCPU's stack. */
static bool on_stack(uint64_t addr)
{
    bool guard = false;

    return addr % 8 == 0 && arch_stack_of(addr, &guard) && !guard &&
           arch_stack_of(addr + 8, &guard);
}

/* A frame is { caller's x29, return address }; follow only what lies upwards on our own stack. */
static void show_callers(unsigned int *depth, uint64_t fp)
{
    while (*depth < MAX_DEPTH && on_stack(fp)) {
        const uint64_t *frame = (const uint64_t *)fp;

        if (!frame[1])
            break;
        /* A call that never returns may be its function's last instruction: look back. */
        show_frame(depth, frame[1], frame[1] - 4);
        if (frame[1] == (uint64_t)arch_irq_return && on_stack(frame[0])) {
            /* The record that entry.S made holds where it was, no return address. */
            frame = (const uint64_t *)frame[0];
            console_printf("  interrupted by an upcall:\n");
            show_frame(depth, frame[1], frame[1]);
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
    show_frame(&depth, pc, pc - 4);
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
    return in != to && !(on_stack(r->x[29]) && ((const uint64_t *)r->x[29])[1] == r->x[30]);
}

void arch_show_calls(const struct trap_regs *r)
{
    unsigned int depth = 0;

    console_printf("backtrace:\n");
    show_frame(&depth, r->pc, r->pc);
    if (is_caller(r))
        show_frame(&depth, r->x[30], r->x[30] - 4);
    show_callers(&depth, r->x[29]);
}

void arch_show_regs(const struct trap_regs *r)
{
    char name[96];

    arch_symbol(name, sizeof(name), r->pc);
    console_printf("pc  %016lx %s\n", r->pc, name);
    for (unsigned int i = 0; i < 28; i += 4)
        console_printf("x%-2u %016lx x%-2u %016lx x%-2u %016lx x%-2u %016lx\n", i, r->x[i], i + 1,
                       r->x[i + 1], i + 2, r->x[i + 2], i + 3, r->x[i + 3]);
    console_printf("x28 %016lx x29 %016lx x30 %016lx sp  %016lx\n", r->x[28], r->x[29], r->x[30],
                   r->sp);
    console_printf("pstate %08lx esr %08lx far %016lx upcalls %s\n", r->pstate, r->esr, r->far,
                   r->pstate & PSTATE_I ? "masked" : "unmasked");
}
