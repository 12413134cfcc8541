/* SPDX-License-Identifier: MIT */
/*
 * abort(): a report with a backtrace.
 *
 * Expect: panic: abort\(\)
 * Expect: #[0-9] .* give_up\+
 * Expect: the guest shut down with the reason crash
 */
#include <stdlib.h>

__attribute__((noinline)) static void give_up(void)
{
    abort();
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc)
        give_up();
    return 0;
}
