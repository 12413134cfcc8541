/* SPDX-License-Identifier: MIT */
/*
 * The hypercall instruction of an arm64 guest (public/arch-arm.h): the number in x16, arguments in
 * x0 to x4, the result in x0. Xen keeps all other registers. Only hypercall/ includes this.
 */
#ifndef XENLET_ARCH_HYPERCALL_H
#define XENLET_ARCH_HYPERCALL_H

#include <xenlet/types.h>

#define arch_hypercall4(nr, a1, a2, a3, a4)                                      \
    ({                                                                           \
        register long a1_ __asm__("x0") = (long)(a1);                            \
        register long a2_ __asm__("x1") = (long)(a2);                            \
        register long a3_ __asm__("x2") = (long)(a3);                            \
        register long a4_ __asm__("x3") = (long)(a4);                            \
        register long nr_ __asm__("x16") = (nr);                                 \
        __asm__ volatile("hvc #0xea1"                                            \
                         : "+r"(a1_), "+r"(a2_), "+r"(a3_), "+r"(a4_), "+r"(nr_) \
                         :                                                       \
                         : "memory");                                            \
        a1_;                                                                     \
    })

/* Xen's debug builds overwrite the registers of arguments: each is given one, and it is clobbered.
 */
#define arch_hypercall3(nr, a1, a2, a3) arch_hypercall4(nr, a1, a2, a3, 0)
#define arch_hypercall2(nr, a1, a2)     arch_hypercall4(nr, a1, a2, 0, 0)
#define arch_hypercall1(nr, a1)         arch_hypercall4(nr, a1, 0, 0, 0)

/* The other convention (SMCCC): the function in x0, x0 to x17 are anybody's afterwards. */
#define arch_smccc3(function, a1, a2, a3)                                                         \
    ({                                                                                            \
        register long f_ __asm__("x0") = (long)(function);                                        \
        register long a1_ __asm__("x1") = (long)(a1);                                             \
        register long a2_ __asm__("x2") = (long)(a2);                                             \
        register long a3_ __asm__("x3") = (long)(a3);                                             \
        __asm__ volatile("hvc #0"                                                                 \
                         : "+r"(f_), "+r"(a1_), "+r"(a2_), "+r"(a3_)                              \
                         :                                                                        \
                         : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
                           "x15", "x16", "x17", "memory");                                        \
        f_;                                                                                       \
    })

#endif
