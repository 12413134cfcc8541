/* SPDX-License-Identifier: MIT */
/* Gives up by itself, saying why. */
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
