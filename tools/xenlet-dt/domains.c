/* SPDX-License-Identifier: MIT */
/*
 * What Xen wants of the domains before it comes to channels: each rule is a panic in
 * xen/arch/arm/bootfdt.c, domain_build.c or dom0less-build.c of 4.17 and 4.20.
 */
#include <string.h>
#include "xenlet-dt.h"

static unsigned int cells(const struct system *s, int node, const char *property,
                          unsigned int otherwise)
{
    int len;
    const fdt32_t *value = fdt_getprop(s->tree, node, property, &len);

    return value && len >= 4 ? fdt32_ld(value) : otherwise;
}

static bool is_module(const struct system *s, int node)
{
    return is_compatible(s, node, "multiboot,module") ||
           is_compatible(s, node, "xen,multiboot-module");
}

/* The module's size; all ones when its reg is no good, which was said. */
static uint64_t check_module(struct system *s, int parent, int node)
{
    unsigned int address = cells(s, parent, "#address-cells", 2);
    unsigned int size = cells(s, parent, "#size-cells", 1);
    uint64_t bytes = 0;
    int len;
    const fdt32_t *reg = fdt_getprop(s->tree, node, "reg", &len);

    if (!reg) {
        problem(s, true, node, "reg", "Xen panics, before it has a console to say so",
                "this property is missing");
        return UINT64_MAX;
    }
    if ((uint64_t)len < 4 * ((uint64_t)address + size)) {
        problem(s, true, node, "reg", "Xen panics, before it has a console to say so",
                "%d bytes, but with %u cells of address and %u of size it takes %llu", len, address,
                size, 4 * ((unsigned long long)address + size));
        return UINT64_MAX;
    }
    for (unsigned int i = 0; i < size; i++)
        bytes = bytes << 32 | fdt32_ld(&reg[address + i]);
    return bytes;
}

/* Xen 4.17 makes the guest's tree in 4,096 bytes. If they are too few it panics, or leaves nodes
 * out. */
static void check_partial(struct system *s, const struct domain *d, int node, uint64_t bytes)
{
    unsigned int own = xens_own_nodes(s, d);

    if (bytes > XEN_4_17_TREE - own)
        problem(s, false, node, "reg",
                "Xen 4.17 makes the guest's tree in 4,096 bytes, and panics or leaves nodes out",
                "the partial tree may have %llu bytes, and beside Xen's own nodes there is room "
                "for about %u of them",
                (unsigned long long)bytes, XEN_4_17_TREE - own);
}

static void check_modules(struct system *s, const struct domain *d)
{
    bool has_kernel = false;
    int node;

    fdt_for_each_subnode(node, s->tree, d->node)
    {
        uint64_t bytes = is_module(s, node) ? check_module(s, d->node, node) : 0;

        if (is_compatible(s, node, "multiboot,kernel"))
            has_kernel |= bytes > 0;
        else if (is_compatible(s, node, "multiboot,device-tree") && bytes < UINT64_MAX)
            check_partial(s, d, node, bytes);
    }
    if (!has_kernel)
        problem(s, true, d->node, NULL, "Xen panics: \"Missing kernel boot module?\"",
                "no module of it is compatible with \"multiboot,kernel\" and "
                "\"multiboot,module\" and has a size");
}

static void check_number(struct system *s, const struct domain *d, const char *property, int bytes)
{
    int len;
    const char *value = fdt_getprop(s->tree, d->node, property, &len);

    if (!value)
        problem(s, true, d->node, property, "Xen panics: it cannot build the domain",
                "this property is missing");
    else if (len < bytes)
        problem(s, true, d->node, property, "Xen panics: it cannot build the domain",
                "its length is wrong: %d bytes instead of %d", len, bytes);
}

static void check_enhanced(struct system *s, struct domain *d)
{
    int len;
    const char *value = fdt_getprop(s->tree, d->node, "xen,enhanced", &len);
    bool xenstore;

    if (!value)
        return;
    /* Empty or no string counts as "enabled". */
    xenstore = strnlen(value, (size_t)len) == (size_t)len || strcmp(value, "enabled") == 0;
    if (xenstore && !s->has_dom0)
        problem(s, true, d->node, "xen,enhanced",
                "Xen panics: \"At the moment, Xenstore support requires dom0 to be present\"",
                "this asks for xenstore, and there is no dom0: say \"no-xenstore\"");
    else if (xenstore)
        d->used[0] |= 2; /* the first free port, before any static channel */
    else if (strcmp(value, "no-xenstore") != 0)
        problem(s, false, d->node, "xen,enhanced", "Xen ignores it", "\"%s\" is unknown", value);
}

void check_domains(struct system *s)
{
    bool domUs = false;

    for (unsigned int i = 0; i < s->nr_domains; i++) {
        struct domain *d = &s->domains[i];

        if (d->domid == 0)
            continue;
        domUs = true;
        check_number(s, d, "cpus", 4);
        check_number(s, d, "memory", 8);
        check_modules(s, d);
        check_enhanced(s, d);
        if (fdt_getprop(s->tree, d->node, "direct-map", NULL) &&
            !fdt_getprop(s->tree, d->node, "xen,static-mem", NULL))
            problem(s, true, d->node, "direct-map", "Xen panics",
                    "it is not valid without xen,static-mem");
    }
    if (s->chosen < 0)
        problem(s, true, 0, NULL, "Xen panics: it looks for the domains there",
                "the tree has no /chosen");
    else if (!domUs && !s->has_dom0)
        problem(s, true, s->chosen, NULL, "Xen panics: \"Missing kernel boot module?\"",
                "no child of it is compatible with \"xen,domain\", and no dom0 kernel is there");
}
