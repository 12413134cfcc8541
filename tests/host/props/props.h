/* SPDX-License-Identifier: MIT */
/*
 * Property tests: random operations of the guest's and of Xen's side, and a reference beside them
 * that knows only what was sent and what was seen.
 *
 * A trace is a list of operations that mean something on any state, so that any part of it is a
 * trace too: that is how a failing one is made short.
 */
#ifndef XENLET_PROPS_H
#define XENLET_PROPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SLOTS     24u
#define MAX_VCPUS 4u

/* The names are those of a trace's lines. */
#define FOR_EACH_OP(X)                                                                             \
    X(bind_ipi)                                                                                    \
    X(bind_unbound)                                                                                \
    X(bind_interdomain)                                                                            \
    X(bind_loopback)                                                                               \
    X(bind_virq)                                                                                   \
    X(bind_port) X(close) X(mask) X(unmask) X(send) X(raise) X(burst) X(move) X(priority) X(share) \
        X(eoi) X(take) X(poll) X(hold_upcalls) X(let_upcalls) X(sleep) X(leave) X(come_up)         \
            X(reset) X(dump) X(peer_bind) X(peer_send) X(peer_close) X(virq) X(spurious_upcall)    \
                X(stray_send) X(upcall) X(rest)

enum op_kind {
#define X(name) OP_##name,
    FOR_EACH_OP(X)
#undef X
    NR_OPS
};

struct op {
    uint8_t kind;
    uint8_t vcpu;  /* who does it, if it is the guest */
    uint8_t slot;  /* with which channel */
    uint8_t arg;   /* and how */
    uint32_t seed; /* of what happens meanwhile */
};

struct config {
    char abi[8];
    unsigned int vcpus;
    unsigned int max_port;
    unsigned int inject; /* Xen acts before every n-th step; 0: never */
};

struct trace {
    struct config config;
    unsigned int nr;
    struct op *ops;
};

extern const char *const op_names[NR_OPS];

/* Run it from a fresh boot; ends the process with status 1 and a line on stderr when it fails. */
void props_run(const struct trace *trace);

/* --- inside: reference.c keeps the books, ops.c acts ----------------------------------------- */

struct evtchn;

/* A channel from its bind to its close. */
struct life {
    struct evtchn *ch; /* NULL: closed */
    unsigned int number;
    enum {
        IPI,
        PEER,
        LOOP,
        VIRQ_OF
    } type;
    bool polled, late, gpr, no_share;
    bool masked;      /* by evtchn_mask(), which has returned */
    bool closed;      /* evtchn_close() was called */
    bool closed_done; /* and has returned */
    bool awaits_eoi, inside, in_api;
    bool ends_eoi, unmasking; /* a call is under way that ends what holds it back */
    unsigned int vcpu, priority;
    unsigned int moving; /* a move is under way */
    uint64_t sent, seen, delivered, allowed;
    uint32_t virq;
    uint32_t peer_port;        /* the peer's end, 0: none */
    struct life *partner;      /* loop-back: the other end, NULL once it is closed */
    unsigned int behave, left; /* what the handler does, and how often yet */
    uint64_t raised_at;        /* order: when it became pending, 0: is not */
    uint64_t deferred;         /* and how often it had been put off then */
#define SOMEWHERE UINT64_MAX   /* may be pending, and linked anywhere */
};

extern struct config config;
extern bool props_verbose; /* what happens is told on stderr */
extern struct life *slots[SLOTS];
extern bool is_down[MAX_VCPUS]; /* it left, and takes no upcall */

uint32_t props_random(void);
unsigned int below(unsigned int n);
/* PROPS_CHECK(cond, "format", ...): a property. */
void props_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define PROPS_CHECK(cond, ...) ((cond) ? (void)0 : props_fail(__VA_ARGS__))

/* reference.c */
void reference_start(void);
struct life *life_new(void);
/* Before an event is raised for it; and an event that may come without having been raised. */
void life_sent(struct life *l);
void life_may_see(struct life *l);
/* The handler was called. */
void life_delivered(struct life *l);
void life_taken(struct life *l);
/* All that was sent was seen, or waits where it was told to. */
void check_at_rest(void);
void check_nothing_left(unsigned int ports);

/* channels.c: what a trace's operations do with one. */
extern uint64_t nr_delivered; /* handlers called */
void do_bind(const struct op *op);
void do_close(struct life *l);
void do_mask(struct life *l);
void do_unmask(struct life *l);
void do_send(struct life *l);
void do_raise(struct life *l);
void do_move(struct life *l, unsigned int vcpu);
void do_priority(struct life *l, unsigned int priority);
void do_eoi(struct life *l, bool spurious);
void do_take(struct life *l);
void do_poll(struct life *l);
void peer_bind(struct life *l);
void peer_send(struct life *l);
void peer_close(struct life *l);
void raise_virq(struct life *l);
bool is_lost(const struct life *l);
bool may_move(const struct life *l);
/* As the library sees it, where a handler came in between. */
bool late_and_awaited(const struct life *l);
/* Before a step of the guest's Xen does something. */
void props_inject(void);

/* ops.c */
void do_op(const struct op *op);
void come_to_rest(void);
void all_come_up(void);
void close_everything(void);

#endif
