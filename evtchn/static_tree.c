/* SPDX-License-Identifier: MIT */
/*
 * Static channels from a device tree, by libfdt. The one file that knows it; a program that does
 * not call in here links neither. Builds on a host too: tests and tools read trees with it.
 */
#include <xenlet/evtchn_static.h>
#include <libfdt.h>

#define DOMU_MAX_PORT 1023u /* max_evtchn_port of dom0less domUs, xen/.../dom0less-build.c */
#define DOM0_MAX_PORT 4095u /* it is still 2-level when Xen makes them, and has no other limit */

#define FORM_MERGED "xen,evtchn-v1"
#define FORM_DRAFT  "xen,evtchn"
#define FORM_NAMED  "xenlet,evtchn"

struct reader {
    const void *tree;
    const char *domain;
    struct evtchn_static *channels;
    unsigned int max, nr;
    unsigned int below_passthrough; /* how many of them lie there */
    int unclaimed;                  /* a node that is ours if we are its domain; -1 for none */
    char *error;                    /* EVTCHN_STATIC_ERROR_SIZE bytes */
};

/* --- saying what is wrong ------------------------------------------------------------------- */

static void put(char *error, const char *text)
{
    size_t at = 0;

    while (error[at])
        at++;
    while (*text && at + 1 < EVTCHN_STATIC_ERROR_SIZE)
        error[at++] = *text++;
    error[at] = '\0';
}

/* A number in the base that people use for it: ports and phandles 16, counts 10. */
static void put_number(char *error, uint32_t n, unsigned int base)
{
    char digits[12], *p = digits + sizeof(digits) - 1;

    *p = '\0';
    do
        *--p = "0123456789abcdef"[n % base];
    while (n /= base);
    if (base == 16)
        put(error, "0x");
    put(error, p);
}

static void put_path(const struct reader *r, int node)
{
    char path[EVTCHN_STATIC_ERROR_SIZE / 2];

    if (fdt_get_path(r->tree, node, path, sizeof(path)) == 0) {
        put(r->error, path);
    } else {
        put(r->error, "(deep) .../");
        put(r->error, fdt_get_name(r->tree, node, NULL));
    }
}

/* "PATH: PROPERTY: WHAT", to which the caller may add. */
static int bad(struct reader *r, int node, const char *property, const char *what)
{
    r->error[0] = '\0';
    put_path(r, node);
    put(r->error, ": ");
    if (property) {
        put(r->error, property);
        put(r->error, ": ");
    }
    put(r->error, what);
    return -XEN_EINVAL;
}

static int bad_number(struct reader *r, int node, const char *property, const char *what,
                      uint32_t number, unsigned int base, const char *more)
{
    int rc = bad(r, node, property, what);

    put_number(r->error, number, base);
    put(r->error, more);
    return rc;
}

/* --- the tree as such ----------------------------------------------------------------------- */

/*
 * Xen 4.17 makes a guest's tree in 4,096 bytes. When a node of the partial tree does not fit it is
 * left open, and what Xen adds after it lands in the same child of the root: the last one there is.
 */
static bool is_cut_short(struct reader *r)
{
    int offset, next = 0, depth = 0, last = -1;
    uint32_t tag;

    do {
        offset = next;
        tag = fdt_next_tag(r->tree, offset, &next);
        if (tag == FDT_BEGIN_NODE && depth++ == 1)
            last = offset;
        else if (tag == FDT_END_NODE)
            depth--;
    } while (tag != FDT_END && next > 0);
    if (tag != FDT_END || next < 0 || depth < 1 || last < 0)
        return false;
    put(r->error, "/");
    put(r->error, fdt_get_name(r->tree, last, NULL));
    put(r->error, ": a node in it does not end: Xen 4.17 cuts a guest's tree at 4,096 bytes");
    return true;
}

/*
 * libfdt reads the structure block by words, and takes its alignment for granted. Before version 16
 * a node's name was its path: libfdt takes those too, and has no name for some.
 */
static int check_blocks(const void *tree, size_t size)
{
    if (!tree || size < sizeof(fdt32_t))
        return -FDT_ERR_BADMAGIC;
    if ((uintptr_t)tree % 8)
        return -FDT_ERR_ALIGNMENT;
    if (fdt_magic(tree) != FDT_MAGIC)
        return -FDT_ERR_BADMAGIC;
    if (size < sizeof(struct fdt_header))
        return -FDT_ERR_TRUNCATED;
    if (fdt_off_dt_struct(tree) % 4 || fdt_off_mem_rsvmap(tree) % 8)
        return -FDT_ERR_BADOFFSET;
    if (fdt_version(tree) < 16)
        return -FDT_ERR_BADVERSION;
    return fdt_check_full(tree, size);
}

static int check_tree(struct reader *r, size_t size)
{
    int rc = check_blocks(r->tree, size);

    if (rc == 0)
        return 0;
    if (rc == -FDT_ERR_BADSTRUCTURE && fdt_check_header(r->tree) == 0 && is_cut_short(r))
        return -XEN_EINVAL;
    put(r->error, rc == -FDT_ERR_BADMAGIC    ? "not a device tree ("
                  : rc == -FDT_ERR_TRUNCATED ? "the device tree is truncated ("
                  : rc == -FDT_ERR_ALIGNMENT ? "the device tree is not aligned to 8 bytes ("
                                             : "a bad device tree (");
    put(r->error, fdt_strerror(rc));
    put(r->error, ")");
    return -XEN_EINVAL;
}

static bool same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return false;
        if (!a[i])
            return true;
    }
    return true;
}

static size_t length(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

/* Whether node `node` has the name `name`: with its unit address, without it, or as a path. */
static bool is_named(const struct reader *r, int node, const char *name)
{
    int len;
    const char *own = fdt_get_name(r->tree, node, &len);
    size_t n = length(name);

    if (!own)
        return false;
    if (name[0] == '/')
        return fdt_path_offset(r->tree, name) == node;
    return same(own, name, n) && (own[n] == '\0' || own[n] == '@');
}

static bool is_path(const struct reader *r, int node, const char *path)
{
    return fdt_path_offset(r->tree, path) == node;
}

/* The first `n` cells of a property of `cells` cells. */
static int get_cells(struct reader *r, int node, const char *property, unsigned int cells,
                     uint32_t *out)
{
    int len;
    const fdt32_t *value = fdt_getprop(r->tree, node, property, &len);

    if (!value)
        return bad(r, node, property, "this property is missing");
    if ((unsigned int)len != cells * sizeof(*value))
        return bad_number(r, node, property, "its length is wrong: ", (uint32_t)len, 10,
                          cells == 1   ? " bytes instead of 4, one cell"
                          : cells == 2 ? " bytes instead of 8, two cells"
                                       : " bytes instead of 16, four cells");
    for (unsigned int i = 0; i < cells; i++)
        out[i] = fdt32_ld(&value[i]);
    return 0;
}

/* --- channels ------------------------------------------------------------------------------- */

static int check_port(struct reader *r, int node, const char *property, uint32_t port,
                      uint32_t limit)
{
    if (port == 0 || port > limit)
        return bad_number(r, node, property, "port ", port, 16,
                          port == 0                ? " is not valid"
                          : limit == DOM0_MAX_PORT ? " is above the limit, 0xfff"
                                                   : " is above a domU's limit, 0x3ff");
    return 0;
}

static int get_label(struct reader *r, int node, const char **label)
{
    int len;
    const char *text = fdt_getprop(r->tree, node, "label", &len);

    *label = text ? text : fdt_get_name(r->tree, node, NULL);
    if (text && (len < 1 || text[len - 1] != '\0'))
        return bad(r, node, "label", "not a string");
    return 0;
}

static int add(struct reader *r, int node, const char *property, struct evtchn_static *channel)
{
    int rc = get_label(r, node, &channel->label);

    if (rc)
        return rc;
    for (unsigned int i = 0; i < r->nr && i < r->max; i++) {
        if (r->channels[i].port == channel->port) {
            rc = bad_number(r, node, property, "port ", channel->port, 16, " is used twice, by ");
            put(r->error, r->channels[i].label);
            put(r->error, " too");
            return rc;
        }
    }
    if (r->nr < r->max)
        r->channels[r->nr] = *channel;
    r->nr++;
    return 0;
}

/* --- form (a): a node for each end ---------------------------------------------------------- */

/* Whether the end is ours: which depends on the node above it. */
static bool is_ours(struct reader *r, int node, int parent)
{
    if (is_path(r, parent, "/passthrough")) {
        r->below_passthrough++;
        return true;
    }
    if (r->domain)
        return is_named(r, parent, r->domain);
    if (r->unclaimed < 0)
        r->unclaimed = node;
    return false;
}

static uint32_t limit_below(const struct reader *r, int parent)
{
    return is_path(r, parent, "/chosen") ? DOM0_MAX_PORT : DOMU_MAX_PORT;
}

static int read_merged(struct reader *r, int node)
{
    int parent = fdt_parent_offset(r->tree, node), peer, peer_parent, rc;
    struct evtchn_static channel = { .peer_domid = DOMID_INVALID };
    uint32_t mine[2], theirs[2];

    if (parent < 0 || !is_ours(r, node, parent))
        return 0;
    rc = get_cells(r, node, "xen,evtchn", 2, mine);
    if (rc == 0)
        rc = check_port(r, node, "xen,evtchn", mine[0], limit_below(r, parent));
    if (rc)
        return rc;
    peer = fdt_node_offset_by_phandle(r->tree, mine[1]);
    if (peer < 0)
        return bad_number(r, node, "xen,evtchn", "no node has the phandle ", mine[1], 16, "");
    if (peer == node)
        return bad(r, node, "xen,evtchn", "its peer is itself");
    rc = get_cells(r, peer, "xen,evtchn", 2, theirs);
    if (rc)
        return rc;
    if (theirs[1] == 0 || theirs[1] != fdt_get_phandle(r->tree, node)) {
        bad(r, node, "xen,evtchn", "its peer ");
        put_path(r, peer);
        put(r->error, " does not point back");
        return -XEN_EINVAL;
    }
    peer_parent = fdt_parent_offset(r->tree, peer);
    if (peer_parent < 0)
        return bad(r, peer, NULL, "the root cannot be a channel");
    rc = check_port(r, peer, "xen,evtchn", theirs[0], limit_below(r, peer_parent));
    if (rc)
        return rc;
    channel.port = mine[0];
    channel.peer_port = theirs[0];
    channel.peer = fdt_get_name(r->tree, peer_parent, NULL);
    return add(r, node, "xen,evtchn", &channel);
}

/* --- form (b): a node for both -------------------------------------------------------------- */

/* End `i` of `cells`, when it is ours. */
static int read_draft_end(struct reader *r, int node, const uint32_t *cells, const int *domains,
                          unsigned int i)
{
    struct evtchn_static channel = { .peer_domid = DOMID_INVALID };

    if (!r->domain || !is_named(r, domains[i], r->domain)) {
        if (!r->domain && r->unclaimed < 0)
            r->unclaimed = node;
        return 0;
    }
    channel.port = cells[2 * i];
    channel.peer_port = cells[2 * (1 - i)];
    channel.peer = fdt_get_name(r->tree, domains[1 - i], NULL);
    return add(r, node, "xen,evtchn", &channel);
}

static int read_draft(struct reader *r, int node)
{
    uint32_t cells[4];
    int domains[2], rc = get_cells(r, node, "xen,evtchn", 4, cells);

    for (unsigned int i = 0; i < 2 && rc == 0; i++) {
        domains[i] = fdt_node_offset_by_phandle(r->tree, cells[2 * i + 1]);
        if (domains[i] < 0)
            rc = bad_number(r, node, "xen,evtchn", "no node has the phandle ", cells[2 * i + 1], 16,
                            "");
        else
            rc = check_port(r, node, "xen,evtchn", cells[2 * i], limit_below(r, domains[i]));
    }
    if (rc == 0)
        rc = read_draft_end(r, node, cells, domains, 0);
    return rc ? rc : read_draft_end(r, node, cells, domains, 1);
}

/* --- form (c), with the port's number ------------------------------------------------------- */

static int read_named(struct reader *r, int node)
{
    struct evtchn_static channel = { .peer_domid = DOMID_INVALID };
    int parent = fdt_parent_offset(r->tree, node), rc;
    uint32_t port, peer[2];

    if (parent < 0 || !is_ours(r, node, parent))
        return 0;
    rc = get_cells(r, node, "xenlet,port", 1, &port);
    if (rc == 0)
        rc = check_port(r, node, "xenlet,port", port, limit_below(r, parent));
    if (rc == 0 && fdt_getprop(r->tree, node, "xenlet,peer", NULL)) {
        rc = get_cells(r, node, "xenlet,peer", 2, peer);
        if (rc == 0 && peer[0] >= DOMID_FIRST_RESERVED)
            rc = bad_number(r, node, "xenlet,peer", "", peer[0], 10, " is no domain's number");
        if (rc == 0)
            rc = check_port(r, node, "xenlet,peer", peer[1], DOM0_MAX_PORT);
        channel.peer_domid = (domid_t)peer[0];
        channel.peer_port = peer[1];
    }
    channel.port = port;
    return rc ? rc : add(r, node, "xenlet,port", &channel);
}

/* --- all of them ---------------------------------------------------------------------------- */

static int read_node(struct reader *r, int node)
{
    if (fdt_node_check_compatible(r->tree, node, FORM_MERGED) == 0)
        return read_merged(r, node);
    if (fdt_node_check_compatible(r->tree, node, FORM_DRAFT) == 0)
        return read_draft(r, node);
    if (fdt_node_check_compatible(r->tree, node, FORM_NAMED) == 0)
        return read_named(r, node);
    return 0;
}

/* What the writer of the tree counted: nodes that Xen left out as a whole leave no other trace. */
static int check_count(struct reader *r)
{
    int node = fdt_path_offset(r->tree, "/passthrough");
    uint32_t count;
    int rc;

    if (node < 0 || !fdt_getprop(r->tree, node, "xenlet,channels", NULL))
        return 0;
    rc = get_cells(r, node, "xenlet,channels", 1, &count);
    if (rc || count == r->below_passthrough)
        return rc;
    rc = bad_number(r, node, "xenlet,channels", "there should be ", count, 10, " channels, and ");
    put_number(r->error, r->below_passthrough, 10);
    put(r->error, " are here: Xen 4.17 cuts a guest's tree at 4,096 bytes");
    return rc;
}

/* Nothing is ours: is that so, or did nobody say who we are? */
static int check_domain(struct reader *r)
{
    int node = r->nr ? -1 : 0;

    if (node == 0 && !r->domain && r->unclaimed >= 0)
        return bad(r, r->unclaimed, NULL, "whose is it? The domain to read for was not named");
    while (r->domain && node >= 0) {
        if (is_named(r, node, r->domain))
            return 0;
        node = fdt_next_node(r->tree, node, NULL);
    }
    if (!r->domain || r->nr)
        return 0;
    put(r->error, "no node is named ");
    put(r->error, r->domain);
    return -XEN_ENOENT;
}

static int read_all(struct reader *r)
{
    int rc = 0;

    for (int node = 0; node >= 0 && rc == 0; node = fdt_next_node(r->tree, node, NULL))
        rc = read_node(r, node);
    if (rc == 0)
        rc = check_count(r);
    if (rc == 0)
        rc = check_domain(r);
    if (rc == 0 && r->nr > r->max) {
        put_number(r->error, r->nr, 10);
        put(r->error, " channels, and room for ");
        put_number(r->error, r->max, 10);
        rc = -XEN_ENOSPC;
    }
    return rc;
}

int evtchn_static_read(const void *tree, size_t size, const char *domain,
                       struct evtchn_static *channels, unsigned int max, unsigned int *nr,
                       char *error)
{
    char unwanted[EVTCHN_STATIC_ERROR_SIZE];
    struct reader r = { .tree = tree,
                        .domain = domain,
                        .channels = channels,
                        .max = max,
                        .unclaimed = -1,
                        .error = error ? error : unwanted };
    int rc;

    r.error[0] = '\0';
    rc = check_tree(&r, size);
    if (rc == 0)
        rc = read_all(&r);
    *nr = rc == 0 || rc == -XEN_ENOSPC ? r.nr : 0;
    return rc;
}

const struct evtchn_static *evtchn_static_find(const struct evtchn_static *channels,
                                               unsigned int nr, const char *label)
{
    for (unsigned int i = 0; i < nr; i++) {
        if (same(channels[i].label, label, SIZE_MAX))
            return &channels[i];
    }
    return NULL;
}
