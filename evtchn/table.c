/* SPDX-License-Identifier: MIT */
/*
 * From ports to handles, and the handles' memory.
 *
 * Rows of pointers are added as ports are bound and stay for good, so a lookup takes no lock. Nor
 * is a handle's memory ever used for anything else: who still holds a stale pointer reads a handle.
 */
#include "evtchn/internal.h"

#define PAGE_SIZE 4096u
#define PER_PAGE  (PAGE_SIZE / sizeof(struct evtchn))

struct evtchn **evtchn_rows[NR_ROWS];
struct evtchn *evtchn_no_slots[BITS_PER_WORD]; /* never written */

static struct spinlock lock;
static struct evtchn *free_handles;

struct evtchn *evtchn_lookup(evtchn_port_t port)
{
    struct evtchn **slot = port / ROW_PORTS < NR_ROWS ? evtchn_slot(port) : NULL;

    return slot ? atomic_read(slot) : NULL;
}

static int publish_locked(struct evtchn *ch)
{
    struct evtchn **slot = evtchn_slot(ch->port);

    if (!slot) {
        struct evtchn **row = platform_page_alloc();

        if (!row)
            return -XEN_ENOMEM;
        atomic_write_release(&evtchn_rows[ch->port / ROW_PORTS], row);
        slot = evtchn_slot(ch->port);
    }
    if (*slot)
        return -XEN_EEXIST;
    /* The handle is complete before a walk can find it. */
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
    atomic_write(evtchn_slot(ch->port), NULL);
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

void evtchn_for_each(void (*f)(struct evtchn *ch, void *arg), void *arg)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    for (unsigned int i = 0; i < NR_ROWS; i++) {
        for (unsigned int j = 0; evtchn_rows[i] && j < ROW_PORTS; j++) {
            if (evtchn_rows[i][j])
                f(evtchn_rows[i][j], arg);
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
 * As new, and held. Who holds a stale pointer may be inside the lock (settle(), evtchn_kick()): it
 * goes on from life to life.
 */
static void blank(struct evtchn *ch)
{
    const size_t lock_at = offsetof(struct evtchn, lock), after = lock_at + sizeof(ch->lock);

    spin_lock(&ch->lock);
    __builtin_memset(ch, 0, lock_at);
    __builtin_memset((char *)ch + after, 0, sizeof(*ch) - after);
    ch->gate = GATE_SHUT;
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
