/* SPDX-License-Identifier: MIT */
/* VCPUs: up and down, calls between them, and channels that are raised, moved and closed across. */
#include "arch/spinlock.h"
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR
#define MS  1000000ull

#define NEEDS_VCPUS(n)                                                     \
    do {                                                                   \
        if (vcpu_count() < (n))                                            \
            SKIP("the domain has fewer than %u VCPUs", (unsigned int)(n)); \
    } while (0)

static bool join_all(void)
{
    bool all = true;

    for (unsigned int i = 1; i < vcpu_count(); i++)
        all = vcpu_join(i, clock_after(PATIENCE)) == 0 && all;
    return all;
}

/* Sleep, but look every millisecond: the other VCPUs do not wake us for each thing they do. */
static bool wait_until_equal(const unsigned int *a, const unsigned int *b)
{
    for (int i = 0; i < 2000; i++) {
        if (atomic_read(a) == atomic_read(b))
            return true;
        clock_sleep(MS);
    }
    return false;
}

/* --- up and down ---------------------------------------------------------------------------- */

static unsigned int ran[XENLET_MAX_VCPUS];

static void note_run(void *arg)
{
    if (vcpu_this() == (unsigned int)(uintptr_t)arg)
        ran[vcpu_this()]++;
}

TEST(vcpus_come_up_and_go_down_again_and_again)
{
    NEEDS_VCPUS(2);
    for (unsigned int round = 1; round <= 5; round++) {
        for (uintptr_t i = 1; i < vcpu_count(); i++) {
            ran[i] = round == 1 ? 0 : ran[i];
            EXPECT_EQ(vcpu_start((unsigned int)i, note_run, (void *)i), 0);
        }
        CHECK(join_all());
        for (unsigned int i = 1; i < vcpu_count(); i++)
            CHECK_EQ(ran[i], round);
    }
}

static uint32_t release;

static void run_until_released(void *arg)
{
    (void)arg;
    while (!atomic_read(&release))
        clock_sleep(MS);
}

static bool start_all(void (*program)(void *arg))
{
    release = 0;
    for (unsigned int i = 1; i < vcpu_count(); i++) {
        if (vcpu_start(i, program, NULL) != 0)
            return false;
    }
    return true;
}

static void stop_all(void)
{
    atomic_write(&release, 1);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        vcpu_wake(i);
    EXPECT(join_all());
}

TEST(vcpu_start_refuses_what_is_wrong)
{
    EXPECT_EQ(vcpu_start(0, note_run, NULL), -XEN_EBUSY);
    EXPECT_EQ(vcpu_start(vcpu_count(), note_run, NULL), -XEN_ENOENT);
    EXPECT_EQ(vcpu_start(4000, note_run, NULL), -XEN_ENOENT);
    EXPECT_EQ(vcpu_join(0, 0), -XEN_EINVAL);
    EXPECT_EQ(vcpu_wake(vcpu_count()), -XEN_ENOENT);
    EXPECT_EQ(vcpu_call(vcpu_count(), note_run, NULL, true), -XEN_ENOENT);
    NEEDS_VCPUS(2);
    EXPECT_EQ(vcpu_call(1, note_run, NULL, false), -XEN_ENOENT); /* it is down */
    CHECK(start_all(run_until_released));
    EXPECT_EQ(vcpu_start(1, note_run, NULL), -XEN_EBUSY);
    EXPECT_EQ(vcpu_join(1, clock_now()), -XEN_ETIME);
    stop_all();
}

/* Above VCPU 31 there is no vcpu_info in shared_info: it lives by the one we register. */
TEST(last_vcpu_takes_events)
{
    unsigned int last = vcpu_count() - 1, seen = 0, want = 1;
    struct evtchn *ch;

    NEEDS_VCPUS(2);
    release = 0;
    CHECK_EQ(vcpu_start(last, run_until_released, NULL), 0);
    CHECK_EQ(evtchn_bind_ipi(last, count_event, &seen, GPR, &ch), 0);
    for (; want <= 20; want++) {
        EXPECT_EQ(evtchn_send(ch), 0);
        CHECK(wait_until_equal(&seen, &want));
    }
    EXPECT_EQ(evtchn_close(ch), 0);
    atomic_write(&release, 1);
    vcpu_wake(last); /* unless it saw that already */
    EXPECT_EQ(vcpu_join(last, clock_after(PATIENCE)), 0);
}

static void sleep_a_while(void *arg)
{
    uint64_t start = clock_now();

    (void)arg;
    clock_sleep(5 * MS);
    if (clock_now() - start >= 5 * MS)
        ran[vcpu_this()]++;
}

TEST(each_vcpu_has_its_timer)
{
    NEEDS_VCPUS(2);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        ran[i] = 0;
    CHECK(start_all(sleep_a_while));
    CHECK(join_all());
    for (unsigned int i = 1; i < vcpu_count(); i++)
        CHECK_EQ(ran[i], 1);
}

/* --- calls ---------------------------------------------------------------------------------- */

static unsigned int called_on[XENLET_MAX_VCPUS];

static void note_call(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&called_on[vcpu_this()], 1, __ATOMIC_SEQ_CST);
}

TEST(functions_are_called_on_other_vcpus)
{
    unsigned int want = 40;

    NEEDS_VCPUS(2);
    CHECK(start_all(run_until_released));
    for (unsigned int i = 0; i < vcpu_count(); i++) {
        called_on[i] = 0;
        for (unsigned int n = 0; n < want / 2; n++)
            EXPECT_EQ(vcpu_call(i, note_call, NULL, true), 0);
        EXPECT_EQ(called_on[i], want / 2);
        for (unsigned int n = 0; n < want / 2; n++)
            EXPECT_EQ(vcpu_call(i, note_call, NULL, false), 0);
    }
    for (unsigned int i = 0; i < vcpu_count(); i++)
        EXPECT(wait_until_equal(&called_on[i], &want));
    stop_all();
}

/* --- events between VCPUs ------------------------------------------------------------------- */

/* Counted as in accounting.c; `inside` shows that no two VCPUs run the handler at once. */
static struct crossing {
    struct evtchn *ch;
    unsigned int sent, seen, delivered;
    uint32_t inside;
    bool closed;
} crossings[XENLET_MAX_VCPUS];

static void cross(struct evtchn *ch, void *data)
{
    struct crossing *c = data;

    if (__atomic_exchange_n(&c->inside, 1, __ATOMIC_SEQ_CST))
        test_fail(__FILE__, __LINE__, "the handler runs on two VCPUs at once");
    if (c->closed)
        test_fail(__FILE__, __LINE__, "delivered after close");
    atomic_write(&c->seen, atomic_read(&c->sent));
    c->delivered++;
    (void)ch;
    __atomic_store_n(&c->inside, 0, __ATOMIC_SEQ_CST);
}

static int open_crossing(struct crossing *c, unsigned int vcpu, unsigned int flags)
{
    *c = (struct crossing){ .sent = 0 };
    return evtchn_bind_ipi(vcpu, cross, c, flags, &c->ch);
}

static void send(struct crossing *c)
{
    __atomic_fetch_add(&c->sent, 1, __ATOMIC_SEQ_CST);
    EXPECT_EQ(evtchn_send(c->ch), 0);
}

#define SENDS 5000

static void send_to_all(void *arg)
{
    (void)arg;
    for (unsigned int n = 0; n < SENDS; n++)
        send(&crossings[n % vcpu_count()]);
    while (!atomic_read(&release))
        clock_sleep(MS);
}

/* Every VCPU sends to every VCPU, on ports that stand in one word. */
TEST(ports_of_one_word_raced_by_all_vcpus)
{
    NEEDS_VCPUS(2);
    CHECK(start_all(run_until_released)); /* so that the VCPUs can be bound to */
    for (unsigned int i = 0; i < vcpu_count(); i++)
        CHECK_EQ(open_crossing(&crossings[i], i, GPR | EVTCHN_NO_SHARE), 0);
    stop_all();
    CHECK(start_all(send_to_all));
    for (unsigned int n = 0; n < SENDS; n++)
        send(&crossings[n % vcpu_count()]);
    for (unsigned int i = 0; i < vcpu_count(); i++)
        EXPECT(wait_until_equal(&crossings[i].seen, &crossings[i].sent));
    stop_all();
    for (unsigned int i = 0; i < vcpu_count(); i++) {
        EXPECT(crossings[i].delivered <= crossings[i].sent + 1);
        EXPECT_EQ(evtchn_close(crossings[i].ch), 0);
    }
}

static void mask_raise_unmask(void *arg)
{
    struct crossing *c = &crossings[0];

    (void)arg;
    for (unsigned int n = 0; n < SENDS; n++) {
        unsigned int what = (n * 7 + vcpu_this()) % 5;

        if (what == 0)
            EXPECT_EQ(evtchn_mask(c->ch), 0);
        else if (what == 1)
            EXPECT_EQ(evtchn_unmask(c->ch), 0);
        else if (what == 2)
            EXPECT_EQ(evtchn_raise(c->ch), 0);
        else
            send(c);
    }
    while (!atomic_read(&release))
        clock_sleep(MS);
}

TEST(masked_raised_and_unmasked_from_other_vcpus)
{
    NEEDS_VCPUS(2);
    CHECK_EQ(open_crossing(&crossings[0], 0, GPR | EVTCHN_NO_SHARE), 0);
    CHECK(start_all(mask_raise_unmask));
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(evtchn_unmask(crossings[0].ch), 0);
    stop_all();
    EXPECT_EQ(evtchn_unmask(crossings[0].ch), 0);
    EXPECT_EQ(crossings[0].seen, crossings[0].sent);
    EXPECT_EQ(evtchn_close(crossings[0].ch), 0);
}

static int open_loopback(struct crossing *c, struct evtchn **far)
{
    int rc;

    *c = (struct crossing){ .sent = 0 };
    rc = evtchn_bind_unbound(DOMID_SELF, cross, c, GPR | EVTCHN_NO_SHARE, &c->ch);
    if (rc == 0)
        rc = evtchn_bind_interdomain(DOMID_SELF, evtchn_port(c->ch), NULL, NULL, 0, far);
    return rc;
}

static struct evtchn *far_end;

static void send_far(void *arg)
{
    (void)arg;
    for (unsigned int n = 0; n < SENDS; n++) {
        __atomic_fetch_add(&crossings[0].sent, 1, __ATOMIC_SEQ_CST);
        EXPECT_EQ(evtchn_send(far_end), 0);
    }
    while (!atomic_read(&release))
        clock_sleep(MS);
}

/* The channel goes round all VCPUs while all of them raise it. */
TEST(moved_between_vcpus_while_events_fly)
{
    struct crossing *c = &crossings[0];

    NEEDS_VCPUS(2);
    CHECK_EQ(open_loopback(c, &far_end), 0);
    CHECK(start_all(send_far));
    for (unsigned int n = 0; n < 2000; n++)
        EXPECT_EQ(evtchn_bind_vcpu(c->ch, n % vcpu_count()), 0);
    EXPECT(wait_until_equal(&c->seen, &c->sent));
    EXPECT_EQ(evtchn_vcpu(c->ch), 1999 % vcpu_count());
    stop_all(); /* and here it comes back to VCPU 0 */
    EXPECT_EQ(evtchn_vcpu(c->ch), 0);
    c->sent++;
    EXPECT_EQ(evtchn_send(far_end), 0);
    EXPECT_EQ(c->seen, c->sent);
    EXPECT_EQ(evtchn_close(c->ch), 0);
    EXPECT_EQ(evtchn_close(far_end), 0);
}

#define MANY 100

static struct evtchn *far_ends[MANY];

static void send_to_many(void *arg)
{
    (void)arg;
    for (unsigned int n = 0; n < SENDS; n++) {
        unsigned int i = (n * 7 + vcpu_this() * 31) % MANY;

        __atomic_fetch_add(&crossings[i].sent, 1, __ATOMIC_SEQ_CST);
        EXPECT_EQ(evtchn_send(far_ends[i]), 0);
    }
    while (!atomic_read(&release))
        clock_sleep(MS);
}

/* The same with channels in several words, so that VCPUs walk each other's. */
TEST(many_moved_between_vcpus_while_events_fly)
{
    NEEDS_VCPUS(2);
    for (unsigned int i = 0; i < MANY; i++)
        CHECK_EQ(open_loopback(&crossings[i], &far_ends[i]), 0);
    CHECK(start_all(send_to_many));
    for (unsigned int n = 0; n < 20 * MANY; n++)
        EXPECT_EQ(evtchn_bind_vcpu(crossings[n % MANY].ch, n * 13 / 7 % vcpu_count()), 0);
    for (unsigned int i = 0; i < MANY; i++)
        EXPECT(wait_until_equal(&crossings[i].seen, &crossings[i].sent));
    stop_all();
    for (unsigned int i = 0; i < MANY; i++) {
        EXPECT_EQ(evtchn_vcpu(crossings[i].ch), 0);
        EXPECT_EQ(evtchn_close(crossings[i].ch), 0);
        EXPECT_EQ(evtchn_close(far_ends[i]), 0);
    }
}

/* --- closing across VCPUs ------------------------------------------------------------------- */

static uint32_t in_handler, handler_done;

static void slow_handler(struct evtchn *ch, void *data)
{
    uint64_t end = clock_after(20 * MS);

    (void)ch;
    (void)data;
    atomic_write(&in_handler, 1);
    while (clock_now() < end)
        arch_cpu_relax();
    atomic_write(&handler_done, 1);
}

TEST(close_waits_for_a_handler_on_another_vcpu)
{
    struct evtchn *ch;

    NEEDS_VCPUS(2);
    CHECK(start_all(run_until_released));
    for (int i = 0; i < 5; i++) {
        in_handler = handler_done = 0;
        CHECK_EQ(evtchn_bind_ipi(1, slow_handler, NULL, GPR, &ch), 0);
        EXPECT_EQ(evtchn_send(ch), 0);
        while (!atomic_read(&in_handler))
            hypercall_sched_yield();
        EXPECT_EQ(evtchn_close(ch), 0);
        EXPECT_EQ(handler_done, 1);
    }
    stop_all();
}

static struct crossing each_other[2];
static uint32_t both_in;

static void close_the_other(struct evtchn *ch, void *data)
{
    struct crossing *me = data, *other = &each_other[me == &each_other[0]];

    (void)ch;
    __atomic_fetch_add(&both_in, 1, __ATOMIC_SEQ_CST);
    while (atomic_read(&both_in) < 2)
        arch_cpu_relax();
    me->seen = evtchn_close(other->ch) == 0;
}

/* Each handler closes the channel of the other, which runs: neither may wait for ever. */
TEST(handlers_that_close_each_other)
{
    unsigned long flags;

    NEEDS_VCPUS(2);
    CHECK(start_all(run_until_released));
    for (int i = 0; i < 10; i++) {
        both_in = 0;
        for (unsigned int v = 0; v < 2; v++) {
            each_other[v] = (struct crossing){ .sent = 0 };
            CHECK_EQ(evtchn_bind_ipi(v, close_the_other, &each_other[v], GPR, &each_other[v].ch),
                     0);
        }
        flags = platform_upcalls_save();
        EXPECT_EQ(evtchn_send(each_other[1].ch), 0);
        EXPECT_EQ(evtchn_send(each_other[0].ch), 0);
        platform_upcalls_restore(flags);
        while (!atomic_read(&each_other[1].seen))
            hypercall_sched_yield();
        EXPECT_EQ(each_other[0].seen, 1);
    }
    stop_all();
}

/* Opened, raised by all and closed, over and over: what is freed is not touched again. */
static void send_while_open(void *arg)
{
    (void)arg;
    while (!atomic_read(&release)) {
        hypercall_evtchn_send(atomic_read(&crossings[1].sent)); /* holds a port number here */
    }
}

TEST(closed_while_other_vcpus_raise_it)
{
    struct evtchn *near, *far;

    NEEDS_VCPUS(2);
    crossings[1].sent = 0;
    CHECK(start_all(send_while_open));
    for (int i = 0; i < 500; i++) {
        struct crossing *c = &crossings[0];

        CHECK_EQ(open_loopback(c, &far), 0);
        near = c->ch;
        atomic_write(&crossings[1].sent, evtchn_port(far));
        EXPECT_EQ(evtchn_bind_vcpu(near, (unsigned int)i % vcpu_count()), 0);
        EXPECT_EQ(evtchn_close(near), 0);
        atomic_write(&c->closed, true);
        EXPECT_EQ(evtchn_close(far), 0);
    }
    stop_all();
}

/* --- storms from another VCPU --------------------------------------------------------------- */

static void storm(void *arg)
{
    (void)arg;
    while (!atomic_read(&release))
        send(&crossings[0]);
}

TEST(storm_from_another_vcpu_is_bounded)
{
    struct evtchn_counters counters;
    uint64_t before, start, ticks;

    NEEDS_VCPUS(2);
    CHECK_EQ(open_crossing(&crossings[0], 0, GPR), 0);
    EXPECT_EQ(evtchn_set_share(crossings[0].ch, 8), 0);
    before = clock_now();
    CHECK(start_all(storm)); /* which alone may take long */
    start = clock_now();
    do
        evtchn_get_counters(crossings[0].ch, &counters);
    while (clock_now() - start < (counters.delivered ? 50 * MS : PATIENCE));
    ticks = (clock_now() - before) / EVTCHN_TICK_DEFAULT;
    if (counters.delivered == 0 || counters.delivered > (ticks + 3) * 8)
        test_fail(__FILE__, __LINE__, "%lu deliveries in %lu ticks of 8",
                  (unsigned long)counters.delivered, (unsigned long)ticks);
    stop_all();
    clock_sleep(3 * MS);
    EXPECT_EQ(crossings[0].seen, crossings[0].sent);
    EXPECT_EQ(evtchn_close(crossings[0].ch), 0);
}

/* --- VCPUs that leave, and a reset beside one ------------------------------------------------ */

static uint32_t go;

/* Pending here, upcalls masked, when the program returns. */
static void raise_and_leave(void *arg)
{
    (void)arg;
    while (!atomic_read(&go))
        arch_cpu_relax();
    (void)platform_upcalls_save();
    atomic_write(&crossings[0].sent, atomic_read(&crossings[0].sent) + 1);
    EXPECT_EQ(evtchn_send(far_end), 0);
}

TEST(event_of_a_vcpu_that_goes_down_is_not_lost)
{
    struct crossing *c = &crossings[0];
    unsigned int last = vcpu_count() - 1, seen = 0;
    struct evtchn *stays;

    NEEDS_VCPUS(2);
    release = 0;
    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, count_event, &seen, GPR, &stays), 0);
    if (last > 1) {
        CHECK_EQ(vcpu_start(last, run_until_released, NULL), 0);
        EXPECT_EQ(evtchn_bind_vcpu(stays, last), 0);
    }
    for (int i = 0; i < 10; i++) {
        go = 0;
        CHECK_EQ(open_loopback(c, &far_end), 0);
        CHECK_EQ(vcpu_start(1, raise_and_leave, NULL), 0);
        EXPECT_EQ(evtchn_bind_vcpu(c->ch, 1), 0);
        atomic_write(&go, 1);
        CHECK_EQ(vcpu_join(1, clock_after(PATIENCE)), 0);
        EXPECT_EQ(evtchn_vcpu(c->ch), 0);
        EXPECT(wait_until_equal(&c->seen, &c->sent));
        EXPECT_EQ(c->sent, 1);
        EXPECT_EQ(evtchn_close(c->ch), 0);
        EXPECT_EQ(evtchn_close(far_end), 0);
    }
    EXPECT_EQ(evtchn_vcpu(stays), last > 1 ? last : 0); /* another VCPU's */
    if (last > 1) {
        atomic_write(&release, 1);
        vcpu_wake(last);
        EXPECT_EQ(vcpu_join(last, clock_after(PATIENCE)), 0);
    }
    EXPECT_EQ(evtchn_close(stays), 0);
}

/* Uses no channel until it is told to. */
static void spin_through(void *arg)
{
    (void)arg;
    while (!atomic_read(&go))
        arch_cpu_relax();
    run_until_released(NULL);
}

TEST(reset_beside_a_vcpu_that_is_up)
{
    unsigned int seen = 0, moved = 0, once = 1, moves;
    struct evtchn *ch, *mover;

    if (in_pv_shim())
        SKIP("the PV shim does not survive a reset");
    NEEDS_VCPUS(2);
    release = go = 0;
    CHECK_EQ(vcpu_start(1, spin_through, NULL), 0);
    CHECK_EQ(evtchn_bind_ipi(1, count_event, &seen, GPR, &ch), 0);
    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, count_event, &moved, GPR, &mover), 0);
    EXPECT_EQ(evtchn_bind_vcpu(mover, 1), 0);
    EXPECT_EQ(evtchn_reset(), 0);
    EXPECT_EQ(evtchn_vcpu(mover), 1);
    atomic_write(&go, 1);
    EXPECT(wait_until_equal(&seen, &once)); /* the reset's own call */
    once = 2;
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(wait_until_equal(&seen, &once));
    clock_sleep(MS);
    moves = atomic_read(&moved) + 1;
    EXPECT_EQ(evtchn_raise(mover), 0);
    EXPECT(wait_until_equal(&moved, &moves));
    atomic_write(&release, 1);
    vcpu_wake(1); /* unless it saw that already */
    EXPECT_EQ(vcpu_join(1, clock_after(PATIENCE)), 0);
    EXPECT_EQ(evtchn_close(ch), 0);
    EXPECT_EQ(evtchn_close(mover), 0);
}
