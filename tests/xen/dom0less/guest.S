/* SPDX-License-Identifier: MIT */
/*
 * How the guest of the dom0less tests starts: Linux's Image header, which Xen wants of an arm64
 * kernel, a map that makes memory what Xen takes pointers to (Normal, write-back, inner shareable),
 * and C. Xen puts it anywhere in its memory; x0 is its device tree.
 */

        .section .head, "ax"
        .globl _start
_start:
        b       start
        .long   0
        .quad   0                       /* text_offset */
        .quad   image_end - _start      /* image_size */
        .quad   0xa                     /* little endian, 4 KiB pages, anywhere */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

        .text
start:
        mov     x19, x0
        /* One L1 table, blocks of 1 GiB mapped to themselves: 1 to 4 GiB is where memory may be. */
        adrp    x1, table
        mov     x2, #0x701              /* block, AttrIndx 0, inner shareable, accessed */
        mov     x3, #0x40000000
        mov     x4, #0
1:      add     x4, x4, #1
        add     x2, x2, x3
        str     x2, [x1, x4, lsl #3]
        cmp     x4, #3
        b.ne    1b
        dsb     sy
        mov     x2, #0xff               /* index 0: Normal, write-back */
        msr     mair_el1, x2
        ldr     x2, =0x200803519        /* 39 bits, 4 KiB, walks cacheable and inner shareable */
        msr     tcr_el1, x2
        msr     ttbr0_el1, x1
        tlbi    vmalle1
        dsb     sy
        isb
        mrs     x2, sctlr_el1
        mov     x3, #0x1005             /* M, C, I */
        orr     x2, x2, x3
        msr     sctlr_el1, x2
        isb
        adrp    x1, stack_end
        mov     sp, x1
        mov     x0, x19
        bl      guest_main
2:      wfi
        b       2b
        .ltorg

        .globl hypercall
hypercall:                              /* (number, a1, a2, a3) */
        mov     x16, x0
        mov     x0, x1
        mov     x1, x2
        mov     x2, x3
        hvc     #0xea1
        ret

        .section .tail, "aw"
        .balign 4096
table:  .skip   4096
        .skip   4096
stack_end:
        .balign 4096
image_end:
