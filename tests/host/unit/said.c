/* SPDX-License-Identifier: MIT */
/* What a person is told of channels. */
#include <string.h>
#include <xenlet/console.h>
#include <xenlet/evtchn_static.h>
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

#define GPR EVTCHN_HANDLER_GPR

static const char *const abis[] = { "2l", "fifo", "3l" };
#define FOR_EACH_ABI(i) for (unsigned int i = 0; i < 3; i++)

static void boot(const char *abi)
{
    unit_boot(abi);
    SAME(host_add_vcpu(1), 0);
    SAME(host_add_vcpu(2), 0);
}

static char said[8192];

static void say(const char *format, ...)
{
    size_t at = strlen(said);
    va_list args;

    va_start(args, format);
    xenlet_vsnprintf(said + at, sizeof(said) - at, format, args);
    va_end(args);
}

static void expect_said(const char *text)
{
    if (!strstr(said, text))
        unit_fail(__FILE__, __LINE__, text, 0, 1);
}

static void listen(const char *text, unsigned int len)
{
    size_t at = strlen(said);

    memcpy(said + at, text, len);
    said[at + len] = '\0';
}

/* The peer's number: as Xen says it, or as we knew it. */
static void peer_that_is_gone_is_named(void)
{
    for (unsigned int closed = 0; closed < 2; closed++) {
        struct evtchn_alloc_unbound offer = { .dom = DOMID_SELF, .remote_dom = 0 };
        struct evtchn_static what = EVTCHN_STATIC_PORT(0);
        unsigned int seen = 0;
        struct evtchn *ch;
        bool first;

        unit_boot("2l");
        SAME(model_peer_op(EVTCHNOP_alloc_unbound, &offer), 0);
        SAME(hypercall_evtchn_bind_interdomain(model_peer(), offer.port, &what.port), 0);
        SAME(evtchn_bind_static(&what, unit_count, &seen, GPR, &ch), 0);
        if (closed) {
            SAME(hypercall_evtchn_close(what.port), 0);
            ch->remote_dom = 77;
        } else {
            struct evtchn_close end = { .port = offer.port };

            SAME(model_peer_op(EVTCHNOP_close, &end), 0);
            ch->remote_dom = 78;
        }
        said[0] = '\0';
        host_on_console = listen;
        SAME(evtchn_static_check(ch, &first), -XEN_ENOTCONN);
        host_on_console = NULL;
        HOLDS(first);
        expect_said(closed ? "its peer, domain 77, has closed its end"
                           : "its peer, domain 1, has closed its end");
    }
}

static void dump_says_what_is(void)
{
    FOR_EACH_ABI(i)
    {
        unsigned int seen = 0;
        struct evtchn *ch, *idle;

        boot(abis[i]);
        evtchn_vcpus[0]->orphans = 12;
        evtchn_vcpus[0]->rest_until = 345;
        (void)platform_upcalls_save();
        SAME(evtchn_bind_ipi(0, unit_count, &seen, GPR, &ch), 0);
        SAME(evtchn_bind_unbound(model_peer(), unit_count, &seen, GPR, &idle), 0);
        evtchn_upcall();
        SAME(evtchn_send(ch), 0);
        evtchn_hold(ch, REASON_STORM | REASON_EOI);
        SAME(evtchn_mask(ch), 0);
        ch->spurious = 4;
        ch->deferred = 5;
        ch->budget -= 3;
        evtchn_vcpus[1]->current = idle;
        evtchn_vcpus[0]->fifo_head[0] = 9;
        evtchn_vcpus[0]->fifo_head[15] = 8;
        evtchn_vcpus[0]->fifo_stray = 6;
        said[0] = '\0';
        evtchn_dump(say);
        expect_said(i == 0   ? "event channels: 2l, 4096 ports\n"
                    : i == 1 ? "event channels: fifo, 131072 ports\n  1 pages of event words\n"
                             : "event channels: 3l, 262144 ports\n");
        expect_said("VCPU 0: upcalls masked and pending, ");
        expect_said(" taken, 12 orphans\n");
        expect_said("running port 0, resting until 345\n");
        expect_said("VCPU 1: upcalls masked and pending, 0 taken, 0 orphans\n");
        expect_said("running port 4, resting until 0\n");
        expect_said("VCPU 2: ");
        HOLDS(!strstr(said, "VCPU 3: "));
        expect_said("port 3: ipi of VCPU 0, pending, masked for user storm eoi, 3 delivered, "
                    "4 spurious, 5 deferred\n");
        expect_said("port 4: unbound of VCPU 0, masked for nothing, 0 delivered, 0 spurious, "
                    "0 deferred\n");
        HOLDS(!strstr(said, "port 5: "));
        if (i == 1) {
            expect_said("  ready 80, 6 stray heads\n");
            expect_said("  queue 0 goes on at port 9\n  queue 15 goes on at port 8\n");
            HOLDS(!strstr(said, "queue 1 "));
        } else {
            expect_said("  word 0: pending 8, masked ");
            HOLDS(!strstr(said, "word 1"));
        }
        if (i == 2) {
            expect_said("  L2 selector words 0 to 0: 1\n");
            expect_said("  L2 selector words 0 to 63: ffffffffffffffff\n"); /* VCPU 1's */
        }
        evtchn_vcpus[1]->current = NULL;
        evtchn_hold(ch, REASON_MOVE);
        ch->kind = KIND_LOST;
        said[0] = '\0';
        evtchn_dump(say);
        expect_said("port 3: lost of VCPU 0, pending, masked for user storm eoi move, ");
    }
}

const struct unit said_units[] = { { "peer_that_is_gone_is_named", peer_that_is_gone_is_named },
                                   { "dump_says_what_is", dump_says_what_is },
                                   { NULL, NULL } };
