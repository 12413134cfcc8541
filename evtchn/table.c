/* SPDX-License-Identifier: MIT */
/*
 * From ports to handles, and the handles' memory.
 *
 * Rows of pointers are added as ports are bound and stay for good, so a lookup takes no lock. A
 * handle's memory is never used for anything else: a stale pointer still leads to a handle.
 */
#include "evtchn/internal.h"

#define PAGE_SIZE 4096u
#define PER_PAGE  (PAGE_SIZE / sizeof(struct evtchn))

struct evtchn **evtchn_rows[NR_ROWS];
const struct evtchn evtchn_nobody = { .gate = GATE_SHUT };
struct evtchn *const evtchn_no_row[ROW_PORTS] = { [0 ... ROW_PORTS - 1] = NOBODY };

static struct spinlock lock;
static struct evtchn *free_handles;

struct evtchn *evtchn_lookup(evtchn_port_t port)
{
    struct evtchn **row = port < MAX_PORTS ? atomic_read(&evtchn_rows[port / ROW_PORTS]) : NULL;
    struct evtchn *ch = row ? atomic_read(&row[port % ROW_PORTS]) : NOBODY;

    return ch == NOBODY ? NULL : ch;
}

static int make_rows(evtchn_port_t port)
{
    unsigned int first = port / SLOTS_PER_PAGE * ROWS_PER_PAGE;
    struct evtchn **page;

    if (evtchn_rows[first])
        return 0;
    page = platform_page_alloc();
    if (!page)
        return -XEN_ENOMEM;
    for (unsigned int i = 0; i < SLOTS_PER_PAGE; i++)
        page[i] = NOBODY;
    for (unsigned int i = 0; i < ROWS_PER_PAGE; i++)
        atomic_write_release(&evtchn_rows[first + i], page + i * ROW_PORTS);
    return 0;
}

int evtchn_make_rows(evtchn_port_t port)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&lock);
    rc = make_rows(port);
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
    return rc;
}

static int publish_locked(struct evtchn *ch)
{
    struct evtchn **slot;

    if (make_rows(ch->port))
        return -XEN_ENOMEM;
    slot = &evtchn_rows[ch->port / ROW_PORTS][ch->port % ROW_PORTS];
    if (*slot != NOBODY)
        return -XEN_EEXIST;
    /* Release: a walk that finds the handle, by its load of the slot, finds it complete. */
    atomic_write_release(slot, ch);
    return 0;
}

int evtchn_publish(struct evtchn *ch)
{
    unsigned long flags = platform_upcalls_save();
    int rc;

    spin_lock(&lock);
    rc = publish_locked(ch);
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
    return rc;
}

void evtchn_unpublish(struct evtchn *ch)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    atomic_write(&evtchn_rows[ch->port / ROW_PORTS][ch->port % ROW_PORTS], NOBODY);
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

void evtchn_for_each(void (*f)(struct evtchn *ch, void *arg), void *arg)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    for (unsigned int i = 0; i < NR_ROWS; i += ROWS_PER_PAGE) {
        struct evtchn **page = evtchn_rows[i];

        for (unsigned int j = 0; page && j < SLOTS_PER_PAGE; j++) {
            if (page[j] != NOBODY)
                f(page[j], arg);
        }
    }
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

static void add_page(void)
{
    struct evtchn *page = platform_page_alloc();

    for (unsigned int i = 0; page && i < PER_PAGE; i++) {
        page[i].next = free_handles;
        free_handles = &page[i];
    }
}

/*
 * A new handle, held. Who has a stale pointer may be inside the lock of the life before, which so
 * goes on, or look at `gate`, `vcpu` and `moved_from` meanwhile (settle(), evtchn_deliver_slow()):
 * they are written in one piece each.
 */
static void blank(struct evtchn *ch)
{
    const size_t reasons = offsetof(struct evtchn, reasons);
    const size_t has_moved = offsetof(struct evtchn, has_moved);

    spin_lock(&ch->lock);
    ch->handler = NULL;
    ch->data = NULL;
    atomic_write(&ch->gate, GATE_SHUT);
    ch->budget = 0;
    ch->port = 0;
    atomic_write(&ch->vcpu, 0);
    __builtin_memset((char *)ch + reasons, 0, offsetof(struct evtchn, lock) - reasons);
    atomic_write(&ch->moved_from, NULL);
    __builtin_memset((char *)ch + has_moved, 0, sizeof(*ch) - has_moved);
    ch->reasons = REASON_MOVE;
    spin_unlock(&ch->lock);
}

struct evtchn *evtchn_handle_alloc(void)
{
    unsigned long flags = platform_upcalls_save();
    struct evtchn *ch;

    spin_lock(&lock);
    if (!free_handles)
        add_page();
    ch = free_handles;
    if (ch) {
        free_handles = ch->next;
        blank(ch);
    }
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
    return ch;
}

void evtchn_handle_free(struct evtchn *ch)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    ch->next = free_handles;
    free_handles = ch;
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}
