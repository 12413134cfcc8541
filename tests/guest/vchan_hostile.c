/* SPDX-License-Identifier: MIT */
/* vchan, with an other end that writes what cannot be into the shared memory, or goes without a
 * word. */
#include "kernel/string.h"
#include "tests/guest/vchan.h"

/* All says so, and no byte is moved, though the index be right again. */
static void expect_broken(struct vchan *v)
{
    char byte = 'x';
    size_t n;

    EXPECT_EQ(read_now(v, &byte, 1, &n), -XEN_EIO);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(write_now(v, &byte, 1, &n), -XEN_EIO);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(vchan_recv(v, &byte, 1, soon()), -XEN_EIO);
    EXPECT_EQ(vchan_send(v, &byte, 1, soon()), -XEN_EIO);
    EXPECT_EQ(vchan_readable(v, &n), -XEN_EIO);
    EXPECT_EQ(vchan_writable(v, &n), -XEN_EIO);
    EXPECT_EQ(vchan_flush(v, soon()), -XEN_EIO);
}

/* `server`: whose other end is hostile. `ahead`: by how much its index is. */
static void hostile_index(bool server, bool reads, uint32_t ahead)
{
    struct vchan *victim;
    uint32_t *index, right;
    size_t n;
    char byte;
    struct ends e;

    if (!open_ends(&e, 12, 13))
        return;
    victim = server ? e.server : e.client;
    EXPECT_EQ(vchan_send(victim, "some", 4, 0), 0);
    index = reads ? &victim->in.shared->prod : &victim->out.shared->cons;
    right = *index;
    *index = right + ahead;
    EXPECT_EQ(reads ? read_now(victim, &byte, 1, &n) : write_now(victim, &byte, 1, &n), -XEN_EIO);
    *index = right;
    expect_broken(victim);
    close_ends(&e);
}

TEST(xenstore_vchan_hostile_indices_are_an_error)
{
    /* One more than there can be; far; and backwards. What is written is 4 bytes. */
    static const uint32_t ahead[] = { 8193, 0x7fffffff, 0x80000000, 0xffffffff };

    NEEDS_VCHAN();
    for (unsigned int i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        for (unsigned int which = 0; which < 4; which++) {
            /* Of what we have written the other end may not have read more; nor less than nothing:
             * that is more than the ring holds only from far. */
            if (which & 1 && ahead[i] > 0xfffff000)
                continue;
            hostile_index(which & 2, !(which & 1), ahead[i]);
        }
    }
}

/* Somebody waits when it comes; and nobody asked for an event. */
static void spoil(void *data)
{
    struct vchan *v = data;

    v->in.shared->prod = 0x10000000;
}

TEST(xenstore_vchan_hostile_index_ends_a_wait)
{
    struct clock_timer timer = { .at = 0 };
    char byte;
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    clock_timer_set(&timer, clock_after(50000000), spoil, e.server);
    EXPECT_EQ(vchan_read(e.server, &byte, 1, &n, soon()), -XEN_EIO);
    close_ends(&e);
}

/* Our own index is ours, whatever stands there. */
TEST(xenstore_vchan_our_index_is_not_read_back)
{
    char text[8];
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    EXPECT_EQ(vchan_send(e.client, "abcd", 4, 0), 0);
    e.server->in.shared->cons = 0x12345678;
    EXPECT_EQ(vchan_recv(e.server, text, 2, 0), 0);
    EXPECT_EQ(e.server->in.shared->cons, 2);
    e.client->out.shared->prod = 0x87654321;
    EXPECT_EQ(vchan_send(e.client, "ef", 2, 0), 0);
    EXPECT_EQ(vchan_recv(e.server, text + 2, 4, 0), 0);
    EXPECT(memcmp(text, "abcdef", 6) == 0);
    close_ends(&e);
}

TEST(xenstore_vchan_hostile_sizes_are_an_error)
{
    static const uint16_t wrong[][2] = { { 0, 12 },  { 9, 12 },   { 12, 9 },   { 21, 12 },
                                         { 12, 21 }, { 10, 10 },  { 11, 11 },  { 20, 10 },
                                         { 10, 20 }, { 268, 12 }, { 12, 268 }, { 0xffff, 0xffff },
                                         { 31, 31 }, { 32, 32 } };
    struct vchan *server, *v = NULL;

    NEEDS_VCHAN();
    CHECK_EQ(vchan_server(own_number(), "data/vchan", 12, 12, soon(), &server), 0);
    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        server->page->left_order = wrong[i][0];
        server->page->right_order = wrong[i][1];
        EXPECT_EQ(vchan_client(own_number(), own_path("data/vchan"), soon(), &v), -XEN_EIO);
    }
    /* Grants that are none: it is tried again, for the server may be just about to change. */
    server->page->left_order = server->page->right_order = 12;
    server->page->grants[0] = 7;
    EXPECT_EQ(vchan_client(own_number(), own_path("data/vchan"), clock_after(100000000), &v),
              -XEN_ETIME);
    EXPECT(v == NULL);
    vchan_close(server);
}

/* A program in dom0 that is killed: its kernel clears the flag. */
TEST(xenstore_vchan_live_flag_ends_a_wait)
{
    char byte;
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    e.server->page->srv_live = 0;
    EXPECT_EQ(vchan_read(e.client, &byte, 1, &n, soon()), -XEN_ENOTCONN);
    /* It does not live again. */
    e.server->page->srv_live = 1;
    EXPECT_EQ(vchan_read(e.client, &byte, 1, &n, soon()), -XEN_ENOTCONN);
    close_ends(&e);
}

/* A domain that dies: nothing in memory changes, and no event comes; but Xen closes its port. */
TEST(xenstore_vchan_closed_port_ends_a_wait)
{
    char *block;
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    block = xenlet_alloc(8192);
    CHECK(open_ends(&e, 12, 12));
    EXPECT_EQ(vchan_send(e.client, "abcd", 4, 0), 0);
    CHECK_EQ(evtchn_close(e.client->ch), 0);
    e.client->ch = NULL;
    EXPECT_EQ(vchan_write(e.server, block, 8192, &n, soon()), -XEN_ENOTCONN);
    EXPECT(n <= 4096);
    EXPECT_EQ(vchan_recv(e.server, block, 4, 0), 0);
    EXPECT_EQ(vchan_read(e.server, block, 1, &n, soon()), -XEN_ENOTCONN);
    EXPECT_EQ(vchan_read(e.server, block, 1, &n, 0), -XEN_ENOTCONN);
    close_ends(&e);
    xenlet_free(block);
}

static uint64_t closed_at;

static void close_port(void *data)
{
    struct vchan *v = data;

    EXPECT_EQ(evtchn_close(v->ch), 0);
    v->ch = NULL;
    closed_at = clock_now();
}

/* Who sleeps just then looks every 100 ms; a machine that has much else to do is given more. */
TEST(xenstore_vchan_closed_port_is_seen_asleep)
{
    struct clock_timer timer = { .at = 0 };
    char byte;
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    clock_timer_set(&timer, clock_after(250000000), close_port, e.client);
    EXPECT_EQ(vchan_read(e.server, &byte, 1, &n, soon()), -XEN_ENOTCONN);
    EXPECT(closed_at && clock_now() - closed_at < 5000000000);
    close_ends(&e);
}

/* Nor does it help who never waits: he finds out too, a little later. */
TEST(xenstore_vchan_closed_port_is_seen_without_waiting)
{
    uint64_t end = soon();
    struct ends e;
    size_t n;
    int rc;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    CHECK_EQ(evtchn_close(e.client->ch), 0);
    e.client->ch = NULL;
    while ((rc = vchan_readable(e.server, &n)) == 0 && clock_now() < end)
        ;
    EXPECT_EQ(rc, -XEN_ENOTCONN);
    close_ends(&e);
}

/* The same domain's next client on the same port is another one: the first one's server says so. */
TEST(xenstore_vchan_another_client_is_not_the_one_before)
{
    char byte;
    size_t n;
    struct ends e;
    struct evtchn *second;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    /* Ports are given out from the lowest: one more in its place would be the same. */
    CHECK_EQ(evtchn_bind_interdomain(own_number(), evtchn_port(e.server->ch), NULL, NULL, 0,
                                     &second),
             -XEN_EINVAL);
    e.server->peer_port++;
    EXPECT_EQ(vchan_read(e.server, &byte, 1, &n, soon()), -XEN_ENOTCONN);
    close_ends(&e);
}
