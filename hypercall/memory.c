/* SPDX-License-Identifier: MIT */
/* Memory operations, as public/memory.h gives them. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

long hypercall_memory_op(unsigned int cmd, void *arg)
{
    return arch_hypercall2(__HYPERVISOR_memory_op, cmd, arg);
}
