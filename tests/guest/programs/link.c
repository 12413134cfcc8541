/* SPDX-License-Identifier: MIT */
/*
 * One end of a vchan that is lost now and then, and connects again: its domain is saved and
 * restored, or the other one is, or ends. Until then messages go to and fro without end, each with
 * its number in it, so that one that is missing, twice, or torn is found.
 *
 *   server, client   which of the two we are
 *   lives=N          how often it is connected, 1 if not given; it ends when it was lost for the
 * last time rounds=N         or, in the last life, after so many messages more, as agreed
 *
 * The other domain's number, and after it was lost the new one, is in data/peer: dom0 writes it. If
 * that is 0, the other end is a program in dom0, and is only listened to.
 */
#include <xenlet.h>
#include "kernel/string.h"

#define MS     1000000ull
#define SECOND (1000 * MS)
#define LONG   4000u /* bytes of a message; the ring has 4,096 */

static unsigned int number(const char *text)
{
    unsigned int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return n;
}

static unsigned int option(const char *name, unsigned int otherwise)
{
    return xenlet_option(name) ? number(xenlet_option(name)) : otherwise;
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

static uint64_t last; /* when the last message was begun */

/* --- who the other one is ------------------------------------------------------------------------
 */

/* Another number than before, or the same, if that is what dom0 has written anew. */
static domid_t find_peer(void)
{
    uint64_t end = soon();
    unsigned int peer;
    char *text;

    console_printf("who is the other one?\n");
    for (;;) {
        if (xenstore_read(NULL, "data/peer", &text, NULL, soon()) == 0) {
            peer = number(text);
            xenlet_free(text);
            xenstore_rm(NULL, "data/peer", soon());
            return (domid_t)peer;
        }
        if (clock_now() > end)
            fail("nobody says who the other one is");
        clock_sleep(20 * MS);
    }
}

static domid_t connect(struct vchan **v)
{
    domid_t peer = find_peer();
    char path[64];
    int rc;

    if (xenlet_option("server")) {
        rc = *v ? vchan_reconnect(*v, peer, NULL, soon())
                : vchan_server(peer, "data/link", 12, 12, soon(), v);
        if (rc == 0)
            rc = vchan_accept(*v, soon());
    } else {
        xenlet_snprintf(path, sizeof(path), "/local/domain/%u/data/link", peer);
        rc = *v ? vchan_reconnect(*v, peer, path, soon()) : vchan_client(peer, path, soon(), v);
    }
    if (rc)
        fail("connect to domain %u: error %d", peer, rc);
    console_printf("connected to domain %u\n", peer);
    return peer;
}

/* --- messages ------------------------------------------------------------------------------------
 */

static void fill(uint32_t *message, uint32_t n)
{
    for (unsigned int i = 0; i < LONG / 4; i++)
        message[i] = n * 2654435761u + i;
}

static int take(struct vchan *v, uint32_t n)
{
    static uint32_t message[LONG / 4], expected[LONG / 4];
    int rc = vchan_recv(v, message, LONG, soon());

    fill(expected, n);
    if (rc == 0 && memcmp(message, expected, LONG))
        fail("message %u is %x", n, message[0]);
    return rc;
}

static int give(struct vchan *v, uint32_t n)
{
    static uint32_t message[LONG / 4];

    fill(message, n);
    return vchan_send(v, message, LONG, soon());
}

/* Until it is lost, or there were `rounds`: the error, or 0. */
static int talk(struct vchan *v, uint32_t rounds, uint32_t *n)
{
    int rc = 0;

    for (*n = 0; rc == 0 && *n < rounds; ++*n) {
        last = clock_now();
        if (xenlet_option("server")) {
            rc = give(v, *n);
            rc = rc ? rc : take(v, ~*n);
        } else {
            rc = take(v, *n);
            rc = rc ? rc : give(v, ~*n);
        }
        /* Two that take turns with nothing else to do leave little of the machine to dom0. */
        if (*n % 100 == 99)
            console_printf("%u messages\n", *n + 1);
        if (*n % 8 == 7)
            clock_sleep(MS);
    }
    return rc;
}

/* dom0's tool says nothing of its own. */
static int listen(struct vchan *v)
{
    char block[64];
    size_t got;
    int rc;

    last = clock_now();
    do {
        rc = vchan_read(v, block, sizeof(block), &got, XENLET_FOREVER);
    } while (rc == 0);
    return rc;
}

/* Of the last one's end: it is the same whatever is asked, and at once. */
static void expect_lost(struct vchan *v)
{
    char byte;
    size_t got;

    if (vchan_write(v, "x", 1, NULL, soon()) != -XEN_ENOTCONN ||
        vchan_writable(v, &got) != -XEN_ENOTCONN ||
        vchan_recv(v, &byte, LONG, soon()) != -XEN_ENOTCONN)
        fail("a lost vchan lives");
}

static void note_after(void *data, bool cancelled)
{
    (void)data;
    console_printf("suspend %s\n", cancelled ? "cancelled" : "done");
}

int main(int argc, char **argv)
{
    static struct suspend_hook hook = { .order = SUSPEND_DRIVERS, .after = note_after };
    unsigned int lives = option("lives", 1), rounds = option("rounds", 0);
    struct vchan *v = NULL;
    uint32_t n = 0;
    int rc = 0;

    (void)argc;
    (void)argv;
    if (xenlet_shutdown_init(NULL, NULL))
        fail("cannot be saved");
    suspend_register(&hook);
    for (unsigned int life = 1; life <= lives; life++) {
        if (connect(&v) == 0)
            rc = listen(v);
        else
            rc = talk(v, life == lives && rounds ? rounds : UINT32_MAX, &n);
        if (rc == 0)
            break;
        if (rc != -XEN_ENOTCONN)
            fail("after %u messages: error %d", n, rc);
        console_printf("lost after %u messages, %llu ms after the last\n", n,
                       (clock_now() - last) / MS);
        expect_lost(v);
    }
    if (rounds && rc)
        fail("lost in its last life");
    vchan_flush(v, soon());
    vchan_close(v);
    console_printf("Test result: SUCCESS\n");
    return 0;
}
