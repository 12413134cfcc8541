/* SPDX-License-Identifier: MIT */
/*
 * Where an arm64 guest begins: the Image header its loader reads (Linux's, Documentation/arch/arm64/
 * booting.rst), the first instructions of VCPU 0 and of the others, and the stack VCPU 0 runs on.
 *
 * Both begin with the MMU off, at whatever address the image was loaded to; what runs there is
 * position independent. docs/arm64.md says why each barrier and each piece of cache maintenance
 * stands where it stands.
 */
#include "arch/arm64/percpu.h"
#include "boot/arm64/layout.h"

        .section .text.entry, "ax", @progbits
        .globl _start
        .type _start, @function
_start:
        b       boot_first
        .long   0
        .quad   0                       /* text_offset: the beginning of memory */
        .quad   0                       /* image_size: written by mkimage */
        .quad   0xa                     /* little endian, 4 KiB pages, anywhere */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

/* In: x0 = physical address of the device tree. */
boot_first:
        msr     daifset, #0xf
        mov     x19, x0
        mov     x29, xzr
        adrp    x1, boot_stack + LAYOUT_STACK_SIZE
        mov     sp, x1
        bl      boot_map                /* fills the tables; returns where the image is */
        mov     x20, x0
        ldr     x21, =boot_first_mapped
        b       mmu_on
boot_first_mapped:
        ldr     x1, =boot_stack + LAYOUT_STACK_SIZE
        mov     sp, x1
        adrp    x1, arch_boot_percpu
        add     x1, x1, :lo12:arch_boot_percpu
        msr     tpidr_el1, x1
        adrp    x1, arch_vectors
        add     x1, x1, :lo12:arch_vectors
        msr     vbar_el1, x1
        isb
        stp     x19, x20, [sp, #-16]!   /* struct boot */
        mov     x0, sp
        mov     x29, xzr                /* ends every backtrace */
        mov     x30, xzr
        bl      xenlet_start
        brk     #0                      /* xenlet_start does not return */
        .size _start, . - _start

/* Another VCPU, from PSCI's CPU_ON. In: x0 = its struct percpu. */
        .globl arch_vcpu_entry
        .hidden arch_vcpu_entry
        .type arch_vcpu_entry, @function
arch_vcpu_entry:
        msr     daifset, #0xf
        mov     x19, x0
        ldr     x21, =vcpu_mapped
        b       mmu_on
vcpu_mapped:
        msr     tpidr_el1, x19
        ldr     x1, [x19, #PERCPU_STACK]
        add     sp, x1, #LAYOUT_STACK_SIZE
        adrp    x1, arch_vectors
        add     x1, x1, :lo12:arch_vectors
        msr     vbar_el1, x1
        isb
        mov     x29, xzr
        mov     x30, xzr
        bl      arch_vcpu_main
        brk     #0
        .size arch_vcpu_entry, . - arch_vcpu_entry

/*
 * Switch the MMU on and go on at x21, which is a mapped address: for a moment this runs through the
 * lower half, where the image is mapped to itself; then that is closed.
 */
        .type mmu_on, @function
mmu_on:
        ldr     x0, =MAIR_VALUE
        msr     mair_el1, x0
        ldr     x0, =TCR_VALUE
        mrs     x1, id_aa64mmfr0_el1
        and     x1, x1, #7              /* PARange: above 48 bits none is used here */
        cmp     x1, #5
        mov     x2, #5
        csel    x1, x1, x2, ls
        orr     x0, x0, x1, lsl #32
        msr     tcr_el1, x0
        adrp    x1, boot_identity_l1
        msr     ttbr0_el1, x1
        adrp    x1, boot_l1
        msr     ttbr1_el1, x1
        tlbi    vmalle1                 /* what came before us on this CPU */
        ic      iallu
        dsb     nsh
        isb                             /* registers above, before the MMU looks at them */
        ldr     x1, =SCTLR_VALUE
        msr     sctlr_el1, x1
        isb                             /* from here on every fetch is translated */
        ldr     x1, =1f
        br      x1
1:      orr     x0, x0, #TCR_EPD0       /* up here: close the lower half */
        msr     tcr_el1, x0
        isb
        tlbi    vmalle1
        dsb     nsh
        isb
        br      x21
        .size mmu_on, . - mmu_on
        .ltorg

/*
 * The guard page is left empty by boot_map(). An exception that finds the stack pointer in it is
 * reported from the VCPU's report stack: see entry.S.
 */
        .section .bss.boot_stack, "aw", @nobits
        .balign LAYOUT_PAGE_SIZE
        .globl boot_stack_guard, boot_stack, boot_report_stack
        .hidden boot_stack_guard, boot_stack, boot_report_stack
        .type boot_stack_guard, @object
        .type boot_stack, @object
boot_stack_guard:
        .skip LAYOUT_PAGE_SIZE
        .size boot_stack_guard, LAYOUT_PAGE_SIZE
boot_stack:
        .skip LAYOUT_STACK_SIZE
        .size boot_stack, LAYOUT_STACK_SIZE
boot_report_stack:
        .skip LAYOUT_REPORT_STACK_SIZE

        .section .note.GNU-stack, "", @progbits
