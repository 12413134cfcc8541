/* SPDX-License-Identifier: MIT */
/*
 * Inside evtchn/: the channel behind a handle, a VCPU's delivery state, and the table of operations
 * a backend fills in.
 */
#ifndef XENLET_EVTCHN_INTERNAL_H
#define XENLET_EVTCHN_INTERNAL_H

#include <xenlet/evtchn.h>
#include <xenlet/platform.h>
#include "arch/spinlock.h"

#define BITS_PER_WORD (sizeof(xen_ulong_t) * 8)

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifndef ALWAYS_INLINE /* a build that counts what is run has each line once */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#endif
#define SELDOM __attribute__((noinline, cold))

/*
 * Most selectors have one bit. Then there is nothing to be fair between, and the walk is a straight
 * line to the event: what is only for several bits is kept out of line, so that not even its
 * registers are saved.
 */
static inline bool is_one_bit(uint64_t selector)
{
    return likely(!(selector & (selector - 1)));
}
#define WALK_OF_SEVERAL __attribute__((noinline))

/*
 * The value of `x`, hidden from the compiler, so that it does not compute anything from it in
 * advance.
 */
#define anew(x)                    \
    ({                             \
        __typeof__(x) anew_ = (x); \
        __asm__("" : "+r"(anew_)); \
        anew_;                     \
    })

/* Why a channel is masked. Xen's mask bit is clear only when no reason is left. */
enum evtchn_reason {
    REASON_USER = 0x01,   /* evtchn_mask(), or no handler */
    REASON_STORM = 0x02,  /* used up its share; until the next tick */
    REASON_MOVE = 0x04,   /* not set up yet, being moved, or in a reset */
    REASON_CLOSED = 0x08, /* for good */
    REASON_EOI = 0x10,    /* late EOI: delivered, and evtchn_eoi() is awaited or puts it off */
};

enum evtchn_kind {
    KIND_UNBOUND,
    KIND_INTERDOMAIN,
    KIND_VIRQ,
    KIND_PIRQ,
    KIND_IPI,
    KIND_LOST, /* could not be had again after a reset */
};

#define PRIORITY_UNSET UINT8_MAX

/* In `flags`, beside the public ones: Xen made the channel, and we never close it. */
#define FLAG_STATIC 0x80u

/*
 * `gate` of a channel: which port it has, and which VCPU may deliver it without another look; in
 * one word, so that one comparison says that a handle is the port's, is alive, and may be run here.
 * If a delivery is more than a call of the handler, a further bit says so, and evtchn_begin_late()
 * or evtchn_deliver_slow() makes it. GATE_SHUT: no delivery now, or only after settle().
 */
#define GATE_SHUT     UINT64_MAX
#define GATE_LATE_EOI 0x40000000u /* the channel is masked; all above the port */
#define GATE_FP       0x80000000u /* FP registers are saved */
#define GATE_KINDS    ((uint64_t)(GATE_LATE_EOI | GATE_FP))

static inline uint64_t evtchn_gate(unsigned int vcpu, evtchn_port_t port)
{
    return (uint64_t)vcpu << 32 | port;
}

struct evtchn {
    /* Read and written at each delivery; one cache line. */
    evtchn_handler_t *handler;
    void *data;
    uint64_t gate;   /* evtchn_gate() and GATE_KINDS, or GATE_SHUT */
    uint32_t budget; /* deliveries left of the share */
    evtchn_port_t port;
    uint32_t vcpu; /* who delivers */

    uint8_t reasons; /* enum evtchn_reason; under `lock` */
    uint8_t kind;
    uint8_t flags;    /* EVTCHN_*, FLAG_STATIC */
    uint8_t priority; /* evtchn_set_priority(), or PRIORITY_UNSET */
    uint32_t share;   /* wanted, from the next one on; and what the present one was */
    uint32_t given;
    uint64_t refilled;           /* when budget was last made full, ns */
    uint64_t refilled_in;        /* and in which upcall */
    uint64_t spent;              /* deliveries before that: delivered = spent + given - budget */
    uint64_t spurious, deferred; /* counters, see struct evtchn_counters */
    uint32_t spurious_run;       /* spurious ones since the last good one */
    bool peer_gone;              /* static: evtchn_static_check() found it so; under `lock` */
    uint8_t rest_reason;         /* resting: why, until when, on whose list; see rest.c */
    uint64_t rest_until;
    struct evtchn_vcpu *rest_on;
    struct spinlock lock; /* reasons, gate, vcpu, moved_from, port, kind; the mask bit follows */
    struct evtchn_vcpu *moved_from; /* may still run the handler; then `vcpu` waits */
    bool has_moved;                 /* since it was bound: see evtchn_deliver_slow() */

    uint32_t source; /* VIRQ or PIRQ number */
    uint32_t pirq_flags;
    domid_t remote_dom;
    evtchn_port_t remote_port;
    struct evtchn *next;       /* resting, closed within an upcall, lost and not told, or free */
    evtchn_handler_t *lost;    /* evtchn_on_lost() */
    evtchn_port_t resume_port; /* evtchn_set_resume_port() */
} __attribute__((aligned(64)));

/* What a VCPU has of its own; a page, so that a backend can register parts of it with Xen. */
struct evtchn_vcpu {
    struct vcpu_info *info;
    uint64_t gate; /* evtchn_gate() of it and port 0: a port added is that port's */
    uint32_t id;
    uint32_t start_word;    /* bitmaps: where the next walk of the selector begins */
    struct evtchn *current; /* the hazard pointer: see evtchn_begin(); NULL: in no upcall */
    uint64_t upcalls;       /* how many there were, this one included */
    bool after_walk;        /* something is to do at the end of the upcall */
    bool fp_saved;          /* registers are to be restored */
    bool left;              /* down: no channel is moved here */
    struct evtchn *closed;  /* channels closed while their handlers ran, to be freed */
    struct evtchn *closing; /* evtchn_close() waits here for the handler of this one */
    uint64_t orphans;       /* events no handle was found for */

    struct spinlock lock;   /* resting */
    struct evtchn *resting; /* see rest.c */
    uint64_t rest_until;    /* the first of them may go on; 0: none has a time yet */
    uint64_t wait_until;    /* the deadline of evtchn_wait(); 0: none */

    bool fifo_ready;                               /* the control block is Xen's too */
    uint32_t fifo_head[EVTCHN_FIFO_MAX_QUEUES];    /* where each queue goes on; 0: ask Xen */
    uint64_t fifo_stray;                           /* heads that led nowhere */
    struct evtchn_fifo_control_block fifo_control; /* shared with Xen */

    bool l2_registered;              /* 3-level: the second-level selector is Xen's too */
    uint8_t l2_start[BITS_PER_WORD]; /* where the next walk of each of its words begins */
    xen_ulong_t l2_selector[BITS_PER_WORD] __attribute__((aligned(64))); /* shared with Xen */
};
_Static_assert(sizeof(struct evtchn_vcpu) <= 4096, "it is one page");

/*
 * One ABI. `port` is below nr_ports and, except in port_setup, was set up. `local` says that the
 * calling VCPU is the port's own and has upcalls masked.
 */
struct evtchn_port_ops {
    const char *name;  /* what `evtchn=` takes */
    const char *title; /* what people call it */
    unsigned int nr_ports;
    /*
     * True if a walk takes a port off a queue before it knows whether it can deliver: if not, it
     * has Xen raise the port again. False if the event stays where the next walk finds it.
     */
    bool unlinks;

    /* 0 if Xen says that it has this ABI, else an errno; NULL if init simply tries. */
    int (*query)(void);
    /* Switch the domain over, with `v` for the first VCPU. A refusal leaves it in 2-level. */
    int (*init)(struct evtchn_vcpu *v);
    /* After EVTCHNOP_reset: Xen has let go of all that it had of ours. */
    void (*fini)(void);
    /*
     * Make another VCPU able to receive, before anything is bound to it and before it unmasks
     * upcalls. If Xen refuses this, it drops what is sent there.
     */
    int (*vcpu_init)(struct evtchn_vcpu *v);
    /* Make room for a port; it is masked afterwards. */
    int (*port_setup)(evtchn_port_t port);

    void (*mask)(evtchn_port_t port);
    void (*unmask)(evtchn_port_t port, bool local);
    bool (*is_masked)(evtchn_port_t port);
    /* Set PENDING and nothing else; whoever unmasks raises it. */
    void (*set_pending)(evtchn_port_t port);
    bool (*is_pending)(evtchn_port_t port);
    /* Whether it was. A full barrier. */
    bool (*clear_pending)(evtchn_port_t port);
    /* NULL where there are none. */
    int (*set_priority)(evtchn_port_t port, unsigned int priority);

    /*
     * evtchn_upcall() as long as this is the ABI, by evtchn_upcall_by(); and its walk alone:
     * deliver all there is for this VCPU, once. A walk contains a full barrier, and after the first
     * one looks whether walks are stopped.
     */
    evtchn_upcall_t *upcall;
    void (*walk)(struct evtchn_vcpu *v, struct vcpu_info *info);
    /* Show what this ABI has of a VCPU, or with NULL of the domain. */
    void (*dump)(const struct evtchn_vcpu *v, void (*print)(const char *format, ...));
};

extern const struct evtchn_port_ops evtchn_ops_fifo;
extern const struct evtchn_port_ops evtchn_ops_3l;
extern const struct evtchn_port_ops evtchn_ops_2l;
/* Clear what bitmaps and selectors still hold from before another ABI: no port is bound now. */
void evtchn_2l_forget_all(void);

/* --- evtchn.c ------------------------------------------------------------------------------- */

extern const struct evtchn_port_ops *evtchn_ops;
extern struct shared_info *evtchn_shared;
/* init_control, expand_array and reset must not meet in Xen (XSA-505). Taken with upcalls masked.
 */
extern struct spinlock evtchn_abi_lock;
extern struct evtchn_vcpu *evtchn_vcpus[XENLET_MAX_VCPUS];

/* From now on `ops` is the ABI. */
void evtchn_use(const struct evtchn_port_ops *ops);
/*
 * Enter the ABI that was asked for, or the best one that is not refused, on all VCPUs that have
 * been up.
 */
void evtchn_choose_abi(void);
/* After EVTCHNOP_reset or a restore: back to 2-level. */
void evtchn_leave_abi(void);

static inline bool evtchn_vcpu_exists(unsigned int vcpu)
{
    return vcpu < XENLET_MAX_VCPUS && atomic_read(&evtchn_vcpus[vcpu]);
}

static inline struct evtchn_vcpu *this_evtchn_vcpu(void)
{
    return evtchn_vcpus[platform_vcpu()];
}

/*
 * A reset changes everything that a walk looks at. So evtchn_stop_upcalls() waits until every other
 * VCPU's upcall is over, its handlers included; those that begin later look at nothing until
 * evtchn_let_upcalls_go().
 *
 * An upcall sets `current`, its walk has its first full barrier, then looks whether it is still
 * `evtchn_upcall_now`; evtchn_stop_upcalls() changes that, has a barrier of its own, then looks at
 * `current`. Either the walk sees that it is stopped, and looks at nothing more; or it is waited
 * for.
 *
 * The same look shows a walk that it took what was meant for another ABI: evtchn_use() is before
 * the hypercalls that raise something there.
 */
void evtchn_stop_upcalls(void);
void evtchn_let_upcalls_go(void);
/* What evtchn_upcall_now is meanwhile; and where a walk waits that saw it. */
evtchn_upcall_t evtchn_upcall_stopped;
void evtchn_wait_for_reset(struct evtchn_vcpu *v);

/*
 * To be asked before a walk finds that there is nothing to do: the flag it cleared may have been
 * set for another ABI.
 */
static inline bool evtchn_walk_is_stopped(evtchn_upcall_t *upcall)
{
    return unlikely(!atomic_is(&evtchn_upcall_now, upcall));
}

/* --- reset.c -------------------------------------------------------------------------------- */

/* EVTCHNOP_reset while nothing has a handle: inter-domain ports are bound again, with their
 * numbers. */
void evtchn_reset_keeping_ports(void);

/* --- reopen.c ------------------------------------------------------------------------------- */

/* Note what all channels are bound to, and hold them. -XEN_ENOSPC when no port is free. */
int evtchn_reopen_prepare(void);
/* Nothing came of it: let them go. */
void evtchn_reopen_cancel(void);
/*
 * All ports are gone: choose an ABI and open the channels again. `restored`: we are a new domain.
 */
void evtchn_reopen(bool restored);
/* Then, when other VCPUs go on too: tell the owners of channels that were lost. */
void evtchn_tell_owners(void);
/* A lost channel is being closed: nobody is to be told any more. */
void evtchn_lost_forget(struct evtchn *ch);

/* --- table.c -------------------------------------------------------------------------------- */

/*
 * From ports to handles, read without a lock: rows of as many ports as a word of the bitmaps has.
 * NULL for a row of which no port was ever bound.
 */
#define MAX_PORTS (1u << 18)
#define ROW_PORTS ((unsigned int)BITS_PER_WORD)
#define NR_ROWS   (MAX_PORTS / ROW_PORTS)
extern struct evtchn **evtchn_rows[NR_ROWS];
extern struct evtchn *const evtchn_no_row[ROW_PORTS]; /* of nobody */

/* Stands in the table for a port that has no handle; its gate is always shut. */
extern const struct evtchn evtchn_nobody;
#define NOBODY ((struct evtchn *)&evtchn_nobody)
/* `current` in an upcall while no handler runs. */
#define IN_UPCALL NOBODY

/*
 * Rows are made a page at a time, one behind the other. Make the page with a port's row, if it is
 * not there yet; -XEN_ENOMEM.
 */
#define SLOTS_PER_PAGE (4096u / (unsigned int)sizeof(struct evtchn *))
#define ROWS_PER_PAGE  (SLOTS_PER_PAGE / ROW_PORTS)
int evtchn_make_rows(evtchn_port_t port);

/* The handle of a port, NULL for none. */
struct evtchn *evtchn_lookup(evtchn_port_t port);
/* Call `f` for each channel that has a port; none of them goes away meanwhile. */
void evtchn_for_each(void (*f)(struct evtchn *ch, void *arg), void *arg);
/* Make ch->port lead to `ch`. -XEN_ENOMEM, -XEN_EEXIST. */
int evtchn_publish(struct evtchn *ch);
void evtchn_unpublish(struct evtchn *ch);
/*
 * A handle of zeroes, held for REASON_MOVE; NULL when memory is out. Its memory only ever holds
 * handles.
 */
struct evtchn *evtchn_handle_alloc(void);
void evtchn_handle_free(struct evtchn *ch);

/* --- mask.c --------------------------------------------------------------------------------- */

/* Set the gate as reasons, flags, port and vcpu have it; under the channel's lock. */
void evtchn_set_gate(struct evtchn *ch);
/* Add a reason, masking the channel; take one away, unmasking it when none is left. */
void evtchn_hold(struct evtchn *ch, unsigned int reason);
void evtchn_release(struct evtchn *ch, unsigned int reason);
/* The same, and have Xen raise what is pending on whichever VCPU the port is bound to now. */
void evtchn_release_by_xen(struct evtchn *ch, unsigned int reason);
/*
 * We have set PENDING, or it may have been left set: have Xen raise the port, unless it is masked.
 */
void evtchn_kick(struct evtchn *ch);

static inline int evtchn_usable(const struct evtchn *ch)
{
    return ch->kind == KIND_LOST ? -XEN_ENOTCONN : 0;
}

/* --- channel.c ------------------------------------------------------------------------------ */

/* Say whether the VCPU is down. When this returns, no move to a VCPU that has left is under way. */
void evtchn_vcpu_set_left(struct evtchn_vcpu *v, bool left);
/*
 * A full barrier, then the look (the lock): who leaves says so first, and then looks for channels.
 */
bool evtchn_vcpu_has_left(const struct evtchn_vcpu *v);

/* --- close.c -------------------------------------------------------------------------------- */

/* Free the closed channels of this VCPU that no VCPU runs any more. */
void evtchn_free_closed(struct evtchn_vcpu *v);

/* --- bind.c --------------------------------------------------------------------------------- */

/* Have Xen give `ch` a port for what it is bound to; then set that up, masked, and publish it. */
int evtchn_open(struct evtchn *ch);
int evtchn_attach(struct evtchn *ch);
/* Bind as `like` says; take over its port when it has one. */
int evtchn_bind_like(const struct evtchn *like, evtchn_handler_t *handler, void *data,
                     unsigned int flags, struct evtchn **ch);
/* Note what Xen says the port is bound to. -XEN_EINVAL if that is nothing. */
int evtchn_identify(struct evtchn *ch, const struct evtchn_status *status);

/* --- deliver.c, rest.c, wait.c -------------------------------------------------------------- */

/* Deliver what evtchn_begin() does not: see the table in docs/architecture.md, "Delivery". */
void evtchn_deliver_slow(struct evtchn_vcpu *v, evtchn_port_t port);
/* An event was taken for a channel that may no longer have it: give it back. */
void evtchn_give_back(evtchn_port_t port);
/* The share is used up: give the channel a new one, if it may have one by now. */
bool evtchn_refill(struct evtchn_vcpu *v, struct evtchn *ch);
/* Mask the channel for a storm; and, once the upcall is over, begin its rest. */
void evtchn_storm_begin(struct evtchn_vcpu *v, struct evtchn *ch);
void evtchn_rest_begin(struct evtchn_vcpu *v);
/* The VCPU goes down: end the rests there of channels that are another VCPU's. */
void evtchn_rest_leave(struct evtchn_vcpu *v);
/* Take the channel off the list if it rests for one of `reasons`; for which, 0 for none. */
unsigned int evtchn_rest_forget(struct evtchn *ch, unsigned int reasons);
#define REASON_ANY 0xffu
/*
 * There was nothing behind the event: the channel stays masked for a rest, if this was not the
 * first in a row.
 */
void evtchn_eoi_spurious(struct evtchn *ch);
/* Ask the platform for the earlier of this VCPU's two times. */
void evtchn_arm(const struct evtchn_vcpu *v);

/* Walk until nothing more has come; then do what had to wait for the end of the upcall. */
void evtchn_upcall_end(struct evtchn_vcpu *v);
/*
 * The share was used up before this event: run the handler if there is a new share, else give the
 * event back.
 */
void evtchn_overspent(struct evtchn *ch, struct evtchn_vcpu *v);

/*
 * A delivery, in two halves. Between them the backend takes PENDING away, atomically and as a full
 * barrier.
 *
 * `current` is a hazard pointer. It is written before the barrier, and the gate is read after it;
 * evtchn_close() and evtchn_mask() change that, then have a barrier of their own, then read
 * `current`. So either we see the channel closed, or whoever closes it sees us in it. A handle that
 * was freed, and is another port's by now, has another gate; it is still a handle (table.c).
 */
static ALWAYS_INLINE bool evtchn_begin(struct evtchn_vcpu *v, struct evtchn *ch, uint64_t gate)
{
    if (unlikely(!atomic_is(&ch->gate, gate)))
        return false; /* evtchn_deliver_slow() knows more */
    /*
     * Release: who waits for the handler that ran before, by looking here, also sees what it did.
     */
    atomic_write_release(&v->current, ch);
    return true;
}

static ALWAYS_INLINE void evtchn_run(struct evtchn_vcpu *v, struct evtchn *ch, uint64_t gate)
{
    if (unlikely(!atomic_is(&ch->gate, gate)))
        evtchn_give_back((evtchn_port_t)gate);
    else if (unlikely(atomic_dec_own(&ch->budget)))
        evtchn_overspent(ch, v);
    else
        ch->handler(ch, ch->data);
}

/*
 * The same with late EOI, in three parts; after the second the backend sets the port's mask bit.
 * Together they do what evtchn_hold() does, for a channel that nothing else holds, with upcalls
 * masked.
 */
static ALWAYS_INLINE bool evtchn_begin_late(struct evtchn_vcpu *v, struct evtchn *ch, uint64_t gate)
{
    return evtchn_begin(v, ch, gate | GATE_LATE_EOI);
}

/*
 * False: the channel was closed, moved or masked, or its share is used up, and that has been seen
 * to.
 */
static ALWAYS_INLINE bool evtchn_hold_late(struct evtchn_vcpu *v, struct evtchn *ch, uint64_t gate)
{
    if (unlikely(!atomic_is(&ch->gate, gate | GATE_LATE_EOI))) {
        evtchn_give_back((evtchn_port_t)gate);
        return false;
    }
    if (unlikely(atomic_dec_own(&ch->budget))) {
        evtchn_overspent(ch, v);
        return false;
    }
    spin_lock(&ch->lock);
    atomic_or_own(&ch->reasons, REASON_EOI);
    atomic_write(&ch->gate, GATE_SHUT);
    return true;
}

static ALWAYS_INLINE void evtchn_run_late(struct evtchn *ch)
{
    spin_unlock(&ch->lock);
    ch->handler(ch, ch->data);
}

/*
 * An upcall, around a backend's walk, which delivers all there is once. All of it is inlined into
 * one function, and rare cases are kept out of it, so that few registers have to be saved.
 *
 * Clear evtchn_upcall_pending first: an event that comes after the walk has passed its place sets
 * it again, since Xen sets the place first and the flag last (vcpu_mark_events_pending()). Whoever
 * unmasks upcalls looks at the flag afterwards, so this does not, unless something has to be done
 * that must wait until the flag stays clear (evtchn_upcall_end()).
 */
static ALWAYS_INLINE void evtchn_upcall_by(unsigned long vcpu, void (*walk)(struct evtchn_vcpu *v,
                                                                            struct vcpu_info *info))
{
    struct evtchn_vcpu *v = evtchn_vcpus[vcpu];
    struct vcpu_info *info = v->info;

    v->upcalls++;
    atomic_write(&v->current, IN_UPCALL);
    atomic_write(&info->evtchn_upcall_pending, 0);
    walk(v, info);
    if (unlikely(v->after_walk))
        evtchn_upcall_end(v);
    /*
     * Release, after all that handlers did: close.c, settle() and evtchn_stop_upcalls() look at
     * this.
     */
    atomic_write_release(&v->current, NULL);
}

#endif
