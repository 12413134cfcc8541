/* SPDX-License-Identifier: MIT */
/*
 * FIFO, Xen's side (public/event_channel.h, and the design document of the FIFO ABI): event words
 * in an array that the guest adds pages to, and sixteen queues a VCPU, whose heads are in a control
 * block. Xen keeps the tails to itself.
 */
#include "tests/host/model/internal.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)
#define BUSY    (1u << EVTCHN_FIFO_BUSY)
#define LINK    ((uint32_t)EVTCHN_FIFO_LINK_MASK)

#define PER_PAGE      (PAGE_BYTES / sizeof(event_word_t))
#define LINK_ATTEMPTS 4u /* with BUSY held; each change the guest may make costs at most one */
#define LOCK_ATTEMPTS 3u /* to lock both queues of a port that moves */

static uint32_t nr_ports(const struct domain *d)
{
    (void)d;
    return EVTCHN_FIFO_NR_CHANNELS;
}

/* NULL while the guest has not given the page. */
static event_word_t *word_of(const struct domain *d, evtchn_port_t number)
{
    uint32_t page = number / PER_PAGE;

    if (page >= atomic_read(&d->nr_fifo_pages))
        return NULL;
    smp_rmb(); /* the page after the number of pages: smp_wmb() in fifo_expand_array() */
    return &d->fifo_pages[page][number % PER_PAGE];
}

uint32_t *model_fifo_word(evtchn_port_t port)
{
    const struct domain *d = domain_of(NULL, model_config.domid);

    return abi_of(d) == &model_fifo ? word_of(d, port) : NULL;
}

static bool has(const event_word_t *word, event_word_t bits)
{
    return atomic_read(word) & bits;
}

static void init_port(struct domain *d, struct port *p)
{
    (void)d;
    atomic_write(&p->priority, (uint8_t)EVTCHN_FIFO_PRIORITY_DEFAULT);
}

/* --- a LINK --------------------------------------------------------------------------------- */

enum linked {
    IS_UNLINKED,
    IS_WRITTEN,
    HAS_CHANGED
};

/* Write LINK of a word as it was `seen`, and give up BUSY, if it is linked and still the same. */
static enum linked try_link(event_word_t *word, event_word_t *seen, evtchn_port_t link)
{
    event_word_t old = *seen;

    if (!(old & LINKED))
        return IS_UNLINKED;
    *seen = atomic_cas32(word, old, (old & ~(BUSY | LINK)) | link);
    return *seen == old ? IS_WRITTEN : HAS_CHANGED;
}

/*
 * Put `link` behind the tail, whose word is `word`, unless the guest has unlinked that. Once for
 * free; then with BUSY, which keeps the guest from unmasking, so that it runs out of changes to
 * make. One that makes more loses the event.
 */
static bool link_behind(event_word_t *word, evtchn_port_t link)
{
    event_word_t seen = atomic_read(word);
    enum linked how = try_link(word, &seen, link);

    if (how != HAS_CHANGED)
        return how == IS_WRITTEN;
    atomic_test_and_set_bit32(word, EVTCHN_FIFO_BUSY);
    seen = atomic_read(word);
    for (unsigned int i = 0; i < LINK_ATTEMPTS; i++) {
        how = try_link(word, &seen, link);
        if (how == IS_WRITTEN)
            return true; /* and BUSY went with it */
        if (how == IS_UNLINKED)
            break;
    }
    atomic_test_and_clear_bit32(word, EVTCHN_FIFO_BUSY);
    if (how == IS_UNLINKED)
        return false;
    model_warn(&model_counts.not_linked, "port %u not linked", link);
    return true;
}

/* --- raising -------------------------------------------------------------------------------- */

static struct queue *queue_of(struct domain *d, uint32_t number)
{
    return &d->vcpus[number / FIFO_QUEUES].queues[number % FIFO_QUEUES];
}

/* Both queues, in the order of their addresses. */
static void lock_queues(struct queue *a, struct queue *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b)
        spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_queues(struct queue *a, struct queue *b)
{
    if (a != b)
        spin_unlock(&b->lock);
    spin_unlock(&a->lock);
}

/*
 * Lock the queue the port goes to and the one it was linked in last. Their numbers come out, and
 * are right for as long as the locks are held; false when they changed under it too often.
 */
static bool lock_port(struct vcpu *v, struct port *p, uint32_t *to, uint32_t *from)
{
    for (unsigned int i = 0; i < LOCK_ATTEMPTS; i++) {
        struct domain *d = v->domain;

        *to = v->id * FIFO_QUEUES + atomic_read(&p->priority);
        *from = atomic_read(&p->last_queue);
        lock_queues(queue_of(d, *to), queue_of(d, *from));
        if (*to == v->id * FIFO_QUEUES + atomic_read(&p->priority) &&
            *from == atomic_read(&p->last_queue))
            return true;
        unlock_queues(queue_of(d, *to), queue_of(d, *from));
    }
    return false;
}

/* At the end of queue `to`; whether that was empty, and so became ready. */
static bool append(struct vcpu *v, struct port *p, uint32_t to)
{
    struct queue *q = queue_of(v->domain, to);
    evtchn_port_t tail = q->tail;

    q->tail = p->number;
    if (tail && link_behind(word_of(v->domain, tail), p->number))
        return false;
    atomic_write(&v->control->head[to % FIFO_QUEUES], p->number);
    return true;
}

/* PENDING, and the link unless the port is masked or linked already. Under both locks. */
static bool link_port(struct vcpu *v, struct port *p, event_word_t *word, uint32_t to,
                      uint32_t from, bool *newly)
{
    struct queue *old = queue_of(v->domain, from);

    *newly = !atomic_test_and_set_bit32(word, EVTCHN_FIFO_PENDING);
    if (has(word, MASKED) || atomic_test_and_set_bit32(word, EVTCHN_FIFO_LINKED))
        return false;
    if (old->tail == p->number)
        old->tail = 0; /* that queue is empty: nothing may be put behind this port there */
    atomic_write(&p->last_queue, to);
    return append(v, p, to);
}

static void set_pending(struct vcpu *v, struct port *p)
{
    struct domain *d = v->domain;
    event_word_t *word = word_of(d, p->number);
    bool newly = false, ready = false;
    uint32_t to, from;

    if (!word) {
        atomic_write(&p->pending, true); /* kept for when there is one */
        return;
    }
    if (!lock_port(v, p, &to, &from)) {
        model_warn(&model_counts.lost, "port %u lost an event: too many queue changes", p->number);
        return;
    }
    if (!atomic_read(&v->control))
        model_warn(&model_counts.lost, "port %u lost an event: VCPU %u has no control block",
                   p->number, v->id);
    else
        ready = link_port(v, p, word, to, from, &newly);
    unlock_queues(queue_of(d, to), queue_of(d, from));

    /* The head was written before: the guest reads it after `ready`. */
    if (ready && !atomic_test_and_set_bit32(&v->control->ready, to % FIFO_QUEUES))
        vcpu_mark_pending(v);
    if (newly)
        vcpus_check_pollers(d, p->number);
}

static void clear_pending(struct domain *d, struct port *p)
{
    event_word_t *word = word_of(d, p->number);

    if (word)
        atomic_test_and_clear_bit32(word, EVTCHN_FIFO_PENDING);
}

static void unmask(struct domain *d, struct port *p)
{
    event_word_t *word = word_of(d, p->number);

    if (!word)
        return;
    atomic_test_and_clear_bit32(word, EVTCHN_FIFO_MASKED);
    if (has(word, PENDING))
        set_pending(&d->vcpus[atomic_read(&p->vcpu)], p);
}

static bool is_pending(const struct domain *d, const struct port *p)
{
    const event_word_t *word = word_of(d, p->number);

    return word && has(word, PENDING);
}

static bool is_busy(const struct domain *d, const struct port *p)
{
    const event_word_t *word = word_of(d, p->number);

    return word && has(word, LINKED);
}

static int set_priority(struct domain *d, struct port *p, uint32_t priority)
{
    (void)d;
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -XEN_EINVAL;
    atomic_write(&p->priority, (uint8_t)priority);
    return 0;
}

const struct abi model_fifo = {
    .name = "fifo",
    .nr_ports = nr_ports,
    .init_port = init_port,
    .set_pending = set_pending,
    .clear_pending = clear_pending,
    .unmask = unmask,
    .is_pending = is_pending,
    .is_busy = is_busy,
    .set_priority = set_priority,
};

/* --- registration, under model_lock --------------------------------------------------------- */

/* Ports bound before: what is pending is put off until their words are there. */
static void switch_over(struct domain *d)
{
    for (evtchn_port_t number = 0; number < d->nr_valid; number++) {
        struct port *p = port_of(d, number);

        if (number < WORD_BITS * WORD_BITS && model_2l.is_pending(d, p))
            atomic_write(&p->pending, true);
        p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    }
    atomic_write_release(&d->abi, &model_fifo);
}

int fifo_init_control(struct domain *d, struct evtchn_init_control *op)
{
    struct evtchn_fifo_control_block *block;
    struct vcpu *v;
    char *page;

    if (!model_config.has_fifo)
        return -XEN_EOPNOTSUPP;
    if (op->vcpu >= d->nr_vcpus)
        return -XEN_ENOENT;
    if (op->offset > PAGE_BYTES - sizeof(*block) || op->offset % 8)
        return -XEN_EINVAL;
    if (d->l3_registered)
        return -XEN_EBUSY;
    v = &d->vcpus[op->vcpu];
    if (v->control)
        return -XEN_EINVAL;
    page = world_frame(op->control_gfn);
    if (!page)
        return -XEN_EINVAL;
    block = (struct evtchn_fifo_control_block *)(void *)(page + op->offset);
    atomic_write_release(&v->control, block);
    if (d->abi != &model_fifo)
        switch_over(d);
    op->link_bits = EVTCHN_FIFO_LINK_BITS;
    return 0;
}

int fifo_expand_array(struct domain *d, const struct evtchn_expand_array *op)
{
    uint32_t first = d->nr_fifo_pages * PER_PAGE;
    void *page;

    if (d->abi != &model_fifo)
        return -XEN_EOPNOTSUPP;
    if (d->nr_fifo_pages >= FIFO_PAGES)
        return -XEN_ENOSPC;
    page = world_frame(op->array_gfn);
    if (!page)
        return -XEN_EINVAL;
    d->fifo_pages[d->nr_fifo_pages] = page;
    smp_wmb(); /* the page before the number of pages, which word_of() reads first */
    atomic_write(&d->nr_fifo_pages, d->nr_fifo_pages + 1);
    for (evtchn_port_t number = first; number < first + PER_PAGE; number++) {
        struct port *p = port_of(d, number);

        /* Xen never forgets it again: after a reset it raises the port anew, bound or not. */
        if (p && p->pending)
            set_pending(&d->vcpus[p->vcpu], p);
    }
    return 0;
}

void fifo_destroy(struct domain *d)
{
    if (d->abi != &model_fifo)
        return;
    for (unsigned int i = 0; i < d->nr_vcpus; i++) {
        atomic_write(&d->vcpus[i].control, NULL);
        for (unsigned int q = 0; q < FIFO_QUEUES; q++)
            d->vcpus[i].queues[q].tail = 0;
    }
    atomic_write(&d->nr_fifo_pages, 0);
}
