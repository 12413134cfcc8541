/* SPDX-License-Identifier: MIT */
/* Event channel operations, as public/event_channel.h and docs/abi-3level.md give them. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

static int evtchn_op(unsigned int cmd, void *arg)
{
    return (int)arch_hypercall2(__HYPERVISOR_event_channel_op, cmd, arg);
}

int hypercall_evtchn_alloc_unbound(domid_t dom, domid_t remote, evtchn_port_t *port)
{
    struct evtchn_alloc_unbound op = { .dom = dom, .remote_dom = remote };
    int rc = evtchn_op(EVTCHNOP_alloc_unbound, &op);

    if (rc == 0)
        *port = op.port;
    return rc;
}

int hypercall_evtchn_bind_interdomain(domid_t remote, evtchn_port_t remote_port,
                                      evtchn_port_t *port)
{
    struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = remote_port };
    int rc = evtchn_op(EVTCHNOP_bind_interdomain, &op);

    if (rc == 0)
        *port = op.local_port;
    return rc;
}

int hypercall_evtchn_bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
    int rc = evtchn_op(EVTCHNOP_bind_virq, &op);

    if (rc == 0)
        *port = op.port;
    return rc;
}

int hypercall_evtchn_bind_pirq(uint32_t pirq, uint32_t flags, evtchn_port_t *port)
{
    struct evtchn_bind_pirq op = { .pirq = pirq, .flags = flags };
    int rc = evtchn_op(EVTCHNOP_bind_pirq, &op);

    if (rc == 0)
        *port = op.port;
    return rc;
}

int hypercall_evtchn_bind_ipi(uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_ipi op = { .vcpu = vcpu };
    int rc = evtchn_op(EVTCHNOP_bind_ipi, &op);

    if (rc == 0)
        *port = op.port;
    return rc;
}

int hypercall_evtchn_close(evtchn_port_t port)
{
    struct evtchn_close op = { .port = port };

    return evtchn_op(EVTCHNOP_close, &op);
}

int hypercall_evtchn_send(evtchn_port_t port)
{
    struct evtchn_send op = { .port = port };

    return evtchn_op(EVTCHNOP_send, &op);
}

int hypercall_evtchn_status(struct evtchn_status *status)
{
    return evtchn_op(EVTCHNOP_status, status);
}

int hypercall_evtchn_bind_vcpu(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = { .port = port, .vcpu = vcpu };

    return evtchn_op(EVTCHNOP_bind_vcpu, &op);
}

int hypercall_evtchn_unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = { .port = port };

    return evtchn_op(EVTCHNOP_unmask, &op);
}

int hypercall_evtchn_reset(domid_t dom)
{
    struct evtchn_reset op = { .dom = dom };

    return evtchn_op(EVTCHNOP_reset, &op);
}

int hypercall_evtchn_init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu, uint8_t *link_bits)
{
    struct evtchn_init_control op = { .control_gfn = gfn, .offset = offset, .vcpu = vcpu };
    int rc = evtchn_op(EVTCHNOP_init_control, &op);

    if (rc == 0)
        *link_bits = op.link_bits;
    return rc;
}

int hypercall_evtchn_expand_array(uint64_t gfn)
{
    struct evtchn_expand_array op = { .array_gfn = gfn };

    return evtchn_op(EVTCHNOP_expand_array, &op);
}

int hypercall_evtchn_set_priority(evtchn_port_t port, uint32_t priority)
{
    struct evtchn_set_priority op = { .port = port, .priority = priority };

    return evtchn_op(EVTCHNOP_set_priority, &op);
}

_Static_assert(sizeof(struct evtchn_register_3level) == 144, "as docs/abi-3level.md lays it out");

int hypercall_evtchn_query_extended_abis(uint64_t *abis)
{
    struct evtchn_query_extended_abis op = { .abis = 0 };
    int rc = evtchn_op(EVTCHNOP_query_extended_abis, &op);

    if (rc == 0)
        *abis = op.abis;
    return rc;
}

int hypercall_evtchn_register_3level_bitmaps(uint32_t nr_pages, const uint64_t *pending_gfns,
                                             const uint64_t *mask_gfns)
{
    struct evtchn_register_3level op = { .cmd = EVTCHN_3L_BITMAPS };

    /* Xen refuses a number that would not fit, and reads no frames then. */
    op.u.bitmaps.nr_pages = nr_pages;
    for (unsigned int i = 0; i < nr_pages && i < EVTCHN_3L_MAX_PAGES; i++) {
        op.u.bitmaps.pending_gfn[i] = pending_gfns[i];
        op.u.bitmaps.mask_gfn[i] = mask_gfns[i];
    }
    return evtchn_op(EVTCHNOP_register_3level, &op);
}

int hypercall_evtchn_register_3level_l2(uint32_t vcpu, uint64_t gfn, uint32_t offset)
{
    struct evtchn_register_3level op = { .cmd = EVTCHN_3L_L2 };

    op.u.l2.vcpu = vcpu;
    op.u.l2.offset = offset;
    op.u.l2.gfn = gfn;
    return evtchn_op(EVTCHNOP_register_3level, &op);
}
