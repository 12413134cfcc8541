/* SPDX-License-Identifier: MIT */
/* Suspending a PV domain, as public/sched.h and the toolstack want it. */
#include <xenlet/hypercall.h>
#include <xenlet/hypercall_pv.h>
#include "hypercall_arch.h"

int hypercall_suspend(uint64_t start_info_gfn)
{
    struct sched_shutdown op = { .reason = SHUTDOWN_suspend };

    return (int)arch_hypercall3(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op, start_info_gfn);
}
