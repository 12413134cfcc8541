/* SPDX-License-Identifier: MIT */
/*
 * The server, honest or not. Requests are read off the ring as xenstored does it, and checked: what
 * the client sends must be well formed whatever was done to it, as long as indices can be trusted.
 */
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include "kernel/internal.h"
#include "platform_arch.h"
#include "tests/host/xenstore/server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xenstore_domain_interface page;

static const uint8_t *data;
static size_t data_len;

static bool honest, behaves;
static char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
static uint32_t in_len;
static char out[1u << 16]; /* what goes into the ring when there is room */
static uint32_t out_len, last_id, next_tx;

bool xenlet_is_initial_domain(void)
{
    return false;
}

struct xenstore_domain_interface *arch_store_ring(void)
{
    return &page;
}

void input_begin(const uint8_t *bytes, size_t size)
{
    data = bytes;
    data_len = size;
    honest = true;
    behaves = false;
}

bool input_is_over(void)
{
    return data_len == 0;
}

uint8_t input_byte(void)
{
    if (!data_len)
        return 0;
    data_len--;
    return *data++;
}

void server_fresh(void)
{
    memset(&page, 0, sizeof(page));
    page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = (uint32_t)input_byte() << 24;
    in_len = out_len = 0;
}

bool server_is_honest(void)
{
    return honest;
}

void server_behave(void)
{
    behaves = true;
}

void server_value(const char *path, char value[64])
{
    snprintf(value, 64, "value of %.40s", path);
}

/* --- answers -------------------------------------------------------------------------------- */

static void say(const void *bytes, uint32_t len)
{
    if (len > sizeof(out) - out_len)
        return;
    memcpy(out + out_len, bytes, len);
    out_len += len;
}

static void message(uint32_t type, uint32_t id, uint32_t tx, const void *payload, uint32_t len)
{
    struct xsd_sockmsg m = { .type = type, .req_id = id, .tx_id = tx, .len = len };

    if (sizeof(m) + len > sizeof(out) - out_len)
        return;
    say(&m, sizeof(m));
    say(payload, len);
}

static void answer(const struct xsd_sockmsg *m, const char *payload, uint32_t len)
{
    message(m->type, m->req_id, m->tx_id, payload, len);
}

static void refuse(const struct xsd_sockmsg *m, const char *error)
{
    message(XS_ERROR, m->req_id, m->tx_id, error, (uint32_t)strlen(error) + 1);
}

static void list_part(const struct xsd_sockmsg *m, const char *payload)
{
    static const char all[] = "one\0two\0three\0four";
    size_t at = (size_t)atoi(payload + strlen(payload) + 1);
    char text[64] = "77";
    size_t n = 3;

    if (at < sizeof(all)) {
        memcpy(text + n, all + at, strlen(all + at) + 1);
        n += strlen(all + at) + 1;
        at = at + strlen(all + at) + 1;
    }
    if (at >= sizeof(all))
        text[n++] = '\0';
    answer(m, text, (uint32_t)n);
}

static void watch(const struct xsd_sockmsg *m, const char *payload)
{
    answer(m, "OK", 3);
    message(XS_WATCH_EVENT, 0, 0, payload, m->len);
}

static void serve(const struct xsd_sockmsg *m, const char *payload)
{
    char text[64];

    last_id = m->req_id;
    if (payload[0] == 'e') {
        refuse(m, payload[1] == 'a' ? "EAGAIN" : payload[1] == 'b' ? "E2BIG" : "ENOENT");
        return;
    }
    switch (m->type) {
    case XS_READ:
        server_value(payload, text);
        answer(m, text, (uint32_t)strlen(text));
        break;
    case XS_DIRECTORY:
        if (payload[0] == 'p')
            refuse(m, "E2BIG");
        else
            answer(m, "a\0bc", 5);
        break;
    case XS_DIRECTORY_PART:
        list_part(m, payload);
        break;
    case XS_GET_PERMS:
        answer(m, "n1\0r65535\0b7", 13);
        break;
    case XS_TRANSACTION_START:
        snprintf(text, sizeof(text), "%u", ++next_tx ? next_tx : ++next_tx);
        answer(m, text, (uint32_t)strlen(text) + 1);
        break;
    case XS_WATCH:
        watch(m, payload);
        break;
    default:
        answer(m, "OK", 3);
    }
}

/* --- the ring ------------------------------------------------------------------------------- */

/* Of a client whose ring was meddled with nothing can be asked. */
static bool is_right(bool what, const char *why)
{
    if (!what && honest) {
        fprintf(stderr, "the client sent %s\n", why);
        abort();
    }
    return what;
}

static void take_request(void)
{
    const struct xsd_sockmsg *m = (const void *)in;
    const char *payload = in + sizeof(*m);

    if (!is_right(m->len <= XENSTORE_PAYLOAD_MAX, "more than may be sent")) {
        in_len = 0;
        return;
    }
    if (in_len < sizeof(*m) + m->len)
        return;
    in_len = 0;
    if (is_right(m->req_id != 0, "the number of watch events") &&
        is_right(m->len > 0 && memchr(payload, '\0', m->len), "a payload without an end"))
        serve(m, payload);
}

static void read_some(uint32_t most)
{
    while (most-- && page.req_cons != page.req_prod && page.req_prod - page.req_cons <= 1024) {
        in[in_len++] = page.req[MASK_XENSTORE_IDX(page.req_cons++)];
        if (in_len >= sizeof(struct xsd_sockmsg))
            take_request();
    }
}

static void write_some(uint32_t most)
{
    uint32_t n = 0;

    while (n < out_len && n < most && page.rsp_prod - page.rsp_cons < 1024)
        page.rsp[MASK_XENSTORE_IDX(page.rsp_prod++)] = out[n++];
    memmove(out, out + n, out_len - n);
    out_len -= n;
}

/* As oxenstored starts over. */
static void reconnect(void)
{
    page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = 0;
    in_len = out_len = 0;
    page.connection = XENSTORE_CONNECTED;
}

static uint32_t number(void)
{
    uint8_t kind = input_byte(), n = input_byte();

    return kind & 1 ? n : kind & 2 ? 0u - n : kind & 4 ? last_id - n % 20 : (uint32_t)n << 5;
}

/* --- what no server does -------------------------------------------------------------------- */

static void any_message(void)
{
    static const uint32_t types[] = { XS_READ,      XS_WATCH_EVENT,
                                      XS_ERROR,     XS_TRANSACTION_START,
                                      XS_DIRECTORY, XS_DIRECTORY_PART,
                                      XS_GET_PERMS, XS_WATCH };
    uint32_t type = types[input_byte() % 8], id = number(), len = input_byte();
    char payload[256];

    for (uint32_t i = 0; i < len; i++)
        payload[i] = (char)input_byte();
    message(type, id, number(), payload, len);
}

static void any_bytes(void)
{
    uint32_t n = input_byte();

    while (n--) {
        uint8_t byte = input_byte();

        say(&byte, 1);
    }
}

static void misbehave(uint8_t how)
{
    honest = false;
    switch (how % 10) {
    case 0:
        any_message();
        break;
    case 1:
        any_bytes();
        break;
    case 2:
        page.rsp_prod += number();
        break;
    case 3:
        page.rsp_cons += number();
        break;
    case 4:
        page.req_cons += number();
        break;
    case 5:
        page.req_prod += number();
        break;
    case 6:
        page.connection = input_byte() % 3;
        break;
    case 7:
        page.server_features = input_byte();
        page.error = input_byte() % 3;
        break;
    case 8:
        out_len = out_len ? input_byte() % out_len : 0; /* the rest is never said */
        break;
    case 9:
        if (out_len)
            out[number() % out_len] ^= (char)input_byte();
        break;
    }
}

void server_act(void)
{
    uint8_t how = behaves ? 0 : input_byte();

    if (page.connection == XENSTORE_RECONNECT && (how & 3) == 0)
        reconnect();
    if (how & 0x80 && !behaves && !input_is_over())
        misbehave(how & 0x7f);
    read_some(how & 0x40 ? how & 0x3f : 2048);
    write_some(how & 0x20 ? how & 0x1f : 2048);
    if (how & 0x10 && !behaves)
        page.server_features |= XENSTORE_SERVER_FEATURE_RECONNECTION;
    evtchn_raise(store_channel);
}
