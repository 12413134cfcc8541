/* SPDX-License-Identifier: MIT */
/* What the toolstack asks: see shutdown.h. */
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include <xenlet/shutdown.h>
#include <xenlet/suspend.h>
#include <xenlet/xenstore.h>
#include "kernel/internal.h"
#include "kernel/string.h"

#define NODE     "control/shutdown"
#define CHANNEL  "device/suspend/event-channel"
#define PATIENCE 10000000000ull /* ns, for xenstore */

static xenlet_shutdown_asked_t *asked;
static void *asked_data;
static struct evtchn *suspend_channel;
static struct evtchn *work; /* to be out of xenstore's code before it is suspended */
static enum xenlet_shutdown_request word_heard;
static bool is_word_heard;
static struct suspend_hook hook;

static const struct word {
    const char *text;
    enum xenlet_shutdown_request what;
} words[] = {
    { "poweroff", SHUTDOWN_ASKED_POWEROFF }, { "reboot", SHUTDOWN_ASKED_REBOOT },
    { "halt", SHUTDOWN_ASKED_HALT },         { "suspend", SHUTDOWN_ASKED_SUSPEND },
    { "crash", SHUTDOWN_ASKED_CRASH },
};

static void suspend(void)
{
    int rc = suspend_domain();

    if (rc < 0)
        platform_log("the suspend that the toolstack asked for failed (error %d)", rc);
}

static void carry_out(enum xenlet_shutdown_request what)
{
    if (asked && !asked(what, asked_data))
        return;
    switch (what) {
    case SHUTDOWN_ASKED_SUSPEND:
        suspend();
        break;
    case SHUTDOWN_ASKED_REBOOT:
        hypercall_sched_shutdown(SHUTDOWN_reboot);
        break;
    case SHUTDOWN_ASKED_CRASH:
        xenlet_panic("the toolstack asked for a crash");
    default:
        hypercall_sched_shutdown(SHUTDOWN_poweroff);
        break;
    }
}

/* --- control/shutdown: read, cleared to say that it was heard, carried out -------------------- */

static void heard(void *data, int rc, char *answer, size_t len)
{
    const struct word *word = data;

    (void)len;
    xenlet_free(answer);
    if (rc == 0) {
        word_heard = word->what;
        is_word_heard = true;
        evtchn_raise(work);
    }
}

static void work_event(struct evtchn *ch, void *data)
{
    bool heard_it = is_word_heard; /* a restore raises channels too */

    (void)ch;
    (void)data;
    is_word_heard = false;
    if (heard_it)
        carry_out(word_heard);
}

static void read_word(void *data, int rc, char *answer, size_t len)
{
    (void)data;
    for (unsigned int i = 0; rc == 0 && i < sizeof(words) / sizeof(words[0]); i++) {
        if (len == strlen(words[i].text) && memcmp(answer, words[i].text, len) == 0)
            xenstore_start(XS_WRITE, NULL, NODE, NULL, 0, heard, (void *)(uintptr_t)&words[i]);
    }
    xenlet_free(answer);
}

static void node_changed(struct xenstore_watch *watch, const char *path, void *data)
{
    (void)watch;
    (void)data;
    if (path)
        xenstore_start(XS_READ, NULL, NODE, NULL, 0, read_word, NULL);
}

/* --- the suspend event channel ---------------------------------------------------------------- */

/* Raised in a reset too; the toolstack's end is there when it was the toolstack. */
static void channel_event(struct evtchn *ch, void *data)
{
    struct evtchn_status status;

    (void)data;
    if (evtchn_status(ch, &status) == 0 && status.status == EVTCHNSTAT_interdomain)
        carry_out(SHUTDOWN_ASKED_SUSPEND);
}

/* The toolstack's domain is 0. Its port's number goes to `text`. */
static int open_channel(char *text, size_t size)
{
    int rc = evtchn_bind_unbound(0, channel_event, NULL, 0, &suspend_channel);

    if (rc)
        return rc;
    return xenlet_snprintf(text, size, "%u", evtchn_port(suspend_channel));
}

static void ignore(void *data, int rc, char *answer, size_t len)
{
    (void)data;
    (void)rc;
    (void)len;
    xenlet_free(answer);
}

static void channel_lost(struct evtchn *ch, void *data)
{
    (void)data;
    evtchn_close(ch);
    suspend_channel = NULL;
}

/* The new one is published when xenstore works again. */
static void open_again(void *data, bool cancelled)
{
    char text[12];
    int len;

    (void)data;
    if (cancelled || suspend_channel)
        return;
    len = open_channel(text, sizeof(text));
    if (len < 0)
        return;
    evtchn_on_lost(suspend_channel, channel_lost);
    xenstore_start(XS_WRITE, NULL, CHANNEL, text, (size_t)len, ignore, NULL);
}

static int publish_channel(uint64_t deadline)
{
    char text[12];
    int len = open_channel(text, sizeof(text));

    if (len < 0)
        return len;
    evtchn_on_lost(suspend_channel, channel_lost);
    hook.order = SUSPEND_DRIVERS;
    hook.after = open_again;
    suspend_register(&hook);
    /* Not every toolstack makes the node; then it uses control/shutdown. */
    xenstore_write(NULL, CHANNEL, text, (size_t)len, deadline);
    return 0;
}

int xenlet_shutdown_init(xenlet_shutdown_asked_t *function, void *data)
{
    static const char *const features[] = { "control/feature-poweroff", "control/feature-reboot",
                                            "control/feature-halt", "control/feature-suspend" };
    struct xenstore_watch *watch;
    uint64_t deadline = clock_after(PATIENCE);
    int rc = upcalls_masked() ? -XEN_EDEADLK : suspend_init();

    if (rc)
        return rc;
    asked = function;
    asked_data = data;
    rc = evtchn_bind_ipi(0, work_event, NULL, 0, &work);
    for (unsigned int i = 0; rc == 0 && i < sizeof(features) / sizeof(features[0]); i++) {
        rc = xenstore_write(NULL, features[i], "1", 1, deadline);
        if (rc == -XEN_EACCES || rc == -XEN_ENOENT)
            rc = 0; /* a toolstack that does not want to know */
    }
    if (rc == 0)
        rc = publish_channel(deadline);
    return rc ? rc : xenstore_watch(NODE, node_changed, NULL, &watch, deadline);
}
