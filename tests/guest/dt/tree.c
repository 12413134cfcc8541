/* SPDX-License-Identifier: MIT */
/*
 * Static channels from a device tree that was handed over as a module. Each tree here has the two
 * channels of the example the design began with, in one form or another: our ports 0xa and 0xc, the
 * peer's 0xb and 0xd. The peer is ourselves: the channels are made beforehand, as loop-back, with
 * these numbers. `domain=` on the command line is the name of our node, where the form needs it.
 */
#include <libfdt.h>
#include <xenlet/evtchn_static.h>
#include <xenlet/hypercall.h>
#include "kernel/string.h"
#include "tests/guest/test.h"

#define GPR EVTCHN_HANDLER_GPR
#define NR  2u

static const struct {
    evtchn_port_t own, peer;
} example[NR] = { { 0xa, 0xb }, { 0xc, 0xd } };

/* --- ports with numbers --------------------------------------------------------------------- */

static evtchn_port_t fillers[64];
static unsigned int nr_fillers;

/* Xen gives out the lowest free port: take all below `port`. */
static bool fill_up_to(evtchn_port_t port)
{
    evtchn_port_t got = 0;

    while (nr_fillers < 64 && hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &got) == 0) {
        if (got >= port) {
            EXPECT_EQ(hypercall_evtchn_close(got), 0);
            return got == port;
        }
        fillers[nr_fillers++] = got;
    }
    return false;
}

static void drop_fillers(void)
{
    while (nr_fillers)
        EXPECT_EQ(hypercall_evtchn_close(fillers[--nr_fillers]), 0);
}

/* As Xen does it; with `own_first` the peer's end begins pending, else ours. */
static bool make_channels(bool own_first)
{
    bool good = true;

    for (unsigned int i = 0; i < NR && good; i++) {
        evtchn_port_t a = example[i].own, b = example[i].peer, got = 0;

        good = fill_up_to(a);
        if (good && hypercall_evtchn_alloc_unbound(DOMID_SELF, DOMID_SELF, &got) == 0)
            good = got == a && fill_up_to(b) &&
                   hypercall_evtchn_bind_interdomain(DOMID_SELF, a, &got) == 0 && got == b;
        if (good && !own_first) { /* now the other way round: `a` is closed, and binds to `b` */
            good = hypercall_evtchn_close(a) == 0 &&
                   hypercall_evtchn_bind_interdomain(DOMID_SELF, b, &got) == 0 && got == a;
        }
    }
    drop_fillers();
    EXPECT(good);
    return good;
}

static void drop_channels(void)
{
    for (unsigned int i = 0; i < NR; i++) {
        EXPECT_EQ(hypercall_evtchn_close(example[i].own), 0);
        EXPECT_EQ(hypercall_evtchn_close(example[i].peer), 0);
    }
}

/* --- the tree ------------------------------------------------------------------------------- */

static bool read_tree(struct evtchn_static *channels)
{
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr;
    size_t size;
    const void *tree = xenlet_module(&size);
    int rc = evtchn_static_read(tree, size, xenlet_option("domain"), channels, NR, &nr, error);

    if (rc)
        test_fail(__FILE__, __LINE__, "%s (error %d)", error, rc);
    EXPECT_EQ(nr, NR);
    return rc == 0 && nr == NR;
}

TEST(tree_is_handed_over)
{
    size_t size;
    const void *tree = xenlet_module(&size);

    CHECK(tree != NULL);
    CHECK_EQ(fdt_check_full(tree, size), 0);
    EXPECT(fdt_totalsize(tree) <= size);
}

TEST(tree_names_the_channels)
{
    struct evtchn_static channels[NR];

    CHECK(read_tree(channels));
    for (unsigned int i = 0; i < NR; i++) {
        EXPECT_EQ(channels[i].port, example[i].own);
        EXPECT(!channels[i].peer_port || channels[i].peer_port == example[i].peer);
        EXPECT(evtchn_static_find(channels, NR, channels[i].label) == &channels[i]);
    }
    EXPECT(evtchn_static_find(channels, NR, "nobody") == NULL);
}

TEST(tree_channels_that_xen_did_not_make)
{
    struct evtchn_static channels[NR];
    struct evtchn *ch;

    CHECK(read_tree(channels));
    for (unsigned int i = 0; i < NR; i++)
        EXPECT_EQ(evtchn_bind_static(&channels[i], NULL, NULL, 0, &ch), -XEN_EINVAL);
}

/* Events from the start once, and then both ways. */
static void carry(bool own_first)
{
    struct evtchn_static channels[NR];
    struct evtchn *ch[NR];
    unsigned int seen[NR] = { 0 };

    CHECK(read_tree(channels) && make_channels(own_first));
    for (unsigned int i = 0; i < NR; i++) {
        const struct evtchn_static *what = evtchn_static_find(channels, NR, channels[i].label);

        CHECK_EQ(evtchn_bind_static(what, count_event, &seen[i], GPR, &ch[i]), 0);
        EXPECT(own_first || wait_count(&seen[i], 1));
    }
    clock_sleep(1000000);
    for (unsigned int i = 0; i < NR; i++) {
        EXPECT(seen[i] <= 1);
        seen[i] = 0;
        for (unsigned int n = 1; n <= 20; n++) {
            EXPECT_EQ(hypercall_evtchn_send(example[i].peer), 0);
            EXPECT(wait_count(&seen[i], n));
        }
        EXPECT_EQ(seen[i], 20);
        EXPECT_EQ(evtchn_send(ch[i]), 0);
        EXPECT_EQ(evtchn_static_check(ch[i], NULL), 0);
        EXPECT_EQ(evtchn_close(ch[i]), 0);
    }
    drop_channels();
}

TEST(tree_channels_carry_events)
{
    carry(true);
}

TEST(tree_channels_pending_from_the_start)
{
    carry(false);
}

TEST(tree_says_who_the_peer_is)
{
    struct evtchn_static channels[NR];
    struct evtchn *ch;

    CHECK(read_tree(channels) && make_channels(true));
    channels[0].peer_port = 0xd;
    EXPECT_EQ(evtchn_bind_static(&channels[0], NULL, NULL, 0, &ch), -XEN_EXDEV);
    channels[1].peer_domid = 4711;
    EXPECT_EQ(evtchn_bind_static(&channels[1], NULL, NULL, 0, &ch), -XEN_EXDEV);
    drop_channels();
}

/* No byte of it can make the reader fault: a fault would end us here. */
TEST(tree_damaged_at_any_byte_is_survived)
{
    struct evtchn_static channels[NR];
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr, read = 0, refused = 0;
    size_t size;
    const void *tree = xenlet_module(&size);
    unsigned char *copy;

    CHECK(tree != NULL);
    size = fdt_totalsize(tree);
    copy = xenlet_alloc(size);
    CHECK(copy != NULL);
    for (size_t at = 0; at < size; at++) {
        int rc;

        memcpy(copy, tree, size);
        copy[at] ^= 0xff;
        rc = evtchn_static_read(copy, size, xenlet_option("domain"), channels, NR, &nr, error);
        EXPECT((rc == 0) == (error[0] == '\0'));
        read += rc == 0;
        refused += rc != 0;
    }
    EXPECT(read && refused);
    for (size_t n = 0; n < size; n++)
        EXPECT(evtchn_static_read(tree, n, xenlet_option("domain"), channels, NR, &nr, error) ==
               -XEN_EINVAL);
    xenlet_free(copy);
}
