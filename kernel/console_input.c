/* SPDX-License-Identifier: MIT */
/* Console input, a line at a time. */
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/evtchn.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"
#include "kernel/console.h"

#define BUFFER 2048u /* a power of two */

static struct spinlock lock;
static char buffer[BUFFER];
static uint32_t head, tail; /* bytes [tail, head) were not read yet; indices run on */
static uint32_t nr_lines;   /* complete ones among them */
static bool skip_lf;        /* the last byte was a CR: an LF now belongs to it */

static void take(char c)
{
    bool was_cr = skip_lf;

    skip_lf = c == '\r';
    if (c == '\n' && was_cr)
        return;
    if (c == '\r')
        c = '\n';
    if (c == '\b' || c == 0x7f) {
        if (head != tail && buffer[(head - 1) % BUFFER] != '\n')
            head--;
        return;
    }
    /*
     * Room for one byte is kept for a line end: of a line longer than the buffer only the tail is
     * lost.
     */
    if (head - tail >= BUFFER - (c != '\n'))
        return;
    buffer[head++ % BUFFER] = c;
    if (c == '\n')
        nr_lines++;
}

static void take_bytes(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        take(bytes[i]);
}

void console_input_bytes(const char *bytes, size_t n)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    take_bytes(bytes, n);
    spin_unlock(&lock);
    console_wake();
    platform_upcalls_restore(flags);
}

/*
 * How many bytes to take of what came in: fewer than there is room for, as one is kept for a line
 * end. If the buffer holds no whole line whose reading would make room, the line is too long: take
 * byte by byte, so that its rest is dropped but nothing behind it.
 */
static size_t wanted(size_t size)
{
    if (BUFFER - (head - tail) > size)
        return size;
    return nr_lines ? 0 : 1;
}

void console_input_event(struct evtchn *ch, void *data)
{
    char bytes[64];
    size_t n;

    (void)ch;
    (void)data;
    spin_lock(&lock);
    /* What does not fit stays in the ring until a line has been read. */
    while ((n = wanted(sizeof(bytes))) != 0) {
        n = console_get_bytes(bytes, n);
        if (n == 0)
            break;
        take_bytes(bytes, n);
    }
    spin_unlock(&lock);
    console_wake();
}

static bool have_line(void *arg)
{
    (void)arg;
    return atomic_read(&nr_lines) != 0;
}

static size_t take_line(char *line, size_t size)
{
    size_t len = 0;

    for (;;) {
        char c = buffer[tail++ % BUFFER];

        if (c == '\n')
            break;
        if (len + 1 < size)
            line[len++] = c;
    }
    nr_lines--;
    line[len] = '\0';
    return len;
}

int console_read_line(char *line, size_t size, size_t *len, uint64_t deadline)
{
    unsigned long flags;
    size_t n;
    int rc;

    if (size == 0)
        return -XEN_EINVAL;
    rc = console_wait(have_line, NULL, deadline);
    if (rc)
        return rc;
    flags = platform_upcalls_save();
    spin_lock(&lock);
    n = take_line(line, size);
    spin_unlock(&lock);
    console_input_event(NULL, NULL); /* there is room for more now */
    platform_upcalls_restore(flags);
    if (len)
        *len = n;
    return 0;
}
