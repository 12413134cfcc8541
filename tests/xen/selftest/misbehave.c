/* SPDX-License-Identifier: MIT */
/* A guest that goes wrong in the way its argument names: the runner has to say which. */
#include <xenlet.h>

static bool is(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static void verdict(const char *text)
{
    console_printf("Test result: %s\n", text);
}

static void go_wrong(const char *how)
{
    if (is(how, "hang"))
        for (;;)
            ;
    if (is(how, "crash"))
        xenlet_shutdown(SHUTDOWN_crash);
    if (is(how, "unread")) {
        console_printf("nobody reads the console from now on\n");
        clock_sleep(5000000000); /* ns */
        xenlet_panic("%*s", 4000, "more than the ring holds");
    }
    if (is(how, "status"))
        xenlet_exit(7);
    if (is(how, "no-verdict"))
        xenlet_exit(0);
    if (is(how, "fail")) {
        console_printf("  FAIL arithmetic: expected 4 got 5 (misbehave.c:1)\n");
        verdict("FAILURE");
        xenlet_exit(0);
    }
    if (is(how, "error"))
        verdict("ERROR");
    if (is(how, "skip"))
        verdict("SKIP");
    if (is(how, "unexpected-skip"))
        console_printf("  skip unheard-of: nobody lists this one\n");
    if (is(how, "contradict"))
        console_printf("  FAIL arithmetic: expected 4 got 5 (misbehave.c:1)\n");
    if (is(how, "two-verdicts"))
        verdict("SUCCESS");
    if (is(how, "error") || is(how, "skip"))
        xenlet_exit(0);
}

int main(int argc, char **argv)
{
    console_printf("  ok begins\n");
    if (argc > 1)
        go_wrong(argv[1]);
    verdict("SUCCESS");
    while (argc > 1 && is(argv[1], "stay"))
        ;
    if (argc > 1 && is(argv[1], "crash-after-verdict"))
        xenlet_shutdown(SHUTDOWN_crash);
    return 0;
}
