/* SPDX-License-Identifier: MIT */
/*
 * What 2-level and 3-level have in common: words in which a bit is a port, pending or masked, and
 * selectors in which a bit is a word. A word is a xen_ulong_t everywhere.
 */
#ifndef XENLET_EVTCHN_BITMAPS_H
#define XENLET_EVTCHN_BITMAPS_H

#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

static inline unsigned int bit_of(evtchn_port_t port)
{
    return port % BITS_PER_WORD;
}

static inline bool test_bit(const xen_ulong_t *word, unsigned int bit)
{
    return atomic_read(word) >> bit & 1;
}

/*
 * Going through the bits of a selector from bit `start` on and round: first those from there on,
 * then those below. The next walk begins behind the bit that came first in this one, so no word is
 * first each time.
 */
struct round {
    xen_ulong_t bits, below;
};

/* `selector` is not 0. */
static inline struct round round_begin(xen_ulong_t selector, unsigned int start)
{
    xen_ulong_t below = selector & (((xen_ulong_t)1 << start) - 1);

    return below == selector ? (struct round){ below, 0 }
                             : (struct round){ selector - below, below };
}

static inline unsigned long round_bit(const struct round *r)
{
    return arch_lowest_bit(r->bits);
}

static inline unsigned int round_next_start(const struct round *r)
{
    return (unsigned int)(round_bit(r) + 1) % BITS_PER_WORD;
}

/* Whether there is another one behind the present one. */
static inline bool round_next(struct round *r)
{
    r->bits &= r->bits - 1;
    if (likely(r->bits))
        return true;
    r->bits = r->below;
    r->below = 0;
    return r->bits;
}

/* A word of ports: which of them are pending, and which are masked. */
struct event_word {
    xen_ulong_t *pending, *mask;
};

/* The gate is not that of a plain delivery: it is shut, or has a bit of GATE_KINDS. */
static ALWAYS_INLINE void deliver_other(struct evtchn *ch, struct evtchn_vcpu *v,
                                        struct event_word word, uint64_t gate, unsigned long bit)
{
    if (likely(evtchn_begin_late(v, ch, gate))) {
        atomic_clear_bit(word.pending, bit);
        if (evtchn_hold_late(v, ch, gate)) {
            atomic_set_bit(word.mask, bit);
            evtchn_run_late(ch);
        }
    } else {
        evtchn_deliver_slow(v, (evtchn_port_t)gate);
    }
}

/* Deliver the event of one bit of the word; `gates` is the gate of its bit 0. */
static ALWAYS_INLINE void deliver_bit(struct evtchn_vcpu *v, struct event_word word,
                                      struct evtchn *const *row, unsigned long bit, uint64_t gates)
{
    struct evtchn *ch = atomic_read_word(&row[bit]);

    if (likely(evtchn_begin(v, ch, gates + bit))) {
        atomic_clear_bit(word.pending, bit);
        evtchn_run(v, ch, gates + bit);
    } else {
        deliver_other(ch, v, word, gates + bit, bit);
    }
}

/* The same for `events`, which are some of word `i`. */
void evtchn_deliver_word(struct evtchn_vcpu *v, struct event_word word, xen_ulong_t events,
                         unsigned long i);

/*
 * Deliver all that is pending and not masked in one word now; what comes later sets the selector
 * again. The word is read once, so each port is delivered at most once, and waits at most for one
 * delivery of each other port.
 */
static ALWAYS_INLINE void walk_word(struct evtchn_vcpu *v, struct event_word word, unsigned long i)
{
    xen_ulong_t events = atomic_read_word(word.pending) & ~atomic_read_word(word.mask);
    struct evtchn *const *row;

    if (unlikely(!events))
        return;
    row = atomic_read_word(&evtchn_rows[i]);
    if (is_one_bit(events) && likely(row))
        deliver_bit(v, word, row, arch_lowest_bit(events), v->gate + i * BITS_PER_WORD);
    else
        evtchn_deliver_word(v, word, events, i);
}

/*
 * A port that was just unmasked is pending: next we would set our own selectors and flag. Where a
 * flag that we set makes no upcall, Xen has to do it all instead, and acts only on a mask bit that
 * is set.
 */
static inline bool raised_by_xen(xen_ulong_t *mask, evtchn_port_t port)
{
    if (ARCH_UPCALL_BY_FLAG)
        return false;
    atomic_set_bit(mask, bit_of(port));
    hypercall_evtchn_unmask(port);
    return true;
}

/* A line for a word in which something is pending. */
static inline void dump_word(unsigned int i, const xen_ulong_t *pending, const xen_ulong_t *mask,
                             void (*print)(const char *format, ...))
{
    xen_ulong_t word = atomic_read(pending);

    if (word)
        print("  word %u: pending %lx, masked %lx\n", i, (unsigned long)word,
              (unsigned long)atomic_read(mask));
}

#endif
