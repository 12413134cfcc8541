/* SPDX-License-Identifier: MIT */
/* What a PV guest was started with (public/xen.h, struct start_info). */
#include <xenlet/domain.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include "kernel/internal.h"
#include "platform_arch.h"

struct start_info *start_info;

bool xenlet_is_initial_domain(void)
{
    return start_info->flags & SIF_INITDOMAIN;
}

const void *xenlet_module(size_t *len)
{
    *len = start_info->mod_len;
    return start_info->mod_len ? (const void *)start_info->mod_start : NULL;
}

const void *xenlet_device_tree(size_t *len)
{
    return xenlet_module(len);
}

const char *arch_cmdline(void)
{
    return (const char *)start_info->cmd_line;
}

/* The ring is a page of ours; the builder left it in the boot memory map. */
struct xencons_interface *arch_console_ring(void)
{
    if (xenlet_is_initial_domain())
        return NULL;
    return xenlet_pfn_to_virt(xenlet_gfn_to_pfn(start_info->console.domU.mfn));
}

evtchn_port_t arch_console_port(void)
{
    return xenlet_is_initial_domain() ? 0 : start_info->console.domU.evtchn;
}

/* A page of ours; a restore keeps it, under another frame. */
struct xenstore_domain_interface *arch_store_ring(void)
{
    return xenlet_pfn_to_virt(xenlet_gfn_to_pfn(start_info->store_mfn));
}

evtchn_port_t arch_store_port(void)
{
    return xenlet_is_initial_domain() ? 0 : start_info->store_evtchn;
}

void arch_console_write(const char *text, size_t len)
{
    hypercall_console_write(text, (unsigned int)len);
}
