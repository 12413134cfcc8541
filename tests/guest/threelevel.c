/* SPDX-License-Identifier: MIT */
/*
 * What only 3-level has. l3_active_*: its ports, selectors and walk. l3_switch_*: the switch
 * itself, made by a guest that is in 2-level and goes back there by a reset.
 */
#include "evtchn/internal.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "tests/guest/test.h"

#define GPR (EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE)
#define W   ((unsigned int)BITS_PER_WORD)
#define MS  1000000ull

/* --- ports at the ends ------------------------------------------------------------------------ */

/* Ports of Xen's that nobody handles, so that the next one has the number that is wanted. */
static void take_ports_below(evtchn_port_t end)
{
    evtchn_port_t port = 0;

    while (port + 1 < end && hypercall_evtchn_bind_ipi(0, &port) == 0)
        ;
}

/* Those that take_ports_below() took: nothing else has no handle. */
static void give_ports_back(evtchn_port_t end)
{
    for (evtchn_port_t port = 1; port < end; port++) {
        if (!evtchn_lookup(port))
            hypercall_evtchn_close(port);
    }
}

/* The highest port that Xen gives: a domU has what xl allows. */
static evtchn_port_t last_port(void)
{
    evtchn_port_t last = evtchn_nr_ports() - 1, max = test_number("max_event_channels", 1023);

    return xenlet_is_initial_domain() || max > last ? last : max;
}

static bool selectors_are_empty(void)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    unsigned long flags = platform_upcalls_save();
    xen_ulong_t all = v->info->evtchn_upcall_pending ? 0 : v->info->evtchn_pending_sel;

    for (unsigned int i = 0; i < W && !v->info->evtchn_upcall_pending; i++)
        all |= v->l2_selector[i];
    platform_upcalls_restore(flags);
    return all == 0;
}

static void use_port(struct evtchn *ch, unsigned int *seen)
{
    unsigned long flags;

    *seen = 0;
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(wait_count(seen, 1));
    EXPECT_EQ(evtchn_raise(ch), 0);
    EXPECT(wait_count(seen, 2));
    /* Unmasked by ourselves, and by Xen. */
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(*seen, 2);
    EXPECT(evtchn_is_pending(ch));
    EXPECT_EQ(evtchn_poll(&ch, 1, 0), 0);
    flags = platform_upcalls_save();
    EXPECT_EQ(evtchn_unmask(ch), 0);
    platform_upcalls_restore(flags);
    EXPECT_EQ(*seen, 3);
    EXPECT(!evtchn_is_pending(ch));
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    evtchn_release_by_xen(ch, REASON_USER);
    EXPECT(wait_count(seen, 4));
    EXPECT_EQ(*seen, 4);
    EXPECT(selectors_are_empty());
}

/* The first and last of a word, of an L2 word, and of all: as far as there are any here. */
TEST(l3_active_ports_at_the_ends)
{
    const evtchn_port_t ends[] = { W - 1,         W,
                                   2 * W - 1,     W * W - 1,
                                   W * W,         2 * W * W - 1,
                                   2 * W * W,     W * W * W - W * W - 1,
                                   W * W * W - W, W * W * W - 1 };
    unsigned int seen, used = 0;
    struct evtchn *ch;

    NEEDS_XEN_3L();
    NEEDS_ABI("3l");
    EXPECT_EQ(evtchn_nr_ports(), W * W * W);
    take_ports_below(last_port() + 1);
    for (unsigned int i = 0; i < sizeof(ends) / sizeof(ends[0]) && ends[i] <= last_port(); i++) {
        CHECK_EQ(evtchn_bind_port(ends[i], count_event, &seen, GPR, &ch), 0);
        use_port(ch, &seen);
        EXPECT_EQ(evtchn_close(ch), 0);
        used++;
    }
    EXPECT(used >= 3);
    give_ports_back(last_port() + 1);
}

/* Inter-domain channels and VIRQs where 2-level has no ports. */
TEST(l3_active_channels_beyond_2_level)
{
    unsigned int left_seen = 0, right_seen = 0, virq_seen = 0;
    struct evtchn *left, *right, *virq;
    evtchn_port_t first = W * W < last_port() - 3 ? W * W + 5 : last_port() - 3;

    NEEDS_XEN_3L();
    NEEDS_ABI("3l");
    take_ports_below(first);
    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, count_event, &left_seen, GPR, &left), 0);
    CHECK_EQ(evtchn_bind_interdomain(DOMID_SELF, evtchn_port(left), count_event, &right_seen, GPR,
                                     &right),
             0);
    CHECK_EQ(evtchn_bind_virq(VIRQ_XENOPROF, 0, count_event, &virq_seen, GPR, &virq), 0);
    EXPECT(evtchn_port(left) >= first && evtchn_port(right) > first && evtchn_port(virq) > first);
    EXPECT(wait_count(&right_seen, 1)); /* from being bound */
    for (unsigned int i = 1; i <= 3; i++) {
        EXPECT_EQ(evtchn_send(left), 0);
        EXPECT(wait_count(&right_seen, i + 1));
        EXPECT_EQ(evtchn_send(right), 0);
        EXPECT(wait_count(&left_seen, i));
    }
    EXPECT_EQ(evtchn_raise(virq), 0);
    EXPECT(wait_count(&virq_seen, 1));
    EXPECT_EQ(evtchn_send(virq), -XEN_EINVAL);
    EXPECT_EQ(evtchn_close(left), 0);
    EXPECT_EQ(evtchn_close(right), 0);
    EXPECT_EQ(evtchn_close(virq), 0);
    give_ports_back(first);
}

/* --- the walk -----------------------------------------------------------------------------------
 */

static unsigned int order[4], nr_order;

static void note(struct evtchn *ch, void *data)
{
    (void)ch;
    if (nr_order < 4)
        order[nr_order] = (unsigned int)(uintptr_t)data;
    nr_order++;
}

/* Four channels in two words of each of two L2 words, always all pending: each is first sometimes.
 */
TEST(l3_active_both_levels_are_served_round_robin)
{
    const evtchn_port_t ports[] = { W + 40, 2 * W + 40, W * W + 40, W * W + W + 40 };
    unsigned int level_first[2] = { 0 }, word_first[2] = { 0 };
    struct evtchn *ch[4];

    NEEDS_XEN_3L();
    NEEDS_ABI("3l");
    if (last_port() < 2 * W * W)
        SKIP("the domain may have too few ports");
    take_ports_below(2 * W * W);
    for (uintptr_t i = 0; i < 4; i++) {
        CHECK_EQ(evtchn_bind_port(ports[i], note, (void *)i, GPR, &ch[i]), 0);
    }
    for (unsigned int n = 0; n < 100; n++) {
        unsigned long flags = platform_upcalls_save();

        nr_order = 0;
        for (unsigned int i = 0; i < 4; i++)
            EXPECT_EQ(evtchn_send(ch[i]), 0);
        platform_upcalls_restore(flags);
        CHECK_EQ(nr_order, 4);
        EXPECT_EQ(order[0] / 2, order[1] / 2); /* an L2 word is served to its end */
        EXPECT_EQ(order[2] / 2, order[3] / 2);
        level_first[order[0] / 2]++;
        for (unsigned int i = 0; i < 4; i += 2)
            word_first[order[i] % 2]++;
    }
    EXPECT(level_first[0] >= 40 && level_first[1] >= 40);
    EXPECT(word_first[0] >= 80 && word_first[1] >= 80);
    for (unsigned int i = 0; i < 4; i++)
        EXPECT_EQ(evtchn_close(ch[i]), 0);
    give_ports_back(2 * W * W);
}

/* Selectors that name nothing, or everything, are taken in stride and emptied. */
TEST(l3_active_survives_stray_selectors)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    unsigned int seen = 0;
    struct evtchn *ch;

    NEEDS_XEN_3L();
    NEEDS_ABI("3l");
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    for (unsigned int all = 0; all < 2; all++) {
        unsigned long flags = platform_upcalls_save();

        for (unsigned int i = 0; i < W; i++)
            v->l2_selector[i] = all ? ~(xen_ulong_t)0 : 0;
        v->info->evtchn_pending_sel = ~(xen_ulong_t)0;
        test_upcall(v->info, flags);
        EXPECT(selectors_are_empty());
        EXPECT_EQ(seen, 0);
    }
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(wait_count(&seen, 1));
    CHECK_EQ(evtchn_close(ch), 0);
}

/* --- what is seen of it -------------------------------------------------------------------------
 */

static char shown[4096];
static size_t nr_shown;

static void show(const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = xenlet_vsnprintf(shown + nr_shown, sizeof(shown) - nr_shown, format, args);
    va_end(args);
    if (len > 0 && nr_shown + (size_t)len < sizeof(shown))
        nr_shown += (size_t)len;
}

static bool is_shown(const char *format, ...)
{
    char line[80];
    va_list args;
    size_t len;

    va_start(args, format);
    len = (size_t)xenlet_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (size_t at = 0; at + len <= nr_shown; at++) {
        if (strncmp(shown + at, line, len) == 0)
            return true;
    }
    return false;
}

TEST(l3_active_dump_shows_the_words)
{
    unsigned int seen = 0, word;
    unsigned long flags;
    struct evtchn *ch;
    evtchn_port_t port;

    NEEDS_XEN_3L();
    NEEDS_ABI("3l");
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    port = evtchn_port(ch);
    word = port / W;
    nr_shown = 0;
    flags = platform_upcalls_save();
    EXPECT_EQ(evtchn_send(ch), 0);
    evtchn_ops->dump(this_evtchn_vcpu(), show);
    evtchn_ops->dump(NULL, show);
    EXPECT(is_shown("  L2 selector words %u to %u: ", word / W, word / W));
    EXPECT(is_shown("  word %u: pending ", word));
    platform_upcalls_restore(flags);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

#define BEYOND 400

/* Again and again: the same pages, and nothing in them of what was before. */
TEST(l3_active_reset_begins_anew)
{
    size_t free_pages = 0;
    struct evtchn *ch;
    unsigned int seen = 0;

    NEEDS_XEN_3L();
    NEEDS_ABI("3l");
    for (unsigned int i = 0; i < 10; i++) {
        evtchn_port_t raw = 0;

        CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
        while (raw <= BEYOND) /* so many channels there are not: the reset gives nobody this port */
            CHECK_EQ(hypercall_evtchn_bind_ipi(0, &raw), 0);
        EXPECT_EQ(hypercall_evtchn_send(raw), 0);
        EXPECT(evtchn_ops->is_pending(raw) && evtchn_ops->is_masked(raw));
        CHECK_EQ(evtchn_reset(), 0);
        CHECK(abi_is("3l"));
        /* Its number may be another channel's now. */
        EXPECT(evtchn_lookup(raw) || (!evtchn_ops->is_pending(raw) && evtchn_ops->is_masked(raw)));
        EXPECT_EQ(seen, 2 * i + 1); /* the reset's own call */
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT(wait_count(&seen, 2 * i + 2));
        EXPECT_EQ(evtchn_close(ch), 0);
        if (i == 0)
            free_pages = xenlet_nr_free_pages();
        EXPECT_EQ(xenlet_nr_free_pages(), free_pages);
    }
}

/* --- the switch ---------------------------------------------------------------------------------
 */

/* As evtchn_choose_abi() does it; upcalls are masked. Other VCPUs have no selector yet. */
static int go_over(void)
{
    int rc = evtchn_ops_3l.init(this_evtchn_vcpu());

    if (rc == 0)
        evtchn_use(&evtchn_ops_3l);
    return rc;
}

#define CARRIED 8 /* ports with each combination, in several words */

static struct carried {
    struct evtchn *ch;
    evtchn_port_t raw;
    unsigned int seen;
    bool masked, pending;
} carried[4 * CARRIED];

static bool prepare_carried(void)
{
    for (unsigned int i = 0; i < 4 * CARRIED; i++) {
        struct carried *c = &carried[i];

        *c = (struct carried){ .masked = i & 1, .pending = i & 2 };
        if (evtchn_bind_ipi(0, count_event, &c->seen, GPR, &c->ch) != 0)
            return false;
        for (unsigned int n = 0; n < 13; n++) {
            if (hypercall_evtchn_bind_ipi(0, &c->raw) != 0)
                return false;
        }
        if (c->masked)
            EXPECT_EQ(evtchn_mask(c->ch), 0);
        if (c->pending) {
            EXPECT_EQ(evtchn_send(c->ch), 0);
            EXPECT_EQ(hypercall_evtchn_send(c->raw), 0);
        }
    }
    return true;
}

/* What was masked is, what was pending is, what was neither is neither; and nothing beyond. */
static void check_carried(const xen_ulong_t *masks)
{
    for (evtchn_port_t port = 0; port < W * W; port++)
        EXPECT_EQ(evtchn_ops->is_masked(port), masks[port / W] >> port % W & 1);
    for (evtchn_port_t port = W * W; port < W * W * W; port++)
        EXPECT(evtchn_ops->is_masked(port) && !evtchn_ops->is_pending(port));
    for (unsigned int i = 0; i < 4 * CARRIED; i++) {
        struct carried *c = &carried[i];

        EXPECT_EQ(evtchn_ops->is_masked(evtchn_port(c->ch)), c->masked);
        EXPECT_EQ(evtchn_ops->is_pending(evtchn_port(c->ch)), c->pending);
        EXPECT_EQ(evtchn_ops->is_masked(c->raw), 1);
        EXPECT_EQ(evtchn_ops->is_pending(c->raw), c->pending);
        EXPECT_EQ(c->seen, 0);
    }
}

TEST(l3_switch_carries_over_what_was_pending_and_masked)
{
    static xen_ulong_t masks[BITS_PER_WORD];
    unsigned long flags;

    NEEDS_XEN_3L();
    NEEDS_ABI("2l");
    flags = platform_upcalls_save();
    EXPECT(prepare_carried());
    for (unsigned int i = 0; i < W; i++)
        masks[i] = evtchn_shared->evtchn_mask[i];
    EXPECT_EQ(go_over(), 0);
    check_carried(masks);
    platform_upcalls_restore(flags);
    for (unsigned int i = 0; i < 4 * CARRIED; i++) {
        struct carried *c = &carried[i];

        EXPECT_EQ(c->seen, c->pending && !c->masked);
        EXPECT_EQ(evtchn_unmask(c->ch), 0);
        EXPECT_EQ(c->seen, c->pending);
        EXPECT_EQ(evtchn_send(c->ch), 0);
        EXPECT_EQ(c->seen, c->pending + 1);
    }
    EXPECT_EQ(evtchn_reset(), 0);
    EXPECT(abi_is("2l"));
    for (unsigned int i = 0; i < 4 * CARRIED; i++) {
        EXPECT_EQ(carried[i].seen, carried[i].pending + 2);
        EXPECT_EQ(evtchn_close(carried[i].ch), 0);
    }
}

static void run_briefly(void *arg)
{
    (void)arg;
    clock_sleep(MS);
}

static xen_ulong_t l2_words(const struct evtchn_vcpu *v)
{
    xen_ulong_t all = 0;

    for (unsigned int i = 0; i < W; i++)
        all |= v->l2_selector[i];
    return all;
}

/*
 * Without an L2 a VCPU gets no events: they wait in L3, however they are raised, until it has one.
 * The library gives a VCPU its L2 before it comes up; here the switch came in between.
 */
TEST(l3_switch_before_a_vcpu_has_its_selector)
{
    unsigned int last = vcpu_count() - 1, seen[2] = { 0 };
    struct evtchn *ipi, *masked;
    struct evtchn_vcpu *v;
    unsigned long flags;
    int rc;

    NEEDS_XEN_3L();
    NEEDS_ABI("2l");
    if (last == 0)
        SKIP("one VCPU");
    v = evtchn_vcpus[last];
    for (unsigned int i = 0; i < W; i++)
        v->l2_selector[i] = 0;
    CHECK_EQ(evtchn_bind_ipi(last, count_event, &seen[0], GPR, &ipi), 0);
    CHECK_EQ(evtchn_bind_ipi(last, count_event, &seen[1], GPR, &masked), 0);
    EXPECT_EQ(evtchn_mask(masked), 0);
    flags = platform_upcalls_save();
    rc = go_over();
    EXPECT_EQ(evtchn_send(ipi), 0);
    EXPECT_EQ(evtchn_send(masked), 0);
    EXPECT_EQ(evtchn_unmask(masked), 0); /* by Xen: it is another VCPU's */
    EXPECT(evtchn_is_pending(ipi) && evtchn_is_pending(masked));
    EXPECT_EQ(l2_words(v), 0);
    EXPECT(!v->l2_registered);
    platform_upcalls_restore(flags);
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(seen[0] + seen[1], 0);

    EXPECT_EQ(vcpu_start(last, run_briefly, NULL), 0);
    EXPECT(v->l2_registered);
    EXPECT_EQ(vcpu_join(last, clock_after(PATIENCE)), 0);
    EXPECT_EQ(seen[0], 1);
    EXPECT_EQ(seen[1], 1);
    EXPECT_EQ(evtchn_reset(), 0);
    EXPECT_EQ(evtchn_close(ipi), 0);
    EXPECT_EQ(evtchn_close(masked), 0);
}

/* --- others send while the domain is switched ---------------------------------------------------
 */

static struct sender {
    struct evtchn *ch;
    unsigned int sent, seen;
    uint32_t quiet;
} senders[XENLET_MAX_VCPUS];

static uint32_t stop, go_on;

static void note_sent(struct evtchn *ch, void *data)
{
    struct sender *s = data;

    (void)ch;
    atomic_write(&s->seen, atomic_read(&s->sent));
}

/* Upcalls are masked until the VCPU has its selector. */
static void send_through_the_switch(void *arg)
{
    struct sender *s = &senders[vcpu_this()];
    unsigned long flags = platform_upcalls_save();

    (void)arg;
    while (!atomic_read(&stop)) {
        __atomic_fetch_add(&s->sent, 1, __ATOMIC_SEQ_CST);
        EXPECT_EQ(evtchn_send(s->ch), 0);
    }
    atomic_write_release(&s->quiet, 1);
    while (!atomic_read(&go_on))
        arch_cpu_relax();
    platform_upcalls_restore(flags);
}

static bool wait_for(const uint32_t *word)
{
    for (unsigned int n = 0; n < 100000 && !atomic_read_acquire(word); n++)
        hypercall_sched_yield();
    return atomic_read_acquire(word);
}

static bool start_senders(void)
{
    stop = go_on = 0;
    for (unsigned int i = 1; i < vcpu_count(); i++) {
        senders[i] = (struct sender){ .sent = 0 };
        if (evtchn_bind_ipi(0, note_sent, &senders[i], GPR, &senders[i].ch) != 0 ||
            vcpu_start(i, send_through_the_switch, NULL) != 0 || !wait_for(&senders[i].sent))
            return false;
    }
    return true;
}

static void stop_senders(void)
{
    atomic_write(&stop, 1);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        EXPECT(wait_for(&senders[i].quiet));
    for (unsigned int i = 1; i < vcpu_count(); i++) {
        EXPECT(wait_count(&senders[i].seen, senders[i].sent));
        EXPECT_EQ(evtchn_ops->vcpu_init(evtchn_vcpus[i]), 0); /* late, and while it runs */
    }
    atomic_write(&go_on, 1);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        EXPECT_EQ(vcpu_join(i, clock_after(PATIENCE)), 0);
}

TEST(l3_switch_beside_senders)
{
    unsigned int rounds = test_number("rounds", 20);

    NEEDS_XEN_3L();
    NEEDS_ABI("2l");
    if (vcpu_count() < 2)
        SKIP("one VCPU");
    for (unsigned int round = 0; round < rounds; round++) {
        unsigned long flags;
        int rc;

        CHECK(start_senders());
        for (unsigned int n = 0; n < round * 37 % 500; n++)
            arch_cpu_relax();
        flags = platform_upcalls_save();
        rc = go_over();
        /* What a sender raised in 2-level just then may be missed: each handler is to run once. */
        for (unsigned int i = 1; i < vcpu_count(); i++)
            EXPECT_EQ(evtchn_raise(senders[i].ch), 0);
        platform_upcalls_restore(flags);
        clock_sleep(MS);
        stop_senders();
        EXPECT_EQ(evtchn_reset(), 0);
        EXPECT_EQ(rc, 0);
        for (unsigned int i = 1; i < vcpu_count(); i++)
            EXPECT_EQ(evtchn_close(senders[i].ch), 0);
    }
}
