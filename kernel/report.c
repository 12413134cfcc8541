/* SPDX-License-Identifier: MIT */
/* What crash reports have in common on all CPUs, and how a fault is survived. */
#include <xenlet/console.h>
#include "kernel/internal.h"
#include "kernel/report.h"
#include "platform_arch.h"

/* What the EXTABLE of each CPU's probe.c writes, and the linker script collects. */
struct extable_entry {
    uint64_t at, fixup;
};
extern const struct extable_entry xenlet_extable_start[], xenlet_extable_end[];

void report_place(char *buf, size_t size, uint64_t addr, uint64_t inside)
{
    uint64_t offset;
    const char *name = symbol_of(inside, &offset);

    if (name)
        xenlet_snprintf(buf, size, "%s+0x%lx", name, offset + (addr - inside));
    else
        xenlet_snprintf(buf, size, "(not in a function)");
}

void report_call(unsigned int *depth, uint64_t addr, uint64_t inside)
{
    char place[96];

    report_place(place, sizeof(place), addr, inside);
    console_printf("  #%u 0x%lx %s\n", (*depth)++, addr, place);
}

void report_fault(const char *what, uint64_t addr, bool mapped)
{
    struct arch_stack stack = arch_stack();

    console_printf("cannot %s address 0x%lx: %s\n", what, addr,
                   mapped ? "not allowed there" : "nothing is mapped there");
    if (addr < stack.bottom && addr >= stack.guard)
        console_printf("stack overflow: the address is in the guard page of %s\n", stack.name);
}

bool report_on_stack(uint64_t addr, size_t bytes)
{
    struct arch_stack stack = arch_stack();

    return addr % 8 == 0 && addr >= stack.bottom && addr <= stack.top - bytes;
}

uint64_t report_fixup(uint64_t at)
{
    for (const struct extable_entry *e = xenlet_extable_start; e < xenlet_extable_end; e++) {
        if (e->at == at)
            return e->fixup;
    }
    return 0;
}
