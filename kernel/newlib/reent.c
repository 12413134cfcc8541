/* SPDX-License-Identifier: MIT */
/*
 * errno, and all else newlib keeps for a thread (strtok()'s place, the numbers printf() is at work
 * on): each VCPU has one for its program and another for its handlers, which come in at any point
 * of the program's. Code with upcalls masked has the handlers'.
 */
#include <reent.h>
#include <string.h>
#include <xenlet/memory.h>
#include <xenlet/vcpu.h>
#include "kernel/newlib/internal.h"

static struct _reent *reents[XENLET_MAX_VCPUS][2];

static struct _reent *make(unsigned int vcpu, bool masked)
{
    struct _reent *r;

    if (vcpu == 0 && !masked)
        return _GLOBAL_REENT;
    r = xenlet_alloc(sizeof(*r));
    if (!r)
        xenlet_panic("newlib: no memory for the errno of VCPU %u", vcpu);
    _REENT_INIT_PTR(r);
    return r;
}

struct _reent *__getreent(void)
{
    unsigned long flags = platform_upcalls_save();
    unsigned int vcpu = platform_vcpu();
    struct _reent **slot = &reents[vcpu][flags != 0];

    if (!*slot)
        *slot = make(vcpu, flags);
    platform_upcalls_restore(flags);
    return *slot;
}
