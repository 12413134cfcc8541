/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin that counts what a guest executes. It knows instructions by their address, from a
 * table that bench/run makes of the image:
 *
 *      ADDRESS KINDS           kinds are letters, see kind_of()
 *
 * and writes a line for each upcall and each region between the guest's marks:
 *
 *      boot CPU COUNTS         from the first instruction to main()
 *      upcall CPU COUNTS       from its entry to its iretq, both included; within a region only
 *      region CPU COUNTS       what is between bench_begin() and bench_end(), with the way there
 *      flight CPU COUNTS       from bench_depart() on that CPU to bench_arrived(), see struct
 * flight
 *
 * With decode=on instead of a table the guest is a Linux, which patches itself and has no image to
 * look into: decode.c tells the kinds from the bytes, and follow() finds the upcalls.
 *
 * COUNTS are the members of struct counts. With -icount one thread runs all CPUs; without it a
 * CPU's counts are its own thread's, and a flight's other end sleeps, or is in bench_spin(), when
 * it begins.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "count.h"
#include "qemu_plugin.h"

EXPORT int qemu_plugin_version = PLUGIN_VERSION;

#define MAX_CPUS 8u

struct counts {
    uint64_t guest, locked, branches, indirect, fp, hypercalls, xen;
};

static struct cpu {
    struct counts now, upcall, region;
    int in_upcall, in_region;
    /* Of follow(): */
    int in_hypercall;
    uint64_t behind;    /* the hypercall that the upcall interrupts */
    unsigned int again; /* the same one, called in the upcall */
    struct counts exit;
    uint64_t waits_at; /* 0: it does not */
} cpus[MAX_CPUS];

/*
 * One at a time. It has what the sender's CPU does up to bench_sent() and what the handler's CPU
 * does up to bench_arrived(), whichever is first; if they are the same CPU, all up to the latter.
 */
static struct flight {
    struct counts base[MAX_CPUS], sum;
    unsigned int from;
    int in_flight, is_sent, has_arrived;
} flight;

static struct place {
    uint64_t address;
    uintptr_t kinds;
} * table;
static size_t nr_places;
static uint64_t first, last; /* the image */
static uint64_t hypercall_page;
static FILE *out;
static int decode;

#define LINUX        0xffffffff00000000u /* the text of kernel and modules is above it */
#define SYSCALL_SIZE 2u

static uintptr_t kind_of(char letter)
{
    static const char letters[] = "LBIF?EQMbedsaw";
    const char *at = strchr(letters, letter);

    if (!at || !letter) {
        fprintf(stderr, "count: no kind '%c'\n", letter);
        exit(2);
    }
    return (uintptr_t)1 << (at - letters);
}

static void write_counts(const char *what, unsigned int cpu, const struct counts *from,
                         const struct counts *to)
{
    fprintf(out, "%s %u", what, cpu);
    for (size_t i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
        fprintf(out, " %" PRIu64, ((const uint64_t *)to)[i] - ((const uint64_t *)from)[i]);
    fputc('\n', out);
}

static void add_to_flight(unsigned int cpu)
{
    const uint64_t *now = (const uint64_t *)&cpus[cpu].now;
    const uint64_t *base = (const uint64_t *)&flight.base[cpu];
    uint64_t *sum = (uint64_t *)&flight.sum;

    for (size_t i = 0; i < sizeof(struct counts) / sizeof(uint64_t); i++)
        sum[i] += now[i] - base[i];
}

static void fly(unsigned int n, uintptr_t kinds)
{
    static const struct counts zero;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    if (kinds & DEPART) {
        flight = (struct flight){ .from = n, .in_flight = 1 };
        for (unsigned int i = 0; i < MAX_CPUS; i++)
            flight.base[i] = cpus[i].now;
    } else if (kinds & SENT && n == flight.from && !flight.is_sent) {
        flight.is_sent = 1;
        add_to_flight(n);
        flight.sum.guest -= decode ? 1 : 2; /* the mark; or the call of bench_sent(), and its ret */
    } else if (kinds & ARRIVED && !flight.has_arrived) {
        flight.has_arrived = 1;
        if (n == flight.from) {
            flight.is_sent = 1;
            flight.sum = zero;
        }
        add_to_flight(n);
    }
    if (flight.in_flight && flight.is_sent && flight.has_arrived) {
        flight.in_flight = 0;
        write_counts("flight", flight.from, &zero, &flight.sum);
        fflush(out);
    }
    pthread_mutex_unlock(&lock);
}

/* Before the instruction: what begins here has it, what ends here has it too. */
static void special(unsigned int n, uintptr_t kinds)
{
    static const struct counts zero;
    struct cpu *cpu = &cpus[n];

    if (kinds & ENTRY) {
        cpu->upcall = cpu->now;
        cpu->in_upcall = 1;
        cpu->upcall.guest--;
    }
    if (kinds & IRETQ && cpu->in_upcall) {
        cpu->in_upcall = 0;
        if (cpu->in_region)
            write_counts("upcall", n, &cpu->upcall, &cpu->now);
    }
    if (kinds & MAIN)
        write_counts("boot", n, &zero, &cpu->now);
    if (kinds & BEGIN) {
        cpu->in_region = 1;
        cpu->region = cpu->now;
    }
    if (kinds & END && cpu->in_region) {
        cpu->in_region = 0;
        write_counts("region", n, &cpu->region, &cpu->now);
        fflush(out);
    }
    if (kinds & (DEPART | SENT | ARRIVED))
        fly(n, kinds);
}

static void count(unsigned int n, uintptr_t kinds)
{
    struct counts *now = &cpus[n].now;

    now->guest++;
    if (!kinds)
        return;
    now->locked += !!(kinds & LOCKED);
    now->branches += !!(kinds & BRANCH);
    now->indirect += !!(kinds & INDIRECT);
    now->fp += !!(kinds & FP_SAVE);
    now->hypercalls += !!(kinds & HYPERCALL);
    if (kinds & ~(uintptr_t)(LOCKED | BRANCH | INDIRECT | FP_SAVE | HYPERCALL))
        special(n, kinds);
}

static void executed(unsigned int n, void *data)
{
    count(n % MAX_CPUS, (uintptr_t)data);
}

/*
 * An upcall of Linux, which returns by a hypercall: it begins where Xen has the guest go on
 * elsewhere than behind the hypercall that it interrupts, and the last hypercall before the guest
 * goes on behind that one is its end. `address` is of the next instruction.
 */
static void follow(unsigned int n, uint64_t address)
{
    struct cpu *cpu = &cpus[n];

    if (cpu->in_hypercall) {
        cpu->in_hypercall = 0;
        /* Xen may have a long one called again. */
        if (!cpu->in_upcall && address != cpu->behind && address != cpu->behind - SYSCALL_SIZE) {
            cpu->in_upcall = 1;
            cpu->again = 0;
            cpu->upcall = cpu->now;
        }
    }
    if (cpu->in_upcall && address == cpu->behind && cpu->again-- == 0) {
        cpu->in_upcall = 0;
        write_counts("upcall", n, &cpu->upcall, &cpu->exit);
    }
}

static void called_xen(struct cpu *cpu, uint64_t address)
{
    cpu->in_hypercall = 1;
    if (!cpu->in_upcall)
        cpu->behind = address + SYSCALL_SIZE;
    else if (address + SYSCALL_SIZE == cpu->behind)
        cpu->again++;
    cpu->exit = cpu->now;
}

/* The data has the kinds, and above them the lower half of the address. */
#define KINDS_BITS 16

static void executed_by_linux(unsigned int n, void *data)
{
    uint64_t address = first | (uintptr_t)data >> KINDS_BITS;
    uintptr_t kinds = (uintptr_t)data & ((1u << KINDS_BITS) - 1);
    struct cpu *cpu = &cpus[n % MAX_CPUS];

    if (kinds & WAITING)
        cpu->waits_at = address;
    if (cpu->waits_at && address - cpu->waits_at < WAITING_SIZE)
        return;
    cpu->waits_at = 0;
    if (cpu->in_region)
        follow(n % MAX_CPUS, address);
    count(n % MAX_CPUS, kinds);
    if (kinds & BEGIN)
        cpu->in_upcall = cpu->in_hypercall = 0;
    if (cpu->in_region && kinds & HYPERCALL)
        called_xen(cpu, address);
}

/* So many that are of no kind, one behind the other. */
static void executed_plain(unsigned int n, void *data)
{
    cpus[n % MAX_CPUS].now.guest += (uintptr_t)data;
}

static void executed_by_xen(unsigned int n, void *data)
{
    cpus[n % MAX_CPUS].now.xen += (uintptr_t)data;
}

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->address < y->address ? -1 : x->address > y->address;
}

static uintptr_t kinds_of(const struct qemu_plugin_insn *insn)
{
    uint8_t bytes[16];
    size_t size = qemu_plugin_insn_size(insn);

#if QEMU_VERSION < 9
    memcpy(bytes, qemu_plugin_insn_data(insn), size);
#else
    qemu_plugin_insn_data(insn, bytes, sizeof(bytes));
#endif
    return kinds_of_bytes(bytes, size);
}

static int is_xens(uint64_t address)
{
    return address >> 47 == 0x1ffff && address < 0xffff880000000000;
}

static uintptr_t kinds_at(uint64_t address)
{
    struct place key = { address, 0 }, *place;

    place = bsearch(&key, table, nr_places, sizeof(key), compare);
    if (place)
        key.kinds = place->kinds;
    if (address - hypercall_page < 4096 && address % 32 == 0)
        key.kinds |= HYPERCALL;
    return key.kinds;
}

/* Instructions of no kind are counted together, where the first of them is. */
static void translated_image(struct qemu_plugin_tb *tb)
{
    struct qemu_plugin_insn *first_plain = NULL;
    uintptr_t plain = 0;
    size_t nr = qemu_plugin_tb_n_insns(tb);

    for (size_t i = 0; i <= nr; i++) {
        struct qemu_plugin_insn *insn = i < nr ? qemu_plugin_tb_get_insn(tb, i) : NULL;
        uintptr_t kinds = insn ? kinds_at(qemu_plugin_insn_vaddr(insn)) : 0;

        if (insn && !kinds && plain++ == 0)
            first_plain = insn;
        if ((!insn || kinds) && plain) {
            qemu_plugin_register_vcpu_insn_exec_cb(first_plain, executed_plain,
                                                   QEMU_PLUGIN_CB_NO_REGS, (void *)plain);
            plain = 0;
        }
        if (kinds && !(kinds & WAITING))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)kinds);
    }
}

static void translated_linux(struct qemu_plugin_tb *tb)
{
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uintptr_t data = qemu_plugin_insn_vaddr(insn) & 0xffffffff;

        qemu_plugin_register_vcpu_insn_exec_cb(insn, executed_by_linux, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(data << KINDS_BITS | kinds_of(insn)));
    }
}

/* A block is of one of them. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t nr = qemu_plugin_tb_n_insns(tb);
    uint64_t address = nr ? qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)) : 0;

    (void)id;
    if (is_xens(address))
        qemu_plugin_register_vcpu_tb_exec_cb(tb, executed_by_xen, QEMU_PLUGIN_CB_NO_REGS,
                                             (void *)(uintptr_t)nr);
    else if (decode && address >= first)
        translated_linux(tb);
    else if (!decode && address >= first && address < last)
        translated_image(tb);
}

static void finish(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    fclose(out);
}

/* "image FIRST LAST HYPERCALL_PAGE", then the places in order. */
static int read_table(const char *path)
{
    FILE *f = fopen(path, "r");
    char kinds[16];
    uint64_t address;
    size_t room = 0;

    if (!f ||
        fscanf(f, "image %" SCNx64 " %" SCNx64 " %" SCNx64, &first, &last, &hypercall_page) != 3)
        return -1;
    while (fscanf(f, "%" SCNx64 " %15s", &address, kinds) == 2) {
        if (nr_places == room) {
            room = room ? room * 2 : 1024;
            table = realloc(table, room * sizeof(*table));
            if (!table)
                return -1;
        }
        table[nr_places] = (struct place){ address, 0 };
        for (const char *k = kinds; *k; k++)
            table[nr_places].kinds |= kind_of(*k);
        nr_places++;
    }
    fclose(f);
    return 0;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "table=", 6) == 0 && read_table(argv[i] + 6)) {
            fprintf(stderr, "count: cannot read %s\n", argv[i] + 6);
            return -1;
        }
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
        if (strcmp(argv[i], "decode=on") == 0) {
            decode = 1;
            first = LINUX;
        }
    }
    if (!out || decode == !!nr_places) {
        fprintf(stderr, "count: needs table=FILE or decode=on, and out=FILE\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
