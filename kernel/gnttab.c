/* SPDX-License-Identifier: MIT */
/*
 * Our own grant table: its frames, which grow one by one as grants are given out, and which entries
 * are free. The first eight are the toolstack's.
 */
#include <xenlet/domain.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include <xenlet/suspend.h>
#include "arch/spinlock.h"
#include "kernel/gnttab.h"
#include "kernel/string.h"
#include "platform_arch.h"

#define WORDS 8u /* of 64 bits for the entries of a frame; version 1 has 512 */

/* A bit for each entry of a frame: it is free. */
struct frame {
    uint64_t free[WORDS];
    unsigned int nr_free;
};

static struct spinlock lock;
static enum {
    UNOPENED,
    READY,
    AWAY, /* unmapped, for a suspend */
    NONE, /* Xen has none for us */
} state;
static const struct gnttab_format *format;
static char *table;      /* address space for all frames there may be */
static uint16_t *status; /* the same for status words; NULL in version 1 */
static unsigned int nr_frames, max_frames, nr_status_frames;
static struct frame **frames;
static unsigned int nr_mappings; /* of others' pages */

int gnttab_errno(int16_t status_code)
{
    switch (status_code) {
    case GNTST_okay:
        return 0;
    case GNTST_permission_denied:
    case GNTST_general_error: /* for an entry that is for somebody else, or read-only */
        return -XEN_EACCES;
    case GNTST_bad_domain:
        return -XEN_ESRCH;
    case GNTST_bad_gntref:
        return -XEN_ENOENT;
    case GNTST_eagain:
        return -XEN_EAGAIN;
    case GNTST_no_space:
    case GNTST_no_device_space:
        return -XEN_ENOSPC;
    default:
        return -XEN_EIO;
    }
}

/* --- frames --------------------------------------------------------------------------------- */

static unsigned int status_frames(unsigned int nr)
{
    unsigned int per = format->per_status_frame;

    return per ? (nr * format->per_frame + per - 1) / per : 0;
}

/* Map frames [from, to) of the table, or of the status words: Xen's answer in `list`. */
static int map_frames(void *at, const uint64_t *list, unsigned int from, unsigned int to)
{
    int rc = 0;

    for (unsigned int i = from; i < to && rc == 0; i++)
        rc = xenlet_map((char *)at + i * XENLET_PAGE_SIZE, list[i], true);
    return rc;
}

/* Have `nr` frames, of which [0, mapped) and [0, status_mapped) are mapped. */
static int have_frames(unsigned int nr, unsigned int mapped, unsigned int status_mapped)
{
    _Static_assert(sizeof(xen_pfn_t) == sizeof(uint64_t), "one list does for both");
    unsigned int nr_status = status_frames(nr);
    uint64_t *list = xenlet_alloc((nr > nr_status ? nr : nr_status) * sizeof(*list));
    int16_t answer;
    int rc;

    if (!list)
        return -XEN_ENOMEM;
    rc = hypercall_gnttab_setup_table(nr, (xen_pfn_t *)list, &answer);
    if (rc == 0 && answer)
        rc = -XEN_ENOSPC; /* or Xen may be out of memory */
    if (rc == 0)
        rc = map_frames(table, list, mapped, nr);
    if (rc == 0 && nr_status > status_mapped) {
        rc = hypercall_gnttab_get_status_frames(nr_status, list, &answer);
        if (rc == 0 && answer)
            rc = -XEN_ENOSPC;
        if (rc == 0)
            rc = map_frames(status, list, status_mapped, nr_status);
    }
    xenlet_free(list);
    return rc;
}

static int grow(void)
{
    struct frame *f;
    int rc;

    if (nr_frames == max_frames)
        return -XEN_ENOSPC;
    f = xenlet_alloc(sizeof(*f));
    if (!f)
        return -XEN_ENOMEM;
    rc = have_frames(nr_frames + 1, nr_frames, nr_status_frames);
    if (rc) {
        xenlet_free(f);
        return rc;
    }
    *f = (struct frame){ .nr_free = format->per_frame };
    memset(f->free, 0xff, format->per_frame / 8);
    if (nr_frames == 0) {
        f->free[0] &= ~(uint64_t)((1u << GNTTAB_NR_RESERVED_ENTRIES) - 1);
        f->nr_free -= GNTTAB_NR_RESERVED_ENTRIES;
    }
    nr_status_frames = status_frames(nr_frames + 1);
    frames[nr_frames++] = f;
    return 0;
}

/* --- opening -------------------------------------------------------------------------------- */

static int set_version(unsigned int version)
{
    int rc = hypercall_gnttab_set_version(version);

    /* A Xen of before version 2 has no such operation. */
    return version == 1 && rc == -XEN_ENOSYS ? 0 : rc;
}

static void choose_version(void)
{
    const char *asked = xenlet_option("gnttab");
    bool wide = hypercall_memory_op(XENMEM_maximum_ram_page, NULL) > (long)UINT32_MAX;
    int rc;

    format = &gnttab_format_v1;
    if (wide || (asked && strcmp(asked, "2") == 0)) {
        rc = set_version(2);
        if (rc == 0)
            format = &gnttab_format_v2;
        else
            platform_log("this Xen refuses version 2 of the grant table (error %d); using 1", rc);
    } else {
        set_version(1);
    }
}

static int open(void)
{
    uint32_t nr;
    int16_t answer;

    if (!arch_has_grants() || hypercall_gnttab_query_size(&nr, &max_frames, &answer) || answer ||
        !max_frames) {
        state = NONE;
        return 0;
    }
    if (!frames)
        frames = xenlet_alloc(max_frames * sizeof(*frames));
    if (!frames)
        return -XEN_ENOMEM; /* another time, perhaps */
    choose_version();
    table = xenlet_space_alloc(max_frames);
    status = status_frames(1) ? xenlet_space_alloc(status_frames(max_frames)) : NULL;
    state = table && (status || !status_frames(1)) ? READY : NONE;
    return 0;
}

/* With the lock held, as all but the functions for programs. */
static int check(void)
{
    int rc = state == UNOPENED ? open() : 0;

    if (rc)
        return rc;
    return state == READY ? 0 : state == AWAY ? -XEN_EAGAIN : -XEN_EOPNOTSUPP;
}

static unsigned long take_lock(void)
{
    unsigned long flags = platform_upcalls_save();

    spin_lock(&lock);
    return flags;
}

static void give_lock(unsigned long flags)
{
    spin_unlock(&lock);
    platform_upcalls_restore(flags);
}

unsigned int gnttab_version(void)
{
    unsigned long flags = take_lock();
    unsigned int version;

    check();
    version = state == READY || state == AWAY ? format->version : 0;
    give_lock(flags);
    return version;
}

unsigned int gnttab_max(void)
{
    unsigned long flags = take_lock();
    unsigned int max;

    check();
    max = max_frames * (format ? format->per_frame : 0);
    max = max ? max - GNTTAB_NR_RESERVED_ENTRIES : 0;
    give_lock(flags);
    return max;
}

/* --- offers --------------------------------------------------------------------------------- */

static int take_ref(grant_ref_t *ref)
{
    unsigned int i = 0, word = 0, bit;
    int rc = 0;

    while (i < nr_frames && !frames[i]->nr_free)
        i++;
    if (i == nr_frames)
        rc = grow();
    if (rc)
        return rc;
    while (!frames[i]->free[word])
        word++;
    bit = (unsigned int)__builtin_ctzll(frames[i]->free[word]);
    frames[i]->free[word] &= ~(1ull << bit);
    frames[i]->nr_free--;
    *ref = i * format->per_frame + word * 64 + bit;
    return 0;
}

static struct frame *frame_of(grant_ref_t ref, unsigned int *word, uint64_t *mask)
{
    unsigned int at = ref % format->per_frame;

    *word = at / 64;
    *mask = 1ull << at % 64;
    return frames[ref / format->per_frame];
}

static bool is_offered(grant_ref_t ref)
{
    unsigned int word;
    uint64_t mask;

    return ref >= GNTTAB_NR_RESERVED_ENTRIES && ref < nr_frames * format->per_frame &&
           !(frame_of(ref, &word, &mask)->free[word] & mask);
}

static void give_ref(grant_ref_t ref)
{
    unsigned int word;
    uint64_t mask;
    struct frame *f = frame_of(ref, &word, &mask);

    f->free[word] |= mask;
    f->nr_free++;
}

static int offer(domid_t domid, const void *page, bool write, grant_ref_t *ref)
{
    uint64_t gfn = xenlet_gfn(page);
    int rc = gfn > format->max_gfn ? -XEN_ERANGE : take_ref(ref);

    if (rc == 0)
        format->offer(table, *ref, domid, gfn, write);
    return rc;
}

static int end(grant_ref_t ref)
{
    int rc = is_offered(ref) ? format->end(table, status, ref) : -XEN_EINVAL;

    if (rc == 0)
        give_ref(ref);
    return rc;
}

int gnttab_offer_pages(domid_t domid, const void *pages, size_t n, bool write, grant_ref_t *refs)
{
    unsigned long flags;
    size_t i = 0;
    int rc;

    if ((uintptr_t)pages % XENLET_PAGE_SIZE || xenlet_virt_to_pfn(pages) >= xenlet_nr_pages() ||
        n > xenlet_nr_pages() - xenlet_virt_to_pfn(pages))
        return -XEN_EINVAL;
    flags = take_lock();
    rc = check();
    for (; i < n && rc == 0; i++)
        rc = offer(domid, (const char *)pages + i * XENLET_PAGE_SIZE, write, &refs[i]);
    if (rc && i)
        i--; /* the one that failed */
    /*
     * Nobody was told of these yet. What a domain has mapped by guessing cannot be ended, and its
     * number is not used again.
     */
    while (rc && i--)
        end(refs[i]);
    give_lock(flags);
    return rc;
}

int gnttab_offer(domid_t domid, const void *page, bool write, grant_ref_t *ref)
{
    return gnttab_offer_pages(domid, page, 1, write, ref);
}

int gnttab_end(grant_ref_t ref)
{
    unsigned long flags = take_lock();
    int rc = check();

    if (rc == 0)
        rc = end(ref);
    give_lock(flags);
    return rc;
}

int gnttab_end_pages(grant_ref_t *refs, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        int one = refs[i] == GNTTAB_NO_REF ? 0 : gnttab_end(refs[i]);

        if (one == 0)
            refs[i] = GNTTAB_NO_REF;
        else
            rc = one;
    }
    return rc;
}

/* --- suspend -------------------------------------------------------------------------------- */

int gnttab_mapping_begin(void)
{
    unsigned long flags = take_lock();
    int rc = check();

    if (rc == 0)
        nr_mappings++;
    give_lock(flags);
    return rc;
}

void gnttab_mapping_end(void)
{
    unsigned long flags = take_lock();

    nr_mappings--;
    give_lock(flags);
}

int gnttab_before_suspend(void *data)
{
    unsigned long flags = take_lock();
    int rc = nr_mappings ? -XEN_EBUSY : 0;

    (void)data;
    if (rc == 0 && state == READY) {
        for (unsigned int i = 0; i < nr_frames; i++)
            xenlet_unmap(table + i * XENLET_PAGE_SIZE);
        for (unsigned int i = 0; i < nr_status_frames; i++)
            xenlet_unmap((char *)status + i * XENLET_PAGE_SIZE);
        state = AWAY;
    }
    give_lock(flags);
    return rc;
}

/* In a restored domain the table is new, and empty. */
void gnttab_after_suspend(void *data, bool cancelled)
{
    unsigned long flags = take_lock();
    int rc = 0;

    (void)data;
    if (state == AWAY) {
        if (!cancelled)
            rc = set_version(format->version);
        if (rc == 0 && nr_frames)
            rc = have_frames(nr_frames, 0, 0);
        if (rc)
            xenlet_panic("no grant table after a suspend: error %d", rc);
        state = READY;
    }
    give_lock(flags);
}

/* Weak: a guest that does not link suspend.c is never suspended. */
extern __typeof__(suspend_register) suspend_register __attribute__((weak));

static __attribute__((constructor)) void register_hook(void)
{
    static struct suspend_hook hook = { .order = SUSPEND_GRANTS,
                                        .before = gnttab_before_suspend,
                                        .after = gnttab_after_suspend };

    if (suspend_register)
        suspend_register(&hook);
}
