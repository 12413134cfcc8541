/* SPDX-License-Identifier: MIT */
/* A guest that sends itself events; the README explains it. */
#include <xenlet.h>

static void tick(struct evtchn *ch, void *data)
{
    unsigned int *seen = data;

    console_printf("event %u on port %u\n", ++*seen, evtchn_port(ch));
}

int main(int argc, char **argv)
{
    unsigned int seen = 0, want = argc > 1 ? (unsigned int)argv[1][0] - '0' : 3;
    struct evtchn *ch;
    int rc = evtchn_bind_ipi(0, tick, &seen, 0, &ch);

    while (rc == 0 && seen < want) {
        clock_sleep(10000000); /* ns; handlers run meanwhile */
        rc = evtchn_send(ch);
    }
    return rc ? rc : evtchn_close(ch);
}
