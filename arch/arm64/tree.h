/* SPDX-License-Identifier: MIT */
/* The device tree Xen gives a guest: what the kernel looks for in it. */
#ifndef XENLET_TREE_H
#define XENLET_TREE_H

#include <xenlet/types.h>

/* Keep a copy of the tree at physical address `tree`; learn how much memory there is. */
void arch_tree_init(uint64_t tree, uint64_t load);

/* The tree, for whoever has other things to look for. */
const void *arch_tree(void);

/* Entry `n` of `reg` of the first node that is compatible with `compatible`; false for none. */
bool arch_tree_reg(const char *compatible, unsigned int n, uint64_t *address, uint64_t *size);

/* The interrupt's number, of the `n`th of such a node, or `otherwise`. */
uint32_t arch_tree_interrupt(const char *compatible, unsigned int n, uint32_t otherwise);

/* What PSCI calls VCPU `vcpu`; false when there are not so many. */
bool arch_tree_cpu(unsigned int vcpu, uint64_t *mpidr);

#endif
