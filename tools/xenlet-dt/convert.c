/* SPDX-License-Identifier: MIT */
/*
 * From the draft form, a node for both ends below /chosen, to the merged one, a node for each end
 * below its domain:
 *
 *      evtchn@1 { compatible = "xen,evtchn"; xen,evtchn = <0xa &domU1 0xb &domU2>; };
 *
 *      domU1 { ec: evtchn@a { compatible = "xen,evtchn-v1"; xen,evtchn = <0xa &fd>; }; };
 *      domU2 { fd: evtchn@b { compatible = "xen,evtchn-v1"; xen,evtchn = <0xb &ec>; }; };
 */
#include <stdlib.h>
#include <string.h>
#include "xenlet-dt.h"

#define WHY "it cannot be converted"

/* The room that the two ends of a channel need more than the draft's node, generously. */
#define ROOM_FOR_ENDS 512

static bool is_draft(const struct system *s, int node)
{
    return is_compatible(s, node, "xen,evtchn") && !is_compatible(s, node, "xen,evtchn-v1");
}

static int next_draft(const struct system *s, int node)
{
    do
        node = fdt_next_node(s->tree, node, NULL);
    while (node >= 0 && !is_draft(s, node));
    return node;
}

static int last_draft(const struct system *s)
{
    int last = -1;

    for (int node = next_draft(s, 0); node >= 0; node = next_draft(s, node))
        last = node;
    return last;
}

unsigned int count_drafts(const struct system *s)
{
    unsigned int nr = 0;

    for (int node = next_draft(s, 0); node >= 0; node = next_draft(s, node))
        nr++;
    return nr;
}

/* --- is it fit to be converted? ------------------------------------------------------------- */

static void check_end(struct system *s, int node, uint32_t port, uint32_t phandle)
{
    int domain = node_of_phandle(s, phandle);
    const struct domain *d = domain >= 0 ? domain_of(s, domain) : NULL;

    if (phandle == 0 || domain < 0)
        problem(s, true, node, "xen,evtchn", WHY, "no node has the phandle 0x%x", phandle);
    else if (!d)
        problem(s, true, node, "xen,evtchn", WHY, "phandle 0x%x is that of %s, which is no domain",
                phandle, path_of(s, domain));
    if (port == 0)
        problem(s, true, node, "xen,evtchn", WHY, "port 0 is not valid");
    else if (d && port > d->max_port)
        problem(s, true, node, "xen,evtchn", WHY, "port 0x%x is above the limit of %s, 0x%x", port,
                d->domid ? "a domU" : "dom0", d->max_port);
}

static void check_draft(struct system *s, int node)
{
    int len;
    const fdt32_t *cells = fdt_getprop(s->tree, node, "xen,evtchn", &len);

    if (!cells) {
        problem(s, true, node, "xen,evtchn", WHY, "this property is missing");
        return;
    }
    if (len != 16) {
        problem(s, true, node, "xen,evtchn", WHY,
                "its length is wrong: %d bytes instead of 16, <port domain port domain>", len);
        return;
    }
    check_end(s, node, fdt32_ld(&cells[0]), fdt32_ld(&cells[1]));
    check_end(s, node, fdt32_ld(&cells[2]), fdt32_ld(&cells[3]));
}

/* --- the new tree --------------------------------------------------------------------------- */

static void must(int rc, const char *what)
{
    if (rc < 0)
        die("%s: %s", what, fdt_strerror(rc));
}

/* Add an end below the domain with phandle `domain`: `port`, its own phandle and its peer's. */
static void add_end(void *tree, uint32_t domain, uint32_t port, uint32_t own, uint32_t peer,
                    const char *label)
{
    fdt32_t value[2];
    char name[32];
    int node = -FDT_ERR_EXISTS;

    snprintf(name, sizeof(name), "evtchn@%x", port);
    node = fdt_add_subnode(tree, fdt_node_offset_by_phandle(tree, domain), name);
    if (node == -FDT_ERR_EXISTS)
        die("the domain with phandle 0x%x has a node %s already", domain, name);
    must(node, name);
    fdt32_st(&value[0], port);
    fdt32_st(&value[1], peer);
    must(fdt_setprop_u32(tree, node, "phandle", own), name);
    if (label)
        must(fdt_setprop_string(tree, node, "label", label), name);
    must(fdt_setprop(tree, node, "xen,evtchn", value, sizeof(value)), name);
    must(fdt_setprop_string(tree, node, "compatible", "xen,evtchn-v1"), name);
}

static void convert_one(void *tree, int node, uint32_t phandle)
{
    int len;
    const fdt32_t *value = fdt_getprop(tree, node, "xen,evtchn", NULL);
    const char *text = fdt_getprop(tree, node, "label", &len);
    uint32_t cells[4];
    char *label = NULL;

    if (text && len > 0 && text[len - 1] == '\0') {
        label = grow(NULL, (size_t)len);
        memcpy(label, text, (size_t)len);
    }
    for (unsigned int i = 0; i < 4; i++)
        cells[i] = fdt32_ld(&value[i]);
    must(fdt_del_node(tree, node), "remove the draft's node"); /* its place in the order goes too */
    add_end(tree, cells[1], cells[0], phandle, phandle + 1, label);
    add_end(tree, cells[3], cells[2], phandle + 1, phandle, label);
    free(label);
}

void *convert(struct system *s)
{
    unsigned int drafts = count_drafts(s);
    size_t size = fdt_totalsize(s->tree) + (size_t)drafts * ROOM_FOR_ENDS;
    struct system new = { .file = s->file };
    uint32_t phandle;
    int node;

    for (node = next_draft(s, 0); node >= 0; node = next_draft(s, node))
        check_draft(s, node);
    if (s->nr_fatal)
        return NULL;
    new.tree = grow(NULL, size);
    must(fdt_open_into(s->tree, new.tree, (int)size), "open the tree");
    phandle = fdt_get_max_phandle(new.tree) + 1;
    /* The last first, for libfdt puts a new child before the others. */
    while ((node = last_draft(&new)) >= 0) {
        convert_one(new.tree, node, phandle);
        phandle += 2;
    }
    must(fdt_pack(new.tree), "pack the tree");
    return new.tree;
}
