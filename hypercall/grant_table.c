/* SPDX-License-Identifier: MIT */
/* Grant table operations, as public/grant_table.h gives them. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_grant_table_op(unsigned int cmd, void *args, unsigned int nr)
{
    return (int)arch_hypercall3(__HYPERVISOR_grant_table_op, cmd, args, nr);
}

int hypercall_gnttab_setup_table(uint32_t nr_frames, xen_pfn_t *frames, int16_t *status)
{
    struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = nr_frames };
    int rc;

    set_xen_guest_handle(op.frame_list, frames);
    rc = hypercall_grant_table_op(GNTTABOP_setup_table, &op, 1);
    if (rc == 0)
        *status = op.status;
    return rc;
}

int hypercall_gnttab_get_status_frames(uint32_t nr_frames, uint64_t *frames, int16_t *status)
{
    struct gnttab_get_status_frames op = { .dom = DOMID_SELF, .nr_frames = nr_frames };
    int rc;

    set_xen_guest_handle(op.frame_list, frames);
    rc = hypercall_grant_table_op(GNTTABOP_get_status_frames, &op, 1);
    if (rc == 0)
        *status = op.status;
    return rc;
}

int hypercall_gnttab_query_size(uint32_t *nr_frames, uint32_t *max_nr_frames, int16_t *status)
{
    struct gnttab_query_size op = { .dom = DOMID_SELF };
    int rc = hypercall_grant_table_op(GNTTABOP_query_size, &op, 1);

    if (rc == 0) {
        *nr_frames = op.nr_frames;
        *max_nr_frames = op.max_nr_frames;
        *status = op.status;
    }
    return rc;
}

int hypercall_gnttab_set_version(uint32_t version)
{
    struct gnttab_set_version op = { .version = version };

    return hypercall_grant_table_op(GNTTABOP_set_version, &op, 1);
}
