/* SPDX-License-Identifier: MIT */
/* The domain's command line: options for the library, arguments for main(). */
#include <xenlet/domain.h>
#include "kernel/cmdline.h"
#include "kernel/internal.h"
#include "kernel/string.h"

static struct cmdline ours;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

void cmdline_split(struct cmdline *c, const char *text)
{
    char *out = c->line, *end = c->line + sizeof(c->line) - 1;
    static char name[] = "xenlet";

    memset(c, 0, sizeof(*c));
    c->args[c->nr++] = name;
    while (c->nr <= CMDLINE_ARGS) {
        bool quoted = false;

        while (is_space(*text))
            text++;
        if (!*text)
            break;
        c->args[c->nr++] = out;
        for (; *text && (quoted || !is_space(*text)); text++) {
            if (*text == '"')
                quoted = !quoted;
            else if (out < end)
                *out++ = *text;
        }
        if (out < end)
            out++; /* line is all zero: this ends the word */
    }
}

const char *cmdline_option(const struct cmdline *c, const char *name)
{
    size_t len = strlen(name);

    for (int i = c->nr; i-- > 1;) {
        if (strncmp(c->args[i], name, len) != 0)
            continue;
        if (c->args[i][len] == '=')
            return c->args[i] + len + 1;
        if (c->args[i][len] == '\0')
            return c->args[i] + len;
    }
    return NULL;
}

void cmdline_init(const char *text)
{
    cmdline_split(&ours, text);
}

int cmdline_argv(char ***argv)
{
    *argv = ours.args;
    return ours.nr;
}

const char *xenlet_option(const char *name)
{
    return cmdline_option(&ours, name);
}
