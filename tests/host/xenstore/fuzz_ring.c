/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target for libFuzzer: the xenstore client, and a server that does what the input says. The
 * input has the program's calls too. Sanitizers find what is read or written out of bounds; here is
 * seen that every call ends, that each started request is answered once, that as long as the server
 * is honest each answer is the right one, and that in the end all memory is free.
 */
#include <xenlet/clock.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "kernel/xenstore.h"
#include "tests/host/xenstore/server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCHES 4
#define LONGEST 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xenstore_watch *watches[WATCHES];
static unsigned int started, answered;

static void require(bool what, const char *why)
{
    if (!what) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
}

/* In the caller's room: watches' functions ask for paths too, while a call is under way. */
static const char *some_path(char room[LONGEST])
{
    static const char *const paths[] = { "a", "b/c", "p", "ea", "eb", "e", "", "data/x" };
    uint8_t n = input_byte();
    size_t len = (n & 0x7f) * 39u;

    if (n & 0x80) {
        memset(room, 'x', len);
        room[len] = '\0';
        return room;
    }
    return paths[n % 8];
}

static uint64_t some_deadline(void)
{
    uint8_t n = input_byte();

    return clock_after(n < 32 ? 0 : n * 20);
}

/* --- what a program does -------------------------------------------------------------------- */

static void read_one(const struct xenstore_tx *tx)
{
    char room[LONGEST];
    const char *path = some_path(room);
    char *value, want[64];
    size_t len;
    int rc = xenstore_read(tx, path, &value, &len, some_deadline());

    if (rc)
        return;
    server_value(path, want);
    require(value[len] == '\0', "no NUL behind a value");
    require(!server_is_honest() || strcmp(value, want) == 0, "another's answer");
    xenlet_free(value);
}

static void list(void)
{
    char room[LONGEST];
    const char *path = some_path(room);
    char **names;
    size_t n, total = 0;

    if (xenstore_directory(NULL, path, &names, &n, some_deadline()) != 0)
        return;
    for (size_t i = 0; i < n; i++)
        total += strlen(names[i]);
    require(!server_is_honest() || (n == (path[0] == 'p' ? 4 : 2) && total), "another's children");
    xenlet_free(names);
}

static void permissions(void)
{
    char room[LONGEST];
    struct xenstore_perm *perms;
    size_t n;

    if (xenstore_get_perms(NULL, some_path(room), &perms, &n, some_deadline()) == 0) {
        xenstore_set_perms(NULL, some_path(room), perms, n, some_deadline());
        xenlet_free(perms);
    }
}

static void done(void *data, int rc, char *answer, size_t len)
{
    const char *path = data;
    char want[64];

    answered++;
    if (rc == 0 && answer) {
        server_value(path, want);
        require(answer[len] == '\0', "no NUL behind an answer");
        require(!server_is_honest() || strcmp(answer, want) == 0, "another's answer to a start");
    }
    require(!rc || !answer, "an answer beside an error");
    xenlet_free(answer);
    free(data);
}

static void start(void)
{
    char room[LONGEST];
    char *path = strdup(some_path(room));
    int rc = xenstore_start(input_byte() & 1 ? XS_READ : XS_MKDIR, NULL, path, NULL, 0, done, path);

    if (rc)
        free(path);
    else
        started++;
}

static int body(const struct xenstore_tx *tx, void *arg)
{
    char room[LONGEST];

    (void)arg;
    read_one(tx);
    return input_byte() & 1 ? 0 : xenstore_mkdir(tx, some_path(room), some_deadline());
}

static void changed(struct xenstore_watch *w, const char *path, void *data)
{
    struct xenstore_watch **place = data;
    uint8_t n = input_byte();
    int rc;

    if (path)
        require(strlen(path) < 5000, "a path without an end");
    rc = xenstore_mkdir(NULL, "a", XENLET_FOREVER);
    require(rc == -XEN_EDEADLK || rc == -XEN_ENOMEM, "a call in a handler that waited");
    if (n & 1)
        start();
    if (n & 2) {
        require(xenstore_unwatch(w) == 0, "a watch that cannot end itself");
        *place = NULL;
    }
}

static void watch(void)
{
    char room[LONGEST];
    uint8_t n = input_byte();
    struct xenstore_watch **place = &watches[n % WATCHES], *w;

    if (*place)
        return;
    /* The function may end it before we have its handle. */
    if (n & 0x40) {
        if (xenstore_watch(some_path(room), NULL, NULL, &w, some_deadline()) == 0)
            *place = w;
    } else {
        xenstore_watch(some_path(room), changed, place, place, some_deadline());
    }
}

static void wait_for_watch(void)
{
    struct xenstore_watch *w = watches[input_byte() % WATCHES];
    char *path;

    if (w && xenstore_watch_wait(w, &path, some_deadline()) == 0)
        xenlet_free(path);
}

static void unwatch(unsigned int which)
{
    struct xenstore_watch *w = watches[which];

    watches[which] = NULL;
    if (w)
        require(xenstore_unwatch(w) == 0, "a watch that does not end");
}

static void suspend(void)
{
    unsigned long flags = platform_upcalls_save();
    bool cancelled = input_byte() & 1;

    if (store_before_suspend(NULL) == 0) {
        if (!cancelled)
            server_fresh();
        store_after_suspend(NULL, cancelled);
    }
    platform_upcalls_restore(flags);
}

static void act(void)
{
    char room[LONGEST];

    switch (input_byte() % 14) {
    case 0:
    case 1:
        read_one(NULL);
        break;
    case 2:
        xenstore_write(NULL, some_path(room), "x", 1, some_deadline());
        break;
    case 3:
        xenstore_rm(NULL, some_path(room), some_deadline());
        break;
    case 4:
        list();
        break;
    case 5:
        permissions();
        break;
    case 6:
    case 7:
        start();
        break;
    case 8:
        xenstore_transaction(body, NULL, some_deadline());
        break;
    case 9:
        watch();
        break;
    case 10:
        wait_for_watch();
        break;
    case 11:
        unwatch(input_byte() % WATCHES);
        break;
    case 12:
        if (input_byte() & 1)
            xenstore_reconnect(some_deadline());
        else
            suspend();
        break;
    case 13:
        failing = input_byte() % 4;
        server_act();
        break;
    }
}

/* Whatever it was left in: a restore, and a server that behaves, make it whole. */
static void end(void)
{
    unsigned long flags;

    failing = 0;
    flags = platform_upcalls_save();
    server_fresh();
    server_behave();
    store_after_suspend(NULL, false);
    platform_upcalls_restore(flags);
    for (unsigned int i = 0; i < WATCHES; i++)
        unwatch(i);
    for (unsigned int i = 0; i < 3000 && (allocated || started != answered); i++)
        server_act();
    require(started == answered, "a request that was started and never answered");
    require(allocated == 0, "memory that was not freed");
    require(xenstore_mkdir(NULL, "a", clock_after(10000)) == 0, "no way back from that");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long flags;

    input_begin(data, size);
    flags = platform_upcalls_save();
    server_fresh();
    store_after_suspend(NULL, false);
    platform_upcalls_restore(flags);
    started = answered = 0;
    while (!input_is_over())
        act();
    end();
    return 0;
}
