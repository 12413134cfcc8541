/* SPDX-License-Identifier: MIT */
/* A channel's life: bound, connected, masked, closed. */
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR

TEST(ipi_to_self_is_delivered)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    CHECK(evtchn_port(ch) != 0);
    CHECK_EQ(evtchn_vcpu(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 2);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(bind_refuses_what_is_wrong)
{
    struct evtchn *ch = NULL;

    EXPECT_EQ(evtchn_bind_ipi(0, count_event, NULL, 0x80, &ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_bind_ipi(4000, count_event, NULL, GPR, &ch), -XEN_ENOENT);
    EXPECT_EQ(evtchn_bind_virq(NR_VIRQS, 0, count_event, NULL, GPR, &ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_bind_virq(VIRQ_DEBUG, 0, count_event, NULL, GPR, &ch), -XEN_EEXIST);
    EXPECT_EQ(evtchn_bind_interdomain(DOMID_SELF, 0, count_event, NULL, GPR, &ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_bind_interdomain(0x7fe0, 1, count_event, NULL, GPR, &ch), -XEN_ESRCH);
    EXPECT_EQ(evtchn_bind_port(0, count_event, NULL, GPR, &ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_bind_port(evtchn_nr_ports() + 5, count_event, NULL, GPR, &ch), -XEN_EINVAL);
    EXPECT(ch == NULL);
}

/* Two ends of one channel, both ours. The second end's handler is called once for being bound. */
struct pair {
    struct evtchn *a, *b;
    unsigned int seen_a, seen_b;
};

static int make_pair(struct pair *p)
{
    int rc = evtchn_bind_unbound(DOMID_SELF, count_event, &p->seen_a, GPR, &p->a);

    if (rc)
        return rc;
    rc =
        evtchn_bind_interdomain(DOMID_SELF, evtchn_port(p->a), count_event, &p->seen_b, GPR, &p->b);
    if (rc)
        evtchn_close(p->a);
    return rc;
}

TEST(loopback_carries_both_ways)
{
    struct pair p = { .seen_a = 0 };

    CHECK_EQ(make_pair(&p), 0);
    EXPECT_EQ(p.seen_b, 1); /* Xen raises the binder's port, always */
    EXPECT_EQ(p.seen_a, 0);
    EXPECT_EQ(evtchn_send(p.a), 0);
    EXPECT_EQ(p.seen_b, 2);
    EXPECT_EQ(evtchn_send(p.b), 0);
    EXPECT_EQ(p.seen_a, 1);
    EXPECT_EQ(evtchn_close(p.b), 0);
    EXPECT_EQ(evtchn_send(p.a), 0); /* unbound now: dropped */
    EXPECT_EQ(evtchn_close(p.a), 0);
    EXPECT_EQ(p.seen_a, 1);
    EXPECT_EQ(p.seen_b, 2);
}

TEST(status_tells_what_a_channel_is)
{
    struct evtchn_status s;
    struct pair p = { .seen_a = 0 };

    CHECK_EQ(make_pair(&p), 0);
    EXPECT_EQ(evtchn_status(p.a, &s), 0);
    EXPECT_EQ(s.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(s.u.interdomain.port, evtchn_port(p.b));
    evtchn_close(p.b);
    EXPECT_EQ(evtchn_status(p.a, &s), 0);
    EXPECT_EQ(s.status, EVTCHNSTAT_unbound);
    evtchn_close(p.a);
}

TEST(a_port_has_one_handle)
{
    struct evtchn *ch, *other = NULL;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, NULL, GPR, &ch), 0);
    EXPECT_EQ(evtchn_bind_port(evtchn_port(ch), count_event, NULL, GPR, &other), -XEN_EEXIST);
    EXPECT(other == NULL);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(event_before_the_handler_is_delivered_when_bound)
{
    unsigned int seen = 0;
    evtchn_port_t port;
    struct evtchn *ch;

    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_send(port), 0);
    EXPECT_EQ(hypercall_evtchn_send(port), 0);
    CHECK_EQ(evtchn_bind_port(port, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 2);
    CHECK_EQ(evtchn_close(ch), 0);
}

/* What came while Xen changed to another ABI may be lost: the handler is to look itself. */
TEST(taken_over_port_is_called_once_in_another_abi_than_2_level)
{
    unsigned int seen = 0, once = !abi_is("2l");
    evtchn_port_t port;
    struct evtchn *ch;

    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    CHECK_EQ(evtchn_bind_port(port, count_event, &seen, GPR, &ch), 0);
    EXPECT(wait_count(&seen, once));
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(wait_count(&seen, once + 1));
    EXPECT_EQ(seen, once + 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(masked_events_merge_and_come_at_unmask)
{
    struct evtchn_counters counters;
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_raise(ch), 0);
    EXPECT_EQ(seen, 0);
    EXPECT(evtchn_is_pending(ch));
    EXPECT_EQ(evtchn_unmask(ch), 0); /* undoes both */
    EXPECT_EQ(seen, 1);
    EXPECT(!evtchn_is_pending(ch));
    EXPECT_EQ(evtchn_unmask(ch), 0); /* nothing is pending: nothing comes */
    EXPECT_EQ(seen, 1);
    evtchn_get_counters(ch, &counters);
    EXPECT_EQ(counters.delivered, 1);
    EXPECT_EQ(counters.deferred, 0);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(bound_masked_waits_for_unmask)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR | EVTCHN_MASKED, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(evtchn_unmask(ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(raise_delivers_as_if_it_had_come_in)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(evtchn_raise(ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(polled_channel_is_never_delivered)
{
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, NULL, NULL, 0, &ch), 0);
    EXPECT(!evtchn_take_pending(ch));
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(evtchn_unmask(ch), -XEN_EINVAL);
    EXPECT(evtchn_is_pending(ch));
    EXPECT(evtchn_take_pending(ch));
    EXPECT(!evtchn_take_pending(ch));
    CHECK_EQ(evtchn_close(ch), 0);
}

/* A mistake that is told; the handle is not given out twice after it. */
TEST(close_of_a_closed_channel_is_refused)
{
    struct evtchn *ch, *one, *two;

    CHECK_EQ(evtchn_bind_ipi(0, NULL, NULL, 0, &ch), 0);
    CHECK_EQ(evtchn_close(ch), 0);
    EXPECT_EQ(evtchn_close(ch), -XEN_EINVAL);
    CHECK_EQ(evtchn_bind_ipi(0, NULL, NULL, 0, &one), 0);
    CHECK_EQ(evtchn_bind_ipi(0, NULL, NULL, 0, &two), 0);
    EXPECT(one != two);
    EXPECT_EQ(evtchn_close(one), 0);
    EXPECT_EQ(evtchn_close(two), 0);
}

TEST(close_while_pending_leaves_nothing_behind)
{
    unsigned int seen = 0, seen_next = 0;
    evtchn_port_t port;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    port = evtchn_port(ch);
    evtchn_mask(ch);
    EXPECT_EQ(evtchn_send(ch), 0);
    CHECK_EQ(evtchn_close(ch), 0);
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen_next, GPR, &ch), 0);
    EXPECT_EQ(evtchn_port(ch), port); /* Xen gives the lowest that is free */
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(seen_next, 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen_next, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(bind_vcpu_moves_what_can_be_moved)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_unbound(DOMID_SELF, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(evtchn_bind_vcpu(ch, 4000), -XEN_ENOENT);
    EXPECT_EQ(evtchn_mask(ch), 0);
    EXPECT_EQ(evtchn_raise(ch), 0);
    EXPECT_EQ(evtchn_bind_vcpu(ch, 0), 0);
    EXPECT_EQ(seen, 0); /* still masked by us */
    EXPECT_EQ(evtchn_unmask(ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    EXPECT_EQ(evtchn_bind_vcpu(ch, 0), -XEN_EINVAL);
    EXPECT_EQ(evtchn_send(ch), 0); /* and works on after the refusal */
    EXPECT_EQ(seen, 2);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(bind_and_close_a_thousand_times)
{
    size_t before = 0;

    for (int i = 0; i < 1000; i++) {
        unsigned int seen = 0;
        struct evtchn *ch;

        CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
        EXPECT_EQ(evtchn_send(ch), 0);
        EXPECT_EQ(seen, 1);
        CHECK_EQ(evtchn_close(ch), 0);
        if (i == 0)
            before = xenlet_nr_free_pages();
    }
    CHECK_EQ(xenlet_nr_free_pages(), before);
}
