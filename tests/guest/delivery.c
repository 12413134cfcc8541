/* SPDX-License-Identifier: MIT */
/* What may happen while handlers run: raising, masking, closing and binding from within. */
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR

struct act {
    struct evtchn *self, *other;
    unsigned int seen, left;
    int rc;
};

static void raise_self(struct evtchn *ch, void *data)
{
    struct act *a = data;

    a->seen++;
    if (a->left) {
        a->left--;
        EXPECT_EQ(evtchn_send(ch), 0);
    }
}

TEST(raised_inside_its_own_handler)
{
    struct act a = { .left = 50 };

    CHECK_EQ(evtchn_bind_ipi(0, raise_self, &a, GPR, &a.self), 0);
    EXPECT_EQ(evtchn_send(a.self), 0);
    EXPECT_EQ(a.seen, 51);
    CHECK_EQ(evtchn_close(a.self), 0);
}

/* The event comes in a word the walk has passed or not reached: found before the upcall ends. */
static void raise_other(struct evtchn *ch, void *data)
{
    struct act *a = data;

    (void)ch;
    a->seen++;
    EXPECT_EQ(evtchn_send(a->other), 0);
}

#define SPREAD 200 /* ports; several words of the bitmaps */

TEST(raised_from_another_handler_wherever_it_is)
{
    static struct evtchn *ch[SPREAD];
    static unsigned int seen[SPREAD];
    struct act a = { .seen = 0 };

    for (int i = 0; i < SPREAD; i++) {
        seen[i] = 0;
        CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen[i], GPR, &ch[i]), 0);
    }
    CHECK_EQ(evtchn_close(ch[SPREAD / 2]), 0);
    CHECK_EQ(evtchn_bind_ipi(0, raise_other, &a, GPR | EVTCHN_NO_SHARE, &a.self), 0);
    for (int i = 0; i < SPREAD; i++) {
        if (i == SPREAD / 2)
            continue;
        a.other = ch[i];
        EXPECT_EQ(evtchn_send(a.self), 0);
        EXPECT_EQ(seen[i], 1);
        CHECK_EQ(evtchn_close(ch[i]), 0);
    }
    EXPECT_EQ(a.seen, SPREAD - 1);
    CHECK_EQ(evtchn_close(a.self), 0);
}

static void close_other(struct evtchn *ch, void *data)
{
    struct act *a = data;

    (void)ch;
    a->seen++;
    if (a->other) {
        a->rc = evtchn_close(a->other);
        a->other = NULL;
    }
}

/* Both are pending when the first handler runs; whichever it is, the other one's must not. */
TEST(closed_by_a_handler_while_pending)
{
    struct act a = { .seen = 0 }, b = { .seen = 0 };
    unsigned long flags;

    CHECK_EQ(evtchn_bind_ipi(0, close_other, &a, GPR, &a.self), 0);
    CHECK_EQ(evtchn_bind_ipi(0, close_other, &b, GPR, &b.self), 0);
    a.other = b.self;
    b.other = a.self;
    flags = platform_upcalls_save();
    EXPECT_EQ(evtchn_send(a.self), 0);
    EXPECT_EQ(evtchn_send(b.self), 0);
    EXPECT_EQ(a.seen + b.seen, 0);
    platform_upcalls_restore(flags);
    EXPECT_EQ(a.seen + b.seen, 1);
    EXPECT_EQ(a.rc, 0);
    EXPECT_EQ(b.rc, 0);
    CHECK_EQ(evtchn_close(a.seen ? a.self : b.self), 0);
}

static void close_self(struct evtchn *ch, void *data)
{
    struct act *a = data;

    a->rc = evtchn_close(ch);
    /* The handle lives until the handler returns. */
    EXPECT_EQ(evtchn_port(ch), evtchn_port(a->self));
    a->seen++;
}

TEST(closed_by_its_own_handler)
{
    struct act a = { .rc = 1 };
    evtchn_port_t port;
    unsigned int seen = 0;
    struct evtchn *next;

    CHECK_EQ(evtchn_bind_ipi(0, close_self, &a, GPR, &a.self), 0);
    port = evtchn_port(a.self);
    EXPECT_EQ(evtchn_send(a.self), 0);
    EXPECT_EQ(a.seen, 1);
    EXPECT_EQ(a.rc, 0);
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &next), 0);
    EXPECT_EQ(evtchn_port(next), port);
    CHECK_EQ(evtchn_close(next), 0);
}

static void mask_other(struct evtchn *ch, void *data)
{
    struct act *a = data;

    (void)ch;
    a->seen++;
    EXPECT_EQ(evtchn_mask(a->other), 0);
}

TEST(masked_by_a_handler_while_pending)
{
    struct act a = { .seen = 0 }, b = { .seen = 0 };
    unsigned long flags;

    CHECK_EQ(evtchn_bind_ipi(0, mask_other, &a, GPR, &a.self), 0);
    CHECK_EQ(evtchn_bind_ipi(0, mask_other, &b, GPR, &b.self), 0);
    a.other = b.self;
    b.other = a.self;
    flags = platform_upcalls_save();
    EXPECT_EQ(evtchn_send(a.self), 0);
    EXPECT_EQ(evtchn_send(b.self), 0);
    platform_upcalls_restore(flags);
    EXPECT_EQ(a.seen + b.seen, 1);
    evtchn_unmask(a.seen ? a.other : b.other); /* now the other one runs, and masks the first */
    EXPECT_EQ(a.seen, 1);
    EXPECT_EQ(b.seen, 1);
    CHECK_EQ(evtchn_close(a.self), 0);
    CHECK_EQ(evtchn_close(b.self), 0);
}

static void mask_self(struct evtchn *ch, void *data)
{
    struct act *a = data;

    a->seen++;
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
}

TEST(masked_by_its_own_handler)
{
    struct act a = { .seen = 0 };

    CHECK_EQ(evtchn_bind_ipi(0, mask_self, &a, GPR, &a.self), 0);
    EXPECT_EQ(evtchn_send(a.self), 0);
    EXPECT_EQ(a.seen, 1);
    EXPECT_EQ(evtchn_unmask(a.self), 0);
    EXPECT_EQ(a.seen, 2);
    CHECK_EQ(evtchn_close(a.self), 0);
}

static void bind_another(struct evtchn *ch, void *data)
{
    struct act *a = data;

    (void)ch;
    a->seen++;
    a->rc = evtchn_bind_ipi(0, count_event, &a->left, GPR, &a->other);
    EXPECT_EQ(evtchn_send(a->other), 0);
    EXPECT_EQ(a->left, 0); /* upcalls are masked here */
}

TEST(bound_within_a_handler)
{
    struct act a = { .rc = 1 };

    CHECK_EQ(evtchn_bind_ipi(0, bind_another, &a, GPR, &a.self), 0);
    EXPECT_EQ(evtchn_send(a.self), 0);
    CHECK_EQ(a.rc, 0);
    EXPECT_EQ(a.left, 1);
    CHECK_EQ(evtchn_close(a.self), 0);
    CHECK_EQ(evtchn_close(a.other), 0);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void try_to_wait(struct evtchn *ch, void *data)
{
    struct act *a = data;

    (void)ch;
    a->rc = evtchn_wait(never, NULL, clock_after(1000));
}

TEST(a_handler_may_not_wait)
{
    struct act a = { .rc = 1 };

    CHECK_EQ(evtchn_bind_ipi(0, try_to_wait, &a, GPR, &a.self), 0);
    EXPECT_EQ(evtchn_send(a.self), 0);
    EXPECT_EQ(a.rc, -XEN_EDEADLK);
    CHECK_EQ(evtchn_close(a.self), 0);
}

TEST(masked_upcalls_hold_back_everything)
{
    unsigned long flags = platform_upcalls_save();
    unsigned int seen[4] = { 0 };
    struct evtchn *ch[4];

    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(evtchn_bind_ipi(0, count_event, &seen[i], GPR, &ch[i]), 0);
        EXPECT_EQ(evtchn_send(ch[i]), 0);
    }
    EXPECT_EQ(seen[0] + seen[1] + seen[2] + seen[3], 0);
    platform_upcalls_restore(flags);
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(seen[i], 1);
        CHECK_EQ(evtchn_close(ch[i]), 0);
    }
}

static void show_masked(struct evtchn *ch, void *data)
{
    (void)ch;
    *(unsigned long *)data = platform_upcalls_save();
}

TEST(handlers_run_with_upcalls_masked)
{
    unsigned long flags = 2;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, show_masked, &flags, GPR, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(flags, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

/* What else a handler may do to its own channel. */
static void rebind_self(struct evtchn *ch, void *data)
{
    struct act *a = data;

    a->seen++;
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_raise(ch), 0);
    EXPECT_EQ(evtchn_unmask(ch), 0); /* delivered after we return, not within */
    EXPECT_EQ(evtchn_bind_vcpu(ch, vcpu_this()), 0);
    EXPECT_EQ(evtchn_set_share(ch, 100), 0);
    if (a->seen == 3)
        evtchn_mask(ch);
}

TEST(moved_and_unmasked_by_its_own_handler)
{
    struct act a = { .seen = 0 };

    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, rebind_self, &a, GPR, &a.self), 0);
    EXPECT_EQ(evtchn_raise(a.self), 0);
    EXPECT_EQ(a.seen, 3); /* each delivery raised the next, until the third masked */
    EXPECT_EQ(evtchn_unmask(a.self), 0);
    EXPECT(a.seen > 3); /* what the third raised; it goes on until the share is used up */
    CHECK_EQ(evtchn_close(a.self), 0);
}
