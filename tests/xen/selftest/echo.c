/* SPDX-License-Identifier: MIT */
/* Asks for a name on the console: the runner's scripted input has to give it. */
#include <xenlet.h>

int main(int argc, char **argv)
{
    char name[32];
    size_t len;
    int rc;

    (void)argc;
    (void)argv;
    console_printf("name?\n");
    rc = console_read_line(name, sizeof(name), &len, XENLET_FOREVER);
    console_printf("hello %.*s (%d)\n", (int)len, name, rc);
    console_printf("Test result: SUCCESS\n");
    return 0;
}
