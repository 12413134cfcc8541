/* SPDX-License-Identifier: MIT */
/*
 * Two domains of a dom0less system that play ping-pong over a static channel, "doorbell", and
 * count: every ping and every answer has to arrive. A second one, "heartbeat", is knocked on until
 * the other is there. `count=` says how many pings.
 *
 * Who has `serve` on its command line begins. A channel may have an event from the start, or an old
 * one: both sides take it away before they say, by knocking or answering, that they are ready.
 */
#include <xenlet.h>
#include <xenlet/evtchn_static.h>

#define KNOCK   10000000u    /* ns between two */
#define PATIENT 60000000000u /* ns without an event */

static struct side {
    struct evtchn *doorbell, *heartbeat;
    bool serves;
    unsigned int count, sent, seen, beats, knocks;
} us;

/* The other has rung: answer, or serve again. */
static void rung(struct evtchn *ch, void *data)
{
    struct side *s = data;

    s->seen++;
    if (s->sent < s->count && evtchn_send(ch) == 0)
        s->sent++;
}

/* Somebody knocks: say that we are here. The one who knocked says nothing to that. */
static void knocked(struct evtchn *ch, void *data)
{
    struct side *s = data;

    s->beats++;
    if (!s->serves && evtchn_send(ch) == 0)
        s->knocks++;
}

static bool is_there(void *arg)
{
    return ((volatile struct side *)arg)->beats;
}

static bool is_over(void *arg)
{
    return ((volatile struct side *)arg)->seen >= ((struct side *)arg)->count;
}

static int bind(const struct evtchn_static *what, evtchn_handler_t *handler, struct evtchn **ch)
{
    int rc = what ? evtchn_bind_static(what, handler, &us, EVTCHN_MASKED | EVTCHN_NO_SHARE, ch)
                  : -XEN_ENOENT;

    if (rc)
        return rc;
    evtchn_take_pending(*ch);
    return evtchn_unmask(*ch);
}

/* The doorbell first: who hears us on the heartbeat may ring it. */
static int find_channels(void)
{
    const struct evtchn_static *doorbell, *heartbeat;
    struct evtchn_static channels[64];
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr;
    size_t size;
    const void *tree = xenlet_device_tree(&size);
    int rc = evtchn_static_read(tree, size, NULL, channels, 64, &nr, error);

    if (rc) {
        console_printf("the tree: %s\n", error);
        return rc;
    }
    doorbell = evtchn_static_find(channels, nr, "doorbell");
    heartbeat = evtchn_static_find(channels, nr, "heartbeat");
    if (!doorbell || !heartbeat)
        return -XEN_ENOENT;
    console_printf("doorbell: port 0x%x, of domain %u 0x%x; heartbeat: port 0x%x\n", doorbell->port,
                   doorbell->peer_domid, doorbell->peer_port, heartbeat->port);
    us.serves = xenlet_option("serve");
    rc = bind(doorbell, rung, &us.doorbell);
    return rc ? rc : bind(heartbeat, knocked, &us.heartbeat);
}

static int knock(void)
{
    uint64_t end = clock_after(PATIENT);

    while (!is_there(&us)) {
        evtchn_send(us.heartbeat);
        us.knocks++;
        evtchn_wait(is_there, &us, clock_after(KNOCK));
        if (clock_now() >= end)
            return -XEN_ETIME;
    }
    return 0;
}

static int play(void)
{
    unsigned int seen;
    int rc = us.serves ? knock() : 0;

    if (rc)
        return rc;
    if (us.serves) {
        us.sent = 1;
        evtchn_send(us.doorbell);
    }
    do {
        seen = us.seen;
        rc = evtchn_wait(is_over, &us, clock_after(PATIENT));
    } while (rc == -XEN_ETIME && us.seen != seen);
    return rc;
}

static unsigned int number(const char *text)
{
    unsigned int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return n;
}

int main(int argc, char **argv)
{
    int rc;

    (void)argc;
    (void)argv;
    us.count = number(xenlet_option("count"));
    if (!us.count)
        us.count = 1000;
    rc = find_channels();
    if (rc == 0)
        rc = play();
    console_printf("doorbell: %u sent, %u seen; heartbeat: %u sent, %u seen\n", us.sent, us.seen,
                   us.knocks, us.beats);
    if (rc)
        console_printf("the game was given up (error %d)\n", rc);
    console_printf("Test result: %s\n",
                   rc == 0 && us.sent == us.count && us.seen == us.count ? "SUCCESS" : "FAILURE");
    return rc;
}
