/* SPDX-License-Identifier: MIT */
/*
 * assert(): the place, the function and the condition, and how it came there.
 *
 * Expect: panic: .*crash_newlib_assert.c:[0-9]+: check\(\): assertion failed: argc == 12345
 * Expect: #[0-9] .* check\+
 * Expect: the guest shut down with the reason crash
 */
#include <assert.h>

__attribute__((noinline)) static void check(int argc)
{
    assert(argc == 12345);
}

int main(int argc, char **argv)
{
    (void)argv;
    check(argc);
    return 0;
}
