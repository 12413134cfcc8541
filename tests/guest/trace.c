/* SPDX-License-Identifier: MIT */
/*
 * Random operations straight to Xen, and after each of them what it answered and what the shared
 * pages say, put into a digest. The same seed gives the same digest on any Xen, and on the model of
 * the host's tests: `make test` compares them. `trace=1` prints the whole trace, `seed=` and
 * `operations=` choose it.
 *
 * Ports are counted as they were free at the beginning, whatever was bound before.
 */
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define PORTS 40u /* that it uses at a time, at most */
#define SLOTS 24u

static evtchn_port_t base[PORTS];
static evtchn_port_t slots[SLOTS]; /* 0: free */
static uint64_t random_state, digest;
static bool print;

static unsigned int below(unsigned int n)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned int)(random_state >> 33) % n;
}

/* FNV-1a over the bytes of a value. */
static void note(uint64_t value)
{
    for (unsigned int i = 0; i < 8; i++) {
        digest = (digest ^ (value >> 8 * i & 0xff)) * 0x100000001b3ull;
    }
}

static unsigned int number(evtchn_port_t port)
{
    if (!port)
        return 0;
    for (unsigned int i = 0; i < PORTS; i++) {
        if (base[i] == port)
            return i + 1;
    }
    return port > base[PORTS - 1] ? PORTS + port - base[PORTS - 1] : 1000 + port;
}

/* --- what the shared pages say -------------------------------------------------------------- */

static bool deliverable(evtchn_port_t port)
{
    return evtchn_ops->is_pending(port) && !evtchn_ops->is_masked(port);
}

static void note_pages(void)
{
    const struct evtchn_vcpu *v = this_evtchn_vcpu();
    uint64_t pending = 0, masked = 0;

    for (unsigned int i = 0; i < PORTS; i++) {
        pending |= (uint64_t)evtchn_ops->is_pending(base[i]) << i;
        masked |= (uint64_t)evtchn_ops->is_masked(base[i]) << i;
    }
    note(pending);
    note(masked);
    note(atomic_read(&v->info->evtchn_upcall_pending));
    note(atomic_read(&v->info->evtchn_pending_sel) >> base[0] / BITS_PER_WORD & 1);
    if (print)
        console_printf("  pending %lx masked %lx upcall %u selector %u\n", (unsigned long)pending,
                       (unsigned long)masked, v->info->evtchn_upcall_pending,
                       (unsigned int)(v->info->evtchn_pending_sel >> base[0] / BITS_PER_WORD & 1));
    if (!evtchn_ops->unlinks)
        return;
    note(atomic_read(&v->fifo_control.ready));
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        note(number(atomic_read(&v->fifo_control.head[i])));
    if (print)
        console_printf("  ready %x head[7] %u\n", v->fifo_control.ready,
                       number(v->fifo_control.head[7]));
}

/* --- operations ----------------------------------------------------------------------------- */

static const char *const names[] = {
    "alloc_unbound", "bind_interdomain", "bind_ipi",     "bind_virq", "close",
    "send",          "unmask",           "mask",         "clear",     "set",
    "status",        "bind_vcpu",        "set_priority", "poll",      "walk",
    "stray"
};
#define NR_NAMES (sizeof(names) / sizeof(names[0]))

static int bind(unsigned int what, evtchn_port_t other, evtchn_port_t *port)
{
    static const uint32_t virqs[] = { VIRQ_XENOPROF, VIRQ_TBUF, VIRQ_XENOPROF, NR_VIRQS };

    switch (what) {
    case 0:
        return hypercall_evtchn_alloc_unbound(DOMID_SELF, below(4) ? DOMID_SELF : 0x7000, port);
    case 1:
        return hypercall_evtchn_bind_interdomain(DOMID_SELF, other, port);
    case 2:
        return hypercall_evtchn_bind_ipi(below(8) ? 0 : 8192, port);
    default:
        return hypercall_evtchn_bind_virq(virqs[below(4)], below(8) ? 0 : 8192, port);
    }
}

static int status(evtchn_port_t port)
{
    struct evtchn_status s = { .dom = DOMID_SELF, .port = port };
    int rc = hypercall_evtchn_status(&s);

    if (rc)
        return rc;
    note(s.vcpu);
    if (s.status == EVTCHNSTAT_interdomain)
        note(number(s.u.interdomain.port));
    if (s.status == EVTCHNSTAT_virq)
        note(s.u.virq);
    return (int)s.status;
}

static int poll(evtchn_port_t port)
{
    return evtchn_ops->is_pending(port) ? hypercall_sched_poll(&port, 1, 1) : 1;
}

/* What is unmasked and pending has no handle: it is found and masked. */
static int walk(void)
{
    uint64_t before = this_evtchn_vcpu()->orphans;

    platform_upcalls_restore(0);
    (void)platform_upcalls_save();
    return (int)(this_evtchn_vcpu()->orphans - before);
}

static int on_port(unsigned int what, evtchn_port_t port)
{
    switch (what) {
    case 4:
        return hypercall_evtchn_close(port);
    case 5:
        return hypercall_evtchn_send(port);
    case 6:
        return hypercall_evtchn_unmask(port);
    case 7:
        evtchn_ops->mask(port);
        return 0;
    case 8:
        return evtchn_ops->clear_pending(port);
    case 9:
        evtchn_ops->set_pending(port);
        return deliverable(port);
    case 10:
        return status(port);
    case 11:
        return hypercall_evtchn_bind_vcpu(port, below(4) ? 0 : 8192);
    case 12:
        return hypercall_evtchn_set_priority(port, below(18));
    case 13:
        return poll(port);
    default:
        return 0;
    }
}

static void step(void)
{
    unsigned int what = below(NR_NAMES), slot = below(SLOTS);
    evtchn_port_t got = 0, other = slots[below(SLOTS)];
    int rc;

    if (what == 14) {
        rc = walk();
    } else if (what == 15) {
        rc = on_port(4 + below(3), below(2) ? 0 : ~0u - below(100));
    } else if (what < 4) {
        if (slots[slot])
            return;
        rc = bind(what, other, &got);
        slots[slot] = got;
    } else {
        got = slots[slot];
        if (!got)
            return;
        rc = on_port(what, got);
        if (what == 4)
            slots[slot] = 0;
    }
    note(what);
    note(number(got));
    note((uint64_t)(int64_t)rc);
    if (print)
        console_printf("%s port %u: %d\n", names[what], number(got), rc);
    note_pages();
}

/* --- begin and end -------------------------------------------------------------------------- */

static bool find_base(void)
{
    for (unsigned int i = 0; i < PORTS; i++) {
        if (hypercall_evtchn_bind_ipi(0, &base[i]) != 0 || evtchn_ops->port_setup(base[i]) != 0)
            return false;
        evtchn_ops->clear_pending(base[i]);
    }
    for (unsigned int i = 0; i < PORTS; i++)
        hypercall_evtchn_close(base[i]);
    return true;
}

TEST(trace_of_random_operations)
{
    unsigned int operations = test_number("operations", 500), seed = test_number("seed", 1);
    unsigned long flags;

    if (in_pv_shim())
        SKIP("the PV shim answers some of them in its own way");
    random_state = seed;
    digest = 0xcbf29ce484222325ull;
    print = test_number("trace", 0);
    flags = platform_upcalls_save();
    hypercall_set_timer_op(0);
    CHECK(find_base());
    for (unsigned int i = 0; i < operations; i++)
        step();
    for (unsigned int i = 0; i < SLOTS; i++) {
        if (slots[i])
            EXPECT_EQ(hypercall_evtchn_close(slots[i]), 0);
        slots[i] = 0;
    }
    platform_upcalls_restore(flags);
    console_printf("trace: %s, seed %u, %u operations: digest %lx\n", evtchn_abi(), seed,
                   operations, (unsigned long)digest);
}
