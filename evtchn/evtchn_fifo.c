/* SPDX-License-Identifier: MIT */
/*
 * The FIFO ABI (public/event_channel.h): an array of event words, one a port, added to page by
 * page; and for each VCPU sixteen queues, one a priority, linked through the words. A control block
 * a VCPU holds the heads of its queues and `ready`, a bit for each that has something.
 *
 * Xen raises a port so (xen/common/event_fifo.c): set PENDING; if the port is neither masked nor
 * linked, set LINKED and put it behind the tail of its queue, by writing the tail's LINK if that is
 * still linked, else by writing the head; then set the ready bit and raise the upcall if the queue
 * was empty.
 *
 * On a word that is linked, only Xen writes LINK, and we may only clear LINKED and LINK together,
 * clear PENDING, and set or clear MASKED: each by one atomic operation that leaves the rest alone.
 * While Xen writes a LINK it holds BUSY, which keeps us from unmasking.
 */
#include <xenlet/hypercall.h>
#include "evtchn/internal.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)
#define BUSY    (1u << EVTCHN_FIFO_BUSY)
#define LINK    ((uint32_t)EVTCHN_FIFO_LINK_MASK)

#define QUEUES ((1u << EVTCHN_FIFO_MAX_QUEUES) - 1) /* the bits of `ready` that mean one */

#define BUSY_TRIES                                                                 \
    100000u /* to unmask a word that Xen holds: a VCPU of Xen's may be interrupted \
             */

#define PAGE_SIZE      4096u
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define NR_PAGES       (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)

static event_word_t *pages[NR_PAGES];
static unsigned int nr_pages; /* known to Xen, from 0 on without a gap */

static inline event_word_t *word_of(evtchn_port_t port)
{
    return &pages[port / WORDS_PER_PAGE][port % WORDS_PER_PAGE];
}

/* --- set up --------------------------------------------------------------------------------- */

static int init_control(struct evtchn_vcpu *v)
{
    uint8_t link_bits;
    int rc;

    if (v->fifo_ready)
        return 0; /* Xen keeps it while the VCPU is down, and would refuse it a second time */
    v->fifo_control = (struct evtchn_fifo_control_block){ 0 };
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        v->fifo_head[i] = 0;
    rc = hypercall_evtchn_init_control(platform_page_gfn(v),
                                       (uint32_t)((uintptr_t)&v->fifo_control % PAGE_SIZE), v->id,
                                       &link_bits);
    v->fifo_ready = rc == 0;
    return rc;
}

static int vcpu_init_fifo(struct evtchn_vcpu *v)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&evtchn_abi_lock);
    rc = init_control(v);
    spin_unlock(&evtchn_abi_lock);
    platform_upcalls_restore(flags);
    return rc;
}

/* The pages are kept, for when FIFO is entered again. */
static void fini_fifo(void)
{
    nr_pages = 0;
    for (unsigned int i = 0; i < XENLET_MAX_VCPUS; i++) {
        if (evtchn_vcpus[i])
            evtchn_vcpus[i]->fifo_ready = false;
    }
}

/* Words begin masked: Xen replays into a new page what it had to keep, and no handler is there yet.
 */
static int add_page(void)
{
    event_word_t *page = pages[nr_pages] ? pages[nr_pages] : platform_page_alloc();
    int rc;

    if (!page)
        return -XEN_ENOMEM;
    for (unsigned int i = 0; i < WORDS_PER_PAGE; i++)
        page[i] = MASKED;
    pages[nr_pages] = page;
    smp_wmb(); /* the words before the page is Xen's: it reads them in add_page_to_event_array() */
    rc = hypercall_evtchn_expand_array(platform_page_gfn(page));
    if (rc == 0)
        atomic_write_release(&nr_pages, nr_pages + 1);
    return rc;
}

/*
 * The first page comes at once, so that all that may be refused is refused while there is a way
 * back. From init_control on that is EVTCHNOP_reset only, which closes the ports that the toolstack
 * gave us.
 */
static int init_fifo(struct evtchn_vcpu *v)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&evtchn_abi_lock);
    rc = init_control(v);
    if (rc == 0) {
        rc = add_page();
        if (rc) {
            fini_fifo();
            evtchn_reset_keeping_ports();
        }
    }
    spin_unlock(&evtchn_abi_lock);
    platform_upcalls_restore(flags);
    return rc;
}

static int port_setup_fifo(evtchn_port_t port)
{
    unsigned long flags = platform_upcalls_save();
    int rc = 0;

    spin_lock(&evtchn_abi_lock);
    while (rc == 0 && port / WORDS_PER_PAGE >= nr_pages)
        rc = add_page();
    spin_unlock(&evtchn_abi_lock);
    platform_upcalls_restore(flags);
    if (rc == 0)
        atomic_test_and_set_bit32(word_of(port), EVTCHN_FIFO_MASKED);
    return rc;
}

/* --- one word ------------------------------------------------------------------------------- */

static void mask_fifo(evtchn_port_t port)
{
    atomic_test_and_set_bit32(word_of(port), EVTCHN_FIFO_MASKED);
}

/*
 * Clear MASKED here only while nothing is pending and Xen does not hold the word; what is pending
 * must be linked, which only Xen does, and it does so only if it finds the port masked. Xen holds
 * the word for a few instructions; a word that stays held is left to it too.
 */
static void unmask_fifo(evtchn_port_t port, bool local)
{
    event_word_t *word = word_of(port);
    event_word_t seen = atomic_read(word), old;
    unsigned int tries = BUSY_TRIES;

    (void)local;
    do {
        if (!(seen & MASKED))
            return;
        if (seen & PENDING || tries-- == 0) {
            hypercall_evtchn_unmask(port);
            return;
        }
        old = seen & ~BUSY; /* while BUSY is set this matches nothing, and we go round */
        seen = atomic_cas32(word, old, old & ~MASKED);
    } while (seen != old);
}

static bool is_masked_fifo(evtchn_port_t port)
{
    return atomic_read(word_of(port)) & MASKED;
}

static void set_pending_fifo(evtchn_port_t port)
{
    atomic_test_and_set_bit32(word_of(port), EVTCHN_FIFO_PENDING);
}

static bool is_pending_fifo(evtchn_port_t port)
{
    return atomic_read(word_of(port)) & PENDING;
}

static bool clear_pending_fifo(evtchn_port_t port)
{
    return atomic_test_and_clear_bit32(word_of(port), EVTCHN_FIFO_PENDING);
}

static int set_priority_fifo(evtchn_port_t port, unsigned int priority)
{
    return hypercall_evtchn_set_priority(port, priority);
}

/* --- the queues ----------------------------------------------------------------------------- */

static inline bool deliverable(event_word_t word)
{
    return (word & (PENDING | MASKED)) == PENDING;
}

/*
 * Take the port off its queue; with `take`, its PENDING in the same operation if it is unmasked.
 * The word as it was comes back: its LINK is the next of the queue. A failed exchange means that
 * Xen has just linked another port behind this one.
 */
static inline event_word_t unlink_port(event_word_t *word, bool take)
{
    event_word_t seen = atomic_read(word), old, new;

    do {
        old = seen;
        new = old & ~(LINKED | LINK);
        if (take && deliverable(old))
            new &= ~PENDING;
        seen = atomic_cas32(word, old, new);
    } while (unlikely(seen != old));
    return old;
}

/*
 * The first port of a queue. Where the last walk came to the end of what was linked (0), Xen has
 * put the next one into the control block. A port beyond the array is none: 0.
 */
static inline evtchn_port_t queue_head(struct evtchn_vcpu *v, unsigned int priority)
{
    evtchn_port_t port = v->fifo_head[priority];

    if (!port) {
        smp_rmb(); /* `ready` before the head: set_bit(ready) after the head in
                      evtchn_fifo_set_pending() */
        port = atomic_read(&v->fifo_control.head[priority]);
    }
    if (likely(port / WORDS_PER_PAGE < atomic_read(&nr_pages)))
        return port;
    v->fifo_stray++;
    return 0;
}

/* One port of the queue; `ready` loses its bit when that was the last one. */
static inline void consume(struct evtchn_vcpu *v, unsigned int priority, uint32_t *ready)
{
    evtchn_port_t port = queue_head(v, priority);
    struct evtchn **slot;
    struct evtchn *ch;
    uint64_t gate;
    event_word_t word;
    bool take;

    if (unlikely(!port)) {
        v->fifo_head[priority] = 0;
        *ready &= ~(1u << priority);
        return;
    }
    slot = evtchn_slot(port);
    ch = likely(slot) ? atomic_read(slot) : NULL;
    gate = evtchn_gate(v->id, port);
    take = evtchn_begin(v, ch, gate);
    word = unlink_port(word_of(port), take);
    v->fifo_head[priority] = word & LINK;
    if (!(word & LINK))
        *ready &= ~(1u << priority);
    if (unlikely(!deliverable(word)))
        return;
    if (likely(take))
        evtchn_run(ch, gate);
    else
        evtchn_deliver_slow(v, port);
}

/* Stopped: it may be what Xen has announced since, in the queues as they are now. */
static void give_back_ready(uint32_t *shared, uint32_t ready)
{
    for (; ready; ready &= ready - 1)
        atomic_test_and_set_bit32(shared, lowest_bit(ready));
}

/* After each event a look whether a higher priority has become ready meanwhile. */
static void handle_events_fifo(struct evtchn_vcpu *v)
{
    uint32_t *shared = &v->fifo_control.ready;
    /*
     * Full barrier: evtchn_upcall_pending was cleared before; the heads are read after. A bit that
     * no queue has is dropped.
     */
    uint32_t ready = atomic_xchg32(shared, 0) & QUEUES;

    if (unlikely(atomic_read(&evtchn_stopped))) {
        give_back_ready(shared, ready);
        return;
    }
    while (ready) {
        consume(v, lowest_bit(ready), &ready);
        if (atomic_read(shared))
            ready |= atomic_xchg32(shared, 0) & QUEUES;
    }
}

static void dump_fifo(const struct evtchn_vcpu *v, void (*print)(const char *format, ...))
{
    if (!v) {
        print("  %u pages of event words\n", atomic_read(&nr_pages));
        return;
    }
    print("  ready %x, %lu stray heads\n", atomic_read(&v->fifo_control.ready),
          (unsigned long)v->fifo_stray);
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
        if (v->fifo_head[i])
            print("  queue %u goes on at port %u\n", i, v->fifo_head[i]);
    }
}

const struct evtchn_port_ops evtchn_ops_fifo = {
    .name = "fifo",
    .title = "FIFO",
    .nr_ports = EVTCHN_FIFO_NR_CHANNELS,
    .unlinks = true,
    .init = init_fifo,
    .fini = fini_fifo,
    .vcpu_init = vcpu_init_fifo,
    .port_setup = port_setup_fifo,
    .mask = mask_fifo,
    .unmask = unmask_fifo,
    .is_masked = is_masked_fifo,
    .set_pending = set_pending_fifo,
    .is_pending = is_pending_fifo,
    .clear_pending = clear_pending_fifo,
    .set_priority = set_priority_fifo,
    .handle_events = handle_events_fifo,
    .dump = dump_fifo,
};
