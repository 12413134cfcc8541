/* SPDX-License-Identifier: MIT */
/*
 * One end of a vchan. Each end writes `kb=N` KiB and then their SHA-256 in 64 hexadecimal digits,
 * and reads as much of the other end, whose hash it checks; at the same time if there is a second
 * VCPU to write on. The other end may be another of these domUs, or dom0 with its own tools.
 *
 *   peer=N           its domain's number
 *   server, client   which of the two we are; path=PATH, data/pipe if not given
 *   in=N out=N       a server's orders, 12 if not given
 *   messages=N       before that, this many in turns, of all lengths: with another of these only
 *   orders           all that before once for each pair of orders that there is, briefly
 */
#include <xenlet.h>
#include "kernel/string.h"
#include "tests/guest/sha256.h"

#define SECOND 1000000000ull
#define BLOCK  65536u

static unsigned int number(const char *name, unsigned int otherwise)
{
    const char *text = xenlet_option(name);
    unsigned int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return text ? n : otherwise;
}

static uint64_t soon(void)
{
    return clock_after(120 * SECOND);
}

static __attribute__((format(printf, 1, 2), noreturn)) void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    console_vprintf(format, args);
    va_end(args);
    console_printf("\nTest result: FAILURE\n");
    xenlet_exit(0);
}

static void must(int rc, const char *what)
{
    if (rc)
        fail("%s: error %d", what, rc);
}

/* --- bytes --------------------------------------------------------------------------------------
 */

/* Not the same on both ends, and of no period that a ring's size divides. */
static void make_bytes(uint32_t *seed, void *block, size_t n)
{
    for (uint32_t *p = block; n >= 4; n -= 4) {
        *seed = *seed * 1664525 + 1013904223;
        *p++ = *seed ^ *seed >> 16;
    }
}

struct job {
    struct vchan *v;
    size_t kb;
};

static void send_all(void *arg)
{
    static uint32_t block[BLOCK / 4];
    struct job *job = arg;
    uint32_t seed = number("peer", 0);
    char hex[SHA256_HEX + 1];
    struct sha256 sha;

    sha256_begin(&sha);
    for (size_t left = job->kb * 1024, n; left; left -= n) {
        n = left < BLOCK ? left : BLOCK;
        make_bytes(&seed, block, n);
        sha256_add(&sha, block, n);
        must(vchan_write(job->v, block, n, NULL, soon()), "write");
    }
    sha256_end(&sha, hex);
    must(vchan_write(job->v, hex, SHA256_HEX, NULL, soon()), "write the hash");
}

static void read_exactly(struct vchan *v, char *to, size_t len)
{
    for (size_t got; len; len -= got, to += got)
        must(vchan_read(v, to, len, &got, soon()), "read");
}

static void receive_all(struct job *job)
{
    static char block[BLOCK];
    char hex[SHA256_HEX + 1], theirs[SHA256_HEX + 1] = "";
    struct sha256 sha;
    size_t got;

    sha256_begin(&sha);
    for (size_t left = job->kb * 1024; left; left -= got) {
        must(vchan_read(job->v, block, left < BLOCK ? left : BLOCK, &got, soon()), "read");
        sha256_add(&sha, block, got);
    }
    sha256_end(&sha, hex);
    read_exactly(job->v, theirs, SHA256_HEX);
    if (strcmp(hex, theirs))
        fail("%zu KiB came as %s, and were %s", job->kb, hex, theirs);
}

static void exchange(struct vchan *v, size_t kb)
{
    struct job job = { v, kb };
    uint64_t begin = clock_now(), ms;

    if (vcpu_count() > 1) {
        must(vcpu_start(1, send_all, &job), "start VCPU 1");
        receive_all(&job);
        must(vcpu_join(1, soon()), "join VCPU 1");
    } else if (xenlet_option("client")) {
        send_all(&job);
        receive_all(&job);
    } else {
        receive_all(&job);
        send_all(&job);
    }
    ms = (clock_now() - begin) / 1000000;
    console_printf("%zu KiB each way in %lu ms, hashes agree\n", kb, ms);
}

/* --- messages -----------------------------------------------------------------------------------
 */

/* Every length up to a small ring, in turns; it comes back with each byte one more. */
static void messages(struct vchan *v, unsigned int count, bool first)
{
    static uint8_t out[1024], in[1024];

    for (unsigned int i = 0; i < count; i++) {
        size_t len = 1 + i * 7 % sizeof(out);

        for (size_t j = 0; j < len; j++)
            out[j] = (uint8_t)(i + j);
        if (first)
            must(vchan_send(v, out, len, soon()), "send");
        must(vchan_recv(v, in, len, soon()), "recv");
        for (size_t j = 0; j < len; j++) {
            if (in[j] != (uint8_t)(out[j] + first))
                fail("message %u, byte %zu is %u", i, j, in[j]);
            in[j]++;
        }
        if (!first)
            must(vchan_send(v, in, len, soon()), "send back");
    }
}

/* --- one life of a vchan ------------------------------------------------------------------------
 */

static struct vchan *set_up(const char *path, unsigned int in, unsigned int out)
{
    domid_t peer = (domid_t)number("peer", 0);
    struct vchan *v;
    char full[VCHAN_PATH_MAX];

    if (xenlet_option("server")) {
        must(vchan_server(peer, path, in, out, soon(), &v), "server");
        console_printf("serving %s\n", path);
        must(vchan_accept(v, soon()), "accept");
    } else {
        xenlet_snprintf(full, sizeof(full), "/local/domain/%u/%s", peer, path);
        console_printf("looking for %s\n", path);
        must(vchan_client(peer, path[0] == '/' ? path : full, soon(), &v), "client");
    }
    return v;
}

/* The server waits for the client to close, and has read all by then; dom0's tool is waiting too.
 */
static void tear_down(struct vchan *v)
{
    size_t got;
    char byte;
    int rc;

    must(vchan_flush(v, soon()), "flush");
    if (xenlet_option("server") && number("peer", 0)) {
        rc = vchan_read(v, &byte, 1, &got, soon());
        if (rc != -XEN_ENOTCONN)
            fail("a closed vchan answers %d, with %zu bytes", rc, got);
        rc = vchan_write(v, &byte, 1, NULL, soon());
        if (rc != -XEN_ENOTCONN)
            fail("a closed vchan takes bytes: %d", rc);
    }
    vchan_close(v);
}

static void live(const char *path, unsigned int in, unsigned int out, size_t kb)
{
    struct vchan *v = set_up(path, in, out);

    console_printf("connected at %s\n", path);
    messages(v, number("messages", 0), xenlet_option("client"));
    exchange(v, kb);
    tear_down(v);
}

static void all_orders(void)
{
    static const uint8_t orders[] = { 10, 11, 12, 13, 16, 20 };
    char path[24];

    for (unsigned int i = 0; i < sizeof(orders); i++) {
        for (unsigned int j = 0; j < sizeof(orders); j++) {
            /* Two in the same place; and too many grants for the room below the ring. */
            if ((i == j && i < 2) || i + j == 5 * (i == 0 || j == 0))
                continue;
            xenlet_snprintf(path, sizeof(path), "data/pipe-%u-%u", orders[i], orders[j]);
            live(path, orders[i], orders[j], 40);
        }
    }
}

/* For dom0's end, which writes as much. */
static void say_how_much(unsigned int kb)
{
    char text[12];
    int len = xenlet_snprintf(text, sizeof(text), "%u", kb);

    must(xenstore_write(NULL, "data/kb", text, (size_t)len, soon()), "write data/kb");
}

int main(int argc, char **argv)
{
    const char *path = xenlet_option("path");

    unsigned int kb = number("kb", 1024);

    (void)argc;
    (void)argv;
    say_how_much(kb);
    if (xenlet_option("orders"))
        all_orders();
    live(path ? path : "data/pipe", number("in", 12), number("out", 12), kb);
    console_printf("Test result: SUCCESS\n");
    return 0;
}
