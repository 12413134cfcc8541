/* SPDX-License-Identifier: MIT */
/*
 * Every port the domain may have, bound and delivered; and the end of them. Where the ABI has more
 * than Xen binds in reasonable time, `ports=N` on the command line says how many.
 */
#include "tests/guest/test.h"

#define CAP 4096u

struct port {
    struct evtchn *ch;
    unsigned int seen;
};

static struct port *ports;
static unsigned int nr;

/* The highest port Xen gives: the first domain has what the ABI has, a domU what xl allows. */
static unsigned int last_port(void)
{
    unsigned int last = evtchn_nr_ports() - 1, max;

    if (xenlet_is_initial_domain())
        return last;
    max = test_number("max_event_channels", 1023); /* xl's default */
    return max < last ? max : last;
}

static unsigned int most(void)
{
    unsigned int cap = test_number("ports", CAP);

    return last_port() < cap ? last_port() : cap;
}

static int bind_one(struct port *p)
{
    p->seen = 0;
    return evtchn_bind_ipi(0, count_event, &p->seen, EVTCHN_HANDLER_GPR, &p->ch);
}

/* As many as there may be: to the end of them, or to the cap. */
static int bind_all(void)
{
    int rc = 0;

    ports = xenlet_alloc(most() * sizeof(*ports));
    if (!ports)
        return -XEN_ENOMEM;
    for (nr = 0; nr < most() && rc == 0; nr++)
        rc = bind_one(&ports[nr]);
    if (rc)
        nr--;
    return rc;
}

static void close_all(void)
{
    while (nr)
        EXPECT_EQ(evtchn_close(ports[--nr].ch), 0);
    xenlet_free(ports);
    ports = NULL;
}

static void expect_all(unsigned int times)
{
    for (unsigned int i = 0; i < nr; i++) {
        if (ports[i].seen != times) {
            test_fail(__FILE__, __LINE__, "port %u: delivered %u times, expected %u",
                      evtchn_port(ports[i].ch), ports[i].seen, times);
            return;
        }
    }
}

static void send_all(void)
{
    for (unsigned int i = 0; i < nr; i++)
        EXPECT_EQ(evtchn_send(ports[i].ch), 0);
}

TEST(every_port_is_bound_and_delivered)
{
    bool to_the_end = most() == last_port();
    unsigned int highest = 0;
    unsigned long flags;

    EXPECT_EQ(bind_all(), to_the_end ? -XEN_ENOSPC : 0);
    for (unsigned int i = 0; i < nr; i++) {
        if (evtchn_port(ports[i].ch) > highest)
            highest = evtchn_port(ports[i].ch);
    }
    if (to_the_end)
        EXPECT_EQ(highest, last_port());
    else
        EXPECT(highest >= most());
    send_all();
    expect_all(1);

    /* All in one upcall. */
    flags = platform_upcalls_save();
    send_all();
    expect_all(1);
    platform_upcalls_restore(flags);
    expect_all(2);
    console_printf("       %u ports were bound, the highest of them %u\n", nr, highest);
    close_all();
}

TEST(full_house_frees_a_port_when_one_is_closed)
{
    evtchn_port_t port;

    if (most() != last_port())
        SKIP("it takes Xen too long to fill the house");
    EXPECT_EQ(bind_all(), -XEN_ENOSPC);
    CHECK(nr > 100);
    port = evtchn_port(ports[100].ch);
    EXPECT_EQ(evtchn_close(ports[100].ch), 0);
    CHECK_EQ(bind_one(&ports[100]), 0);
    EXPECT_EQ(evtchn_port(ports[100].ch), port);
    EXPECT_EQ(evtchn_send(ports[100].ch), 0);
    EXPECT_EQ(ports[100].seen, 1);
    close_all();
}
