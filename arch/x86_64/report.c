/* SPDX-License-Identifier: MIT */
/* What a crash report shows: registers, the stack they belong to, and the calls that led there. */
#include <xenlet/console.h>
#include "arch/x86_64/mmu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "boot/x86_64/layout.h"
#include "kernel/internal.h"

#define MAX_DEPTH 32

void arch_symbol(char *buf, size_t size, uint64_t addr)
{
    uint64_t offset;
    const char *name = symbol_of(addr, &offset);

    if (name)
        xenlet_snprintf(buf, size, "%s+0x%lx", name, offset);
    else
        xenlet_snprintf(buf, size, "0x%lx", addr);
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

/* `inside` is an address of the instruction itself, for the name. */
static void show_frame(unsigned int depth, uint64_t rip, uint64_t inside)
{
    char name[96];

    arch_symbol(name, sizeof(name), inside);
    console_printf("  #%u 0x%lx %s\n", depth, rip, name);
}

/* A frame is { caller's rbp, return address }; follow only what lies upwards on our own stack. */
void arch_backtrace(uint64_t rip, uint64_t rbp)
{
    unsigned int depth = 0;
    bool guard = false;

    console_printf("backtrace:\n");
    show_frame(depth++, rip, rip);
    while (depth < MAX_DEPTH && rbp % 8 == 0 && arch_stack_of(rbp, &guard) && !guard) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (!arch_stack_of(rbp + 8, &guard))
            break;
        /* A call that never returns may be its function's last instruction: look one byte back. */
        show_frame(depth++, frame[1], frame[1] - 1);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

void arch_show_regs(const struct trap_regs *r)
{
    char name[96];

    arch_symbol(name, sizeof(name), r->rip);
    console_printf("rip %016lx %s\n", r->rip, name);
    console_printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    console_printf("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", r->rsi, r->rdi, r->rbp, r->rsp);
    console_printf("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", r->r8, r->r9, r->r10, r->r11);
    console_printf("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", r->r12, r->r13, r->r14,
                   r->r15);
    console_printf("cs %04lx ss %04lx rflags %08lx cr2 %016lx upcalls %s\n", r->cs & 0xffff,
                   r->ss & 0xffff, r->rflags, percpu()->info.arch.cr2,
                   r->cs >> 32 & 0xff ? "masked" : "unmasked");
}
