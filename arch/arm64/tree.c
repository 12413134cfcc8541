/* SPDX-License-Identifier: MIT */
/* The device tree: kept, and asked. See tree.h. */
#include <libfdt.h>
#include <xenlet/domain.h>
#include <xenlet/memory.h>
#include "arch/arm64/mmu.h"
#include "arch/arm64/tree.h"
#include "boot/arm64/layout.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "platform_arch.h"

#define MAX_TREE 0x200000u /* Xen's own limit */
#define PPI      1u
#define PAGE     4096ul

static const void *tree;

const void *arch_tree(void)
{
    return tree;
}

/* --- properties ----------------------------------------------------------------------------- */

static uint64_t cells(const fdt32_t *p, int n)
{
    uint64_t value = 0;

    while (n-- > 0)
        value = value << 32 | fdt32_to_cpu(*p++);
    return value;
}

static uint32_t number(int node, const char *name, uint32_t otherwise)
{
    int len;
    const fdt32_t *p = fdt_getprop(tree, node, name, &len);

    return p && len == sizeof(*p) ? fdt32_to_cpu(*p) : otherwise;
}

static bool reg_of(int node, unsigned int n, uint64_t *address, uint64_t *size)
{
    int parent = fdt_parent_offset(tree, node), len;
    int nr_address = (int)number(parent, "#address-cells", 2);
    int nr_size = (int)number(parent, "#size-cells", 1);
    const fdt32_t *p = fdt_getprop(tree, node, "reg", &len);

    if (!p || nr_address > 2 || nr_size > 2 ||
        (unsigned int)len / sizeof(*p) < (n + 1) * (unsigned int)(nr_address + nr_size))
        return false;
    p += n * (unsigned int)(nr_address + nr_size);
    *address = cells(p, nr_address);
    *size = cells(p + nr_address, nr_size);
    return true;
}

bool arch_tree_reg(const char *compatible, unsigned int n, uint64_t *address, uint64_t *size)
{
    int node = fdt_node_offset_by_compatible(tree, -1, compatible);

    return node >= 0 && reg_of(node, n, address, size);
}

uint32_t arch_tree_interrupt(const char *compatible, unsigned int n, uint32_t otherwise)
{
    int node = fdt_node_offset_by_compatible(tree, -1, compatible), len;
    const fdt32_t *p = node >= 0 ? fdt_getprop(tree, node, "interrupts", &len) : NULL;

    if (!p || (unsigned int)len < (n + 1) * 3 * sizeof(*p))
        return otherwise;
    p += n * 3; /* kind, number, flags */
    return fdt32_to_cpu(p[1]) + (fdt32_to_cpu(p[0]) == PPI ? 16 : 32);
}

bool arch_tree_cpu(unsigned int vcpu, uint64_t *mpidr)
{
    int cpus = fdt_path_offset(tree, "/cpus"), node;
    uint64_t size;

    fdt_for_each_subnode(node, tree, cpus)
    {
        const char *type = fdt_getprop(tree, node, "device_type", NULL);

        if (type && strcmp(type, "cpu") == 0 && vcpu-- == 0)
            return reg_of(node, 0, mpidr, &size);
    }
    return false;
}

/* --- what the kernel asks ------------------------------------------------------------------- */

const char *arch_cmdline(void)
{
    int chosen = fdt_path_offset(tree, "/chosen");
    const char *args = chosen >= 0 ? fdt_getprop(tree, chosen, "bootargs", NULL) : NULL;

    return args ? args : "";
}

/* Dom0 sees more of the machine than this kernel knows how to use. */
bool xenlet_is_initial_domain(void)
{
    return false;
}

const void *xenlet_device_tree(size_t *len)
{
    *len = fdt_totalsize(tree);
    return tree;
}

static const void *module;
static uint64_t module_size;

const void *xenlet_module(size_t *len)
{
    *len = module ? module_size : 0;
    return module;
}

/* --- boot ----------------------------------------------------------------------------------- */

/* The end of the memory that the image lies in. */
static uint64_t memory_end(uint64_t load)
{
    int node = -1;
    uint64_t address, size;

    while ((node = fdt_node_offset_by_prop_value(tree, node, "device_type", "memory", 7)) >= 0) {
        for (unsigned int n = 0; reg_of(node, n, &address, &size); n++) {
            if (load - address < size)
                return address + size;
        }
    }
    xenlet_panic("the device tree has no memory where the image is");
}

static uint64_t chosen_number(const char *name)
{
    int chosen = fdt_path_offset(tree, "/chosen"), len;
    const fdt32_t *p = chosen >= 0 ? fdt_getprop(tree, chosen, name, &len) : NULL;

    return p ? cells(p, len / (int)sizeof(*p)) : 0;
}

/* A ramdisk stays where it is; the allocator gets neither it nor what lies behind it. */
static uint64_t keep_module(uint64_t load, uint64_t end)
{
    uint64_t start = chosen_number("linux,initrd-start");

    module_size = chosen_number("linux,initrd-end") - start;
    if (!start || start < load || start >= end)
        return end;
    for (uint64_t at = start & -PAGE; at < start + module_size; at += PAGE) {
        if (arch_mmu_set((char *)LAYOUT_BASE + (at - load), at / PAGE, PTE_RO) != 0)
            xenlet_panic("the module, of %lu bytes, is too large", module_size);
    }
    module = (const char *)LAYOUT_BASE + (start - load);
    return start & -PAGE;
}

/* The size of the tree, from its header, before more of it is mapped. */
static uint32_t tree_size(uint64_t where)
{
    const void *head = arch_mmu_fix(where, sizeof(struct fdt_header), PTE_RO);

    if (!head || fdt_magic(head) != FDT_MAGIC || fdt_totalsize(head) > MAX_TREE)
        xenlet_panic("no device tree at 0x%lx", where);
    return fdt_totalsize(head);
}

/*
 * The tree may lie anywhere in our memory: it is copied behind the image, where the allocator does
 * not give it away.
 */
void arch_tree_init(uint64_t where, uint64_t load)
{
    uint64_t room;
    uint32_t size;
    void *copy;
    int rc;

    arch_mmu_early_init(load, where + MAX_TREE); /* the tree will say how much there is */
    size = tree_size(where);
    tree = arch_mmu_fix(where, size, PTE_RO);
    rc = tree ? fdt_check_full(tree, size) : -FDT_ERR_TRUNCATED;
    if (rc)
        xenlet_panic("the device tree is damaged: %s%s", fdt_strerror(rc),
                     size <= PAGE ? "; Xen 4.17 has 4,096 bytes for it" : "");
    arch_mmu_early_init(load, keep_module(load, memory_end(load)));
    copy = xenlet_pfn_to_virt(arch_mmu_boot_used());
    room = load + arch_mmu_boot_used() * LAYOUT_PAGE_SIZE;
    if (where < room + size && room < where + size) {
        /* It overlaps the place for the copy: it stays, and memory in front of it is lost. */
        copy = (void *)(LAYOUT_BASE + where - load);
        arch_mmu_take((where + size - room + LAYOUT_PAGE_SIZE - 1) / LAYOUT_PAGE_SIZE);
    } else {
        arch_mmu_take((size + LAYOUT_PAGE_SIZE - 1) / LAYOUT_PAGE_SIZE);
        memcpy(copy, tree, size);
    }
    tree = copy;
    arch_mmu_fix(load, 1, PTE_RO); /* map a page of the image in place of the tree */
}
