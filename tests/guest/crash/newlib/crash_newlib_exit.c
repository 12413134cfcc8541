/* SPDX-License-Identifier: MIT */
/*
 * A main() that returns another number than 0: what atexit() was told to do is done, what was
 * written comes out, and the domain's end is a crash.
 *
 * Expect: not yet written, and at last: in atexit
 * Expect: the guest shut down with the reason crash
 */
#include <stdio.h>
#include <stdlib.h>

static void at_last(void)
{
    printf("and at last: in atexit");
}

int main(int argc, char **argv)
{
    (void)argv;
    atexit(at_last);
    printf("not yet written, ");
    return argc + 2;
}
