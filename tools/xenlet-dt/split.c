/* SPDX-License-Identifier: MIT */
/*
 * Each domU's partial tree: what Xen copies into the tree it makes for the domU, and so the way a
 * guest learns of its channels. include/xenlet/evtchn_static.h describes the nodes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "xenlet-dt.h"

#define ROOM 65536 /* beside what each channel takes */

static void must(int rc)
{
    if (rc < 0)
        die("cannot make a partial tree: %s", fdt_strerror(rc));
}

static void add_channel(const struct system *s, void *tree, const struct end *own,
                        const struct end *peer)
{
    fdt32_t value[2];
    int len;
    const char *label = fdt_getprop(s->tree, own->node, "label", &len);

    must(fdt_begin_node(tree, fdt_get_name(s->tree, own->node, NULL)));
    must(fdt_property_string(tree, "compatible", "xenlet,evtchn"));
    must(fdt_property_u32(tree, "xenlet,port", own->port));
    fdt32_st(&value[0], peer->domain->domid);
    fdt32_st(&value[1], peer->port);
    must(fdt_property(tree, "xenlet,peer", value, sizeof(value)));
    if (label && len > 0 && label[len - 1] == '\0')
        must(fdt_property(tree, "label", label, len));
    must(fdt_end_node(tree));
}

static unsigned int add_channels(const struct system *s, const struct domain *d, void *tree)
{
    unsigned int nr = 0;

    for (unsigned int i = 0; i < s->nr_channels; i++) {
        for (unsigned int j = 0; j < 2; j++) {
            const struct end *own = &s->channels[i].end[j];

            if (own->domain != d)
                continue;
            nr++;
            if (tree)
                add_channel(s, tree, own, &s->channels[i].end[1 - j]);
        }
    }
    return nr;
}

/* The tree, in the order Xen reads: all of a node's properties come before its children. */
static void *partial(const struct system *s, const struct domain *d, unsigned int nr)
{
    int size = ROOM + (int)nr * 256;
    void *tree = grow(NULL, (size_t)size);

    must(fdt_create(tree, size));
    must(fdt_finish_reservemap(tree));
    must(fdt_begin_node(tree, ""));
    must(fdt_property_u32(tree, "#address-cells", 2));
    must(fdt_property_u32(tree, "#size-cells", 2));
    must(fdt_begin_node(tree, "passthrough"));
    must(fdt_property_string(tree, "compatible", "simple-bus"));
    must(fdt_property(tree, "ranges", "", 0));
    must(fdt_property_u32(tree, "#address-cells", 2));
    must(fdt_property_u32(tree, "#size-cells", 2));
    must(fdt_property_u32(tree, "xenlet,channels", nr));
    add_channels(s, d, tree);
    must(fdt_end_node(tree));
    must(fdt_end_node(tree));
    must(fdt_finish(tree));
    return tree;
}

static void write_partial(const struct system *s, const struct domain *d, const char *directory)
{
    unsigned int nr = add_channels(s, d, NULL), own = xens_own_nodes(s, d), size;
    void *tree = partial(s, d, nr);
    char file[4096];

    if (strchr(d->name, '/'))
        die("a domain called %s can have no file", d->name);
    if (snprintf(file, sizeof(file), "%s/%s.dtb", directory, d->name) >= (int)sizeof(file))
        die("%s: the name is too long", directory);
    tree_save(file, tree);
    size = fdt_totalsize(tree);
    printf("%s: %u channel%s, %u bytes\n", file, nr, nr == 1 ? "" : "s", size);
    if (own + size > XEN_4_17_TREE)
        printf("%s: warning: with Xen's own nodes that is about %u bytes: Xen 4.17 makes a guest's "
               "tree in 4,096, and panics or leaves nodes out\n",
               file, own + size);
    free(tree);
}

void split(const struct system *s, const char *directory)
{
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        die("%s: %s", directory, strerror(errno));
    for (unsigned int i = 0; i < s->nr_domains; i++) {
        if (s->domains[i].domid)
            write_partial(s, &s->domains[i], directory);
    }
}
