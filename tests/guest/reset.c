/* SPDX-License-Identifier: MIT */
/* EVTCHNOP_reset: every port is closed, and the channels are there again behind their handles. */
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR

/* The PV shim would pass a reset on, closing its own ports too: it is refused, and all goes on. */
#define SKIP_IN_PV_SHIM()                               \
    do {                                                \
        if (in_pv_shim()) {                             \
            EXPECT_EQ(evtchn_reset(), -XEN_EOPNOTSUPP); \
            clock_sleep(1000000);                       \
            SKIP("the PV shim does not survive it");    \
        }                                               \
    } while (0)

struct kept {
    struct evtchn *ch;
    unsigned int seen;
};

static int ipi(struct kept *k, unsigned int flags)
{
    *k = (struct kept){ .seen = 0 };
    return evtchn_bind_ipi(0, count_event, &k->seen, flags, &k->ch);
}

TEST(reset_brings_channels_back)
{
    struct kept a, b, masked, quiet, left, right, debug = { .seen = 0 };

    SKIP_IN_PV_SHIM();
    CHECK_EQ(ipi(&a, GPR), 0);
    CHECK_EQ(ipi(&b, GPR), 0);
    CHECK_EQ(ipi(&masked, GPR), 0);
    CHECK_EQ(ipi(&quiet, GPR | EVTCHN_NO_RERAISE), 0);
    CHECK_EQ(evtchn_bind_virq(VIRQ_XENOPROF, 0, count_event, &debug.seen, GPR, &debug.ch), 0);
    left = right = (struct kept){ .seen = 0 };
    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, count_event, &left.seen, GPR, &left.ch), 0);
    CHECK_EQ(evtchn_bind_interdomain(DOMID_SELF, evtchn_port(left.ch), count_event, &right.seen,
                                     GPR, &right.ch),
             0);
    evtchn_close(a.ch); /* ports are numbered anew, without the hole */
    EXPECT_EQ(evtchn_mask(masked.ch), 0);
    left.seen = right.seen = 0;

    CHECK_EQ(evtchn_reset(), 0);

    /* Each handler was called once; the masked one will be when it may. */
    EXPECT_EQ(b.seen, 1);
    EXPECT_EQ(debug.seen, 1);
    EXPECT_EQ(quiet.seen, 0);
    EXPECT_EQ(evtchn_send(quiet.ch), 0);
    EXPECT_EQ(quiet.seen, 1);
    EXPECT_EQ(masked.seen, 0);
    EXPECT(left.seen >= 1 && right.seen >= 1);
    EXPECT_EQ(evtchn_unmask(masked.ch), 0);
    EXPECT_EQ(masked.seen, 1);

    EXPECT_EQ(evtchn_send(b.ch), 0);
    EXPECT_EQ(b.seen, 2);
    left.seen = right.seen = 0;
    EXPECT_EQ(evtchn_send(left.ch), 0);
    EXPECT_EQ(right.seen, 1);
    EXPECT_EQ(evtchn_send(right.ch), 0);
    EXPECT_EQ(left.seen, 1);
    clock_sleep(1000000); /* the timer's channel came back too */

    EXPECT_EQ(evtchn_close(b.ch), 0);
    EXPECT_EQ(evtchn_close(masked.ch), 0);
    EXPECT_EQ(evtchn_close(quiet.ch), 0);
    EXPECT_EQ(evtchn_close(left.ch), 0);
    EXPECT_EQ(evtchn_close(right.ch), 0);
    EXPECT_EQ(evtchn_close(debug.ch), 0);
}

TEST(reset_again_and_again)
{
    struct kept k;

    SKIP_IN_PV_SHIM();
    CHECK_EQ(ipi(&k, GPR), 0);
    for (unsigned int i = 1; i <= 20; i++) {
        CHECK_EQ(evtchn_reset(), 0);
        EXPECT_EQ(k.seen, 2 * i - 1);
        EXPECT_EQ(evtchn_send(k.ch), 0);
        EXPECT_EQ(k.seen, 2 * i);
        console_printf("%s", ""); /* the console's channel is there each time */
    }
    EXPECT_EQ(evtchn_close(k.ch), 0);
}

/* A channel whose far end is gone cannot come back: its handle says so, and can still be closed. */
TEST(reset_loses_what_has_no_far_end)
{
    struct evtchn_status status;
    evtchn_port_t far;
    struct kept k = { .seen = 0 };

    SKIP_IN_PV_SHIM();
    /* The far end is a port of ours without a handle: the reset closes it and nobody reopens it. */
    CHECK_EQ(hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &far), 0);
    CHECK_EQ(evtchn_bind_interdomain(DOMID_SELF, far, count_event, &k.seen, GPR, &k.ch), 0);
    CHECK_EQ(evtchn_reset(), 0);
    EXPECT_EQ(evtchn_send(k.ch), -XEN_ENOTCONN);
    EXPECT_EQ(evtchn_mask(k.ch), -XEN_ENOTCONN);
    EXPECT_EQ(evtchn_unmask(k.ch), -XEN_ENOTCONN);
    EXPECT_EQ(evtchn_raise(k.ch), -XEN_ENOTCONN);
    EXPECT_EQ(evtchn_status(k.ch, &status), -XEN_ENOTCONN);
    EXPECT_EQ(evtchn_bind_vcpu(k.ch, 0), -XEN_ENOTCONN);
    EXPECT_EQ(evtchn_poll(&k.ch, 1, 0), -XEN_ENOTCONN);
    EXPECT(!evtchn_is_pending(k.ch));
    EXPECT_EQ(evtchn_close(k.ch), 0);
}

static struct evtchn *far_away[3];
static unsigned int told;

static void tell(struct evtchn *ch, void *data)
{
    EXPECT(ch == far_away[0] || ch == far_away[1]);
    EXPECT(data == &told);
    EXPECT_EQ(evtchn_send(ch), -XEN_ENOTCONN);
    told++;
}

/* Closes its own channel, and another one that was lost too, whose owner is then not told. */
static void tell_and_close(struct evtchn *ch, void *data)
{
    (void)data;
    told++;
    for (unsigned int i = 0; i < 3; i++) {
        if (far_away[i])
            EXPECT_EQ(evtchn_close(far_away[i]), 0);
        far_away[i] = NULL;
    }
    EXPECT_EQ(evtchn_bind_ipi(0, count_event, &told, GPR, &far_away[0]), 0);
    (void)ch;
}

static bool lose_three(evtchn_handler_t *lost)
{
    evtchn_port_t far;

    told = 0;
    for (unsigned int i = 0; i < 3; i++) {
        int rc = hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &far);

        if (rc || evtchn_bind_interdomain(DOMID_SELF, far, NULL, &told, 0, &far_away[i]))
            return false;
        evtchn_on_lost(far_away[i], lost);
    }
    evtchn_on_lost(far_away[2], lost == tell ? NULL : lost);
    return evtchn_reset() == 0;
}

TEST(reset_tells_owners_of_lost_channels_once)
{
    SKIP_IN_PV_SHIM();
    CHECK(lose_three(tell));
    EXPECT_EQ(told, 2);
    CHECK_EQ(evtchn_reset(), 0);
    EXPECT_EQ(told, 2);
    for (unsigned int i = 0; i < 3; i++)
        EXPECT_EQ(evtchn_close(far_away[i]), 0);

    CHECK(lose_three(tell_and_close));
    EXPECT_EQ(told, 1);
    EXPECT_EQ(evtchn_send(far_away[0]), 0);
    EXPECT_EQ(told, 2);
    EXPECT_EQ(evtchn_close(far_away[0]), 0);
}
