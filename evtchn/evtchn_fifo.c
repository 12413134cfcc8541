/* SPDX-License-Identifier: MIT */
/*
 * The FIFO ABI (public/event_channel.h): an array of event words, one a port, which grows page by
 * page; and for each VCPU sixteen queues, one a priority, linked through the words. Each VCPU has a
 * control block with the heads of its queues and `ready`, a bit for each queue that is not empty.
 *
 * Xen raises a port so (xen/common/event_fifo.c): set PENDING; if the port is neither masked nor
 * linked, set LINKED and append it to its queue: write the tail's LINK if the tail is still linked;
 * else the queue is empty, so write its head, set its ready bit and raise the upcall.
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
#define GROUP          SLOTS_PER_PAGE
#define NR_GROUPS      (EVTCHN_FIFO_NR_CHANNELS / GROUP)

static event_word_t *pages[NR_PAGES];
static unsigned int nr_pages; /* known to Xen, from 0 on without a gap */

/*
 * What a walk uses: for each group of ports whose handles are in one page, these, and their words;
 * `no_words` for ports beyond nr_pages.
 */
static struct evtchn *const *group_handles[NR_GROUPS];
static event_word_t *group_words[NR_GROUPS];
static event_word_t no_words[GROUP]; /* nothing pending, nothing linked */

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

static void forget_groups(void)
{
    for (unsigned int i = 0; i < NR_GROUPS; i++)
        atomic_write(&group_words[i], no_words);
}

/* The pages are kept, for when FIFO is entered again. */
static void fini_fifo(void)
{
    nr_pages = 0;
    forget_groups();
    for (unsigned int i = 0; i < XENLET_MAX_VCPUS; i++) {
        if (evtchn_vcpus[i])
            evtchn_vcpus[i]->fifo_ready = false;
    }
}

static int find_handles(evtchn_port_t first)
{
    for (evtchn_port_t port = first; port < first + WORDS_PER_PAGE; port += GROUP) {
        if (evtchn_make_rows(port))
            return -XEN_ENOMEM;
        group_handles[port / GROUP] = evtchn_rows[port / ROW_PORTS];
    }
    return 0;
}

/*
 * Words begin masked: Xen delivers into a new page what it had kept back, and there is no handler
 * yet.
 */
static int add_page(void)
{
    event_word_t *page = pages[nr_pages] ? pages[nr_pages] : platform_page_alloc();
    evtchn_port_t first = nr_pages * WORDS_PER_PAGE;
    int rc;

    if (!page)
        return -XEN_ENOMEM;
    for (unsigned int i = 0; i < WORDS_PER_PAGE; i++)
        page[i] = MASKED;
    pages[nr_pages] = page;
    if (find_handles(first))
        return -XEN_ENOMEM;
    smp_wmb(); /* the words before the page is Xen's: it reads them in add_page_to_event_array() */
    rc = hypercall_evtchn_expand_array(platform_page_gfn(page));
    if (rc)
        return rc;
    atomic_write_release(&nr_pages, nr_pages + 1);
    for (evtchn_port_t i = 0; i < WORDS_PER_PAGE; i += GROUP)
        atomic_write_release(&group_words[(first + i) / GROUP], &page[i]);
    return 0;
}

/*
 * Add the first page at once, so that whatever Xen refuses is refused while there is a way back.
 * After init_control the only one is EVTCHNOP_reset, which closes the ports that the toolstack gave
 * us.
 */
static int init_fifo(struct evtchn_vcpu *v)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&evtchn_abi_lock);
    forget_groups();
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
 * Clear MASKED here only if PENDING and BUSY are clear. A pending port has to be linked, which only
 * Xen does, and only if it finds the port masked. Xen holds BUSY for a few instructions; a word
 * that stays BUSY is left to Xen too.
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

/*
 * Take the port off its queue and leave PENDING as it is. Returns the word as it was, whose LINK is
 * the next port of the queue. If the exchange fails, Xen has just linked another port behind this
 * one.
 */
static event_word_t unlink_port(event_word_t *word)
{
    event_word_t seen = atomic_read(word), old;

    do {
        old = seen;
        seen = atomic_cas32(word, old, old & ~(LINKED | LINK));
    } while (seen != old);
    return old;
}

/* A port beyond the array does not exist; it ends its queue, as 0 does. */
static SELDOM void consume_slow(struct evtchn_vcpu *v, evtchn_port_t port, uint32_t *head)
{
    event_word_t word;

    *head = 0;
    if (!port)
        return;
    if (port / WORDS_PER_PAGE >= atomic_read(&nr_pages)) {
        v->fifo_stray++;
        return;
    }
    word = unlink_port(word_of(port));
    *head = word & LINK;
    if ((word & (PENDING | MASKED)) == PENDING)
        evtchn_deliver_slow(v, port);
}

/* The first port of a queue. */
struct first {
    struct evtchn *ch;
    event_word_t *word, seen;
    uint64_t gate;
};

/*
 * As a rule its word is PENDING, LINKED and a LINK and nothing else. False where it is not so, or
 * the LINK is above `most`.
 */
static ALWAYS_INLINE bool find_first(const struct evtchn_vcpu *v, evtchn_port_t port,
                                     event_word_t most, struct first *f)
{
    struct evtchn *const *handles;

    f->word = &atomic_read_word(&group_words[port / GROUP])[port % GROUP];
    f->seen = atomic_read(f->word);
    if (unlikely(f->seen - (PENDING | LINKED) > most))
        return false;
    f->gate = v->gate + port;
    handles = atomic_read_word(&group_handles[port / GROUP]);
    f->ch = atomic_read_word(&handles[port % GROUP]);
    return true;
}

/* One exchange takes all of the word: the port is off its queue and its event is ours. */
static ALWAYS_INLINE bool take_first(const struct first *f)
{
    return likely(atomic_try_cas32(f->word, f->seen, 0));
}

static ALWAYS_INLINE bool take_first_late(struct evtchn_vcpu *v, const struct first *f)
{
    return evtchn_begin_late(v, f->ch, f->gate) && take_first(f);
}

static ALWAYS_INLINE void run_first_late(struct evtchn_vcpu *v, const struct first *f)
{
    if (evtchn_hold_late(v, f->ch, f->gate)) {
        atomic_test_and_set_bit32(f->word, EVTCHN_FIFO_MASKED);
        evtchn_run_late(f->ch);
    }
}

/* Its gate is shut, or that of late EOI. */
static bool consume_late(struct evtchn_vcpu *v, struct first f, uint32_t *head)
{
    if (!take_first_late(v, &f))
        return false;
    *head = f.seen & LINK;
    run_first_late(v, &f);
    return true;
}

/*
 * The next of the queue is noted before the handler runs, which may take long enough for a reset.
 * False, and nothing is done yet, where it is not so as it is as a rule.
 */
static ALWAYS_INLINE bool consume(struct evtchn_vcpu *v, evtchn_port_t port, uint32_t *head)
{
    struct first f;

    if (!find_first(v, port, LINK, &f))
        return false;
    if (unlikely(!evtchn_begin(v, f.ch, f.gate)))
        return consume_late(v, f, head);
    if (!take_first(&f))
        return false;
    *head = f.seen - (PENDING | LINKED);
    evtchn_run(v, f.ch, f.gate);
    return true;
}

/* The first port of a queue that was empty, as Xen has written it. */
static inline evtchn_port_t new_head(struct evtchn_vcpu *v, unsigned long priority)
{
    smp_rmb(); /* `ready` before the head: set_bit(ready) after the head in
                  evtchn_fifo_set_pending() */
    return atomic_read(&v->fifo_control.head[priority]);
}

/* After each event, see whether a higher priority has become ready meanwhile. */
static WALK_OF_SEVERAL void walk_queues(struct evtchn_vcpu *v, uint32_t ready)
{
    evtchn_port_t port;

    while (ready) {
        unsigned long priority = arch_lowest_bit(ready);
        uint32_t *head = &v->fifo_head[priority];

        port = *head ? *head : new_head(v, priority);
        if (unlikely(port > LINK)) {
            v->fifo_stray++;
            port = 0;
        }
        do {
            if (unlikely(!consume(v, port, head)))
                consume_slow(v, port, head);
            port = *head;
        } while (port && likely(atomic_is(&v->fifo_control.ready, 0)));
        if (!port)
            ready &= ready - 1;
        if (!atomic_is(&v->fifo_control.ready, 0))
            ready |= atomic_xchg32(&v->fifo_control.ready, 0) & QUEUES;
    }
}

/*
 * The walk is stopped: give back the ready bits that it took, which Xen may have set after the
 * reset.
 */
static SELDOM void wait_with(struct evtchn_vcpu *v, uint32_t ready)
{
    for (; ready; ready &= ready - 1)
        atomic_test_and_set_bit32(&v->fifo_control.ready, (unsigned int)arch_lowest_bit(ready));
    evtchn_wait_for_reset(v);
}

static evtchn_upcall_t upcall_fifo;

/*
 * Mostly there is one event: alone in its queue, and the other queues are empty. What comes after
 * it sets a bit in `ready`, and then evtchn_upcall_pending.
 */
static ALWAYS_INLINE void walk_fifo(struct evtchn_vcpu *v, struct vcpu_info *info)
{
    /*
     * Full barrier: evtchn_upcall_pending was cleared before; the heads are read after. A bit that
     * no queue has is dropped.
     */
    uint32_t ready = atomic_xchg32(&v->fifo_control.ready, 0) & QUEUES;
    unsigned long priority;
    evtchn_port_t port;
    struct first f;

    (void)info;
    if (evtchn_walk_is_stopped(upcall_fifo)) {
        wait_with(v, ready);
        return;
    }
    if (unlikely(!ready))
        return;
    priority = arch_lowest_bit(ready);
    port = new_head(v, priority);
    if (is_one_bit(ready) && likely(atomic_is(&v->fifo_head[priority], 0)) &&
        likely(port <= LINK) && find_first(v, port, 0, &f)) {
        if (likely(evtchn_begin(v, f.ch, f.gate))) {
            if (take_first(&f)) {
                evtchn_run(v, f.ch, f.gate);
                return;
            }
        } else if (take_first_late(v, &f)) {
            run_first_late(v, &f);
            return;
        }
    }
    walk_queues(v, ready);
}

static SELDOM void walk_again_fifo(struct evtchn_vcpu *v, struct vcpu_info *info)
{
    walk_fifo(v, info);
}

static void upcall_fifo(unsigned long vcpu)
{
    evtchn_upcall_by(vcpu, walk_fifo);
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
    .upcall = upcall_fifo,
    .walk = walk_again_fifo,
    .dump = dump_fifo,
};
