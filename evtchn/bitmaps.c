/* SPDX-License-Identifier: MIT */
/* The last step of a walk of bitmaps: one word. */
#include "evtchn/bitmaps.h"

void evtchn_deliver_word(struct evtchn_vcpu *v, struct event_word word, xen_ulong_t events,
                         unsigned long i)
{
    struct evtchn *const *row = atomic_read(&evtchn_rows[i]);
    uint64_t gates = v->gate + i * BITS_PER_WORD;

    if (unlikely(!row))
        row = evtchn_no_row;
    do {
        deliver_bit(v, word, row, arch_lowest_bit(events), gates);
        events &= events - 1;
    } while (events);
}
