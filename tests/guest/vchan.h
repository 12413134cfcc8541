/* SPDX-License-Identifier: MIT */
/* What the tests of vchan share: both ends in one domain. */
#ifndef XENLET_TEST_VCHAN_H
#define XENLET_TEST_VCHAN_H

#include "kernel/vchan.h"
#include "tests/guest/gnttab.h"
#include "tests/guest/xenstore.h"

/* The shim lets nobody map what is offered. */
#define NEEDS_VCHAN()          \
    do {                       \
        NEEDS_STORE();         \
        NEEDS_ALL_OF_GRANTS(); \
    } while (0)

struct ends {
    struct vchan *server, *client;
};

/* The absolute path of a name below our own data/. */
const char *own_path(const char *name);

/* Connected, the server reading 2^in and writing 2^out; false and nothing if that failed. */
bool open_ends(struct ends *e, unsigned int in, unsigned int out);
void close_ends(struct ends *e);

/* Without waiting: read or write, and what came out in *n. */
int read_now(struct vchan *v, void *data, size_t len, size_t *n);
int write_now(struct vchan *v, const void *data, size_t len, size_t *n);

#endif
