/* SPDX-License-Identifier: MIT */
/*
 * An assertion that does not hold: the report has the place and the condition.
 *
 * Expect: panic: .*crash_assert.c:[0-9]+: assertion failed: argc == 12345
 * Expect: #1 .* check\+
 * Expect: the guest shut down with the reason crash
 */
#include <xenlet.h>

__attribute__((noinline)) static void check(int argc)
{
    xenlet_assert(argc == 12345);
}

int main(int argc, char **argv)
{
    (void)argv;
    check(argc);
    return 0;
}
