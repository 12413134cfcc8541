/* SPDX-License-Identifier: MIT */
/*
 * printf() in a handler: not only now and then, when it is called at the wrong moment, but always
 * refused, whatever the program does meanwhile.
 *
 * Expect: panic: newlib: stdio, .* are not for handlers
 * Expect: #[0-9]+ .* handler\+
 * Expect: the guest shut down with the reason crash
 */
#include <stdio.h>
#include <xenlet.h>

static void handler(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    printf("from a handler\n");
    __asm__ volatile(""); /* no tail call: we are in the backtrace */
}

int main(int argc, char **argv)
{
    struct evtchn *ch;

    (void)argc;
    (void)argv;
    if (evtchn_bind_ipi(0, handler, NULL, 0, &ch) == 0 && evtchn_send(ch) == 0)
        clock_sleep(1000000000);
    return 0;
}
