/* SPDX-License-Identifier: MIT */
/* A command line taken apart. */
#ifndef XENLET_KERNEL_CMDLINE_H
#define XENLET_KERNEL_CMDLINE_H

#include <xenlet/types.h>

#define CMDLINE_ARGS 64   /* words; further ones are not seen */
#define CMDLINE_SIZE 1024 /* what Xen hands to a PV guest (MAX_GUEST_CMDLINE) */

struct cmdline {
    char line[CMDLINE_SIZE];      /* the words, each with a NUL */
    char *args[CMDLINE_ARGS + 2]; /* argv: a name, the words, NULL */
    int nr;                       /* argc */
};

/* Split `text` at spaces; "double quotes" keep spaces together and are taken away. */
void cmdline_split(struct cmdline *c, const char *text);

/* What xenlet_option() says of its own. */
const char *cmdline_option(const struct cmdline *c, const char *name);

#endif
