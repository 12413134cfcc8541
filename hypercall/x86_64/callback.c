/* SPDX-License-Identifier: MIT */
/* The addresses Xen calls: upcalls, NMIs, the failsafe. */
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_callback_register(unsigned int type, unsigned long address, unsigned int flags)
{
    struct callback_register op = { .type = type, .flags = flags, .address = address };

    return (int)arch_hypercall2(__HYPERVISOR_callback_op, CALLBACKOP_register, &op);
}
