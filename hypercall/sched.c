/* SPDX-License-Identifier: MIT */
/* Scheduling operations, as public/sched.h gives them. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_sched_yield(void)
{
    return (int)arch_hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

int hypercall_sched_block(void)
{
    return (int)arch_hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
}

int hypercall_sched_shutdown(unsigned int reason)
{
    struct sched_shutdown op = { .reason = reason };

    return (int)arch_hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op);
}

int hypercall_sched_poll(const evtchn_port_t *ports, unsigned int nr, uint64_t deadline)
{
    struct sched_poll op = { .nr_ports = nr, .timeout = deadline };

    /* Xen only reads the ports; its handle type has no const. */
    set_xen_guest_handle(op.ports, (evtchn_port_t *)(uintptr_t)ports);
    return (int)arch_hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &op);
}
