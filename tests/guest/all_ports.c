/* SPDX-License-Identifier: MIT */
/* Every port the domain may have, bound and delivered; and the end of them. */
#include "tests/guest/test.h"

#define MAX_PORTS 4096

static struct evtchn *channels[MAX_PORTS];
static unsigned int seen[MAX_PORTS];
static unsigned int nr;

/* Port numbers Xen hands out: the first domain has what the ABI has, a domU what xl gives it. */
static unsigned int last_port(void)
{
    const char *max = xenlet_option("max_event_channels");
    unsigned int last = 0;

    if (xenlet_is_initial_domain())
        return evtchn_nr_ports() - 1;
    if (!max)
        return 1023; /* xl's default */
    while (*max >= '0' && *max <= '9')
        last = last * 10 + (unsigned int)(*max++ - '0');
    return last < evtchn_nr_ports() ? last : evtchn_nr_ports() - 1;
}

static int bind_all(void)
{
    int rc = 0;

    for (nr = 0; nr < MAX_PORTS; nr++) {
        seen[nr] = 0;
        rc = evtchn_bind_ipi(0, count_event, &seen[nr], EVTCHN_HANDLER_GPR, &channels[nr]);
        if (rc)
            break;
    }
    return rc;
}

static void close_all(void)
{
    while (nr)
        EXPECT_EQ(evtchn_close(channels[--nr]), 0);
}

static void expect_all(unsigned int times)
{
    for (unsigned int i = 0; i < nr; i++) {
        if (seen[i] != times) {
            test_fail(__FILE__, __LINE__, "port %u: delivered %u times, expected %u",
                      evtchn_port(channels[i]), seen[i], times);
            return;
        }
    }
}

TEST(every_port_is_bound_and_delivered)
{
    unsigned int highest = 0;
    unsigned long flags;

    EXPECT_EQ(bind_all(), -XEN_ENOSPC);
    for (unsigned int i = 0; i < nr; i++) {
        if (evtchn_port(channels[i]) > highest)
            highest = evtchn_port(channels[i]);
        EXPECT_EQ(evtchn_send(channels[i]), 0);
    }
    EXPECT_EQ(highest, last_port());
    expect_all(1);

    /* All in one upcall. */
    flags = platform_upcalls_save();
    for (unsigned int i = 0; i < nr; i++)
        EXPECT_EQ(evtchn_send(channels[i]), 0);
    expect_all(1);
    platform_upcalls_restore(flags);
    expect_all(2);
    close_all();
}

TEST(full_house_frees_a_port_when_one_is_closed)
{
    evtchn_port_t port;

    EXPECT_EQ(bind_all(), -XEN_ENOSPC);
    CHECK(nr > 100);
    port = evtchn_port(channels[100]);
    EXPECT_EQ(evtchn_close(channels[100]), 0);
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen[100], EVTCHN_HANDLER_GPR, &channels[100]), 0);
    EXPECT_EQ(evtchn_port(channels[100]), port);
    EXPECT_EQ(evtchn_send(channels[100]), 0);
    EXPECT_EQ(seen[100], 1);
    close_all();
}
