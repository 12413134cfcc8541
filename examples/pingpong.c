/* SPDX-License-Identifier: MIT */
/*
 * Two domains that play ping-pong over an event channel, "doorbell", and count: every ping and
 * every answer has to arrive. A second one, "heartbeat", is knocked on until the other is there.
 * `count=` says how many pings.
 *
 * Where there is no xenstore, on a dom0less system, both are static channels of the device tree.
 * Under xl the one that serves makes them and writes their ports into its data/ in xenstore; the
 * other finds them there. Each is told the other's number in its data/peer, by whoever has created
 * both (examples/pingpong.cfg).
 *
 * Who has `serve` on its command line begins. With several VCPUs the last one plays. A channel may
 * have an event from the start, or an old one: both sides take it away before they say, by knocking
 * or answering, that they are ready.
 */
#include <xenlet.h>
#include <xenlet/evtchn_static.h>

#define KNOCK   10000000u    /* ns between two */
#define PATIENT 60000000000u /* ns without an event */
#define SHOWN   3            /* of the first pings and answers each is told */

/* Masked until what is pending is forgotten; and no ping is one too many. */
#define FLAGS (EVTCHN_MASKED | EVTCHN_NO_SHARE)

static struct side {
    struct evtchn *doorbell, *heartbeat;
    bool serves;
    domid_t peer;        /* under xl */
    unsigned int player; /* the VCPU */
    unsigned int count, sent, seen, beats, knocks;
} us;

static void ring(struct side *s, struct evtchn *ch)
{
    s->sent++;
    if (s->sent <= SHOWN)
        console_printf("doorbell: sent %u\n", s->sent);
    evtchn_send(ch);
}

/* The other has rung: answer, or serve again. */
static void rung(struct evtchn *ch, void *data)
{
    struct side *s = data;

    s->seen++;
    if (s->seen <= SHOWN)
        console_printf("doorbell: got %u\n", s->seen);
    if (s->sent < s->count)
        ring(s, ch);
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

static unsigned int number(const char *text)
{
    unsigned int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return n;
}

/* What was bound, masked: forget what is pending, and listen on the VCPU that is meant to. */
static int listen(struct evtchn *ch, evtchn_handler_t *handler)
{
    int rc = handler == rung && us.player ? evtchn_bind_vcpu(ch, us.player) : 0;

    if (rc)
        return rc;
    evtchn_take_pending(ch);
    return evtchn_unmask(ch);
}

/* --- found in the device tree ----------------------------------------------------------------- */

static int bind(const struct evtchn_static *what, evtchn_handler_t *handler, struct evtchn **ch)
{
    int rc = what ? evtchn_bind_static(what, handler, &us, FLAGS, ch) : -XEN_ENOENT;

    return rc ? rc : listen(*ch, handler);
}

static int find_in_tree(const void *tree, size_t size)
{
    const struct evtchn_static *doorbell, *heartbeat;
    struct evtchn_static channels[64];
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr;
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
    rc = bind(doorbell, rung, &us.doorbell);
    return rc ? rc : bind(heartbeat, knocked, &us.heartbeat);
}

/* --- found in xenstore ------------------------------------------------------------------------ */

/* Read a number, and wait for it to be written. */
static int await_number(const char *path, unsigned int *n)
{
    uint64_t end = clock_after(PATIENT);
    char *text;
    int rc;

    for (;;) {
        rc = xenstore_read(NULL, path, &text, NULL, end);
        if (rc == 0) {
            *n = number(text);
            xenlet_free(text);
            return 0;
        }
        if ((rc != -XEN_ENOENT && rc != -XEN_EACCES) || clock_now() >= end)
            return rc;
        clock_sleep(KNOCK);
    }
}

/* The port of one of ours, for the other to read. */
static int publish(const char *path, struct evtchn *ch)
{
    struct xenstore_perm *perms, both[2] = { { 0, 'n' }, { us.peer, 'r' } };
    uint64_t end = clock_after(PATIENT);
    char text[12];
    size_t n;
    int len = xenlet_snprintf(text, sizeof(text), "%u", evtchn_port(ch));
    int rc = xenstore_write(NULL, path, text, (size_t)len, end);

    if (rc == 0)
        rc = xenstore_get_perms(NULL, path, &perms, &n, end);
    if (rc)
        return rc;
    both[0].domid = perms[0].domid; /* us */
    xenlet_free(perms);
    return xenstore_set_perms(NULL, path, both, 2, end);
}

static int meet(const char *name, evtchn_handler_t *handler, struct evtchn **ch)
{
    char path[64];
    unsigned int port = 0;
    int rc;

    if (us.serves) {
        xenlet_snprintf(path, sizeof(path), "data/%s", name);
        rc = evtchn_bind_unbound(us.peer, handler, &us, FLAGS, ch);
        if (rc == 0)
            rc = listen(*ch, handler);
        return rc ? rc : publish(path, *ch);
    }
    xenlet_snprintf(path, sizeof(path), "/local/domain/%u/data/%s", us.peer, name);
    rc = await_number(path, &port);
    if (rc == 0)
        rc = evtchn_bind_interdomain(us.peer, port, handler, &us, FLAGS, ch);
    return rc ? rc : listen(*ch, handler);
}

static int find_in_store(void)
{
    unsigned int peer;
    int rc;

    console_printf("who is the other one? its number goes into data/peer\n");
    rc = await_number("data/peer", &peer);
    if (rc)
        return rc;
    us.peer = (domid_t)peer;
    rc = meet("doorbell", rung, &us.doorbell);
    if (rc == 0)
        rc = meet("heartbeat", knocked, &us.heartbeat);
    if (rc == 0)
        console_printf("doorbell: port 0x%x, heartbeat: port 0x%x, with domain %u\n",
                       evtchn_port(us.doorbell), evtchn_port(us.heartbeat), us.peer);
    return rc;
}

/* --- the game --------------------------------------------------------------------------------- */

/* The doorbell first: who hears us on the heartbeat may ring it. */
static int find_channels(void)
{
    size_t size;
    const void *tree = xenlet_device_tree(&size);

    return tree ? find_in_tree(tree, size) : find_in_store();
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

/* On the VCPU whose handler it is. */
static void wait_for_the_end(void *arg)
{
    unsigned int seen;
    int *rc = arg;

    do {
        seen = us.seen;
        *rc = evtchn_wait(is_over, &us, clock_after(PATIENT));
    } while (*rc == -XEN_ETIME && (us.seen != seen || !us.doorbell));
    if (us.doorbell)
        evtchn_mask(
            us.doorbell); /* it moves when this VCPU goes down, which may deliver once more */
}

static int play(void)
{
    int over = 0, rc = us.player ? vcpu_start(us.player, wait_for_the_end, &over) : 0;

    if (rc == 0)
        rc = find_channels();
    if (rc == 0 && us.serves)
        rc = knock();
    if (rc)
        return rc;
    if (us.serves)
        ring(&us, us.doorbell);
    if (us.player)
        vcpu_join(us.player, XENLET_FOREVER);
    else
        wait_for_the_end(&over);
    return over;
}

int main(int argc, char **argv)
{
    int rc;

    (void)argc;
    (void)argv;
    us.serves = xenlet_option("serve");
    us.count = number(xenlet_option("count"));
    if (!us.count)
        us.count = 1000;
    us.player = vcpu_count() - 1;
    rc = play();
    console_printf("doorbell: %u sent, %u seen; heartbeat: %u sent, %u seen\n", us.sent, us.seen,
                   us.knocks, us.beats);
    if (rc)
        console_printf("the game was given up (error %d)\n", rc);
    console_printf("Test result: %s\n",
                   rc == 0 && us.sent == us.count && us.seen == us.count ? "SUCCESS" : "FAILURE");
    return rc;
}
