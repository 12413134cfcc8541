/* SPDX-License-Identifier: MIT */
/*
 * Lossless, counted, with every VCPU at it: each raises, masks, unmasks, moves and re-ranks
 * whichever channel it likes. At rest seen equals sent for every channel, none was delivered more
 * often than it was raised or had reason to, and no handler ever ran on two VCPUs at once.
 */
#include "arch/atomic.h"
#include "tests/guest/test.h"

#define PAIRS 48
#define MS    1000000ull

static struct pair {
    struct evtchn *ch, *far;
    unsigned int sent, seen, delivered, allowed;
    uint32_t inside, owed;
    bool late;
} pairs[PAIRS];

static unsigned int steps_each, through;
static uint32_t all_up, go_home;

static void add(unsigned int *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

static void pair_event(struct evtchn *ch, void *data)
{
    struct pair *p = data;

    if (ch != p->ch || __atomic_exchange_n(&p->inside, 1, __ATOMIC_SEQ_CST))
        test_fail(__FILE__, __LINE__, "pair %u: its handler runs on two VCPUs at once",
                  (unsigned int)(p - pairs));
    __atomic_store_n(&p->seen, __atomic_load_n(&p->sent, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
    p->delivered++;
    __atomic_store_n(&p->inside, 0, __ATOMIC_SEQ_CST);
    if (p->late)
        __atomic_store_n(&p->owed, 1, __ATOMIC_SEQ_CST);
}

/* One delivery, one EOI, by whichever VCPU comes first. */
static void pay(struct pair *p)
{
    if (__atomic_exchange_n(&p->owed, 0, __ATOMIC_SEQ_CST))
        EXPECT_EQ(evtchn_eoi(p->ch, false), 0);
}

static void raise(struct pair *p, bool far)
{
    add(&p->sent);
    EXPECT_EQ(far ? evtchn_send(p->far) : evtchn_raise(p->ch), 0);
}

static unsigned int random_below(uint64_t *state, unsigned int n)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned int)(*state >> 33) % n;
}

static void step(uint64_t *state)
{
    struct pair *p = &pairs[random_below(state, PAIRS)];
    int rc;

    pay(&pairs[random_below(state, PAIRS)]);
    switch (random_below(state, 32)) {
    case 0:
        EXPECT_EQ(evtchn_mask(p->ch), 0);
        break;
    case 1:
    case 2:
        EXPECT_EQ(evtchn_unmask(p->ch), 0);
        break;
    case 3:
        add(&p->allowed);
        EXPECT_EQ(evtchn_bind_vcpu(p->ch, random_below(state, vcpu_count())), 0);
        break;
    case 4:
        add(&p->allowed);
        rc = evtchn_set_priority(p->ch, random_below(state, 16));
        EXPECT(rc == 0 || rc == -XEN_ENOSYS);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        raise(p, false);
        break;
    default:
        raise(p, true);
        break;
    }
}

static void do_steps(void *arg)
{
    uint64_t state = test_number("seed", 1) + vcpu_this();

    (void)arg;
    while (!atomic_read(&all_up)) /* nothing can be moved to a VCPU that is down */
        clock_sleep(MS);
    for (unsigned int i = 0; i < steps_each; i++)
        step(&state);
    add(&through);
    while (vcpu_this() != 0 && !atomic_read(&go_home))
        clock_sleep(MS);
}

static int open_pair(struct pair *p, unsigned int kind)
{
    static const unsigned int flags[] = { EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE, 0,
                                          EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI };
    int rc;

    *p = (struct pair){ .late = kind == 2, .allowed = 2 };
    rc = evtchn_bind_unbound(DOMID_SELF, pair_event, p, flags[kind], &p->ch);
    if (rc == 0)
        rc = evtchn_bind_interdomain(DOMID_SELF, evtchn_port(p->ch), NULL, NULL, 0, &p->far);
    return rc;
}

/* What rests for a tick, or waits for an EOI, comes in the end; the other VCPUs are still up. */
static bool come_to_rest(struct pair *p)
{
    EXPECT_EQ(evtchn_unmask(p->ch), 0);
    for (unsigned int ms = 0; ms < 5000; ms++) {
        pay(p);
        if (atomic_read(&p->seen) == atomic_read(&p->sent) && !atomic_read(&p->owed))
            return true;
        clock_sleep(MS);
    }
    return false;
}

TEST(what_all_vcpus_send_is_seen)
{
    steps_each = test_number("steps", 80000) / vcpu_count();
    through = all_up = go_home = 0;
    for (unsigned int i = 0; i < PAIRS; i++)
        CHECK_EQ(open_pair(&pairs[i], i % 3), 0);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        CHECK_EQ(vcpu_start(i, do_steps, NULL), 0);
    atomic_write(&all_up, 1);
    do_steps(NULL);
    while (atomic_read(&through) != vcpu_count())
        clock_sleep(MS);
    for (unsigned int i = 0; i < PAIRS; i++)
        EXPECT(come_to_rest(&pairs[i]));
    atomic_write(&go_home, 1);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        EXPECT_EQ(vcpu_join(i, XENLET_FOREVER), 0);
    for (unsigned int i = 0; i < PAIRS; i++) {
        struct pair *p = &pairs[i];

        if (!come_to_rest(p) || p->delivered > p->sent + p->allowed)
            test_fail(__FILE__, __LINE__, "pair %u: sent %u, seen %u, delivered %u times (+%u)", i,
                      p->sent, p->seen, p->delivered, p->allowed);
        CHECK_EQ(evtchn_close(p->ch), 0);
        CHECK_EQ(evtchn_close(p->far), 0);
    }
}
