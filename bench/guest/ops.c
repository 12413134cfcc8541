/* SPDX-License-Identifier: MIT */
/* What a program does with a channel, one call at a time; and from a send to the handler. */
#include "arch/x86_64/fp.h"
#include "bench/guest/bench.h"

static struct evtchn *ch;
static unsigned int delivered;

static void count(struct evtchn *channel, void *data)
{
    (void)channel;
    (void)data;
    delivered++;
}

static void finish(struct evtchn *channel, void *data)
{
    (void)data;
    if (evtchn_eoi(channel, false) != 0)
        bench_fail("eoi", 0);
}

static int bind(void)
{
    return evtchn_bind_ipi(vcpu_this(), count, NULL, EVTCHN_HANDLER_GPR, &ch);
}

static int close(void)
{
    return evtchn_close(ch);
}

static int mask(void)
{
    return evtchn_mask(ch);
}

static int unmask(void)
{
    return evtchn_unmask(ch);
}

static int send(void)
{
    return evtchn_send(ch);
}

static int nothing(void)
{
    return 0;
}

/* `prepare` and `clean` are not counted. */
static void row(const char *name, int (*prepare)(void), int (*call)(void), int (*clean)(void))
{
    for (unsigned int i = 0; i <= BENCH_REPEAT; i++) {
        int rc = prepare();

        if (rc == 0) {
            bench_begin();
            rc = call();
            bench_end();
        }
        if (rc == 0)
            rc = clean();
        if (rc)
            bench_fail(name, rc);
        if (BENCH_COUNTS(i))
            bench_sample(name, "calls", 1);
    }
}

static int send_and_mask(void)
{
    int rc = mask();

    return rc ? rc : send();
}

/* The upcall that comes at once is in it. */
static void send_to_handler(void)
{
    unsigned int before = delivered;

    row("send-to-handler", nothing, send, nothing);
    if (delivered - before != BENCH_REPEAT + 1)
        bench_fail("send-to-handler", (long)(delivered - before));
}

/* The handler ends the event itself, or whoever it gave the work to does so later: in two parts. */
static void late_eoi(const char *name, evtchn_handler_t *handler)
{
    unsigned long flags = platform_upcalls_save();
    int rc = evtchn_bind_ipi(vcpu_this(), handler, NULL, EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI, &ch);

    for (unsigned int i = 0; rc == 0 && i <= BENCH_REPEAT; i++) {
        rc = evtchn_send(ch);
        bench_begin();
        bench_take_upcall();
        bench_end();
        if (BENCH_COUNTS(i))
            bench_sample(name, "events", 1);
        if (rc == 0 && handler != finish)
            rc = evtchn_eoi(ch, false);
    }
    if (rc)
        bench_fail(name, rc);
    platform_upcalls_restore(flags);
}

static int deliver(void)
{
    int rc = evtchn_send(ch);

    bench_take_upcall();
    return rc;
}

static int eoi(void)
{
    return evtchn_eoi(ch, false);
}

/* Of the hypercalls alone, and of what changes a bit. */
static evtchn_port_t port;

static int floor_bind(void)
{
    return hypercall_evtchn_bind_ipi(vcpu_this(), &port);
}

static int floor_close(void)
{
    return hypercall_evtchn_close(port);
}

static int floor_send(void)
{
    return hypercall_evtchn_send(port);
}

static void floors(void)
{
    row("floor-bind", nothing, floor_bind, floor_close);
    row("floor-close", floor_bind, floor_close, nothing);
    row("floor-mask", nothing, floor_mask, nothing);
    row("floor-unmask", nothing, floor_unmask, nothing);
    if (floor_bind())
        bench_fail("floor-bind", 0);
    row("floor-send-pending", nothing, floor_send, nothing);
    floor_close();
}

void bench_ops(void)
{
    unsigned long flags = platform_upcalls_save();

    row("nothing", nothing, nothing, nothing);
    floors();
    row("bind", nothing, bind, close);
    row("close", bind, close, nothing);
    if (bind())
        bench_fail("bind", 0);
    row("mask", nothing, mask, unmask);
    row("unmask", mask, unmask, nothing);
    row("unmask-pending", send_and_mask, unmask, nothing);
    row("send-pending", nothing, send, nothing);
    platform_upcalls_restore(flags);
    send_to_handler();
    close();
    late_eoi("upcall-late-eoi", finish);
    close();
    late_eoi("upcall-late", bench_empty);
    (void)platform_upcalls_save();
    row("eoi", deliver, eoi, nothing);
    platform_upcalls_restore(flags);
    close();
    bench_value("fp-bytes", arch_fp_size());
}
