/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target for libFuzzer: a vchan, as server or client, whose other end does what the input
 * says. The input has the program's calls too, and suspends. Sanitizers find what is read or
 * written out of bounds; here is seen that every call ends, with an error that it may have; that as
 * long as the other end is honest each byte is the right one, both ways; and that in the end all
 * memory is free and nothing is mapped.
 */
#include <xenlet/clock.h>
#include <xenlet/memory.h>
#include <xenlet/suspend.h>
#include "tests/host/vchan/peer.h"
#include "tests/host/xenstore/server.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left;
static struct suspend_hook *hook;

uint8_t input_byte(void)
{
    return left ? left--, *input++ : 0;
}

uint32_t input_word(void)
{
    uint32_t word = 0;

    for (unsigned int i = 0; i < 4; i++)
        word = word << 8 | input_byte();
    return word;
}

void require(bool what, const char *why)
{
    if (!what) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
}

void suspend_register(struct suspend_hook *h)
{
    hook = h;
}

static uint64_t some_deadline(void)
{
    uint8_t n = input_byte();

    return n < 64 ? 0 : clock_after(n * 20u);
}

static void require_error(int rc)
{
    require(rc == 0 || rc == -XEN_ETIME || rc == -XEN_ENOTCONN || rc == -XEN_EIO ||
                rc == -XEN_EMSGSIZE,
            "no such error");
    require(rc != -XEN_EIO || !peer_is_honest, "an honest peer is blamed");
}

/* --- what a program does
 * -------------------------------------------------------------------------- */

static uint8_t block[20000];

static size_t some_length(void)
{
    return (size_t)input_byte() * (input_byte() & 1 ? 1 : 70);
}

static void read_some(struct vchan *v)
{
    size_t got = 0, len = some_length();
    int rc = vchan_read(v, block, len, &got, some_deadline());

    require_error(rc);
    require(got <= len && (rc == 0 || got == 0), "more than asked for");
    peer_check_read(block, got);
}

static void write_some(struct vchan *v)
{
    size_t written = 0, len = some_length();
    int rc;

    peer_next_written(block, len);
    rc = vchan_write(v, block, len, &written, some_deadline());
    require_error(rc);
    require(written <= len && (rc || written == len), "other than asked for");
    peer_written(written);
}

static void message(struct vchan *v, bool out)
{
    size_t len = some_length();
    int rc;

    if (out)
        peer_next_written(block, len);
    rc = out ? vchan_send(v, block, len, some_deadline())
             : vchan_recv(v, block, len, some_deadline());
    require_error(rc);
    if (rc == 0 && out)
        peer_written(len);
    else if (rc == 0)
        peer_check_read(block, len);
}

static void ask(struct vchan *v)
{
    size_t n = 0;

    require_error(vchan_readable(v, &n));
    require(n <= 1u << 20, "so much is in no ring");
    n = 0;
    require_error(vchan_writable(v, &n));
    require(n <= 1u << 20, "so much is in no ring");
    require_error(vchan_flush(v, some_deadline()));
}

static void suspend(bool cancelled)
{
    if (hook->before(hook->data) == 0)
        hook->after(hook->data, cancelled);
}

static void pass_time(void)
{
    clock_sleep(150000000);
}

static void live(struct vchan *v, bool serve)
{
    if (serve)
        require_error(vchan_accept(v, clock_after(5000)));
    while (left) {
        switch (input_byte() & 15) {
        case 0 ... 3:
            read_some(v);
            break;
        case 4 ... 7:
            write_some(v);
            break;
        case 8:
        case 9:
            message(v, input_byte() & 1);
            break;
        case 10:
            ask(v);
            break;
        case 11:
            suspend(input_byte() & 3);
            break;
        case 12:
            pass_time();
            break;
        case 13:
            return;
        default:
            server_act();
        }
    }
}

/* --- an input
 * ------------------------------------------------------------------------------------- */

static int open_one(bool serve, struct vchan **v)
{
    static const uint8_t orders[][2] = { { 10, 11 }, { 12, 12 }, { 10, 13 }, { 14, 11 } };
    const uint8_t *o = orders[input_byte() & 3];

    peer_begin(serve);
    return serve ? vchan_server(3, "data/fuzz", o[0], o[1], clock_after(100), v)
                 : vchan_client(3, "/local/domain/3/data/fuzz", clock_after(200000000), v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vchan *v = NULL;
    bool serve;

    input = data;
    left = size;
    failing = 0;
    serve = input_byte() & 1;
    if (open_one(serve, &v) == 0) {
        the_vchan = v;
        live(v, serve);
        while (left) {
            peer_begin(serve);
            if (vchan_reconnect(v, 3, NULL, clock_after(200000000)) == 0)
                live(v, serve);
        }
        the_vchan = NULL;
        vchan_close(v);
    }
    peer_begin(serve); /* nobody has anything mapped any more */
    offer_clear();
    peer_end();
    require(allocated == 0, "memory is left");
    return 0;
}
