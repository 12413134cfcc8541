/* SPDX-License-Identifier: MIT */
/*
 * What a walk of the bitmaps takes for words that a selector names and that hold nothing. Another
 * VCPU's port in the word, or one that was masked since it was raised, leaves such a bit behind.
 */
#include "arch/x86_64/percpu.h"
#include "bench/guest/bench.h"
#include "evtchn/internal.h"

/* No port of ours is in words 1 to `n`. */
static xen_ulong_t words(unsigned int n)
{
    return (((xen_ulong_t)1 << n) - 1) << 1;
}

static void name_words_2l(unsigned int n)
{
    percpu()->info.evtchn_pending_sel |= words(n);
}

static void name_words_3l(unsigned int n)
{
    this_evtchn_vcpu()->l2_selector[0] |= words(n);
    percpu()->info.evtchn_pending_sel |= 1;
}

/* 3-level: the empty ones are L2's. */
static void name_l2_words(unsigned int n)
{
    percpu()->info.evtchn_pending_sel |= words(n);
}

static void floor_names(unsigned int n)
{
    percpu()->info.evtchn_pending_sel = words(n);
}

static void rows(const char *row, void (*name)(unsigned int n), void (*entry)(void))
{
    static const unsigned int numbers[] = { 1, 8, 63 };

    for (unsigned int k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
        for (unsigned int i = 0; i <= BENCH_REPEAT; i++) {
            bench_callback(entry);
            name(numbers[k]);
            percpu()->info.evtchn_upcall_pending = 1;
            bench_begin();
            bench_take_upcall();
            bench_end();
            bench_callback(arch_upcall_entry);
            if (BENCH_COUNTS(i))
                bench_sample(row, "words", numbers[k]);
        }
    }
}

void bench_words(void)
{
    unsigned long flags = platform_upcalls_save();
    xen_ulong_t selector = percpu()->info.evtchn_pending_sel;

    percpu()->info.evtchn_pending_sel = 0;
    rows("floor-empty-words", floor_names, floor_words);
    percpu()->info.evtchn_pending_sel = selector;
    if (evtchn_ops == &evtchn_ops_2l) {
        rows("empty-words", name_words_2l, arch_upcall_entry);
    } else if (evtchn_ops == &evtchn_ops_3l) {
        rows("empty-words", name_words_3l, arch_upcall_entry);
        rows("empty-l2-words", name_l2_words, arch_upcall_entry);
    }
    platform_upcalls_restore(flags);
}
