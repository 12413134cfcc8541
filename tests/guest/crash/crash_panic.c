/* SPDX-License-Identifier: MIT */
/*
 * Gives up by itself, saying why.
 *
 * Expect: panic: cannot go on: no reason .-42.
 * Expect: #1 .* give_up\+
 * Expect: #2 .* main\+
 * Expect: the guest shut down with the reason crash
 */
#include <xenlet.h>

__attribute__((noinline)) static void give_up(const char *why, int number)
{
    xenlet_panic("cannot go on: %s (%d)", why, number);
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    give_up("no reason", -42);
    return 0;
}
