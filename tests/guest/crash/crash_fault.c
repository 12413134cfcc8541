/* SPDX-License-Identifier: MIT */
/*
 * Writes to NULL, a few calls deep: the report names the functions.
 *
 * Expect: page fault .vector 14, error code 0x2
 * Expect: cannot write address 0x0: nothing is mapped there
 * Expect: #0 .* write_to_null\+
 * Expect: #1 .* inner_function\+
 * Expect: #2 .* outer_function\+
 * Expect: #3 .* main\+
 * Expect: the guest shut down with the reason crash
 */
#include <xenlet.h>

/* Not inlined, not a tail call: each must be there to be named. */
#define STEP __attribute__((noinline)) static void
#define STAY __asm__ volatile("")

static int *volatile nothing;

STEP write_to_null(void)
{
    *nothing = 1;
    STAY;
}

STEP inner_function(void)
{
    write_to_null();
    STAY;
}

STEP outer_function(void)
{
    inner_function();
    STAY;
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    console_printf("about to write to NULL\n");
    outer_function();
    return 0;
}
