/* SPDX-License-Identifier: MIT */
/* @NAME@: greets, and has an event channel and a timer work together. */
#include <xenlet.h>

struct state {
    struct evtchn *ch;
    struct clock_timer timer;
    unsigned int events;
};

/* Runs when an event has come in: a handler, upcalls masked, so it does little and never waits. */
static void event(struct evtchn *ch, void *data)
{
    struct state *s = data;

    s->events++;
    console_printf("event %u on port %u\n", s->events, evtchn_port(ch));
}

/* A handler too. Raises the next event, and sets the timer again. */
static void tick(void *data)
{
    struct state *s = data;

    evtchn_send(s->ch);
    clock_timer_set(&s->timer, clock_after(100000000), tick, s); /* ns */
}

static bool enough(void *data)
{
    return ((struct state *)data)->events >= 3;
}

int main(int argc, char **argv)
{
    struct state s = { 0 };
    int rc;

    console_printf("Hello from @NAME@: %zu KiB, %u VCPUs, event channels %s\n",
                   xenlet_nr_pages() * 4, vcpu_count(), evtchn_abi());
    for (int i = 1; i < argc; i++)
        console_printf("argument %d: %s\n", i, argv[i]);

    rc = evtchn_bind_ipi(0, event, &s, 0, &s.ch);
    if (rc)
        xenlet_panic("no event channel: error %d", rc);
    tick(&s);
    rc = evtchn_wait(enough, &s, clock_after(5000000000)); /* handlers run meanwhile */
    clock_timer_cancel(&s.timer);
    evtchn_close(s.ch);

    console_printf("%u events, and done\n", s.events);
    console_printf("Test result: %s\n", rc ? "FAILURE" : "SUCCESS"); /* for `make run` */
    return rc; /* 0: the domain powers off; anything else: it crashed */
}
