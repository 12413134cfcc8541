/* SPDX-License-Identifier: MIT */
/*
 * A model of Xen, as far as event channels go: written from the public headers, from
 * docs/abi-3level.md and from what Xen is documented and seen to do. One guest runs on it, reached
 * only by hypercalls and the pages shared with it; besides there is a second domain without a
 * guest, whose hypercalls a test makes itself.
 *
 * Every access to a shared page goes through arch/atomic.h, one step of Xen a call, in Xen's order.
 * What is the model's alone is ordinary memory under locks.
 */
#ifndef XENLET_MODEL_H
#define XENLET_MODEL_H

#include <xenlet/types.h>

#define MODEL_MAX_VCPUS 8u

struct model_config {
    domid_t domid;         /* of the guest; 0: the first domain */
    unsigned int nr_vcpus; /* 1 to MODEL_MAX_VCPUS */
    uint32_t max_port;     /* the highest that may be given out; xl's default is 1,023 */
    bool has_fifo;         /* else EVTCHNOP_init_control answers -EOPNOTSUPP */
    bool has_3l;           /* else EVTCHNOP_query_extended_abis answers -ENOSYS */
    bool l3_is_missing;    /* EVTCHNOP_query_extended_abis says that there is none of them */
    uint32_t l3_marked; /* words of the bitmaps that a fresh L2 has bits for; 0: all, as Xen does */
    uint32_t nr_pirqs;  /* physical interrupts that are the guest's */
    bool quiet;         /* Xen's warnings are counted, not printed */
};

/* A machine anew: all domains, no port bound. Not while a hypercall is under way. */
void model_start(const struct model_config *config);

/* The page the guest maps; given with start_info on a real Xen. */
struct shared_info *model_shared_info(void);

/* A hypercall of the guest, on VCPU world_vcpu(). */
long model_hypercall(unsigned int nr, const long args[4]);

/* The other domain: its number, an event channel operation it makes, and whether one of its ports
 * is pending, which it then takes. */
domid_t model_peer(void);
int model_peer_op(unsigned int cmd, void *arg);
bool model_peer_take(evtchn_port_t port);

/*
 * Have an event channel operation of the guest answer `error`, from the call after the next `skip`
 * on, `times` times; 0 for none.
 */
void model_refuse(unsigned int cmd, unsigned int skip, unsigned int times, int error);
/* And another one besides. */
void model_refuse_too(unsigned int cmd, unsigned int skip, unsigned int times, int error);
/* SCHEDOP_poll answers this instead of sleeping; 0: it works. */
void model_refuse_poll(int error);

/*
 * The guest was saved and is restored: a 2-level domain without ports, vcpu_info in shared_info,
 * everything masked. Its memory stays.
 */
void model_restore(void);

/* Xen itself raises a VIRQ of the guest: per-VCPU ones on `vcpu`. Nobody bound it: nothing. */
void model_raise_virq(unsigned int vcpu, uint32_t virq);

/* The timer of `vcpu`: when it is due (0: never); raise VIRQ_TIMER if that is not after `now`. */
uint64_t model_timer(unsigned int vcpu);
void model_timer_check(unsigned int vcpu, uint64_t now);

/* Whether the VCPU sleeps, and until when at the latest (0: without end). */
bool model_sleeps(unsigned int vcpu);
uint64_t model_sleeps_until(unsigned int vcpu);
/* That time has come. */
void model_sleep_check(unsigned int vcpu, uint64_t now);

/* What went wrong so far as Xen would log it. */
struct model_stats {
    uint64_t lost;       /* FIFO: too many queue changes, or no control block */
    uint64_t not_linked; /* FIFO: a LINK that could not be written */
    uint64_t bad_words;  /* FIFO: a link or a tail that leads nowhere */
};
struct model_stats model_stats(void);

/* The event word of a port of the guest, as Xen finds it; NULL without one. */
uint32_t *model_fifo_word(evtchn_port_t port);

/* For checks of what a test left: ports of the guest that are bound; those that are FREE but busy.
 */
unsigned int model_bound_ports(void);
unsigned int model_busy_ports(void);

/* --- asked of the world around the model ---------------------------------------------------- */

/* The VCPU of the guest that makes the hypercall under way. */
unsigned int world_vcpu(void);
/* System time, ns. */
uint64_t world_now(void);
/* The frame `gfn` of the guest, NULL when it is none of its pages that may be written. */
void *world_frame(uint64_t gfn);
/*
 * The calling VCPU sleeps until model_sleeps() says no; time and other VCPUs go on, and timers are
 * looked at. world_wake() is called by whoever ends it.
 */
void world_sleep(unsigned int vcpu);
void world_wake(unsigned int vcpu);
/* The upcall flag of the VCPU was set: it is to look at it, if it runs, whatever it does. */
void world_kick(unsigned int vcpu);
/* VCPUOP_up and VCPUOP_down (of the caller, which returns when it is up again). */
void world_up(unsigned int vcpu);
void world_down(unsigned int vcpu);
/* Xen's console; and the domain's end. */
void world_console(const char *text, unsigned int len);
void world_shutdown(unsigned int reason) __attribute__((noreturn));

#endif
