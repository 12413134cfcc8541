/* SPDX-License-Identifier: MIT */
/* The floor's upcalls: how their words are filled, and Xen has them made. */
#include "arch/x86_64/percpu.h"
#include "bench/guest/bench.h"

struct floor floor_of;

void bench_callback(void (*entry)(void))
{
    int rc = hypercall_callback_register(CALLBACKTYPE_event, (unsigned long)entry, 0);

    if (rc)
        bench_fail("callback_op", rc);
}

/* `n` events, in the first word of the bitmaps and in one queue. */
void bench_floor_raise(unsigned int n)
{
    struct vcpu_info *info = &percpu()->info;

    floor_of.pending[0] = n == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
    floor_of.l2[0] = 1;
    info->evtchn_pending_sel = 1;
    floor_of.control.ready = 1u << EVTCHN_FIFO_PRIORITY_DEFAULT;
    floor_of.control.head[EVTCHN_FIFO_PRIORITY_DEFAULT] = 1;
    for (unsigned int i = 1; i <= n; i++)
        floor_of.words[i] =
            1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED | (i < n ? i + 1 : 0);
    info->evtchn_upcall_pending = 1;
}

static void one_upcall(const char *row, void (*entry)(void), unsigned int n, bool print)
{
    xen_ulong_t selector = percpu()->info.evtchn_pending_sel;

    bench_floor_raise(n);
    bench_callback(entry);
    bench_begin();
    bench_take_upcall();
    bench_end();
    bench_callback(arch_upcall_entry);
    percpu()->info.evtchn_pending_sel = selector;
    if (print)
        bench_sample(row, "events", n);
}

static void rows(const char *row, void (*entry)(void))
{
    static const unsigned int numbers[] = BENCH_EVENTS;

    for (unsigned int n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
        for (unsigned int i = 0; i <= BENCH_REPEAT; i++)
            one_upcall(row, entry, numbers[n], BENCH_COUNTS(i));
    }
}

void bench_floor_init(void)
{
    for (unsigned int i = 0; i <= FLOOR_PORTS; i++)
        floor_of.handlers[i] = bench_empty;
}

void bench_floor(void)
{
    unsigned long flags = platform_upcalls_save();

    rows("floor-2l", floor_2l);
    rows("floor-3l", floor_3l);
    rows("floor-fifo", floor_fifo);
    percpu()->info.evtchn_upcall_pending = 1; /* one may have come to the floor */
    percpu()->info.evtchn_pending_sel = ~(xen_ulong_t)0;
    platform_upcalls_restore(flags);
}

_Static_assert(offsetof(struct floor, l2) == 8, "floor.S");
_Static_assert(offsetof(struct floor, control) == 16, "floor.S");
_Static_assert(offsetof(struct floor, words) == 88, "floor.S");
_Static_assert(offsetof(struct floor, handlers) == 352, "floor.S");
_Static_assert(offsetof(struct floor, empty) == 872, "floor.S");
