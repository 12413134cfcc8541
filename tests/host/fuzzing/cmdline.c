/* SPDX-License-Identifier: MIT */
/* Fuzz target: any command line is taken apart into words that lie within it. */
#include <stdlib.h>
#include <string.h>
#include "kernel/cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cmdline c;
    char text[MAX_GUEST_CMDLINE];

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    cmdline_split(&c, text);
    if (c.nr < 1 || c.nr > CMDLINE_ARGS + 1 || c.args[c.nr])
        abort();
    for (int i = 1; i < c.nr; i++) {
        if (c.args[i] < c.line || c.args[i] + strlen(c.args[i]) >= c.line + sizeof(c.line))
            abort();
        cmdline_option(&c, c.args[i]);
    }
    cmdline_option(&c, "evtchn");
    return 0;
}
