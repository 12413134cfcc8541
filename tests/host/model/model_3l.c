/* SPDX-License-Identifier: MIT */
/* 3-level, Xen's side: docs/abi-3level.md. */
#include "tests/host/model/internal.h"

int l3_op(struct domain *d, unsigned int cmd, void *arg)
{
    (void)d;
    (void)cmd;
    (void)arg;
    return -XEN_ENOSYS;
}

void l3_destroy(struct domain *d)
{
    d->l3_registered = false;
}
