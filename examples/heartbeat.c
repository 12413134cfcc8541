/* SPDX-License-Identifier: MIT */
/*
 * Two domains without xenstore, and a static channel between them: each sends a beat, and notices
 * when the other's stays away. The device tree comes from Xen, or as a module; `domain=` is our
 * node's name in it, if it is one with several.
 */
#include <xenlet.h>
#include <xenlet/evtchn_static.h>

#define BEAT   10000000u /* ns */
#define MISSES 5u

static void beat(struct evtchn *ch, void *data)
{
    unsigned int *heard = data;

    (void)ch;
    ++*heard;
}

/* Send and listen until MISSES beats in a row have stayed away. */
static void listen(struct evtchn *ch, volatile unsigned int *heard)
{
    for (unsigned int missed = 0, last = 0; missed < MISSES; missed++) {
        evtchn_send(ch);
        clock_sleep(BEAT);
        if (*heard != last) {
            last = *heard;
            missed = 0;
        }
    }
}

static int bind(unsigned int *heard, struct evtchn **ch)
{
    struct evtchn_static channels[16];
    const struct evtchn_static *what;
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr;
    size_t size;
    const void *tree = xenlet_device_tree(&size);
    int rc = evtchn_static_read(tree, size, xenlet_option("domain"), channels, 16, &nr, error);

    if (rc) {
        console_printf("the tree: %s\n", error);
        return rc;
    }
    what = evtchn_static_find(channels, nr, "heartbeat");
    if (!what)
        return -XEN_ENOENT;
    return evtchn_bind_static(what, beat, heard, 0, ch);
}

int main(int argc, char **argv)
{
    unsigned int heard = 0;
    struct evtchn *ch;
    int rc = bind(&heard, &ch);

    (void)argc;
    (void)argv;
    if (rc) {
        console_printf("no channel called heartbeat (error %d)\n", rc);
        return rc;
    }
    listen(ch, &heard);
    /* Xen knows of a peer that closed its end. One that died, or hangs, still has it. */
    rc = evtchn_static_check(ch, NULL);
    console_printf("%u beats, then none: the peer %s\n", heard,
                   rc == -XEN_ENOTCONN ? "has closed its end" : "is silent");
    return evtchn_close(ch);
}
