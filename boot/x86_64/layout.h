/* SPDX-License-Identifier: MIT */
/* Where an x86_64 PV guest lies in its address space; shared by assembly, C and the linker script.
 */
#ifndef XENLET_BOOT_LAYOUT_H
#define XENLET_BOOT_LAYOUT_H

#define LAYOUT_PAGE_SIZE 4096
/* The first page of guest memory (pfn 0) is mapped here; pfn n is LAYOUT_BASE + n pages. */
#define LAYOUT_BASE 0x300000
/* Each VCPU's stack. Upcalls and traps run on it too: frame and handler need room there. */
#define LAYOUT_STACK_SIZE 32768
/* Address space for frames that are not the guest's own memory; the linear map ends before it. */
#define LAYOUT_VMAP_BASE 0x4000000000
#define LAYOUT_VMAP_SIZE 0x4000000000

#endif
