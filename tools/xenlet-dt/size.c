/* SPDX-License-Identifier: MIT */
/*
 * The tree Xen 4.17 makes for a domU (prepare_dtb_domU(), xen/arch/arm/domain_build.c), beside what
 * it copies of the partial tree. Measured there, on the machine QEMU calls virt, and rounded up: a
 * tree that is said to fit does.
 */
#include "xenlet-dt.h"

#define BASE     (748u + 64u) /* 64 for memory in more pieces, and the like */
#define EACH_CPU (96u + 8u)   /* 8 for the longer name of another CPU */
#define VPL011   154u
#define ENHANCED 156u /* the node /hypervisor */
#define BOOTARGS 24u  /* beside the text */

static unsigned int bootargs(const struct system *s, const struct domain *d)
{
    int node, len;

    fdt_for_each_subnode(node, s->tree, d->node)
    {
        if (is_compatible(s, node, "multiboot,kernel") &&
            fdt_getprop(s->tree, node, "bootargs", &len))
            return BOOTARGS + (unsigned int)len;
    }
    return 0;
}

unsigned int xens_own_nodes(const struct system *s, const struct domain *d)
{
    int len;
    const fdt32_t *cpus = fdt_getprop(s->tree, d->node, "cpus", &len);
    unsigned int size = BASE + bootargs(s, d);

    if (cpus && len >= 4 && fdt32_ld(cpus) < XEN_4_17_TREE)
        size += EACH_CPU * fdt32_ld(cpus);
    if (fdt_getprop(s->tree, d->node, "vpl011", NULL))
        size += VPL011;
    if (fdt_getprop(s->tree, d->node, "xen,enhanced", NULL))
        size += ENHANCED;
    return size < XEN_4_17_TREE ? size : XEN_4_17_TREE;
}
