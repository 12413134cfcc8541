/* SPDX-License-Identifier: MIT */
#include <xen/xen.h>

        .text
/*
 * Xen pushed rcx r11 rip cs rflags rsp ss on the stack that was in use, and masked upcalls. We leave
 * by HYPERVISOR_iret, which unmasks and returns in one step.
 */
        .globl rtos_upcall
        .type rtos_upcall, @function
rtos_upcall:
        pop     %rcx
        pop     %r11
        push    %rax
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        cld
        call    evtchn_upcall
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %rcx
        pop     %rax
        push    $0                      /* flags of struct iret_context; the stub pushes the rest */
        jmp     hypercall_page + __HYPERVISOR_iret * 32
        .size rtos_upcall, . - rtos_upcall

/* rtos_switch(save, load): the C ABI lets a call change all other registers. */
        .globl rtos_switch
        .type rtos_switch, @function
rtos_switch:
        push    %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, (%rdi)
        mov     %rsi, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret
        .size rtos_switch, . - rtos_switch

        .section .note.GNU-stack, "", @progbits
