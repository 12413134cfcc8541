/* SPDX-License-Identifier: MIT */
/* Writes to NULL, a few calls deep: the report names the functions. */
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
