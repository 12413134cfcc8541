/* SPDX-License-Identifier: MIT */
/*
 * From a send to the end of the handler in another domain, and the same back. Domain 1 has on its
 * command line what domains 2 and 3 are called, `second=` and `third=`, by their ABI; they have
 * `peer`.
 */
#include "arch/atomic.h"
#include "bench/guest/bench.h"

#define SETTLE  5000000u    /* ns: by then the other domain sleeps */
#define CALM    3000000000u /* and Xen and dom0 have done with making them */
#define PATIENT 60000000000u
#define PORTS   64u /* a port of a domain as young as the first is below */

static bool has_arrived(void *count)
{
    return atomic_read(&bench_arrivals) >= *(unsigned int *)count;
}

static void await(unsigned int arrivals)
{
    int rc = evtchn_wait(has_arrived, &arrivals, clock_after(PATIENT));

    if (rc)
        bench_fail("the other domain", rc);
    clock_sleep(SETTLE);
}

static void send(struct evtchn *ch)
{
    int rc;

    bench_depart();
    rc = evtchn_send(ch);
    bench_sent();
    if (rc)
        bench_fail("send", rc);
}

static struct evtchn *offer(domid_t to)
{
    struct evtchn *ch = NULL;
    int rc = evtchn_bind_unbound(to, bench_arrival, NULL, EVTCHN_HANDLER_GPR, &ch);

    if (rc)
        bench_fail("bind_unbound", rc);
    return ch;
}

/* Each of the others says with one event that it is there. */
void bench_peers(const char *second, const char *third)
{
    struct evtchn *ch[2] = { offer(2), offer(3) };
    const char *name[2] = { second, third };
    unsigned int arrivals = 2;

    await(arrivals);
    clock_sleep(CALM);
    for (unsigned int k = 0; k < 2; k++) {
        for (unsigned int i = 0; i < BENCH_FLIGHTS; i++) {
            send(ch[k]);
            await(++arrivals);
        }
    }
    for (unsigned int k = 0; k < 2; k++) {
        for (unsigned int i = 0; i < BENCH_FLIGHTS; i++) {
            console_printf("flight send-to-%s-domain events 1\n", name[k]);
            console_printf("flight send-to-%s-domain events 1\n", evtchn_abi());
        }
        evtchn_close(ch[k]);
    }
}

/* Whichever of domain 1's ports is meant for us. */
static struct evtchn *find(void)
{
    uint64_t end = clock_after(PATIENT);
    struct evtchn *ch;

    do {
        for (evtchn_port_t port = 1; port < PORTS; port++) {
            if (evtchn_bind_interdomain(1, port, bench_arrival, NULL,
                                        EVTCHN_HANDLER_GPR | EVTCHN_MASKED, &ch) == 0)
                return ch;
        }
        clock_sleep(SETTLE);
    } while (clock_now() < end);
    bench_fail("domain 1 offers no port", 0);
}

void bench_peer(void)
{
    struct evtchn *ch = find();

    evtchn_take_pending(ch);
    if (evtchn_unmask(ch) || evtchn_send(ch))
        bench_fail("unmask", 0);
    for (unsigned int i = 1; i <= BENCH_FLIGHTS; i++) {
        await(i);
        send(ch);
    }
    clock_sleep(SETTLE);
    evtchn_close(ch);
}
