/* SPDX-License-Identifier: MIT */
/* What only FIFO has: order, priorities, links, and its own way to be entered and left. */
#include "evtchn/internal.h"
#include "tests/guest/test.h"

#define GPR (EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE)

#define NEEDS_FIFO() NEEDS_ABI("fifo")

#define MANY 40

static unsigned int order[4 * MANY];
static unsigned int nr_order;

static void note(struct evtchn *ch, void *data)
{
    (void)ch;
    if (nr_order < 4 * MANY)
        order[nr_order++] = (unsigned int)(uintptr_t)data;
}

static struct evtchn *channels[MANY];

static bool bind_many(evtchn_handler_t *handler)
{
    for (uintptr_t i = 0; i < MANY; i++) {
        if (evtchn_bind_ipi(0, handler, (void *)i, GPR, &channels[i]) != 0)
            return false;
    }
    return true;
}

static void close_many(void)
{
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(evtchn_close(channels[i]), 0);
}

/* Within one priority, first in is first out: here against the order of the ports. */
TEST(fifo_keeps_the_order_of_raises)
{
    unsigned long flags;

    NEEDS_FIFO();
    CHECK(bind_many(note));
    flags = platform_upcalls_save();
    nr_order = 0;
    for (int i = MANY; i-- > 0;)
        EXPECT_EQ(evtchn_send(channels[i]), 0);
    EXPECT_EQ(evtchn_send(channels[3]), 0); /* linked already: keeps its place */
    platform_upcalls_restore(flags);
    EXPECT_EQ(nr_order, MANY);
    for (unsigned int i = 0; i < MANY; i++)
        EXPECT_EQ(order[i], MANY - 1 - i);
    close_many();
}

TEST(fifo_delivers_by_priority)
{
    unsigned long flags;

    NEEDS_FIFO();
    CHECK(bind_many(note));
    for (unsigned int i = 0; i < MANY; i++)
        EXPECT_EQ(evtchn_set_priority(channels[i], 15 - i % 16), 0);
    flags = platform_upcalls_save();
    nr_order = 0;
    for (unsigned int i = 0; i < MANY; i++)
        EXPECT_EQ(evtchn_send(channels[i]), 0);
    platform_upcalls_restore(flags);
    EXPECT_EQ(nr_order, MANY);
    for (unsigned int i = 1; i < nr_order; i++) {
        unsigned int last = 15 - order[i - 1] % 16, this = 15 - order[i] % 16;

        EXPECT(last < this || (last == this && order[i - 1] < order[i]));
    }
    close_many();
}

static void raise_urgent(struct evtchn *ch, void *data)
{
    note(ch, data);
    if (data == (void *)2)
        EXPECT_EQ(evtchn_send(channels[MANY - 1]), 0);
}

/* Raised in the middle of a long queue, a higher priority is next. */
TEST(fifo_higher_priority_comes_in_between)
{
    unsigned long flags;

    NEEDS_FIFO();
    CHECK(bind_many(raise_urgent));
    EXPECT_EQ(evtchn_set_priority(channels[MANY - 1], 0), 0);
    flags = platform_upcalls_save();
    nr_order = 0;
    for (unsigned int i = 0; i < MANY - 1; i++)
        EXPECT_EQ(evtchn_send(channels[i]), 0);
    platform_upcalls_restore(flags);
    EXPECT_EQ(nr_order, MANY);
    for (unsigned int i = 0; i < 3; i++)
        EXPECT_EQ(order[i], i);
    EXPECT_EQ(order[3], MANY - 1);
    close_many();
}

TEST(priority_has_limits)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    if (evtchn_ops->unlinks) {
        EXPECT_EQ(evtchn_set_priority(ch, 16), -XEN_EINVAL);
        EXPECT_EQ(evtchn_set_priority(ch, 15), 0);
        EXPECT_EQ(evtchn_set_priority(ch, 0), 0);
    } else {
        EXPECT_EQ(evtchn_set_priority(ch, 16), -XEN_EINVAL);
        EXPECT_EQ(evtchn_set_priority(ch, 3), -XEN_ENOSYS);
    }
    seen = 0;
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(priority_is_kept_over_a_reset)
{
    struct evtchn *low, *high;
    unsigned long flags;

    NEEDS_FIFO();
    CHECK_EQ(evtchn_bind_ipi(0, note, (void *)1, GPR, &low), 0);
    CHECK_EQ(evtchn_bind_ipi(0, note, (void *)2, GPR, &high), 0);
    EXPECT_EQ(evtchn_set_priority(low, 12), 0);
    EXPECT_EQ(evtchn_set_priority(high, 2), 0);
    CHECK_EQ(evtchn_reset(), 0);
    CHECK(evtchn_ops->unlinks); /* and FIFO is in use again */
    flags = platform_upcalls_save();
    nr_order = 0;
    EXPECT_EQ(evtchn_send(low), 0);
    EXPECT_EQ(evtchn_send(high), 0);
    platform_upcalls_restore(flags);
    EXPECT_EQ(nr_order, 2);
    EXPECT_EQ(order[0], 2);
    EXPECT_EQ(order[1], 1);
    CHECK_EQ(evtchn_close(low), 0);
    CHECK_EQ(evtchn_close(high), 0);
}

/*
 * A port closed while it is linked stays busy for Xen until it is taken off its queue. One that a
 * walk left linked would never be given out again: the numbers would creep up.
 */
TEST(closed_while_linked_is_given_out_again)
{
    unsigned int rounds = test_number("rounds", 1000);
    evtchn_port_t highest = 0;

    for (unsigned int i = 0; i < rounds; i++) {
        unsigned long flags = platform_upcalls_save();
        unsigned int seen = 0;
        struct evtchn *ch;

        EXPECT_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
        EXPECT_EQ(evtchn_send(ch), 0);
        if (evtchn_port(ch) > highest)
            highest = evtchn_port(ch);
        EXPECT_EQ(evtchn_close(ch), 0);
        platform_upcalls_restore(flags);
        EXPECT_EQ(seen, 0);
    }
    EXPECT(highest < 100);
}

/* Heads and ready bits that lead nowhere are noticed and survived. */
TEST(fifo_survives_stray_heads)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();
    static const uint32_t heads[] = { 0, 131071, 131072, 200000, UINT32_MAX };
    uint64_t stray = v->fifo_stray;
    unsigned int seen = 0;
    struct evtchn *ch;

    NEEDS_FIFO();
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, GPR, &ch), 0);
    for (unsigned int i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        unsigned long flags = platform_upcalls_save();

        v->fifo_control.head[9] = heads[i];
        v->fifo_control.ready |= 1u << 9;
        test_upcall(v->info, flags);
        EXPECT_EQ(v->fifo_control.ready, 0);
    }
    EXPECT_EQ(v->fifo_stray - stray, 4);
    v->fifo_control.head[9] = 0;
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}

/* init_control checks the VCPU, then where the block would be; a VCPU has one block for good. */
TEST(fifo_control_block_has_rules)
{
    void *page = xenlet_pages_alloc(1);
    uint8_t bits;

    NEEDS_FIFO();
    CHECK(page);
    EXPECT_EQ(hypercall_evtchn_init_control(xenlet_gfn(page), 0, 4000, &bits), -XEN_ENOENT);
    EXPECT_EQ(hypercall_evtchn_init_control(xenlet_gfn(page), 4025, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(xenlet_gfn(page), 4028, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(xenlet_gfn(page), 4032, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_init_control(xenlet_gfn(page), 0, 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_expand_array(~0ull >> 12), -XEN_EINVAL);
    xenlet_pages_free(page, 1);
}

/*
 * Where a control block may lie: at multiples of 8 up to where it just fits. Each try that succeeds
 * puts the domain into FIFO behind the library's back; the reset brings it out again.
 */
TEST(control_block_may_lie_anywhere_it_fits)
{
    static const uint32_t good[] = { 0, 8, 4024 }, bad[] = { 4, 4025, 4028, 4032, 4096 };
    uint8_t bits = 0;
    void *page;

    NEEDS_ABI("2l");
    if (in_pv_shim())
        SKIP("the PV shim has no FIFO");
    page = xenlet_pages_alloc(1);
    CHECK(page);
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT_EQ(hypercall_evtchn_init_control(xenlet_gfn(page), bad[i], 0, &bits), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_expand_array(xenlet_gfn(page)), -XEN_EOPNOTSUPP);
    for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        evtchn_port_t port;
        int rc = hypercall_evtchn_bind_ipi(0, &port);

        EXPECT_EQ(rc, 0);
        EXPECT_EQ(hypercall_evtchn_send(port), 0); /* masked: it stays pending */
        rc = hypercall_evtchn_init_control(xenlet_gfn(page), good[i], 0, &bits);

        EXPECT_EQ(evtchn_reset(), 0); /* before anything is said: the console is deaf meanwhile */
        EXPECT_EQ(rc, 0);
        EXPECT_EQ(bits, EVTCHN_FIFO_LINK_BITS);
    }
    xenlet_pages_free(page, 1); /* Xen has let go of it */

    /* What was pending when Xen went over to FIFO is still in the bitmaps, but nobody's any more.
     */
    for (evtchn_port_t port = 1; port < 1024; port++)
        EXPECT(evtchn_lookup(port) || !evtchn_ops->is_pending(port));
}

#define ARRAY_PAGES 128u

/* The array grows to its end, a page at a time, and no further. Its pages are never given back. */
TEST(fifo_array_grows_to_its_end)
{
    void *page;

    NEEDS_FIFO();
    page = xenlet_pages_alloc(1);
    CHECK(page);
    if (xenlet_nr_free_pages() < 8 * ARRAY_PAGES) {
        xenlet_pages_free(page, 1);
        SKIP("the array would take too much of the memory");
    }
    EXPECT_EQ(evtchn_ops->port_setup(evtchn_ops->nr_ports - 1), 0);
    for (evtchn_port_t port = 2048; port < evtchn_ops->nr_ports; port += 1023)
        EXPECT(evtchn_lookup(port) || evtchn_ops->is_masked(port));
    EXPECT_EQ(hypercall_evtchn_expand_array(xenlet_gfn(page)), -XEN_ENOSPC);
    xenlet_pages_free(page, 1);
    EXPECT_EQ(evtchn_reset(), 0); /* one page again, as other tests have it */
}
