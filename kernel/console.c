/* SPDX-License-Identifier: MIT */
/*
 * The console's two ends: a domU's ring (public/io/console.h) with its channel, and for the first
 * domain Xen's own console. Lines of input are put together in console_input.c.
 */
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include <xenlet/vcpu.h>
#include <xen/io/console.h>
#include "arch/spinlock.h"
#include "kernel/console.h"
#include "kernel/internal.h"
#include "kernel/printf.h"
#include "platform_arch.h"

#define LINE_MAX   512
#define LOOK_AGAIN 1000000u     /* ns */
#define PATIENCE   10000000000u /* ns that a report waits for room */

static struct xencons_interface *ring; /* NULL: Xen's console */
static struct evtchn *channel;         /* NULL: early, or none */
static struct spinlock lock;
static uint32_t writer;    /* the VCPU that has the lock, plus 1 */
static uint32_t panicking; /* the VCPU that reports a crash, plus 1 */
static uint64_t give_up;   /* if it finds no room until then */

/* --- the ring ------------------------------------------------------------------------------- */

/* The other end may be any domain's program: an impossible index counts as a full ring. */
static uint32_t ring_room(void)
{
    uint32_t used = ring->out_prod - atomic_read(&ring->out_cons);

    return used <= sizeof(ring->out) ? (uint32_t)sizeof(ring->out) - used : 0;
}

/* Early on, and in a report, there may be no channel yet, or none to rely on: only the port. */
static evtchn_port_t ring_port(void)
{
    return channel ? evtchn_port(channel) : arch_console_port();
}

static void ring_notify(void)
{
    hypercall_evtchn_send(ring_port());
}

/*
 * Sleep until the other end has moved. PENDING is taken away before the ring is looked at again, so
 * a move after that look sets it anew and Xen ends the sleep. Only if another VCPU's handler takes
 * that event before Xen knows that we sleep would nothing end it: so sleep briefly.
 */
static void ring_wait(uint32_t want, uint64_t deadline)
{
    evtchn_port_t port = ring_port();
    uint64_t until = clock_after(LOOK_AGAIN);

    ring_notify();
    if (!panicking && channel) {
        evtchn_take_pending(channel);
        if (ring_room() >= want)
            return;
    }
    hypercall_sched_poll(&port, 1, platform_xen_time(until < deadline ? until : deadline));
}

static void ring_put(const char *text, size_t len)
{
    while (len) {
        uint32_t room = ring_room(), prod = ring->out_prod, n = 0;

        if (!room && panicking && clock_now() >= give_up)
            return; /* nobody takes it: a domain that crashed has to end all the same */
        if (!room) {
            ring_wait(1, XENLET_FOREVER);
            continue;
        }
        smp_mb(); /* the old bytes there have been read: xenconsoled's barrier before out_cons */
        while (n < room && n < len) {
            ring->out[MASK_XENCONS_IDX(prod + n, ring->out)] = text[n];
            n++;
        }
        smp_wmb(); /* bytes before the index: xenconsoled's barrier after reading out_prod */
        atomic_write(&ring->out_prod, prod + n);
        text += n;
        len -= n;
        if (panicking)
            give_up = clock_after(PATIENCE);
    }
}

static size_t ring_get(char *buf, size_t size)
{
    uint32_t cons = ring->in_cons, prod = atomic_read(&ring->in_prod);
    size_t n = 0;

    if (prod - cons > sizeof(ring->in))
        return 0;
    smp_rmb(); /* the index before the bytes: xenconsoled's barrier before it writes in_prod */
    while (n < size && cons != prod)
        buf[n++] = ring->in[MASK_XENCONS_IDX(cons++, ring->in)];
    smp_mb(); /* bytes were read before they may be written over */
    atomic_write(&ring->in_cons, cons);
    if (n)
        ring_notify();
    return n;
}

/* --- both kinds ----------------------------------------------------------------------------- */

static void put_bytes(const char *text, size_t len)
{
    if (ring)
        ring_put(text, len);
    else
        arch_console_write(text, len);
}

size_t console_get_bytes(char *buf, size_t size)
{
    if (ring)
        return ring_get(buf, size);
    else {
        int n = hypercall_console_read(buf, (unsigned int)size);

        return n > 0 ? (size_t)n : 0;
    }
}

static void put_text(const char *text, size_t len)
{
    while (len) {
        size_t n = 0;

        while (n < len && text[n] != '\n')
            n++;
        if (n)
            put_bytes(text, n);
        if (n == len)
            return;
        put_bytes("\r\n", 2);
        text += n + 1;
        len -= n + 1;
    }
}

/* --- waiting on any VCPU; the handler runs on one of them ------------------------------------ */

static uint32_t waiting[XENLET_MAX_VCPUS];

int console_wait(bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    uint32_t *self = &waiting[platform_vcpu()];
    int rc;

    atomic_write(self, 1);
    smp_mb(); /* then `done` looks: console_wake() after what makes it true */
    rc = evtchn_wait(done, arg, deadline);
    atomic_write(self, 0);
    return rc;
}

void console_wake(void)
{
    smp_mb(); /* what was changed, before who waits: console_wait() */
    for (unsigned int i = 0; i < platform_nr_vcpus(); i++) {
        if (i != platform_vcpu() && atomic_read(&waiting[i]))
            vcpu_wake(i);
    }
}

/* Waiting for room took away an event that may have announced input. */
static void look_for_input(void)
{
    unsigned long flags = platform_upcalls_save();

    if (channel && !panicking)
        console_input_event(channel, NULL);
    platform_upcalls_restore(flags);
}

static void end_output(void)
{
    if (atomic_read(&panicking) == platform_vcpu() + 1)
        return;
    atomic_write(&writer, 0);
    spin_unlock(&lock);
}

/* A report takes no lock: whoever crashed may hold it. While there is one nobody else writes. */
static void begin_output(void)
{
    uint32_t self = platform_vcpu() + 1;

    if (atomic_read(&panicking) == self)
        return;
    spin_lock(&lock);
    atomic_write(&writer, self);
    smp_mb(); /* then look: console_panic_mode() says that it reports, and then looks who writes */
    if (!atomic_read(&panicking))
        return;
    end_output();
    panic_stand_by();
}

void console_write(const char *text, size_t len)
{
    unsigned long flags = platform_upcalls_save();

    begin_output();
    put_text(text, len);
    if (ring)
        ring_notify();
    end_output();
    look_for_input();
    platform_upcalls_restore(flags);
}

bool console_try_write(const char *text, size_t len)
{
    unsigned long flags = platform_upcalls_save();
    bool room = false;

    if (spin_trylock(&lock)) {
        room = !ring || ring_room() >= 2 * len; /* a line feed takes two bytes */
        if (room)
            put_text(text, len);
        if (room && ring)
            ring_notify();
        spin_unlock(&lock);
    }
    platform_upcalls_restore(flags);
    return room;
}

void console_vprintf(const char *format, va_list args)
{
    char text[LINE_MAX];

    format_stream(text, sizeof(text), console_write, format, args);
}

void console_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    console_vprintf(format, args);
    va_end(args);
}

static bool all_taken(void *arg)
{
    (void)arg;
    return ring_room() == sizeof(ring->out);
}

int console_flush(uint64_t timeout)
{
    uint64_t deadline = clock_after(timeout);
    int rc = -XEN_EDEADLK;

    if (!ring || all_taken(NULL))
        return 0;
    ring_notify();
    if (channel && !panicking)
        rc = console_wait(all_taken, NULL, deadline);
    if (rc != -XEN_EDEADLK)
        return rc;
    /* In a handler, or in a report. */
    while (!all_taken(NULL)) {
        if (clock_now() >= deadline)
            return -XEN_ETIME;
        ring_wait(sizeof(ring->out), deadline);
    }
    look_for_input();
    return 0;
}

/* What another VCPU is just writing goes out first, unless it cannot. */
void console_panic_mode(void)
{
    uint32_t self = platform_vcpu() + 1, other;
    uint64_t until = clock_after(PATIENCE / 10);

    give_up = clock_after(PATIENCE);
    atomic_write(&panicking, self);
    smp_mb(); /* then look: begin_output() */
    do
        other = atomic_read(&writer);
    while (other && other != self && clock_now() < until);
}

void console_early_init(void)
{
    ring = arch_console_ring();
}

int console_init(void)
{
    const unsigned int flags = EVTCHN_HANDLER_GPR;

    int rc;

    if (ring)
        return evtchn_bind_port(arch_console_port(), console_input_event, NULL, flags, &channel);
    rc = evtchn_bind_virq(VIRQ_CONSOLE, 0, console_input_event, NULL, flags, &channel);
    return rc == -XEN_EBUSY ? 0 : rc; /* the first domain's alone: others may only write */
}

void console_resume(void)
{
    if (ring && channel)
        evtchn_set_resume_port(channel, arch_console_port());
}
