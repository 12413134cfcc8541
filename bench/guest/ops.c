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

static void late_eoi(void)
{
    unsigned long flags = platform_upcalls_save();
    int rc = evtchn_bind_ipi(vcpu_this(), finish, NULL, EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI, &ch);

    for (unsigned int i = 0; rc == 0 && i <= BENCH_REPEAT; i++) {
        rc = evtchn_send(ch);
        bench_begin();
        bench_take_upcall();
        bench_end();
        if (BENCH_COUNTS(i))
            bench_sample("upcall-late-eoi", "events", 1);
    }
    if (rc == 0)
        rc = evtchn_close(ch);
    if (rc)
        bench_fail("late-eoi", rc);
    platform_upcalls_restore(flags);
}

void bench_ops(void)
{
    unsigned long flags = platform_upcalls_save();

    row("nothing", nothing, nothing, nothing);
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
    late_eoi();
    bench_value("fp-bytes", arch_fp_size());
}
