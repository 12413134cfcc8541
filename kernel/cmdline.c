/* SPDX-License-Identifier: MIT */
/* The domain's command line: options for the library, arguments for main(). */
#include <xenlet/domain.h>
#include "kernel/internal.h"
#include "kernel/string.h"

#define MAX_ARGS 64

static char line[MAX_GUEST_CMDLINE];
static char *args[MAX_ARGS + 2];
static int nr_args;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Split at spaces; "double quotes" keep spaces together and are taken away. */
void cmdline_init(const char *text)
{
    char *out = line;
    static char name[] = "xenlet";

    args[nr_args++] = name;
    while (nr_args <= MAX_ARGS) {
        bool quoted = false;

        while (is_space(*text))
            text++;
        if (!*text)
            break;
        args[nr_args++] = out;
        for (; *text && (quoted || !is_space(*text)); text++) {
            if (*text == '"')
                quoted = !quoted;
            else if (out < line + sizeof(line) - 1)
                *out++ = *text;
        }
        if (out < line + sizeof(line) - 1)
            out++; /* line is all zero: this ends the word */
    }
}

int cmdline_argv(char ***argv)
{
    *argv = args;
    return nr_args;
}

const char *xenlet_option(const char *name)
{
    size_t len = strlen(name);

    for (int i = nr_args; i-- > 1;) {
        if (strncmp(args[i], name, len) != 0)
            continue;
        if (args[i][len] == '=')
            return args[i] + len + 1;
        if (args[i][len] == '\0')
            return args[i] + len;
    }
    return NULL;
}
