/* SPDX-License-Identifier: MIT */
/* Physical interrupts, as public/physdev.h gives them. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_physdev_op(unsigned int cmd, void *arg)
{
    return (int)arch_hypercall2(__HYPERVISOR_physdev_op, cmd, arg);
}

int hypercall_physdev_eoi(uint32_t pirq)
{
    struct physdev_eoi op = { .irq = pirq };

    return hypercall_physdev_op(PHYSDEVOP_eoi, &op);
}

int hypercall_physdev_map_gsi(int gsi, int *pirq)
{
    struct physdev_map_pirq op = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = gsi, .pirq = *pirq
    };
    int rc = hypercall_physdev_op(PHYSDEVOP_map_pirq, &op);

    if (rc == 0)
        *pirq = op.pirq;
    return rc;
}
