/* SPDX-License-Identifier: MIT */
/*
 * VIRQ_DEBUG: somebody wants to see what state the guest is in (`xl debug-keys q`, or three times
 * ^A and then q on the machine's serial line). The answer waits for no lock, and leaves out lines
 * rather than wait for the console.
 */
#include <xenlet/console.h>
#include <xenlet/evtchn.h>
#include <xenlet/platform.h>
#include "kernel/internal.h"

static unsigned int left_out;

static void print(const char *format, ...)
{
    char line[256];
    va_list args;
    int len;

    va_start(args, format);
    len = xenlet_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (!console_try_write(line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1))
        left_out++;
}

static void debug_event(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    left_out = 0;
    evtchn_dump(print);
    print("%u lines left out\n", left_out);
}

int debug_init(void)
{
    static struct evtchn *channel;

    return evtchn_bind_virq(VIRQ_DEBUG, 0, debug_event, NULL,
                            EVTCHN_HANDLER_GPR | EVTCHN_NO_RERAISE, &channel);
}
