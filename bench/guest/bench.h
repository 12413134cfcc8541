/* SPDX-License-Identifier: MIT */
/*
 * The guest that is counted. What it does between bench_begin() and bench_end() is one sample; the
 * line bench_sample() prints after it says what it was. The plugin (bench/plugin/count.c) knows
 * these functions, the entries of upcalls and their iretq by their addresses.
 */
#ifndef BENCH_H
#define BENCH_H

#include <xenlet.h>
#include <xenlet/hypercall.h>
#include <xenlet/hypercall_pv.h>
#include <xenlet/platform.h>
#include "arch/x86_64/entry.h"

/* One instruction each. */
void bench_begin(void);
void bench_end(void);

/*
 * From a send to a handler, wherever that runs: a flight. It has what the sender does from
 * bench_depart() to bench_sent(), and what the CPU of the handler does until bench_arrived(). There
 * is one at a time; bench_flight() names them later, in order.
 */
void bench_depart(void);
void bench_sent(void);
void bench_arrived(void);
void bench_flight(const char *row, const char *what, unsigned long n);

/* A handler that counts and has arrived; and to be busy until it has counted so far. */
evtchn_handler_t bench_arrival;
extern unsigned int bench_arrivals;
void bench_spin(unsigned int until);

/* The name of a row and how many of `what` the sample had, "events" say; after bench_end(). */
void bench_sample(const char *row, const char *what, unsigned long n);

/* A figure that is not counted by the plugin. */
void bench_value(const char *name, unsigned long value);

#define BENCH_REPEAT 5u /* samples of a row, after one that is not printed */
/* Whether this is one to be printed, of the samples 0 to BENCH_REPEAT. */
#define BENCH_COUNTS(i) ((i) > 0)

#define BENCH_FLIGHTS 12u /* of a row; the first one does not count */

/* Nothing can be measured any more: the line says why, and the run fails. */
void bench_fail(const char *what, long rc) __attribute__((noreturn));

/* Handlers that do nothing, or compute, in another file than whoever binds them. */
evtchn_handler_t bench_empty, bench_empty_fp, bench_fp_work;

/* Have the next port bound be the first of a word of the bitmaps; once; and end that. */
void bench_next_word(void);
void bench_next_word_end(void);

/* Upcalls are masked; have Xen make one, if anything is pending. They are masked again then. */
void bench_take_upcall(void);

/* The numbers of events that upcalls are measured with. */
#define BENCH_EVENTS \
    {                \
        1, 8, 64     \
    }

/*
 * The hand-written upcalls, see floor.S. They take events out of words that lie here as they do in
 * the ABI's pages, and call handlers[port].
 */
#define FLOOR_PORTS 64u
void floor_2l(void), floor_3l(void), floor_fifo(void), floor_words(void);
/* Upcalls go there from now on; arch_upcall_entry is the library's. */
void bench_callback(void (*entry)(void));
extern struct floor {
    uint64_t pending[1], l2[1];
    struct evtchn_fifo_control_block control;
    event_word_t words[FLOOR_PORTS + 1];
    evtchn_handler_t *handlers[FLOOR_PORTS + 1];
    uint64_t empty[64]; /* what floor_words looks at */
} floor_of;
void bench_floor_init(void);
/* Fill them with `n` events. */
void bench_floor_raise(unsigned int n);

/* What a mask and an unmask cannot do without. */
int floor_mask(void);
int floor_unmask(void);

/* Each in a file of its own. */
void bench_floor(void);
void bench_upcalls(void);
void bench_ops(void);
void bench_words(void);
void bench_bound(unsigned long to);
void bench_across(void);
void bench_storm(unsigned long n);
void bench_wall(void (*floor)(void));
void bench_peers(const char *second, const char *third);
void bench_peer(void);

#endif
