/* SPDX-License-Identifier: MIT */
/*
 * The two operations of docs/abi-3level.md, as a Xen that has them answers: every error, in the
 * order in which the page has Xen look. What a test registers behind the library's back is undone
 * by a reset; until then nothing is delivered, and nothing may be said, since the console is deaf.
 */
#include "evtchn/internal.h"
#include "kernel/internal.h"
#include "tests/guest/test.h"

#define W        ((unsigned int)BITS_PER_WORD)
#define NR_PAGES EVTCHN_3L_NR_PAGES(W)
#define L2_BYTES EVTCHN_3L_L2_BYTES(W)
#define NO_VCPU  8192u

static void *pages[2 * NR_PAGES], *l2_page, *other_page;
static uint64_t pending[EVTCHN_3L_MAX_PAGES], mask[EVTCHN_3L_MAX_PAGES], l2_gfn;

static bool get_pages(void)
{
    l2_page = platform_page_alloc();
    other_page = platform_page_alloc();
    for (unsigned int i = 0; i < 2 * NR_PAGES; i++) {
        pages[i] = platform_page_alloc();
        if (!pages[i] || !l2_page || !other_page) {
            test_fail(__FILE__, __LINE__, "no memory");
            return false;
        }
        *(i < NR_PAGES ? &pending[i] : &mask[i - NR_PAGES]) = platform_page_gfn(pages[i]);
    }
    l2_gfn = platform_page_gfn(l2_page);
    return true;
}

static void put_pages(void)
{
    for (unsigned int i = 0; i < 2 * NR_PAGES; i++)
        platform_page_free(pages[i]);
    platform_page_free(l2_page);
    platform_page_free(other_page);
}

/* Frames that Xen cannot take: one may not be written by whoever likes, one is nobody's. */
static uint64_t bad_frame(unsigned int i)
{
    return i % 2 ? ~0ul >> 12 : test_unwritable_gfn();
}

static int bitmaps(void)
{
    return hypercall_evtchn_register_3level_bitmaps(NR_PAGES, pending, mask);
}

static int l2(unsigned int vcpu, uint32_t offset)
{
    return hypercall_evtchn_register_3level_l2(vcpu, l2_gfn, offset);
}

/* Nothing is wrong with the call but that the domain has bitmaps. */
static int init_control(void)
{
    uint8_t bits;

    return hypercall_evtchn_init_control(l2_gfn, 0, 0, &bits);
}

/* --- everywhere ------------------------------------------------------------------------------ */

TEST(evtchnop_query_extended_abis)
{
    uint64_t abis = 0;
    int rc = hypercall_evtchn_query_extended_abis(&abis);
    struct evtchn_register_3level none = { .cmd = 0 };

    if (rc == 0) {
        EXPECT_EQ(abis, EVTCHN_EXTENDED_L3);
        EXPECT_EQ(test_evtchn_op(EVTCHNOP_query_extended_abis, NULL), -XEN_EFAULT);
    } else {
        EXPECT_EQ(rc, in_pv_shim() ? -XEN_EOPNOTSUPP : -XEN_ENOSYS);
        EXPECT_EQ(test_evtchn_op(EVTCHNOP_query_extended_abis, NULL), rc);
        EXPECT_EQ(test_evtchn_op(EVTCHNOP_register_3level, &none), rc);
        EXPECT_EQ(abis, 0);
    }
}

/* Before it looks at the domain. */
TEST(evtchnop_register_3level_looks_at_the_argument_first)
{
    static const uint32_t commands[] = { 0, 3, 0x3101, ~0u };
    struct evtchn_register_3level op = { .cmd = EVTCHN_3L_BITMAPS };

    NEEDS_XEN_3L();
    EXPECT_EQ(test_evtchn_op(EVTCHNOP_register_3level, NULL), -XEN_EFAULT);
    op._pad = 1;
    EXPECT_EQ(test_evtchn_op(EVTCHNOP_register_3level, &op), -XEN_EINVAL);
    op._pad = 0;
    op.u.bitmaps._pad = 1;
    EXPECT_EQ(test_evtchn_op(EVTCHNOP_register_3level, &op), -XEN_EINVAL);
    op.u.bitmaps._pad = 0;
    for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        op.cmd = commands[i];
        EXPECT_EQ(test_evtchn_op(EVTCHNOP_register_3level, &op), -XEN_EINVAL);
    }
    op = (struct evtchn_register_3level){ .cmd = EVTCHN_3L_L2, ._pad = 1 };
    EXPECT_EQ(test_evtchn_op(EVTCHNOP_register_3level, &op), -XEN_EINVAL);
}

TEST(evtchnop_register_3level_in_fifo)
{
    NEEDS_XEN_3L();
    NEEDS_ABI("fifo");
    CHECK(get_pages());
    EXPECT_EQ(bitmaps(), -XEN_EBUSY);
    EXPECT_EQ(hypercall_evtchn_register_3level_bitmaps(0, pending, mask), -XEN_EBUSY);
    EXPECT_EQ(l2(NO_VCPU, 3), -XEN_EBUSY);
    put_pages();
}

TEST(evtchnop_register_3level_while_active)
{
    evtchn_port_t port;

    NEEDS_XEN_3L();
    NEEDS_ABI("3l");
    CHECK(get_pages());
    EXPECT_EQ(bitmaps(), -XEN_EEXIST);
    EXPECT_EQ(hypercall_evtchn_register_3level_bitmaps(0, pending, mask), -XEN_EEXIST);
    EXPECT_EQ(l2(NO_VCPU, 3), -XEN_ENOENT);
    for (unsigned int i = 0; i < vcpu_count(); i++)
        EXPECT_EQ(l2(i, 3), -XEN_EEXIST);
    EXPECT_EQ(init_control(), -XEN_EBUSY);
    EXPECT_EQ(hypercall_evtchn_expand_array(l2_gfn), -XEN_EOPNOTSUPP);
    CHECK_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_set_priority(port, 7), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    put_pages();
}

/* --- from 2-level ----------------------------------------------------------------------------- */

TEST(evtchnop_register_3level_from_2l_bitmaps)
{
    static const uint32_t numbers[] = { 0, NR_PAGES - 1, NR_PAGES + 1, ~0u };
    unsigned int seen = 0;
    struct evtchn *ch;
    uint64_t good;

    NEEDS_XEN_3L();
    NEEDS_ABI("2l");
    CHECK(get_pages());
    EXPECT_EQ(l2(0, 0), -XEN_ENODEV);
    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        EXPECT_EQ(hypercall_evtchn_register_3level_bitmaps(numbers[i], pending, mask), -XEN_EINVAL);
    for (unsigned int i = 0; i < 4 * NR_PAGES; i++) {
        uint64_t *gfn = i / 2 < NR_PAGES ? &pending[i / 2] : &mask[i / 2 - NR_PAGES];

        good = *gfn;
        *gfn = bad_frame(i);
        EXPECT_EQ(bitmaps(), -XEN_EINVAL);
        *gfn = good;
    }
    EXPECT_EQ(l2(0, 0), -XEN_ENODEV);

    /* Registered, but the switch is not yet: events are 2-level's. */
    EXPECT_EQ(bitmaps(), 0);
    EXPECT_EQ(bitmaps(), -XEN_EEXIST);
    EXPECT_EQ(init_control(), -XEN_EBUSY);
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT(wait_count(&seen, 1));
    EXPECT_EQ(evtchn_close(ch), 0);

    EXPECT_EQ(evtchn_reset(), 0);
    EXPECT_EQ(l2(0, 0), -XEN_ENODEV);
    for (unsigned int i = 0; i < 2 * NR_PAGES; i++)
        EXPECT(((char *)pages[i])[0] == 0); /* and nobody wrote there */
    put_pages();
}

TEST(evtchnop_register_3level_from_2l_l2_errors)
{
    static const uint32_t offsets[] = { 1, 4, 4096 - L2_BYTES + 8, 4096, ~7u, ~0u };
    uint64_t gfn;

    NEEDS_XEN_3L();
    NEEDS_ABI("2l");
    CHECK(get_pages());
    gfn = l2_gfn;
    EXPECT_EQ(l2(NO_VCPU, 3), -XEN_ENOENT);
    EXPECT_EQ(l2(0, 3), -XEN_ENODEV);
    EXPECT_EQ(bitmaps(), 0);
    EXPECT_EQ(l2(NO_VCPU, 3), -XEN_ENOENT);
    for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        l2_gfn = bad_frame(0);
        EXPECT_EQ(l2(0, offsets[i]), -XEN_EINVAL);
        l2_gfn = gfn;
        EXPECT_EQ(l2(0, offsets[i]), -XEN_EINVAL);
    }
    for (unsigned int i = 0; i < 2; i++) {
        l2_gfn = bad_frame(i);
        EXPECT_EQ(l2(0, 0), -XEN_EINVAL);
    }
    l2_gfn = gfn;
    for (unsigned int i = 0; i < 4096; i++)
        EXPECT(((char *)l2_page)[i] == 0);
    EXPECT_EQ(evtchn_reset(), 0);
    EXPECT_EQ(l2(0, 0), -XEN_ENODEV);
    put_pages();
}

/* How many words of a page are all ones from `words` on, when all others are 0; else -1. */
static int ones_at(const void *page, const xen_ulong_t *words)
{
    const xen_ulong_t *at = page, *end = at + 4096 / sizeof(*at);
    int ones = 0;

    for (; at < end; at++) {
        if (~*at == 0 && at == words + ones)
            ones++;
        else if (*at)
            return -1;
    }
    return ones;
}

/* The first VCPU's at any place it fits; with another's before it, which alone switches nothing. */
static void register_at(uint32_t place, unsigned int last)
{
    const xen_ulong_t *words = (xen_ulong_t *)((char *)l2_page + place), *other = other_page;
    int rc, other_rc = 0, again, ones_before, ones, other_ones_before, other_ones;
    unsigned long flags = platform_upcalls_save();

    for (unsigned int i = 0; i < 4096; i++)
        ((char *)l2_page)[i] = ((char *)other_page)[i] = 0;
    rc = bitmaps();
    if (last)
        other_rc = hypercall_evtchn_register_3level_l2(last, platform_page_gfn(other_page), 0);
    ones_before = ones_at(l2_page, words);
    other_ones_before = ones_at(other_page, other);
    rc = rc ? rc : l2(0, place);
    again = l2(0, place);
    ones = ones_at(l2_page, words);
    other_ones = ones_at(other_page, other);
    platform_upcalls_restore(flags);
    EXPECT_EQ(evtchn_reset(), 0); /* before anything is said */
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(other_rc, 0);
    EXPECT_EQ(again, -XEN_EEXIST);
    EXPECT_EQ(ones_before, 0);
    EXPECT_EQ(other_ones_before, 0);
    EXPECT_EQ(ones, W);
    EXPECT_EQ(other_ones, last ? W : 0);
}

TEST(evtchnop_register_3level_from_2l_l2_places)
{
    static const uint32_t places[] = { 0, 8, 512, 4096 - L2_BYTES };

    NEEDS_XEN_3L();
    NEEDS_ABI("2l");
    CHECK(get_pages());
    for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        register_at(places[i], vcpu_count() - 1);
    put_pages();
}
