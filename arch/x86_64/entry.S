/* SPDX-License-Identifier: MIT */
/*
 * Where Xen enters the guest: upcalls and exceptions. Both come on the interrupted stack, aligned
 * down to 16 bytes, with this on it (lowest first):
 *
 *      rcx  r11  [error code]  rip  cs  rflags  rsp  ss
 *
 * The guest kernel runs in ring 3, but Xen shows its cs with RPL 0; bits 32 to 39 of the cs slot
 * are what evtchn_upcall_mask was, and the upper ones are ignored by iretq.
 */
#include <xen/xen.h>

#include "arch/x86_64/percpu.h"

#define CS_SLOT 8       /* from the rip slot of a frame */
#define RSP_SLOT 24

/*
 * The upcall. Xen set evtchn_upcall_mask on the way in; it stays set until the instruction before
 * the test below, so upcalls do not nest. One that comes between that instruction and the iretq, or
 * the instruction that masks again, finds all registers restored and the frame complete: it throws
 * its own frame away and goes on with the one it interrupted. Any number of them use one frame.
 */
        .section .upcall, "ax", @progbits
        .globl arch_upcall_entry
        .hidden arch_upcall_entry, arch_upcall_unmasked, arch_upcall_iret, arch_upcall_again
        .type arch_upcall_entry, @function
        .balign 16
arch_upcall_entry:
        cmpq    $arch_upcall_exit_end, 16(%rsp)
        jb      .Lperhaps               /* seldom: the linker puts this section first */
.Lsave:                                 /* rcx and r11 lie where Xen has saved them */
        push    %rax
        push    %rdx
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        cld
        mov     %gs:PERCPU_VCPU, %edi
        call    *evtchn_upcall_now
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %rax
        pop     %rcx
        pop     %r11
        orb     $3, CS_SLOT(%rsp)       /* iretq cannot leave ring 3 */
        movb    $0, %gs:PERCPU_UPCALL_MASK
        .globl arch_upcall_unmasked
arch_upcall_unmasked:
        cmpb    $0, %gs:PERCPU_UPCALL_PENDING
        jne     .Lagain
        .globl arch_upcall_iret
arch_upcall_iret:
        iretq

/*
 * More came in before we unmasked, and Xen does not tell twice: take it in the same frame. Until the
 * mask is set again Xen may tell after all, so this instruction belongs to what is folded.
 */
        .globl arch_upcall_again
arch_upcall_again:
.Lagain:
        movb    $1, %gs:PERCPU_UPCALL_MASK
arch_upcall_exit_end:
.Lframe:
        push    %r11                    /* as Xen does */
        push    %rcx
        jmp     .Lsave

.Lperhaps:
        cmpq    $arch_upcall_unmasked, 16(%rsp)
        jb      .Lsave
        pop     %rcx
        pop     %r11
        mov     RSP_SLOT(%rsp), %rsp    /* where the interrupted exit had its own frame */
        jmp     .Lframe
        .size arch_upcall_entry, . - arch_upcall_entry

/*
 * Exceptions. Each stub brings the stack to
 *
 *      rax  r11  rcx  error-code  rip  cs  rflags  rsp  ss
 *
 * and goes on with its vector in eax. Our trap table asks Xen to mask upcalls on the way in. We
 * leave through HYPERVISOR_iret, which takes the mask back from rflags.IF in one go; its stub in
 * the hypercall page pushes rcx, r11 and rax itself.
 */
        .section .text.trap, "ax", @progbits
.macro TRAP vector, has_error
        .balign 16
        .type arch_trap_\vector, @function
arch_trap_\vector:
        pop     %rcx
        pop     %r11
.if !\has_error
        push    $0
.endif
        push    %rcx
        push    %r11
        push    %rax
        mov     $\vector, %eax
        jmp     trap_common
        .size arch_trap_\vector, . - arch_trap_\vector
        .pushsection .rodata.trap_entries, "a", @progbits
        .quad arch_trap_\vector
        .popsection
.endm

/* The stubs' addresses, in the order of the vectors below; 0 where a vector never comes. */
        .pushsection .rodata.trap_entries, "a", @progbits
        .balign 8
        .globl arch_trap_entries
        .hidden arch_trap_entries
        .type arch_trap_entries, @object
arch_trap_entries:
        .popsection
.macro NO_TRAP
        .pushsection .rodata.trap_entries, "a", @progbits
        .quad 0
        .popsection
.endm
        TRAP 0, 0
        TRAP 1, 0
        NO_TRAP                         /* NMI: a callback, not a trap */
        TRAP 3, 0
        TRAP 4, 0
        TRAP 5, 0
        TRAP 6, 0
        TRAP 7, 0
        NO_TRAP                         /* #DF: Xen ends the domain instead */
        NO_TRAP
        TRAP 10, 1
        TRAP 11, 1
        TRAP 12, 1
        TRAP 13, 1
        TRAP 14, 1
        NO_TRAP
        TRAP 16, 0
        TRAP 17, 1
        TRAP 18, 0
        TRAP 19, 0
        TRAP 20, 0
        TRAP 21, 1
        .pushsection .rodata.trap_entries, "a", @progbits
        .size arch_trap_entries, . - arch_trap_entries
        .popsection

        .balign 16
        .type trap_common, @function
trap_common:
        push    %rdi
        push    %rsi
        push    %rdx
        push    %r8
        push    %r9
        push    %r10
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rax                    /* the vector; struct trap_regs begins here */
        cld
        mov     %rsp, %rdi              /* 22 words below what Xen aligned: still aligned */
        call    arch_trap
        add     $8, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdx
        pop     %rsi
        pop     %rdi
        pop     %rax
        pop     %r11
        pop     %rcx
        movq    $0, (%rsp)              /* flags of struct iret_context, where the error code was */
        jmp     hypercall_page + __HYPERVISOR_iret * 32
        .size trap_common, . - trap_common

/* Xen could not load a segment register for us; nothing here ever changes one. */
        .globl arch_failsafe_entry
        .hidden arch_failsafe_entry
        .type arch_failsafe_entry, @function
        .balign 16
arch_failsafe_entry:
        and     $-16, %rsp
        call    arch_failsafe
        ud2
        .size arch_failsafe_entry, . - arch_failsafe_entry

/* A VCPU other than the first begins here, on its own stack and with its %gs base set. */
        .globl arch_vcpu_entry
        .hidden arch_vcpu_entry
        .type arch_vcpu_entry, @function
        .balign 16
arch_vcpu_entry:
        cld
        xor     %ebp, %ebp              /* ends every backtrace */
        call    vcpu_main
        ud2                             /* it does not return */
        .size arch_vcpu_entry, . - arch_vcpu_entry

        .section .note.GNU-stack, "", @progbits
