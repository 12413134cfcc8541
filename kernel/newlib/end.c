/* SPDX-License-Identifier: MIT */
/* How a program of newlib's begins and ends. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kernel/newlib/internal.h"

extern char **environ;

/* NAME=VALUE, with a name as the environment's are: options of the library are in small letters. */
static bool is_environment(const char *word)
{
    const char *p = word;

    while ((*p >= 'A' && *p <= 'Z') || *p == '_' || (p > word && *p >= '0' && *p <= '9'))
        p++;
    return p > word && *p == '=';
}

/* Words of the first kind, or of the other, with a NULL behind them. */
static int pick(char **to, char **words, int nr, bool environment)
{
    int n = 0;

    for (int i = 0; i < nr; i++) {
        if (environment == (i > 0 && is_environment(words[i])))
            to[n++] = words[i];
    }
    to[n] = NULL;
    return n;
}

void xenlet_run(int argc, char **argv)
{
    char **args = malloc(((size_t)argc + 1) * sizeof(*args));

    environ = malloc(((size_t)argc + 1) * sizeof(*environ));
    if (!args || !environ)
        xenlet_panic("newlib: no memory for the environment");
    pick(environ, argv, argc, true);
    argc = pick(args, argv, argc, false);
    exit(main(argc, args));
}

void _exit(int status)
{
    xenlet_exit(status);
}

void abort(void)
{
    xenlet_panic("abort()");
}

void __assert_func(const char *file, int line, const char *function, const char *condition)
{
    xenlet_panic("%s:%d: %s%sassertion failed: %s", file, line, function ? function : "",
                 function ? "(): " : "", condition);
}
