/* SPDX-License-Identifier: MIT */
/* What the tests of xenstore share. */
#ifndef XENLET_TEST_XENSTORE_H
#define XENLET_TEST_XENSTORE_H

#include "tests/guest/test.h"

/* A deadline by which the store should have answered anything. */
uint64_t soon(void);

/* Whether there is a store; and to leave a test that needs one. */
bool has_store(void);
#define NEEDS_STORE()                            \
    do {                                         \
        if (!has_store())                        \
            SKIP("this domain has no xenstore"); \
    } while (0)

/* Write a string; whether a node holds a string. */
int put(const struct xenstore_tx *tx, const char *path, const char *text);
bool holds(const struct xenstore_tx *tx, const char *path, const char *text);

#endif
