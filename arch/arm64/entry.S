/* SPDX-License-Identifier: MIT */
/*
 * Where the CPU enters the guest: interrupts and exceptions, all at EL1 and on the interrupted
 * stack. Everything that DAIF masks is masked on the way in and stays so; the way back takes DAIF
 * from SPSR in one go with the jump, so nothing can come between.
 */
#include "arch/arm64/percpu.h"
#include "boot/arm64/layout.h"

#define REGS_SIZE  288          /* struct trap_regs */
#define SAVED_SIZE 192

        .section .text.vectors, "ax", @progbits
        .globl arch_vectors
        .hidden arch_vectors
        .type arch_vectors, @object
        .balign 2048
.macro BAD what
        .balign 128
        msr     tpidrro_el0, x0
        mov     x0, #\what
        b       bad_entry
.endm
arch_vectors:
        BAD 0                           /* with SP_EL0: never used */
        BAD 1
        BAD 2
        BAD 3
        .balign 128
        b       sync_entry
        .balign 128
        b       arch_irq_entry
        BAD 2                           /* FIQ */
        BAD 3                           /* SError */
.rept 8                                 /* from EL0: never used */
        BAD 4
.endr
        .size arch_vectors, . - arch_vectors

/* An interrupt: only what the C ABI lets a function change needs saving. */
        .section .text.hot.upcall, "ax", @progbits
        .globl arch_irq_entry, arch_irq_return
        .hidden arch_irq_entry, arch_irq_return
        .type arch_irq_entry, @function
        .balign 16
arch_irq_entry:
        sub     sp, sp, #SAVED_SIZE
        stp     x0, x1, [sp, #16]
        stp     x2, x3, [sp, #32]
        stp     x4, x5, [sp, #48]
        stp     x6, x7, [sp, #64]
        stp     x8, x9, [sp, #80]
        stp     x10, x11, [sp, #96]
        stp     x12, x13, [sp, #112]
        stp     x14, x15, [sp, #128]
        stp     x16, x17, [sp, #144]
        stp     x18, x30, [sp, #160]
        mrs     x0, elr_el1
        mrs     x1, spsr_el1
        stp     x29, x0, [sp]           /* a frame record: who was interrupted, and where */
        str     x1, [sp, #176]
        mov     x29, sp
        bl      arch_irq
        .globl arch_irq_return
arch_irq_return:
        ldp     x29, x0, [sp]
        ldr     x1, [sp, #176]
        msr     elr_el1, x0
        msr     spsr_el1, x1
        ldp     x0, x1, [sp, #16]
        ldp     x2, x3, [sp, #32]
        ldp     x4, x5, [sp, #48]
        ldp     x6, x7, [sp, #64]
        ldp     x8, x9, [sp, #80]
        ldp     x10, x11, [sp, #96]
        ldp     x12, x13, [sp, #112]
        ldp     x14, x15, [sp, #128]
        ldp     x16, x17, [sp, #144]
        ldp     x18, x30, [sp, #160]
        add     sp, sp, #SAVED_SIZE
        eret
        .size arch_irq_entry, . - arch_irq_entry

/*
 * An exception. One whose stack cannot take this frame, because it reaches into the guard page, or
 * the stack pointer is odd or leads nowhere, is reported from another: pushing here would fault
 * again, for ever. The MMU is asked. x0 is kept in TPIDRRO_EL0, which is nothing's at EL1; the flags
 * are in SPSR.
 */
        .section .text.trap, "ax", @progbits
        .type sync_entry, @function
sync_entry:
        msr     tpidrro_el0, x0
        sub     x0, sp, #REGS_SIZE
        tst     x0, #15
        b.ne    1f
        at      s1e1w, x0
        isb                             /* what AT found is in PAR_EL1 after it */
        mrs     x0, par_el1
        tbnz    x0, #0, 1f              /* nothing can be written there */
        mrs     x0, tpidrro_el0
        sub     sp, sp, #REGS_SIZE
        stp     x0, x1, [sp]
        add     x0, sp, #REGS_SIZE
        b       save_regs
1:      mrs     x0, tpidr_el1
        ldr     x0, [x0, #PERCPU_REPORT_STACK]
        add     x0, x0, #LAYOUT_REPORT_STACK_SIZE
        sub     x0, x0, #REGS_SIZE
        str     x1, [x0, #8]
        mov     x1, sp
        mov     sp, x0
        mrs     x0, tpidrro_el0
        str     x0, [sp]
        mov     x0, x1
save_regs:                              /* x0: the stack pointer that was */
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        stp     x30, x0, [sp, #240]
        mrs     x0, elr_el1
        mrs     x1, spsr_el1
        stp     x0, x1, [sp, #256]
        mrs     x0, esr_el1
        mrs     x1, far_el1
        stp     x0, x1, [sp, #272]
        mov     x0, sp
        bl      arch_trap
        ldp     x0, x1, [sp, #256]
        msr     elr_el1, x0
        msr     spsr_el1, x1
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x18, x19, [sp, #144]
        ldp     x20, x21, [sp, #160]
        ldp     x22, x23, [sp, #176]
        ldp     x24, x25, [sp, #192]
        ldp     x26, x27, [sp, #208]
        ldp     x28, x29, [sp, #224]
        ldr     x30, [sp, #240]
        ldp     x0, x1, [sp]
        add     sp, sp, #REGS_SIZE
        eret
        .size sync_entry, . - sync_entry

/* Nothing that can be expected: report from the other stack whatever it was. x0: which vector. */
        .type bad_entry, @function
bad_entry:
        mrs     x1, tpidr_el1
        ldr     x1, [x1, #PERCPU_REPORT_STACK]
        add     x1, x1, #LAYOUT_REPORT_STACK_SIZE
        mov     sp, x1
        mrs     x1, elr_el1
        mrs     x2, esr_el1
        mrs     x3, far_el1
        mov     x29, xzr
        mov     x30, xzr
        bl      arch_bad_entry
        brk     #0
        .size bad_entry, . - bad_entry

/* q0 to q31, FPSR and FPCR to x0, and back. */
        .section .text.fp, "ax", @progbits
        .globl arch_fp_store, arch_fp_load
        .hidden arch_fp_store, arch_fp_load
        .type arch_fp_store, @function
        .type arch_fp_load, @function
.macro FP_ALL op
        \op     q0, q1, [x0]
        \op     q2, q3, [x0, #32]
        \op     q4, q5, [x0, #64]
        \op     q6, q7, [x0, #96]
        \op     q8, q9, [x0, #128]
        \op     q10, q11, [x0, #160]
        \op     q12, q13, [x0, #192]
        \op     q14, q15, [x0, #224]
        \op     q16, q17, [x0, #256]
        \op     q18, q19, [x0, #288]
        \op     q20, q21, [x0, #320]
        \op     q22, q23, [x0, #352]
        \op     q24, q25, [x0, #384]
        \op     q26, q27, [x0, #416]
        \op     q28, q29, [x0, #448]
        \op     q30, q31, [x0, #480]
.endm
        .arch_extension fp
        .arch_extension simd
arch_fp_store:
        FP_ALL  stp
        mrs     x1, fpsr
        mrs     x2, fpcr
        str     x1, [x0, #512]
        str     x2, [x0, #520]
        msr     fpsr, xzr               /* what the C ABI has at a function's entry */
        msr     fpcr, xzr
        ret
        .size arch_fp_store, . - arch_fp_store
arch_fp_load:
        FP_ALL  ldp
        ldr     x1, [x0, #512]
        ldr     x2, [x0, #520]
        msr     fpsr, x1
        msr     fpcr, x2
        ret
        .size arch_fp_load, . - arch_fp_load

        .section .note.GNU-stack, "", @progbits
