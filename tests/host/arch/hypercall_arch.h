/* SPDX-License-Identifier: MIT */
/* The hypercall of a guest on the model: a function call, which delivers upcalls on its way back.
 */
#ifndef XENLET_ARCH_HYPERCALL_H
#define XENLET_ARCH_HYPERCALL_H

#include <xenlet/types.h>

long host_hypercall(unsigned int nr, const long args[4]);

#define arch_hypercall1(nr, a1)     host_hypercall((nr), (const long[4]){ (long)(a1) })
#define arch_hypercall2(nr, a1, a2) host_hypercall((nr), (const long[4]){ (long)(a1), (long)(a2) })
#define arch_hypercall3(nr, a1, a2, a3) \
    host_hypercall((nr), (const long[4]){ (long)(a1), (long)(a2), (long)(a3) })
#define arch_hypercall4(nr, a1, a2, a3, a4) \
    host_hypercall((nr), (const long[4]){ (long)(a1), (long)(a2), (long)(a3), (long)(a4) })

#endif
