/* SPDX-License-Identifier: MIT */
/*
 * A domain that is saved and restored, cycle after cycle, while all that the library gives a
 * program is in use: timers, IPIs, loop-back channels on every VCPU, the console, xenstore and
 * grants. What was sent is counted; each VCPU numbers its lines on the console, and whoever reads
 * them checks that none is missing (tests/xen/xenlab/numbered.py).
 *
 * `cycles=N`, 10 without it. For each it says "save me N" and goes on when it was; whoever runs it
 * does that. `asked=N` has the program be asked first and suspend by itself.
 */
#include <xenlet.h>
#include <xenlet/gnttab.h>
#include <xenlet/hypercall.h>
#include <xenlet/shutdown.h>
#include <xenlet/xenstore.h>
#include "arch/atomic.h"

#define MS    1000000ull
#define PAIRS 8

#define LINE_TEXT  61
#define LINE_EVERY 8 /* rounds of what a VCPU does */

static struct pair {
    struct evtchn *near, *far;
    unsigned int sent, seen;
} pairs[PAIRS];

static struct evtchn *ipis[XENLET_MAX_VCPUS], *other;
static unsigned int ipi_sent[XENLET_MAX_VCPUS], ipi_seen[XENLET_MAX_VCPUS];
static unsigned int beats[XENLET_MAX_VCPUS], restored, cancelled, lost, faults;
static uint32_t over;

static void fault(const char *what, unsigned int number)
{
    console_printf("FAULT: %s %u\n", what, number);
    faults++;
}

/* Many VCPUs do it less often each: the machine has two CPUs, and one console's lock. */
static uint64_t at_pace(uint64_t n)
{
    return n * ((vcpu_count() + 3) / 4);
}

/* --- what goes on all the time -------------------------------------------------------------- */

static void pair_event(struct evtchn *ch, void *data)
{
    struct pair *p = data;

    (void)ch;
    atomic_write(&p->seen, atomic_read(&p->sent));
}

static void ipi_event(struct evtchn *ch, void *data)
{
    unsigned int *i = data;

    (void)ch;
    atomic_write(&ipi_seen[i - ipi_sent], atomic_read(i));
}

/* The text is made of the number: a byte that is lost or doubled shows. */
static unsigned int lines[XENLET_MAX_VCPUS];

static void write_line(unsigned int vcpu)
{
    unsigned int n = lines[vcpu]++;
    char text[LINE_TEXT + 1];

    for (unsigned int i = 0; i < n % LINE_TEXT; i++)
        text[i] = (char)('a' + (n + i) % 26);
    text[n % LINE_TEXT] = '\0';
    console_printf("line %u %u: %s.\n", vcpu, n, text);
}

static struct clock_timer timers[XENLET_MAX_VCPUS];

static void beat(void *data)
{
    unsigned int vcpu = vcpu_this();

    beats[vcpu]++;
    clock_timer_set(&timers[vcpu], clock_after(at_pace(5 * MS)), beat, data);
}

/* Each VCPU raises pairs of its own, and the IPI of its neighbour. */
static void traffic(unsigned int vcpu)
{
    unsigned int next = (vcpu + 1) % vcpu_count();

    for (unsigned int i = vcpu; i < PAIRS; i += vcpu_count()) {
        atomic_write(&pairs[i].sent, pairs[i].sent + 1);
        if (evtchn_send(pairs[i].far))
            fault("send to pair", i);
    }
    atomic_write(&ipi_sent[next], ipi_sent[next] + 1);
    if (evtchn_send(ipis[next]))
        fault("IPI to VCPU", next);
}

static void live(void *arg)
{
    unsigned int vcpu = vcpu_this();
    uint64_t last = clock_now();

    (void)arg;
    beat(NULL);
    for (unsigned int round = 0; !atomic_read(&over); round++) {
        if (clock_now() < last)
            fault("clock went back on VCPU", vcpu);
        last = clock_now();
        traffic(vcpu);
        if (round % at_pace(LINE_EVERY) == 0)
            write_line(vcpu);
        clock_sleep(at_pace(4 * MS));
    }
    clock_timer_cancel(&timers[vcpu]);
}

/* What is written is read again; a request that a suspend cut off is made anew by the next round.
 */
static void use_store(unsigned int n)
{
    char text[12], *value;
    int len = xenlet_snprintf(text, sizeof(text), "%u", n);
    int rc = xenstore_write(NULL, "data/count", text, (size_t)len, clock_after(5000 * MS));

    if (rc == 0)
        rc = xenstore_read(NULL, "data/count", &value, NULL, clock_after(5000 * MS));
    if (rc == -XEN_EAGAIN || rc == -XEN_ENOENT)
        return; /* the node is another domain's by now */
    if (rc) {
        fault("xenstore", (unsigned int)-rc);
        return;
    }
    for (int i = 0; i <= len; i++) {
        if (value[i] != text[i])
            fault("xenstore: read back", n);
    }
    xenlet_free(value);
}

/* A watch is set again behind its handle: a change after the suspend is heard of. */
static struct xenstore_watch *watch;
static unsigned int changes;

static void change_heard(struct xenstore_watch *w, const char *path, void *data)
{
    (void)w;
    (void)data;
    if (!path)
        fault("the watch could not be set again", 0);
    atomic_write(&changes, changes + 1);
}

static void check_watch(unsigned int cycle)
{
    unsigned int before = atomic_read(&changes);

    use_store(1000000 + cycle);
    for (unsigned int ms = 0; ms < 5000 && atomic_read(&changes) == before; ms++)
        clock_sleep(MS);
    if (atomic_read(&changes) == before)
        fault("no change heard of in cycle", cycle);
}

/* To ourselves, by the number we have now. */
static domid_t own_number(void)
{
    struct evtchn_status status = { .dom = DOMID_SELF };

    evtchn_status(pairs[0].near, &status);
    return status.u.interdomain.dom;
}

/* One is kept over each suspend; after a restore nobody has it, but it can be ended all the same.
 */
static void check_grants(unsigned int cycle)
{
    static uint32_t *page;
    static grant_ref_t kept;
    struct gnttab_mapping *m;
    int rc = page ? gnttab_end(kept) : 0;

    if (!page)
        page = xenlet_pages_alloc(1);
    if (rc == 0)
        rc = gnttab_offer(own_number(), page, true, &kept);
    if (rc == 0)
        rc = gnttab_map(own_number(), &kept, 1, true, &m);
    if (rc) {
        fault("grants: error", (unsigned int)-rc);
        return;
    }
    *(volatile uint32_t *)gnttab_address(m) = cycle;
    if (*(volatile uint32_t *)page != cycle)
        fault("a mapping shows something else in cycle", cycle);
    if (gnttab_end(kept) != -XEN_EBUSY || gnttab_unmap(m))
        fault("a grant that is mapped, in cycle", cycle);
}

/* --- around the suspend --------------------------------------------------------------------- */

/* Of these the ring may still have some when the domain stops. */
static int write_burst(void *data)
{
    (void)data;
    for (unsigned int i = 0; i < 40; i++)
        write_line(0);
    return 0;
}

static void note_after(void *data, bool was_cancelled)
{
    (void)data;
    atomic_write(was_cancelled ? &cancelled : &restored,
                 was_cancelled ? cancelled + 1 : restored + 1);
}

static void note_lost(struct evtchn *ch, void *data)
{
    (void)data;
    if (evtchn_send(ch) != -XEN_ENOTCONN)
        fault("a lost channel can be sent to", evtchn_port(ch));
    lost++;
}

static void nothing(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
}

static bool open_all(void)
{
    for (unsigned int i = 0; i < PAIRS; i++) {
        struct pair *p = &pairs[i];

        if (evtchn_bind_unbound(DOMID_SELF, pair_event, p, 0, &p->near) ||
            evtchn_bind_interdomain(DOMID_SELF, evtchn_port(p->near), NULL, NULL, 0, &p->far))
            return false;
    }
    /* To another domain: it is lost with the first restore, and its owner is told once. */
    if (evtchn_bind_unbound(0, nothing, NULL, 0, &other))
        return false;
    evtchn_on_lost(other, note_lost);
    return true;
}

static bool start_all(void)
{
    if (evtchn_bind_ipi(0, ipi_event, &ipi_sent[0], 0, &ipis[0]))
        return false;
    for (unsigned int i = 1; i < vcpu_count(); i++) {
        /* Bound by the time anybody sends: the VCPU is made known by being started. */
        atomic_write(&over, 1);
        if (vcpu_start(i, live, NULL) || vcpu_join(i, XENLET_FOREVER) ||
            evtchn_bind_ipi(i, ipi_event, &ipi_sent[i], 0, &ipis[i]))
            return false;
    }
    atomic_write(&over, 0);
    for (unsigned int i = 1; i < vcpu_count(); i++) {
        if (vcpu_start(i, live, NULL))
            return false;
    }
    for (unsigned int i = 0; i < PAIRS; i++) {
        if (evtchn_bind_vcpu(pairs[i].near, i % vcpu_count()))
            return false;
    }
    return true;
}

/* Everything still works, on every VCPU. */
static void check_alive(unsigned int cycle)
{
    unsigned int before[XENLET_MAX_VCPUS];

    for (unsigned int i = 0; i < vcpu_count(); i++)
        before[i] = beats[i];
    for (unsigned int ms = 0; ms < 50; ms++) {
        traffic(0);
        clock_sleep(MS);
    }
    for (unsigned int i = 0; i < vcpu_count(); i++) {
        for (unsigned int ms = 0; ms < 2000 && atomic_read(&beats[i]) == before[i]; ms++)
            clock_sleep(MS);
        if (atomic_read(&beats[i]) == before[i])
            fault("no timer on VCPU", i);
    }
    check_watch(cycle);
    check_grants(cycle);
    console_printf("alive after cycle %u: %s, %u restored, %u cancelled\n", cycle, evtchn_abi(),
                   restored, cancelled);
}

static void check_counts(void)
{
    for (unsigned int i = 0; i < PAIRS; i++) {
        if (pairs[i].seen != pairs[i].sent)
            fault("events lost on pair", i);
    }
    for (unsigned int i = 0; i < vcpu_count(); i++) {
        if (ipi_seen[i] != ipi_sent[i])
            fault("IPIs lost on VCPU", i);
    }
    if (lost != (restored ? 1u : 0u))
        fault("owners of lost channels told", lost);
    for (unsigned int i = 0; i < vcpu_count(); i++)
        console_printf("lines of VCPU %u: %u\n", i, lines[i]);
}

static unsigned int number(const char *name, unsigned int otherwise)
{
    const char *text = xenlet_option(name);
    unsigned int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return text ? n : otherwise;
}

static void one_cycle(unsigned int cycle)
{
    unsigned int before = restored + cancelled;

    console_printf("save me %u\n", cycle);
    for (unsigned int round = 0; atomic_read(&restored) + atomic_read(&cancelled) == before;
         round++) {
        if (round % LINE_EVERY == 0)
            write_line(0);
        if (round % 16 == 0)
            use_store(round);
        traffic(0);
        clock_sleep(4 * MS);
    }
    check_alive(cycle);
}

int main(int argc, char **argv)
{
    static struct suspend_hook hook = { .order = SUSPEND_DRIVERS,
                                        .before = write_burst,
                                        .after = note_after };
    unsigned int cycles = number("cycles", 10);
    int rc = xenlet_shutdown_init(NULL, NULL);

    (void)argc;
    (void)argv;
    suspend_register(&hook);
    if (rc || !open_all() || !start_all()) {
        console_printf("cannot begin (%d)\nTest result: ERROR\n", rc);
        return 0;
    }
    beat(NULL);
    rc = xenstore_watch("data", change_heard, NULL, &watch, clock_after(5000 * MS));
    if (rc)
        fault("watch: error", (unsigned int)-rc);
    check_grants(0);
    for (unsigned int cycle = 1; cycle <= cycles; cycle++)
        one_cycle(cycle);
    atomic_write(&over, 1);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        vcpu_join(i, XENLET_FOREVER);
    clock_sleep(20 * MS);
    check_counts();
    console_printf("%u restored, %u cancelled\nTest result: %s\n", restored, cancelled,
                   faults ? "FAILURE" : "SUCCESS");
    return 0;
}
