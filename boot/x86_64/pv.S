/* SPDX-License-Identifier: MIT */
/*
 * Where an x86_64 PV guest begins: the ELF notes its builder reads, the first instructions, the
 * page Xen fills with hypercall stubs, and the stack VCPU 0 runs on.
 *
 * VIRT_BASE equals PADDR_OFFSET equals the link address, so the first page of the guest's memory
 * is mapped at 0x300000 and page 0 of the address space is never mapped. A builder maps from
 * VIRT_BASE to the next 4 MiB boundary that leaves 512 KiB free and wants memory behind all of it:
 * with this base a small image fits in `memory = 1`.
 */
#include <xen/elfnote.h>

#include "boot/x86_64/layout.h"

#define NOTE_TEXT(type, text)       \
        .pushsection .note.Xen, "a", @note ; \
        .balign 4 ;                 \
        .long 2f - 1f, 4f - 3f, type ; \
1:      .asciz "Xen" ;              \
2:      .balign 4 ;                 \
3:      .asciz text ;               \
4:      .balign 4 ;                 \
        .popsection

#define NOTE_QUAD(type, value)      \
        .pushsection .note.Xen, "a", @note ; \
        .balign 4 ;                 \
        .long 2f - 1f, 8, type ;    \
1:      .asciz "Xen" ;              \
2:      .balign 4 ;                 \
        .quad value ;               \
        .popsection

NOTE_TEXT(XEN_ELFNOTE_GUEST_OS, "xenlet")
NOTE_TEXT(XEN_ELFNOTE_XEN_VERSION, "xen-3.0")
NOTE_TEXT(XEN_ELFNOTE_LOADER, "generic")
NOTE_TEXT(XEN_ELFNOTE_PAE_MODE, "yes")
/* Have the builder load our symbol table behind the image: crash reports name functions. */
NOTE_TEXT(XEN_ELFNOTE_BSD_SYMTAB, "yes")
NOTE_QUAD(XEN_ELFNOTE_VIRT_BASE, LAYOUT_BASE)
NOTE_QUAD(XEN_ELFNOTE_PADDR_OFFSET, LAYOUT_BASE)
NOTE_QUAD(XEN_ELFNOTE_ENTRY, _start)
NOTE_QUAD(XEN_ELFNOTE_HYPERCALL_PAGE, hypercall_page)

        .section .text.entry, "ax", @progbits
        .globl _start
        .type _start, @function
/* In: %rsi = start_info, %rsp = the builder's stack (one page, which becomes free memory). */
_start:
        cld
        lea     boot_stack + LAYOUT_STACK_SIZE(%rip), %rsp
        mov     %rsi, %rdi
        xor     %ebp, %ebp              /* ends every backtrace */
        call    xenlet_start
        ud2                             /* xenlet_start does not return */
        .size _start, . - _start

/* Xen writes 128 stubs of 32 bytes here once it has loaded us: nothing of it need be in the image. */
        .section .hypercall_page, "ax", @nobits
        .balign LAYOUT_PAGE_SIZE
        .globl hypercall_page
        .hidden hypercall_page
        .type hypercall_page, @function
hypercall_page:
        .skip LAYOUT_PAGE_SIZE
        .size hypercall_page, LAYOUT_PAGE_SIZE

/*
 * The guard page is unmapped early in xenlet_start(). Xen pushes every frame onto the interrupted
 * stack, so an overflow into it ends the domain at once; Xen's report then shows an %rsp between
 * boot_stack_guard and boot_stack.
 */
        .section .bss.boot_stack, "aw", @nobits
        .balign LAYOUT_PAGE_SIZE
        .globl boot_stack_guard, boot_stack
        .hidden boot_stack_guard, boot_stack
        .type boot_stack_guard, @object
        .type boot_stack, @object
boot_stack_guard:
        .skip LAYOUT_PAGE_SIZE
        .size boot_stack_guard, LAYOUT_PAGE_SIZE
boot_stack:
        .skip LAYOUT_STACK_SIZE
        .size boot_stack, LAYOUT_STACK_SIZE

        .section .note.GNU-stack, "", @progbits
