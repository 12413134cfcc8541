/* SPDX-License-Identifier: MIT */
/* Where an arm64 guest lies in its address space; shared by assembly, C and the linker script. */
#ifndef XENLET_BOOT_LAYOUT_H
#define XENLET_BOOT_LAYOUT_H

#define LAYOUT_PAGE_SIZE 4096
/*
 * The upper half, 39 bits of it; the lower is left empty. The image's first page (pfn 0) is mapped
 * here; pfn n is LAYOUT_BASE + n pages.
 */
#define LAYOUT_BASE 0xffffff8000000000
/* Each VCPU's stack. Upcalls and traps run on it too: frame and handler need room there. */
#define LAYOUT_STACK_SIZE 32768
/* Where an exception is reported from that finds its stack overflowed. */
#define LAYOUT_REPORT_STACK_SIZE 8192
/* Address space for frames that are not of the linear map, which ends before it. */
#define LAYOUT_VMAP_BASE 0xffffffc000000000
#define LAYOUT_VMAP_SIZE 0x3000000000
/* For what is mapped before there is an allocator: the device tree, the serial port. */
#define LAYOUT_FIX_BASE 0xfffffff000000000
/* Page tables for the image and its symbols: what one of them maps, and how many there are. */
#define LAYOUT_TABLE_SPAN   0x200000
#define LAYOUT_IMAGE_TABLES 8

/* --- descriptors ---------------------------------------------------------------------------- */

#define PTE_VALID  0x001
#define PTE_TABLE  0x002 /* a table; in the last level, a page */
#define PTE_DEVICE 0x004 /* index 1 of MAIR: Device-nGnRE; else 0, Normal write-back */
#define PTE_RDONLY 0x080
#define PTE_INNER  0x300 /* inner shareable */
#define PTE_AF     0x400
#define PTE_PXN    0x0020000000000000
#define PTE_UXN    0x0040000000000000
#define PTE_FRAME  0x0000fffffffff000

#define PTE_PAGE (PTE_VALID | PTE_TABLE | PTE_INNER | PTE_AF | PTE_UXN)
#define PTE_RX   (PTE_PAGE | PTE_RDONLY)
#define PTE_RO   (PTE_PAGE | PTE_RDONLY | PTE_PXN)
#define PTE_RW   (PTE_PAGE | PTE_PXN)
#define PTE_MMIO (PTE_PAGE | PTE_PXN | PTE_DEVICE)

#define MAIR_VALUE 0x04ff

/*
 * 39 bits in either half, 4 KiB pages, walks through the caches and inner shareable; the size of
 * physical addresses is added from ID_AA64MMFR0_EL1. EPD0 closes the lower half.
 */
#define TCR_VALUE 0xb5193519
#define TCR_EPD0  0x80

/* What must be one, and: MMU, data and instruction cache, stack alignment, writable never runs. */
#define SCTLR_VALUE 0x30d8180d

#endif
