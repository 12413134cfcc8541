/* SPDX-License-Identifier: MIT */
/* What a crash report shows: registers, the stack they belong to, and the calls that led there. */
#include <xenlet/console.h>
#include "arch/x86_64/entry.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "boot/x86_64/layout.h"
#include "kernel/internal.h"
#include "kernel/report.h"
#include "platform_arch.h"

#define MAX_DEPTH    32
#define UPCALL_SAVED 9 /* registers that Xen and arch_upcall_entry save between rip and the call \
                        */
#define PUSH_RBP 0x55

struct arch_stack arch_stack(void)
{
    const struct percpu *cpu = percpu();
    uint64_t bottom = (uint64_t)cpu->stack;

    return (struct arch_stack){ .name = cpu->stack_name,
                                .guard = bottom - LAYOUT_PAGE_SIZE,
                                .bottom = bottom,
                                .top = bottom + LAYOUT_STACK_SIZE };
}

/* A call that never returns may be its function's last instruction: look one byte back. */
static void show_return(unsigned int *depth, uint64_t rip)
{
    report_call(depth, rip, rip - 1);
}

static void show_upcall(unsigned int *depth, const uint64_t *frame)
{
    uint64_t rip = (uint64_t)(frame + 2 + UPCALL_SAVED);

    if (frame[1] - (uint64_t)arch_upcall_entry >=
        (uint64_t)(arch_upcall_unmasked) - (uint64_t)arch_upcall_entry)
        return;
    console_printf("  interrupted by an upcall:\n");
    if (report_on_stack(rip, 8))
        report_call(depth, *(const uint64_t *)rip, *(const uint64_t *)rip);
}

/* A frame is { caller's rbp, return address }; follow only what lies upwards on our own stack. */
static void show_callers(unsigned int *depth, uint64_t rbp)
{
    while (*depth < MAX_DEPTH && report_on_stack(rbp, 16)) {
        const uint64_t *frame = (const uint64_t *)rbp;

        show_return(depth, frame[1]);
        show_upcall(depth, frame);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

void arch_backtrace(uint64_t rip, uint64_t rbp)
{
    unsigned int depth = 0;

    console_printf("backtrace:\n");
    show_return(&depth, rip);
    show_callers(&depth, rbp);
}

/*
 * The caller of what has no frame: a function that never needed one or is just beginning, or no
 * function at all but an address that was called by mistake. It is on top of the stack.
 */
static uint64_t frameless_caller(const struct trap_regs *r)
{
    uint64_t offset, caller;

    if (symbol_of(r->rip, &offset) && offset && *(const uint8_t *)(r->rip - offset) == PUSH_RBP)
        return 0;
    caller = report_on_stack(r->rsp, 8) ? *(const uint64_t *)r->rsp : 0;
    return symbol_of(caller - 1, &offset) ? caller : 0;
}

void arch_show_calls(const struct trap_regs *r)
{
    unsigned int depth = 0;
    uint64_t caller = frameless_caller(r);

    console_printf("backtrace:\n");
    report_call(&depth, r->rip, r->rip);
    if (caller)
        show_return(&depth, caller);
    show_callers(&depth, r->rbp);
}

void arch_show_regs(const struct trap_regs *r)
{
    char name[96];

    report_place(name, sizeof(name), r->rip, r->rip);
    console_printf("rip %016lx %s\n", r->rip, name);
    console_printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    console_printf("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", r->rsi, r->rdi, r->rbp, r->rsp);
    console_printf("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", r->r8, r->r9, r->r10, r->r11);
    console_printf("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", r->r12, r->r13, r->r14, r->r15);
    console_printf("cs %04lx ss %04lx rflags %08lx cr2 %016lx upcalls %s\n", r->cs & 0xffff,
                   r->ss & 0xffff, r->rflags, percpu()->info.arch.cr2,
                   r->cs >> 32 & 0xff ? "masked" : "unmasked");
}
