/* SPDX-License-Identifier: MIT */
/*
 * The floor: the least an upcall takes that saves what a C handler may change, finds each event that
 * is pending, clears it with a locked operation, and calls its handler. No more than that: it does
 * not look at masks, owners, shares, closed ports, priorities that come in between or ports beyond
 * the first words, and an upcall that comes before the iretq would not be folded. Its bound is what
 * is compared with; nobody could use it.
 *
 * The words are floor_of's own, filled as Xen fills the ABI's.
 */
#include "arch/x86_64/percpu.h"

/* struct floor */
#define PENDING  0
#define L2       8
#define CONTROL  16
#define WORDS    88
#define HANDLERS 352
#define EMPTY    872

.macro ENTER
        push    %rax                    /* Xen has saved rcx and r11 */
        push    %rdx
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %rbx
        push    %rbp                    /* so that the stack is aligned at the call */
        cld
        movb    $0, %gs:PERCPU_UPCALL_PENDING
.endm

.macro LEAVE name
        pop     %rbp
        pop     %rbx
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %rax
        pop     %rcx
        pop     %r11
        orb     $3, 8(%rsp)
        movb    $0, %gs:PERCPU_UPCALL_MASK
        .globl \name\()_iret
\name\()_iret:
        iretq
.endm

        .text
        .globl floor_2l
        .type floor_2l, @function
        .balign 16
floor_2l:
        ENTER
        xor     %eax, %eax
        xchg    %rax, %gs:8
        bsf     %rax, %rbp
        mov     floor_of + PENDING(,%rbp,8), %rbx
1:      bsf     %rbx, %rax
        lock btr %rax, floor_of + PENDING(,%rbp,8)
        call    *floor_of + HANDLERS(,%rax,8)
        lea     -1(%rbx), %rax
        and     %rax, %rbx
        jnz     1b
        LEAVE   floor_2l
        .size floor_2l, . - floor_2l

        .globl floor_3l
        .type floor_3l, @function
        .balign 16
floor_3l:
        ENTER
        xor     %eax, %eax
        xchg    %rax, %gs:8
        bsf     %rax, %rax
        xor     %edx, %edx
        xchg    %rdx, floor_of + L2(,%rax,8)
        bsf     %rdx, %rbp
        mov     floor_of + PENDING(,%rbp,8), %rbx
1:      bsf     %rbx, %rax
        lock btr %rax, floor_of + PENDING(,%rbp,8)
        call    *floor_of + HANDLERS(,%rax,8)
        lea     -1(%rbx), %rax
        and     %rax, %rbx
        jnz     1b
        LEAVE   floor_3l
        .size floor_3l, . - floor_3l

/* Words that hold nothing: each is looked at, and the next one looked for. */
        .globl floor_words
        .type floor_words, @function
        .balign 16
floor_words:
        ENTER
        xor     %eax, %eax
        xchg    %rax, %gs:8
1:      bsf     %rax, %rbp
        jz      2f
        btr     %rbp, %rax
        cmpq    $0, floor_of + EMPTY(,%rbp,8)
        je      1b
        ud2
2:
        LEAVE   floor_words
        .size floor_words, . - floor_words

/* One exchange takes LINKED, LINK and PENDING together. */
        .globl floor_fifo
        .type floor_fifo, @function
        .balign 16
floor_fifo:
        ENTER
        xor     %eax, %eax
        xchg    %eax, floor_of + CONTROL
        bsf     %eax, %eax
        mov     floor_of + CONTROL + 8(,%rax,4), %edx
1:      xor     %ecx, %ecx
        mov     floor_of + WORDS(,%rdx,4), %ebx
        mov     %ebx, %eax
        lock cmpxchg %ecx, floor_of + WORDS(,%rdx,4)
        jne     1b
        call    *floor_of + HANDLERS(,%rdx,8)
        mov     %ebx, %edx
        and     $0x1ffff, %edx
        jnz     1b
        LEAVE   floor_fifo
        .size floor_fifo, . - floor_fifo

/* A bit of a word that is shared: set; cleared, and looked at what was missed. */
        .globl floor_mask
        .type floor_mask, @function
floor_mask:
        lock btsq $1, floor_of + EMPTY(%rip)
        xor     %eax, %eax
        ret
        .size floor_mask, . - floor_mask

        .globl floor_unmask
        .type floor_unmask, @function
floor_unmask:
        lock btrq $1, floor_of + EMPTY(%rip)
        xor     %eax, %eax
        btq     $1, floor_of + PENDING(%rip)
        ret
        .size floor_unmask, . - floor_unmask

        .section .note.GNU-stack, "", @progbits
