/* SPDX-License-Identifier: MIT */
/*
 * A program outside the tree. It has names of its own that the library uses inside, too, and would
 * not link if those were visible.
 */
#include <xenlet.h>

int start_info = 1, shared_info = 2;

int timer_init(void);
int timer_init(void)
{
    return 3;
}

const char *symbol_of(void);
const char *symbol_of(void)
{
    return "mine";
}

static void event(struct evtchn *ch, void *data)
{
    (void)ch;
    ++*(int *)data;
}

static bool seen(void *data)
{
    return *(int *)data != 0;
}

int main(int argc, char **argv)
{
    int events = 0, rc;
    struct evtchn *ch;

    (void)argv;
    rc = evtchn_bind_ipi(0, event, &events, 0, &ch);
    if (rc == 0)
        rc = evtchn_send(ch);
    if (rc == 0)
        rc = evtchn_wait(seen, &events, clock_after(1000000000));
    console_printf("xenlet %s: %d words, own names %d %s, event %d\n", xenlet_version(), argc,
                   start_info + shared_info + timer_init(), symbol_of(), rc);
    console_printf("Test result: %s\n", rc ? "FAILURE" : "SUCCESS");
    return 0;
}
