/* SPDX-License-Identifier: MIT */
/* The last step of a walk of bitmaps: one word. */
#include "evtchn/bitmaps.h"

void evtchn_deliver_word(struct evtchn_vcpu *v, xen_ulong_t *pending, xen_ulong_t events,
                         evtchn_port_t first)
{
    struct evtchn **slots = evtchn_slots(first);
    uint64_t gates = evtchn_gate(v->id, first);

    do {
        unsigned long bit = lowest_bit(events);
        struct evtchn *ch = atomic_read(&slots[bit]);

        if (likely(evtchn_begin(v, ch, gates + bit))) {
            atomic_clear_bit(pending, (unsigned int)bit);
            evtchn_run(ch, gates + bit);
        } else {
            evtchn_deliver_slow(v, first + (evtchn_port_t)bit);
        }
        events &= events - 1;
    } while (events);
}
