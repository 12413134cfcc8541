/* SPDX-License-Identifier: MIT */
/*
 * The suite's main: runs every test forward, then backward, and ends with the verdict line.
 *
 * Arguments: `only=TEXT` runs the tests whose name contains TEXT, `without=TEXT` leaves those out,
 * `list` names them all.
 */
#include "evtchn/internal.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "platform_arch.h"
#include "tests/guest/test.h"
#include <xen/version.h>

#define SCAN_PORTS 256u

extern const struct test xenlet_tests_start[], xenlet_tests_end[];

static const struct test *current;
static bool failed, skipped;
static unsigned int nr_ok, nr_failed, nr_skipped;

void test_fail(const char *file, int line, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    xenlet_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* One line a test: the first failure is the one that tells. */
    if (!failed)
        console_printf("  FAIL %s: %s (%s:%d)\n", current->name, text, file, line);
    failed = true;
}

bool test_same(const char *file, int line, const char *what, long got, long expected)
{
    if (got != expected)
        test_fail(file, line, "%s: expected %ld, got %ld", what, expected, got);
    return got == expected;
}

void test_skip(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    xenlet_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    console_printf("  skip %s: %s\n", current->name, text);
    skipped = true;
}

void count_event(struct evtchn *ch, void *data)
{
    (void)ch;
    ++*(unsigned int *)data;
}

/*
 * It has neither PIRQs nor priorities, and says so before it looks at the number; Xen itself calls
 * the number wrong, but for PIRQs where it has none.
 */
bool in_pv_shim(void)
{
    evtchn_port_t port;

    return hypercall_evtchn_bind_pirq(~0u, 0, &port) == -XEN_EOPNOTSUPP &&
           hypercall_evtchn_set_priority(~0u, 0) == -XEN_EOPNOTSUPP;
}

bool abi_is(const char *name)
{
    return strcmp(evtchn_abi(), name) == 0;
}

bool xen_has_3l(void)
{
    uint64_t abis;

    return hypercall_evtchn_query_extended_abis(&abis) == 0 && (abis & EVTCHN_EXTENDED_L3);
}

long test_evtchn_op(unsigned int cmd, const void *arg)
{
    multicall_entry_t call = { .op = __HYPERVISOR_event_channel_op,
                               .args = { cmd, (unsigned long)arg } };
    int rc = hypercall_multicall(&call, 1);

    return rc ? rc : (long)call.result;
}

struct wanted {
    const unsigned int *counter;
    unsigned int want;
};

static bool reached(void *arg)
{
    const struct wanted *w = arg;

    return atomic_read(w->counter) >= w->want;
}

bool wait_count(const unsigned int *counter, unsigned int want)
{
    struct wanted w = { counter, want };

    return evtchn_wait(reached, &w, clock_after(PATIENCE)) == 0;
}

/*
 * The far ends of the console and of xenstore raise their ports whenever they like. While one does,
 * from another CPU, an event of our own that shares a selector bit or a queue with it is not
 * delivered until it is done: Xen leaves the upcall to whoever set that bit first. Tests count
 * deliveries: the two are kept out of all but those of their own.
 */
static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static struct evtchn *console, *store;

/* Once: a reset gives them other ports. */
static void find_far_ends(void)
{
    if (arch_console_port())
        console = evtchn_lookup(arch_console_port());
    if (arch_store_port())
        store = evtchn_lookup(arch_store_port());
}

static void hold(const char *name, bool hold)
{
    if (console && !begins(name, "console_"))
        EXPECT_EQ(hold ? evtchn_mask(console) : evtchn_unmask(console), 0);
    if (store && !begins(name, "xenstore_"))
        EXPECT_EQ(hold ? evtchn_mask(store) : evtchn_unmask(store), 0);
}

/* Ports Xen has for us; a port that a test forgot shows. */
static unsigned int bound_ports(void)
{
    unsigned int nr = 0;

    for (evtchn_port_t port = 1; port < SCAN_PORTS; port++) {
        struct evtchn_status status = { .dom = DOMID_SELF, .port = port };

        if (hypercall_evtchn_status(&status) == 0 && status.status != EVTCHNSTAT_closed)
            nr++;
    }
    return nr;
}

/*
 * An event given back to a channel that is closed in the same moment stays on the free port, and
 * the next one bound to it is called once for nothing. That is allowed; tests that count do not
 * want it.
 */
static void forget_events_of_free_ports(void)
{
    for (evtchn_port_t port = 1; port < SCAN_PORTS; port++) {
        struct evtchn_status status = { .dom = DOMID_SELF, .port = port };

        if (hypercall_evtchn_status(&status) != 0 || status.status == EVTCHNSTAT_closed)
            evtchn_ops->clear_pending(port);
    }
}

static void check_tidy(unsigned int ports_before)
{
    unsigned long flags = platform_upcalls_save();
    unsigned int ports = bound_ports();

    platform_upcalls_restore(0);
    if (flags)
        test_fail(__FILE__, __LINE__, "left upcalls masked");
    if (ports != ports_before)
        test_fail(__FILE__, __LINE__, "ports bound before and after: expected %u, got %u",
                  ports_before, ports);
}

static void run(const struct test *t)
{
    unsigned int ports = bound_ports();

    current = t;
    failed = skipped = false;
    hold(t->name, true);
    t->run();
    hold(t->name, false);
    forget_events_of_free_ports();
    check_tidy(ports);
    if (failed) {
        nr_failed++;
    } else if (skipped) {
        nr_skipped++;
    } else {
        nr_ok++;
        console_printf("  ok   %s\n", t->name);
    }
}

static bool contains(const char *name, const char *text)
{
    size_t len = strlen(text);

    for (; strncmp(name, text, len) != 0; name++) {
        if (!*name)
            return false;
    }
    return true;
}

static bool wanted(const struct test *t)
{
    const char *only = xenlet_option("only"), *without = xenlet_option("without");

    return (!only || contains(t->name, only)) && !(without && contains(t->name, without));
}

static void nothing(void *arg)
{
    (void)arg;
}

/* A VCPU that was up once keeps its timer's and its calls' channels: have them before we count. */
static void try_vcpus(void)
{
    for (unsigned int i = 1; i < vcpu_count(); i++) {
        int rc = vcpu_start(i, nothing, NULL);

        if (rc || vcpu_join(i, clock_after(PATIENCE)) != 0)
            console_printf("VCPU %u does not come up and go down (error %d)\n", i, rc);
    }
}

static void banner(void)
{
    int version = hypercall_xen_version(XENVER_version, NULL);

    console_printf("--- xenlet in-guest suite ---\n");
    console_printf("Environment: %s, %s of Xen %d.%d, %zu KiB, %u VCPUs, event channels %s%s\n",
                   test_environment, xenlet_is_initial_domain() ? "first domain" : "domU",
                   version >> 16, version & 0xffff, xenlet_nr_pages() * 4, vcpu_count(),
                   evtchn_abi(), xen_has_3l() ? " of a Xen with 3l" : "");
    console_flush(PATIENCE); /* xenconsoled has to be there before a test resets all channels */
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    find_far_ends();
    banner();
    try_vcpus();
    if (xenlet_option("list")) {
        for (const struct test *t = xenlet_tests_start; t < xenlet_tests_end; t++)
            console_printf("%s\n", t->name);
        console_printf("Test result: SUCCESS\n");
        return 0;
    }
    for (const struct test *t = xenlet_tests_start; t < xenlet_tests_end; t++) {
        if (wanted(t))
            run(t);
    }
    console_printf("backward:\n");
    for (const struct test *t = xenlet_tests_end; t-- > xenlet_tests_start;) {
        if (wanted(t))
            run(t);
    }
    console_printf("%u ok, %u failed, %u skipped\n", nr_ok, nr_failed, nr_skipped);
    if (nr_ok + nr_failed + nr_skipped == 0)
        console_printf("no test has that name\n");
    console_printf("Test result: %s\n", nr_failed ? "FAILURE" : nr_ok ? "SUCCESS" : "ERROR");
    return 0;
}
