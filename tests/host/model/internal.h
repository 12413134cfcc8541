/* SPDX-License-Identifier: MIT */
/* Inside the model: a domain, its VCPUs and ports, and the operations of an ABI. */
#ifndef XENLET_MODEL_INTERNAL_H
#define XENLET_MODEL_INTERNAL_H

#include "arch/spinlock.h"
#include "tests/host/model/model.h"
#include <xen/sched.h>
#include <xen/vcpu.h>

#define PAGE_BYTES  4096u
#define WORD_BITS   (sizeof(xen_ulong_t) * 8)
#define BUCKET      64u      /* ports are there in buckets */
#define NR_PORTS    0x40000u /* the most an ABI has */
#define FIFO_PAGES  128u
#define FIFO_QUEUES 16u
#define L3_PAGES    8u

enum state {
    FREE,
    RESERVED, /* port 0 */
    UNBOUND,
    INTERDOMAIN,
    PIRQ,
    VIRQ,
    IPI,
};

/* Many may send to a port at a time; who changes what it is bound to is alone. */
struct rwlock {
    uint32_t readers; /* or WRITER */
};

struct port {
    struct rwlock lock;
    evtchn_port_t number;
    uint8_t state;
    uint8_t priority;    /* FIFO: of the next event */
    bool pending;        /* FIFO: there is no word for it yet */
    uint32_t vcpu;       /* who is notified */
    uint32_t last_queue; /* FIFO: where it was linked: VCPU * FIFO_QUEUES + priority */
    struct domain *remote;
    evtchn_port_t remote_port;
    domid_t remote_domid; /* UNBOUND: who may bind */
    uint32_t source;      /* VIRQ, PIRQ */
};

struct queue {
    struct spinlock lock;
    evtchn_port_t tail;
};

struct vcpu {
    struct domain *domain;
    unsigned int id;
    struct vcpu_info *info;
    bool registered, initialised, up;
    evtchn_port_t virqs[NR_VIRQS];

    struct spinlock sleep_lock;
    uint32_t asleep;         /* in SCHEDOP_block or SCHEDOP_poll */
    bool polls;              /* the latter, */
    evtchn_port_t poll_port; /* for this one, or */
    bool poll_any;           /* for several */
    uint64_t sleeps_until;   /* 0: no limit */
    uint64_t timer;          /* 0: not set */

    struct evtchn_fifo_control_block *control; /* NULL: not registered */
    struct queue queues[FIFO_QUEUES];
    xen_ulong_t *l2; /* NULL: not registered */
};

struct abi {
    const char *name;
    /* Below it a port number may be. */
    uint32_t (*nr_ports)(const struct domain *d);
    void (*init_port)(struct domain *d, struct port *p);
    void (*set_pending)(struct vcpu *v, struct port *p);
    void (*clear_pending)(struct domain *d, struct port *p);
    void (*unmask)(struct domain *d, struct port *p);
    bool (*is_pending)(const struct domain *d, const struct port *p);
    /* It was freed, and cannot be given out again yet. */
    bool (*is_busy)(const struct domain *d, const struct port *p);
    /* NULL where there are none. */
    int (*set_priority)(struct domain *d, struct port *p, uint32_t priority);
};

extern const struct abi model_2l, model_fifo, model_3l;

struct domain {
    domid_t id;
    unsigned int nr_vcpus;
    uint32_t max_port;
    struct vcpu vcpus[MODEL_MAX_VCPUS];
    struct shared_info *shared;
    const struct abi *abi;

    struct port *buckets[NR_PORTS / BUCKET];
    uint32_t nr_valid; /* ports that there is a bucket for */
    uint32_t nr_bound;
    evtchn_port_t free_hint; /* none below it is FREE */

    event_word_t *fifo_pages[FIFO_PAGES];
    uint32_t nr_fifo_pages;

    xen_ulong_t *l3_pending[L3_PAGES], *l3_mask[L3_PAGES];
    bool l3_registered;
};

/* Xen's event lock, one for all domains: tables of ports, registration, reset. */
extern struct spinlock model_lock;
extern struct model_config model_config;
extern struct model_stats model_counts;

/* Changed while others send. */
static inline const struct abi *abi_of(const struct domain *d)
{
    return atomic_read(&d->abi);
}

/* A line of Xen's log, and a count of such. */
void model_warn(uint64_t *count, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifndef arch_read_lock /* the explorer has it as one step */
static inline void arch_read_lock(uint32_t *readers)
{
    for (;;) {
        uint32_t seen = atomic_read(readers);

        if (seen != UINT32_MAX && atomic_cas32(readers, seen, seen + 1) == seen)
            return;
        arch_cpu_relax();
    }
}

static inline void arch_read_unlock(uint32_t *readers)
{
    uint32_t seen = atomic_read(readers), old;

    do {
        old = seen;
        seen = atomic_cas32(readers, old, old - 1);
    } while (seen != old);
}
#endif

static inline void read_lock(struct rwlock *lock)
{
    arch_read_lock(&lock->readers);
}

static inline void read_unlock(struct rwlock *lock)
{
    arch_read_unlock(&lock->readers);
}

static inline void write_lock(struct rwlock *lock)
{
    while (atomic_cas32(&lock->readers, 0, UINT32_MAX) != 0)
        arch_cpu_relax();
}

static inline void write_unlock(struct rwlock *lock)
{
    atomic_write_release(&lock->readers, 0);
}

static inline bool test_bit(const xen_ulong_t *word, unsigned int bit)
{
    return atomic_read(word) >> bit & 1;
}

/* --- ports.c -------------------------------------------------------------------------------- */

/* The port, NULL when there is no bucket for it. */
struct port *port_of(struct domain *d, evtchn_port_t number);
/* Bound to something a guest may mask and raise. */
bool port_usable(const struct port *p);
/* What an operation of the calling domain answers: 0 or a negative errno. */
int ports_op(struct vcpu *caller, unsigned int cmd, void *arg);
/* Close all there are, and go back to 2-level. */
int ports_reset(struct vcpu *caller, const struct evtchn_reset *op);
void ports_start(struct domain *d);

/* --- vcpu.c --------------------------------------------------------------------------------- */

/* evtchn_upcall_pending, and the upcall. */
void vcpu_mark_pending(struct vcpu *v);
/* The port became pending: whoever polls it wakes up. */
void vcpus_check_pollers(struct domain *d, evtchn_port_t port);
int vcpu_block(struct vcpu *v);
int vcpu_poll(struct vcpu *v, const struct sched_poll *op);
long vcpu_op(struct vcpu *caller, unsigned int cmd, unsigned int vcpu, void *arg);
void vcpu_start_time(struct vcpu_info *info);

/* --- model.c -------------------------------------------------------------------------------- */

/* By number, DOMID_SELF included; NULL for none. */
struct domain *domain_of(struct domain *caller, domid_t id);

/* --- fifo.c, l3.c --------------------------------------------------------------------------- */

int fifo_init_control(struct domain *d, struct evtchn_init_control *op);
int fifo_expand_array(struct domain *d, const struct evtchn_expand_array *op);
void fifo_destroy(struct domain *d);
/* -XEN_ENOSYS for an operation that is not 3-level's either. */
int l3_op(struct domain *d, unsigned int cmd, void *arg);
void l3_destroy(struct domain *d);

#endif
