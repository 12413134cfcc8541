/* SPDX-License-Identifier: MIT */
/* vchan, with both ends in this domain: streams, messages, and how it begins and ends. */
#include "kernel/string.h"
#include "tests/guest/vchan.h"

const char *own_path(const char *name)
{
    static char path[64];

    xenlet_snprintf(path, sizeof(path), "/local/domain/%u/%s", own_number(), name);
    return path;
}

bool open_ends(struct ends *e, unsigned int in, unsigned int out)
{
    e->server = e->client = NULL;
    if (!test_same(__FILE__, __LINE__, "server",
                   vchan_server(own_number(), "data/vchan", in, out, soon(), &e->server), 0))
        return false;
    if (test_same(__FILE__, __LINE__, "client",
                  vchan_client(own_number(), own_path("data/vchan"), soon(), &e->client), 0) &&
        test_same(__FILE__, __LINE__, "accept", vchan_accept(e->server, soon()), 0))
        return true;
    close_ends(e);
    return false;
}

void close_ends(struct ends *e)
{
    if (e->client)
        vchan_close(e->client);
    if (e->server)
        vchan_close(e->server);
}

int read_now(struct vchan *v, void *data, size_t len, size_t *n)
{
    return vchan_read(v, data, len, n, 0);
}

int write_now(struct vchan *v, const void *data, size_t len, size_t *n)
{
    return vchan_write(v, data, len, n, 0);
}

TEST(xenstore_vchan_carries_bytes_both_ways)
{
    char text[16];
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 10, 11));
    EXPECT_EQ(read_now(e.server, text, sizeof(text), &n), -XEN_ETIME);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(write_now(e.client, "to the server", 13, &n), 0);
    EXPECT_EQ(n, 13);
    EXPECT_EQ(read_now(e.server, text, 6, &n), 0);
    EXPECT(n == 6 && memcmp(text, "to the", 6) == 0);
    EXPECT_EQ(read_now(e.server, text, sizeof(text), &n), 0);
    EXPECT(n == 7 && memcmp(text, " server", 7) == 0);
    EXPECT_EQ(write_now(e.server, "to the client", 13, NULL), 0);
    EXPECT_EQ(vchan_recv(e.client, text, 13, soon()), 0);
    EXPECT(memcmp(text, "to the client", 13) == 0);
    EXPECT_EQ(vchan_read(e.client, text, 0, &n, 0), 0);
    EXPECT_EQ(vchan_write(e.client, text, 0, &n, 0), 0);
    close_ends(&e);
}

TEST(xenstore_vchan_is_full_and_goes_on)
{
    char *block, *back;
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    block = xenlet_alloc(3000);
    back = xenlet_alloc(3000);
    for (unsigned int i = 0; i < 3000; i++)
        block[i] = (char)(i * 7);
    CHECK(open_ends(&e, 10, 12));
    EXPECT_EQ(write_now(e.client, block, 3000, &n), -XEN_ETIME);
    EXPECT_EQ(n, 1024);
    EXPECT_EQ(write_now(e.client, block, 1, &n), -XEN_ETIME);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(read_now(e.server, back, 1000, &n), 0);
    EXPECT_EQ(n, 1000);
    EXPECT_EQ(vchan_write(e.client, block + 1024, 500, &n, 0), 0);
    EXPECT_EQ(vchan_flush(e.client, clock_after(150000000)), -XEN_ETIME);
    EXPECT_EQ(vchan_recv(e.server, back + 1000, 524, 0), 0);
    EXPECT(memcmp(block, back, 1524) == 0);
    EXPECT_EQ(vchan_flush(e.client, 0), 0);
    close_ends(&e);
    xenlet_free(block);
    xenlet_free(back);
}

TEST(xenstore_vchan_messages_are_whole_or_not_at_all)
{
    char *block;
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    block = xenlet_alloc(5000);
    CHECK(open_ends(&e, 11, 12));
    EXPECT_EQ(vchan_send(e.client, block, 2049, 0), -XEN_EMSGSIZE);
    EXPECT_EQ(vchan_recv(e.client, block, 4097, 0), -XEN_EMSGSIZE);
    EXPECT_EQ(vchan_send(e.client, block, 1500, 0), 0);
    EXPECT_EQ(vchan_send(e.client, block, 1500, 0), -XEN_ETIME);
    EXPECT_EQ(vchan_recv(e.server, block, 1501, 0), -XEN_ETIME);
    EXPECT_EQ(vchan_readable(e.server, &n), 0);
    EXPECT_EQ(n, 1500);
    EXPECT_EQ(vchan_writable(e.client, &n), 0);
    EXPECT_EQ(n, 548);
    EXPECT_EQ(vchan_recv(e.server, block, 1500, 0), 0);
    EXPECT_EQ(vchan_send(e.client, block, 2048, 0), 0);
    EXPECT_EQ(vchan_recv(e.server, block, 2048, 0), 0);
    EXPECT_EQ(vchan_send(e.server, block, 0, 0), 0);
    close_ends(&e);
    xenlet_free(block);
}

/* The indices count bytes, modulo 2^32. */
TEST(xenstore_vchan_indices_wrap)
{
    char out[256], in[256];
    struct ends e = { NULL, NULL };

    NEEDS_VCHAN();
    CHECK_EQ(vchan_server(own_number(), "data/vchan", 10, 11, soon(), &e.server), 0);
    e.server->page->left = (struct ring_shared){ 0xfffffe80, 0xfffffe80 };
    e.server->page->right = (struct ring_shared){ 0xfffffe80, 0xfffffe80 };
    e.server->in.own = e.server->out.own = 0xfffffe80;
    CHECK_EQ(vchan_client(own_number(), own_path("data/vchan"), soon(), &e.client), 0);
    CHECK_EQ(vchan_accept(e.server, soon()), 0);
    for (unsigned int i = 0; i < 40; i++) {
        memset(out, (int)i, sizeof(out));
        EXPECT_EQ(vchan_send(i % 2 ? e.client : e.server, out, 100 + i, 0), 0);
        EXPECT_EQ(vchan_recv(i % 2 ? e.server : e.client, in, 100 + i, 0), 0);
        EXPECT(memcmp(out, in, 100 + i) == 0);
    }
    EXPECT(e.server->page->left.prod < 0x80000000);
    close_ends(&e);
}

TEST(xenstore_vchan_refuses_what_is_wrong)
{
    static const uint8_t wrong[][2] = {
        { 10, 10 }, { 11, 11 }, { 9, 12 },  { 12, 9 }, { 21, 12 },
        { 12, 21 }, { 10, 20 }, { 20, 10 }, { 0, 0 },  { 255, 12 }
    };
    char path[VCHAN_PATH_MAX + 1];
    struct vchan *v = NULL;
    size_t n;
    char byte;

    NEEDS_VCHAN();
    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        EXPECT_EQ(vchan_server(own_number(), "data/vchan", wrong[i][0], wrong[i][1], soon(), &v),
                  -XEN_EINVAL);
    memset(path, 'a', VCHAN_PATH_MAX);
    path[VCHAN_PATH_MAX] = '\0';
    EXPECT_EQ(vchan_server(own_number(), path, 12, 12, soon(), &v), -XEN_E2BIG);
    EXPECT_EQ(vchan_client(own_number(), path, soon(), &v), -XEN_E2BIG);
    EXPECT_EQ(vchan_server(own_number(), "/local/domain/0/vchan", 12, 12, soon(), &v), -XEN_EACCES);
    EXPECT_EQ(vchan_client(own_number(), own_path("data/nobody"), clock_after(100000000), &v),
              -XEN_ETIME);
    EXPECT(v == NULL);
    CHECK_EQ(vchan_server(own_number(), "data/vchan", 12, 12, soon(), &v), 0);
    EXPECT_EQ(vchan_accept(v, 0), -XEN_ETIME);
    EXPECT_EQ(vchan_accept(v, clock_after(250000000)), -XEN_ETIME);
    EXPECT_EQ(read_now(v, &byte, 1, &n), -XEN_ENOTCONN);
    EXPECT_EQ(write_now(v, &byte, 1, &n), -XEN_ENOTCONN);
    vchan_close(v);
}

/* What was written before the other end closed is read, and only then comes the end. */
TEST(xenstore_vchan_is_read_to_its_end)
{
    char text[16];
    size_t n = 0;
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    EXPECT_EQ(vchan_write(e.client, "last words", 10, NULL, 0), 0);
    vchan_close(e.client);
    e.client = NULL;
    EXPECT_EQ(write_now(e.server, "x", 1, &n), -XEN_ENOTCONN);
    EXPECT_EQ(vchan_readable(e.server, &n), 0);
    EXPECT_EQ(n, 10);
    EXPECT_EQ(vchan_recv(e.server, text, 11, soon()), -XEN_ENOTCONN);
    EXPECT_EQ(vchan_read(e.server, text, sizeof(text), &n, soon()), 0);
    EXPECT(n == 10 && memcmp(text, "last words", 10) == 0);
    EXPECT_EQ(vchan_read(e.server, text, sizeof(text), &n, soon()), -XEN_ENOTCONN);
    EXPECT_EQ(vchan_readable(e.server, &n), -XEN_ENOTCONN);
    EXPECT_EQ(vchan_flush(e.server, soon()), 0);
    /* The next client, with new rings. */
    CHECK_EQ(vchan_reconnect(e.server, own_number(), NULL, soon()), 0);
    EXPECT_EQ(read_now(e.server, text, 1, &n), -XEN_ENOTCONN);
    CHECK_EQ(vchan_client(own_number(), own_path("data/vchan"), soon(), &e.client), 0);
    CHECK_EQ(vchan_accept(e.server, soon()), 0);
    EXPECT_EQ(vchan_send(e.client, "again", 5, 0), 0);
    EXPECT_EQ(vchan_recv(e.server, text, 5, 0), 0);
    close_ends(&e);
}

/* The server goes first: what the client has mapped is freed when it has not. */
TEST(xenstore_vchan_memory_comes_back)
{
    size_t before, with;
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 16, 16));
    close_ends(&e);
    before = xenlet_nr_free_pages();
    CHECK(open_ends(&e, 16, 16));
    with = xenlet_nr_free_pages();
    EXPECT(with + 33 <= before);
    vchan_close(e.server);
    EXPECT(xenlet_nr_free_pages() < before - 30);
    vchan_close(e.client);
    EXPECT(xenlet_nr_free_pages() + 2 >= before);
}

static void note_change(struct vchan *v, void *data)
{
    struct {
        unsigned int called;
        char text[4];
    } *got = data;
    size_t n;

    got->called++;
    vchan_read(v, got->text, sizeof(got->text), &n, 0);
}

TEST(xenstore_vchan_is_served_from_a_handler)
{
    struct {
        unsigned int called;
        char text[4];
    } got = { 0, "" };
    unsigned long flags;
    char byte;
    size_t n;
    struct ends e;

    NEEDS_VCHAN();
    CHECK(open_ends(&e, 12, 12));
    vchan_on_change(e.server, note_change, &got);
    got.called = 0;
    EXPECT_EQ(vchan_readable(e.server, &n), 0);
    EXPECT_EQ(vchan_write(e.client, "hey", 4, NULL, 0), 0);
    EXPECT(wait_count(&got.called, 1));
    EXPECT(memcmp(got.text, "hey", 4) == 0);
    vchan_on_change(e.server, NULL, NULL);
    flags = platform_upcalls_save();
    EXPECT_EQ(vchan_read(e.server, &byte, 1, &n, 0), -XEN_ETIME);
    EXPECT_EQ(vchan_read(e.server, &byte, 1, &n, soon()), -XEN_EDEADLK);
    platform_upcalls_restore(flags);
    close_ends(&e);
}
