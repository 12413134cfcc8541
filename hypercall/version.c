/* SPDX-License-Identifier: MIT */
/* What Xen is and can do, as public/version.h and public/features.h give it. */
#include <xenlet/hypercall.h>
#include <xen/features.h>
#include <xen/version.h>
#include "hypercall_arch.h"

int hypercall_xen_version(unsigned int cmd, void *arg)
{
    return (int)arch_hypercall2(__HYPERVISOR_xen_version, cmd, arg);
}

int hypercall_xen_features(unsigned int idx, uint32_t *map)
{
    struct xen_feature_info info = { .submap_idx = idx };
    int rc = hypercall_xen_version(XENVER_get_features, &info);

    if (rc == 0)
        *map = info.submap;
    return rc;
}
