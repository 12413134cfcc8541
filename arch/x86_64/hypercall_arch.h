/* SPDX-License-Identifier: MIT */
/*
 * The hypercall instruction sequence of an x86_64 PV guest: a call into the page Xen filled with
 * stubs. Only hypercall/ includes this.
 *
 * A stub takes its arguments in rdi, rsi, rdx, r10, r8 and returns in rax; `syscall` eats rcx and
 * r11, and a debug build of Xen overwrites the argument registers, so all are marked clobbered.
 */
#ifndef XENLET_ARCH_HYPERCALL_H
#define XENLET_ARCH_HYPERCALL_H

#include <xenlet/types.h>

#define ARCH_HYPERCALL_ASM     "call hypercall_page + %c[off]"
#define ARCH_HYPERCALL_OFF(nr) [off] "i"((nr)*32)

#define arch_hypercall1(nr, a1)                                                            \
    ({                                                                                     \
        register long a1_ __asm__("rdi") = (long)(a1);                                     \
        long ret_;                                                                         \
        __asm__ volatile(ARCH_HYPERCALL_ASM                                                \
                         : "=a"(ret_), "+r"(a1_)                                           \
                         : ARCH_HYPERCALL_OFF(nr)                                          \
                         : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc"); \
        ret_;                                                                              \
    })

#define arch_hypercall2(nr, a1, a2)                                                 \
    ({                                                                              \
        register long a1_ __asm__("rdi") = (long)(a1);                              \
        register long a2_ __asm__("rsi") = (long)(a2);                              \
        long ret_;                                                                  \
        __asm__ volatile(ARCH_HYPERCALL_ASM                                         \
                         : "=a"(ret_), "+r"(a1_), "+r"(a2_)                         \
                         : ARCH_HYPERCALL_OFF(nr)                                   \
                         : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc"); \
        ret_;                                                                       \
    })

#define arch_hypercall3(nr, a1, a2, a3)                                      \
    ({                                                                       \
        register long a1_ __asm__("rdi") = (long)(a1);                       \
        register long a2_ __asm__("rsi") = (long)(a2);                       \
        register long a3_ __asm__("rdx") = (long)(a3);                       \
        long ret_;                                                           \
        __asm__ volatile(ARCH_HYPERCALL_ASM                                  \
                         : "=a"(ret_), "+r"(a1_), "+r"(a2_), "+r"(a3_)       \
                         : ARCH_HYPERCALL_OFF(nr)                            \
                         : "rcx", "r8", "r9", "r10", "r11", "memory", "cc"); \
        ret_;                                                                \
    })

#define arch_hypercall4(nr, a1, a2, a3, a4)                                       \
    ({                                                                            \
        register long a1_ __asm__("rdi") = (long)(a1);                            \
        register long a2_ __asm__("rsi") = (long)(a2);                            \
        register long a3_ __asm__("rdx") = (long)(a3);                            \
        register long a4_ __asm__("r10") = (long)(a4);                            \
        long ret_;                                                                \
        __asm__ volatile(ARCH_HYPERCALL_ASM                                       \
                         : "=a"(ret_), "+r"(a1_), "+r"(a2_), "+r"(a3_), "+r"(a4_) \
                         : ARCH_HYPERCALL_OFF(nr)                                 \
                         : "rcx", "r8", "r9", "r11", "memory", "cc");             \
        ret_;                                                                     \
    })

#endif
