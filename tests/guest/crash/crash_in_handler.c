/* SPDX-License-Identifier: MIT */
/*
 * A handler executes an invalid instruction: the report shows the upcall it ran in, and what that
 * interrupted.
 *
 * Expect: invalid opcode .vector 6
 * Expect: #0 .* bad_handler\+
 * Expect: interrupted by an upcall:
 * Expect: #[0-9]+ .* raise_the_event\+
 * Expect: the guest shut down with the reason crash
 */
#include <xenlet.h>

static void bad_handler(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    __asm__ volatile("ud2");
}

__attribute__((noinline)) static void raise_the_event(void)
{
    struct evtchn *ch;

    xenlet_assert(evtchn_bind_ipi(0, bad_handler, NULL, 0, &ch) == 0);
    xenlet_assert(evtchn_send(ch) == 0);
    __asm__ volatile("");
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    raise_the_event();
    return 0;
}
