/* SPDX-License-Identifier: MIT */
/*
 * The way into and out of an upcall, instruction by instruction; see entry.h. What was interrupted
 * must find its registers and its stack as they were, however often Xen enters meanwhile, and the
 * stack must not grow by it.
 */
#include <string.h>
#include <xenlet/evtchn.h>
#include "arch/atomic.h"
#include "tests/host/explore/entry.h"
#include "tests/host/explore/entry_parse.h"
#include "tests/host/explore/explore.h"
#include "tests/host/explore/world.h"

#define SOURCE    "arch/x86_64/entry.S"
#define MAIN      0x500000u /* what is interrupted */
#define STACK_TOP 0x2000u
#define WORDS     64u
/* Xen's frame without rcx and r11, nine registers with these, the return address; and what aligns.
 */
#define DEEPEST ((5 + 9 + 1 + 1) * 8)

static struct instruction code[ENTRY_MAX];
static unsigned int nr_code; /* 0: not loaded */

static struct {
    uint64_t reg[NR_REGISTERS];
    uint64_t rip;
    uint64_t stack[WORDS];
    bool equal, below; /* of the last comparison */
    bool running, look;
} cpu;

void entry_load(void)
{
    char wrong[128];

    nr_code = entry_parse(SOURCE, code, wrong, sizeof(wrong));
    if (!nr_code)
        explore_fail("%s", wrong);
    memset(&cpu, 0, sizeof(cpu));
    for (unsigned int i = 0; i < NR_REGISTERS; i++)
        cpu.reg[i] = 0x1000 + i;
    cpu.reg[RSP] = STACK_TOP;
    cpu.rip = MAIN;
}

void entry_unload(void)
{
    nr_code = 0;
}

int entry_is_loaded(void)
{
    return nr_code != 0;
}

/* --- stack ----------------------------------------------------------------------------------- */

static uint64_t *word_at(uint64_t address)
{
    uint64_t i = (STACK_TOP - address) / 8;

    if (address > STACK_TOP || i >= WORDS || address % 8) {
        explore_fail("the stack pointer is %lx", (unsigned long)address);
        explore_prune();
    }
    return &cpu.stack[i];
}

static void push(uint64_t value)
{
    cpu.reg[RSP] -= 8;
    *word_at(cpu.reg[RSP]) = value;
}

static uint64_t pop(void)
{
    uint64_t value = *word_at(cpu.reg[RSP]);

    cpu.reg[RSP] += 8;
    return value;
}

/* As Xen does it: the frame on the current stack, upcalls masked. */
static void enter(void)
{
    struct vcpu_info *info = world_info();
    uint64_t rsp = cpu.reg[RSP];

    if (info->evtchn_upcall_mask || !atomic_read(&info->evtchn_upcall_pending))
        return;
    info->evtchn_upcall_mask = 1;
    cpu.reg[RSP] &= ~(uint64_t)15;
    push(0);            /* ss */
    push(rsp);          /* rsp */
    push(0x200);        /* rflags */
    push(0xe030);       /* cs, ring 0 */
    push(cpu.rip);      /* rip */
    push(cpu.reg[R11]); /* r11 */
    push(cpu.reg[RCX]); /* rcx */
    cpu.reg[R11] = cpu.reg[RCX] = 0xbad;
    cpu.rip = ENTRY_BASE;
}

/* --- instructions ---------------------------------------------------------------------------- */

static uint64_t get(const struct operand *o)
{
    struct vcpu_info *info = world_info();

    switch (o->kind) {
    case REGISTER:
        return cpu.reg[o->value];
    case STACK:
        return *word_at(cpu.reg[RSP] + (uint64_t)o->value);
    case PERCPU:
        if (o->value == PERCPU_VCPU)
            return 0;
        return o->value ? info->evtchn_upcall_mask : atomic_read(&info->evtchn_upcall_pending);
    default:
        return (uint64_t)o->value;
    }
}

static void put(const struct operand *o, uint64_t value)
{
    struct vcpu_info *info = world_info();

    if (o->kind == REGISTER)
        cpu.reg[o->value] = value;
    else if (o->kind == STACK)
        *word_at(cpu.reg[RSP] + (uint64_t)o->value) = value;
    else if (o->kind == PERCPU && o->value)
        info->evtchn_upcall_mask = (uint8_t)value;
    else if (o->kind == PERCPU)
        atomic_write(&info->evtchn_upcall_pending, (uint8_t)value);
}

static void iretq(void)
{
    cpu.rip = pop();
    if ((pop() & 3) != 3)
        explore_fail("iretq to ring 0: a PV guest has none");
    (void)pop(); /* rflags */
    cpu.reg[RSP] = pop();
}

static void upcall(void)
{
    push(cpu.rip);
    if (cpu.reg[RSP] % 16 != 8)
        explore_fail("the stack is not aligned at the call of evtchn_upcall_now()");
    evtchn_upcall_now(cpu.reg[RDI]);
    (void)pop();
    for (unsigned int i = 0; i < NR_REGISTERS; i++) {
        if (i != RSP && i != RBX && i != RBP && (i < R12))
            cpu.reg[i] = 0xdead; /* what a C function may change */
    }
}

static void step(const struct instruction *i)
{
    uint64_t a;

    cpu.rip += 8;
    if (strcmp(i->name, "mov") == 0 || strcmp(i->name, "movb") == 0) {
        put(&i->b, get(&i->a));
    } else if (strcmp(i->name, "cmpq") == 0 || strcmp(i->name, "cmpb") == 0) {
        a = get(&i->a);
        cpu.below = get(&i->b) < a;
        cpu.equal = get(&i->b) == a;
    } else if (strcmp(i->name, "orb") == 0) {
        put(&i->b, get(&i->b) | get(&i->a));
    } else if (strcmp(i->name, "push") == 0) {
        push(get(&i->a));
    } else if (strcmp(i->name, "pop") == 0) {
        put(&i->a, pop());
    } else if (strcmp(i->name, "jmp") == 0 || (strcmp(i->name, "jb") == 0 && cpu.below) ||
               (strcmp(i->name, "jne") == 0 && !cpu.equal)) {
        cpu.rip = get(&i->a);
    } else if (strcmp(i->name, "iretq") == 0) {
        iretq();
    } else if (strcmp(i->name, "call") == 0) {
        upcall();
    } else if (strcmp(i->name, "cld") != 0 && i->name[0] != 'j') {
        explore_fail("entry.S uses %s, which entry.c does not know", i->name);
    }
}

/* --- a run ------------------------------------------------------------------------------------ */

static void check(void)
{
    if (cpu.reg[RSP] != STACK_TOP)
        explore_fail("the interrupted program finds another stack pointer");
    for (unsigned int i = 0; i < NR_REGISTERS; i++) {
        if (i != RSP && cpu.reg[i] != 0x1000 + i)
            explore_fail("the interrupted program finds %s changed", entry_registers[i]);
    }
}

static void run(void)
{
    cpu.running = true;
    while (cpu.look || cpu.rip != MAIN) {
        const struct instruction *i;

        if (cpu.look) {
            cpu.look = false;
            enter();
            continue;
        }
        if (STACK_TOP - cpu.reg[RSP] > DEEPEST)
            explore_fail("the stack grows: an upcall came before the one before it had returned");
        i = &code[(cpu.rip - ENTRY_BASE) / 8];
        if (cpu.rip < ENTRY_BASE || i >= &code[nr_code]) {
            explore_fail("the instruction pointer is %lx", (unsigned long)cpu.rip);
            return;
        }
        explore_point(i->text);
        if (!cpu.look)
            step(i);
    }
    cpu.running = false;
    check();
}

void entry_look(void)
{
    cpu.look = true;
    if (!cpu.running)
        run();
}
