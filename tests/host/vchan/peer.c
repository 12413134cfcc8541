/* SPDX-License-Identifier: MIT */
/* The other end, and what lies between: grants, ports, xenstore. */
#include <xenlet/clock.h>
#include <xenlet/memory.h>
#include <xenlet/vcpu.h>
#include <xenlet/xenstore.h>
#include "kernel/internal.h"
#include "kernel/string.h"
#include "tests/host/vchan/peer.h"
#include "tests/host/xenstore/server.h"
#include <stdlib.h>

#define PAGE ((size_t)XENLET_PAGE_SIZE)

struct vchan *the_vchan;
bool peer_is_honest;

struct gnttab_mapping {
    char *memory;
};

static bool we_serve, connected, port_is_closed;
static struct vchan_interface *page; /* in either role; NULL: there is none */
static char *rings[2];               /* left, right: a client's, each of its own */
static unsigned int mapped, offered;
static uint32_t put, got;      /* the peer's own indices */
static uint8_t to_come, to_go; /* next of its sequence that we read, and of ours that it reads */
static uint8_t read_next, write_next; /* the same, seen from our side */

/* --- memory -------------------------------------------------------------------------------------
 */

void *xenlet_pages_alloc(size_t n)
{
    char *pages = failing ? (failing--, NULL) : aligned_alloc(PAGE, n * PAGE);

    if (!pages)
        return NULL;
    allocated++;
    page = (void *)pages;
    rings[0] = rings[1] = NULL;
    return pages;
}

void xenlet_pages_free(void *pages, size_t n)
{
    (void)n;
    if (page == pages)
        page = NULL;
    allocated--;
    free(pages);
}

int gnttab_offer_pages(domid_t domid, const void *pages, size_t n, bool write, grant_ref_t *refs)
{
    (void)domid;
    (void)pages;
    (void)write;
    for (size_t i = 0; i < n; i++)
        refs[i] = 8 + (grant_ref_t)i;
    offered++;
    return 0;
}

/* A client that is there has it mapped until it goes. */
int gnttab_end_pages(grant_ref_t *refs, size_t n)
{
    (void)refs;
    (void)n;
    if (connected && input_byte() > 200)
        return -XEN_EBUSY;
    offered--;
    return 0;
}

/* What a server has laid out, if it is honest. */
static void lay_out(void)
{
    static const uint8_t orders[][2] = { { 10, 11 }, { 12, 12 }, { 13, 10 }, { 11, 14 } };
    const uint8_t *o = orders[input_byte() & 3];

    free(page);
    page = aligned_alloc(PAGE, PAGE);
    memset(page, 0, PAGE);
    page->left_order = o[0];
    page->right_order = o[1];
    page->cli_live = 2;
    page->srv_live = 1;
    put = got = page->left.prod = page->left.cons = page->right.prod = page->right.cons =
        input_word();
    if (input_byte() > 230) {
        peer_is_honest = false;
        page->left_order = (uint16_t)input_word();
        page->right_order = (uint16_t)input_word();
        page->left.prod = input_word();
    }
}

int gnttab_map(domid_t domid, const grant_ref_t *refs, size_t n, bool write,
               struct gnttab_mapping **m)
{
    bool is_page = refs[0] == 9;

    (void)domid;
    require(n >= 1 && n <= 256, "so many pages are no ring");
    if (input_byte() > 245)
        return -XEN_EACCES;
    *m = malloc(sizeof(**m));
    /* Of a ring that was mapped before, and away for a suspend, the bytes are still there. */
    if (!is_page && !rings[!write])
        rings[!write] = aligned_alloc(PAGE, n * PAGE);
    (*m)->memory = is_page ? (char *)page : rings[!write];
    mapped++;
    return 0;
}

void *gnttab_address(const struct gnttab_mapping *m)
{
    return m->memory;
}

int gnttab_unmap(struct gnttab_mapping *m)
{
    mapped--;
    free(m);
    return 0;
}

/* --- ports ---------------------------------------------------------------------------------------
 */

static void event(struct evtchn *ch, void *data)
{
    (void)data;
    if (the_vchan && the_vchan->ch)
        vchan_event(ch, the_vchan);
}

static int bind(struct evtchn **ch)
{
    store_handler = event;
    *ch = store_channel;
    port_is_closed = false;
    return 0;
}

int evtchn_bind_unbound(domid_t remote, evtchn_handler_t *handler, void *data, unsigned int flags,
                        struct evtchn **ch)
{
    (void)remote;
    (void)handler;
    (void)data;
    (void)flags;
    return bind(ch);
}

int evtchn_bind_interdomain(domid_t remote, evtchn_port_t port, evtchn_handler_t *handler,
                            void *data, unsigned int flags, struct evtchn **ch)
{
    (void)remote;
    (void)port;
    (void)handler;
    (void)data;
    (void)flags;
    if (input_byte() > 245)
        return -XEN_EINVAL;
    require(!mapped, "what was connected before is still mapped");
    peer_end();
    lay_out();
    connected = true;
    return bind(ch);
}

int evtchn_close(struct evtchn *ch)
{
    (void)ch;
    store_handler = NULL;
    return 0;
}

int evtchn_status(struct evtchn *ch, struct evtchn_status *status)
{
    (void)ch;
    status->status = connected && !port_is_closed ? EVTCHNSTAT_interdomain : EVTCHNSTAT_unbound;
    status->u.interdomain.dom = 3;
    status->u.interdomain.port = 5;
    return 0;
}

evtchn_port_t evtchn_port(struct evtchn *ch)
{
    (void)ch;
    return 7;
}

unsigned int vcpu_this(void)
{
    return 0;
}

void clock_sleep(uint64_t ns)
{
    take_upcall();
    evtchn_poll(NULL, 1, clock_after(ns));
}

/* --- xenstore ------------------------------------------------------------------------------------
 */

int xenstore_transaction(int (*body)(const struct xenstore_tx *tx, void *arg), void *arg,
                         uint64_t deadline)
{
    struct xenstore_tx tx = { 1, 1 };

    (void)deadline;
    return body(&tx, arg);
}

int xenstore_read(const struct xenstore_tx *tx, const char *path, char **value, size_t *len,
                  uint64_t deadline)
{
    static const char *const odd[] = { "", "0", "x", "99999999999999999999", "4294967295", "9x" };
    const char *text = path[strlen(path) - 1] == 'l' ? "5" : "9";
    uint8_t n = input_byte();

    (void)tx;
    (void)len;
    (void)deadline;
    if (n > 250)
        return -XEN_ENOENT;
    if (n > 240)
        text = odd[n % 6];
    *value = xenlet_alloc(32);
    if (!*value)
        return -XEN_ENOMEM;
    memcpy(*value, text, strlen(text) + 1);
    return 0;
}

int xenstore_write(const struct xenstore_tx *tx, const char *path, const void *value, size_t len,
                   uint64_t deadline)
{
    (void)tx;
    (void)path;
    (void)value;
    (void)deadline;
    require(len < 12, "no number is so long");
    return input_byte() > 250 ? -XEN_EACCES : 0;
}

int xenstore_set_perms(const struct xenstore_tx *tx, const char *path,
                       const struct xenstore_perm *perms, size_t n, uint64_t deadline)
{
    (void)tx;
    (void)path;
    (void)deadline;
    require(n == 2 && perms[0].access == 'n' && perms[1].domid == 3 && perms[1].access == 'r',
            "nobody else may read");
    return 0;
}

int xenstore_rm(const struct xenstore_tx *tx, const char *path, uint64_t deadline)
{
    (void)tx;
    (void)path;
    (void)deadline;
    return 0;
}

/* --- what the peer does
 * --------------------------------------------------------------------------- */

void peer_begin(bool serve)
{
    we_serve = serve;
    peer_is_honest = true;
    connected = false;
    put = got = 0;
    to_come = to_go = read_next = write_next = 0;
}

void peer_end(void)
{
    if (we_serve)
        return;
    free(page);
    free(rings[0]);
    free(rings[1]);
    page = NULL;
    rings[0] = rings[1] = NULL;
    to_come = to_go = read_next = write_next = 0;
}

/* The ring that the peer writes, or reads, from the vchan's own idea of where it is. */
static void honest_put(uint32_t n)
{
    struct vchan_ring *r = &the_vchan->in;
    uint32_t size = 1u << r->order, used = put - r->shared->cons;

    require(used <= size, "we have read what is not there");
    for (; n && used < size; n--, used++)
        r->data[put++ & (size - 1)] = (char)to_come++;
    r->shared->prod = put;
}

static void honest_get(uint32_t n)
{
    struct vchan_ring *r = &the_vchan->out;
    uint32_t size = 1u << r->order, ready = r->shared->prod - got;

    require(ready <= size, "we have written more than there is room");
    for (; n && ready; n--, ready--)
        require((uint8_t)r->data[got++ & (size - 1)] == to_go++, "it reads what we did not write");
    r->shared->cons = got;
}

/* Anything, anywhere in the page's first words. */
static void scribble(void)
{
    uint32_t value = input_word(), *word = (uint32_t *)(void *)page + input_byte() % 8;

    peer_is_honest = false;
    if (input_byte() & 1)
        *word += value & 0xffff; /* near to what may be */
    else
        *word = value;
}

void server_act(void)
{
    uint8_t what = input_byte();

    if (!page || !the_vchan)
        return;
    if (we_serve && !connected && what > 100) {
        connected = true;
        page->cli_live = 1;
        page->srv_notify |= VCHAN_NOTIFY_WRITE;
    } else if (what > 250) {
        port_is_closed = true;
    } else if (what > 240) {
        scribble();
    } else if (what > 235) {
        *(we_serve ? &page->cli_live : &page->srv_live) = 0;
    } else if (what > 170 && peer_is_honest && connected && the_vchan->in.shared) {
        honest_put(input_byte() * 9u);
    } else if (what > 100 && peer_is_honest && connected && the_vchan->in.shared) {
        honest_get(input_byte() * 9u);
    } else if (what == 0) {
        return;
    }
    evtchn_raise(store_channel);
}

/* --- what we see
 * ---------------------------------------------------------------------------------- */

void peer_check_read(const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n && peer_is_honest; i++)
        require(data[i] == read_next++, "we read what it did not write");
}

void peer_next_written(uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(write_next + i);
}

void peer_written(size_t n)
{
    write_next = (uint8_t)(write_next + n);
}
