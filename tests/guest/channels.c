/* SPDX-License-Identifier: MIT */
/* A channel's life and the delivery of its events. */
#include "tests/guest/test.h"

TEST(ipi_to_self_is_delivered)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, EVTCHN_HANDLER_GPR, &ch), 0);
    CHECK_EQ(evtchn_send(ch), 0);
    CHECK_EQ(seen, 1);
    CHECK_EQ(evtchn_close(ch), 0);
}
