/* SPDX-License-Identifier: MIT */
/*
 * A guest on the model of Xen, whose VCPUs and whose peers are threads of the explorer; and the
 * channels that scenarios are about, with what has to be true of them.
 */
#ifndef EXPLORE_GUEST_H
#define EXPLORE_GUEST_H

#include <xenlet/evtchn.h>
#include "tests/host/explore/explore.h"

#define PEER (-1) /* a CPU that runs another domain */

enum abi {
    ABI_2L = 1,
    ABI_3L = 2,
    ABI_FIFO = 4
};
#define BITMAPS (ABI_2L | ABI_3L)
#define ANY_ABI (BITMAPS | ABI_FIFO)

/* A channel to the peer, and what is known of it. */
struct channel {
    struct evtchn *ch;
    evtchn_port_t port, peer_port;
    uint32_t sent;  /* the peer's: raised before each event */
    uint32_t *from; /* the one to look at: &sent, or another channel's */
    uint32_t data;  /* the handler's own */
    /* Not memory of the guest's, but what we know: see ghost(). */
    uint32_t seen;      /* the last value of `sent` that the handler read */
    uint32_t delivered; /* how often it ran */
    uint32_t running;   /* 1 + the VCPU in it */
    uint32_t closed;    /* evtchn_close() has returned */
    uint32_t gone;      /* its handler has closed it, or is about to */
    uint32_t masked;    /* evtchn_mask() has returned */
    uint32_t home;      /* 1 + the VCPU it stays on; 0: it moves */
    uint32_t extra;     /* deliveries without a raise that are allowed */
    void (*then)(void); /* what the handler does besides */
};
extern struct channel a, b, c;

struct scenario {
    const char *name;
    unsigned int abis;
    bool breaks; /* it breaks the contract of the API, and must fail: explored only by its name */
    struct {
        const char *name;
        int vcpu;
        void (*body)(void);
    } threads[MAX_THREADS];
    void (*arrange)(
        void); /* channels; the guest has booted, with as many VCPUs as there are threads of */
    void (*check)(void); /* besides what is true of all channels; NULL */
};
/* Each of a file of scenarios; NULL ends it. */
extern const struct scenario *const races[],
    *const moves[], *const lives[], *const others[], *const neighbours[],
                                                         *const walks[], *const vcpus_go[],
                                                                             *const contracts[];
/* The ith of all; NULL behind the last. */
const struct scenario *scenario_number(unsigned int i);

/* Explore it, or replay. */
void scenario_run(const struct scenario *s, enum abi abi, const struct limits *limits,
                  struct result *r);
void scenario_replay(const struct scenario *s, enum abi abi, const char *replay, struct result *r);
const char *abi_name(enum abi abi);
/* Whether the model has it. */
bool scenario_has(enum abi abi);

/* --- in arrange() --------------------------------------------------------------------------- */

/* Bind `c` to a port of the peer's; and on another VCPU than 0. It is quiet afterwards. */
void connect(struct channel *c, unsigned int vcpu, unsigned int flags);
void bind_far(struct channel *c);
/* Be that VCPU from here on, and take what is due there. */
void be_vcpu(unsigned int vcpu);
void take_upcalls(void);
void handler(struct evtchn *ch, void *data);
void must(int rc, const char *what);

/* --- in threads ----------------------------------------------------------------------------- */

/* The peer sends an event, and says before what it is about. */
void raise_event(struct channel *c);
/* VCPUs that only take upcalls. */
void idle(void);
/* evtchn_close(); nothing runs after it, and its data is used for something else. */
void close_channel(struct channel *c);
/* evtchn_mask(): nothing begins after it. And evtchn_unmask(). */
void mask_channel(struct channel *c);
void unmask_channel(struct channel *c);
#define FREED 0x4444u
/* What the guest's clock says; from when on its timer is due, 0: never. */
void clock_set(uint64_t ns);
uint64_t timer_of(unsigned int vcpu);

#endif
