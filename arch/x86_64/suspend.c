/* SPDX-License-Identifier: MIT */
/*
 * What the toolstack needs to save a PV guest: the way to its p2m, published in shared_info
 * beforehand; and while it is saved pfns in start_info, and no page table entry that maps what is
 * not the guest's (tools/libs/guest/xg_sr_save_x86_pv.c).
 */
#include <xenlet/domain.h>
#include <xenlet/hypercall_pv.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "arch/x86_64/mmu.h"
#include "boot/x86_64/layout.h"
#include "kernel/internal.h"
#include "platform_arch.h"

#define PER_PAGE (LAYOUT_PAGE_SIZE / sizeof(xen_pfn_t))

/* Pages with the frames of the p2m's pages, and one page with the frames of these. */
static xen_pfn_t *lists[PER_PAGE], *list_of_lists;

static unsigned long nr_leaves(void)
{
    return (start_info->nr_pages + PER_PAGE - 1) / PER_PAGE;
}

/* The frames are new after each restore. */
static void publish_p2m(void)
{
    const char *p2m = (const char *)start_info->mfn_list;

    for (unsigned long i = 0; i < nr_leaves(); i++)
        lists[i / PER_PAGE][i % PER_PAGE] = xenlet_gfn(p2m + i * LAYOUT_PAGE_SIZE);
    for (unsigned int i = 0; i < PER_PAGE && lists[i]; i++)
        list_of_lists[i] = xenlet_gfn(lists[i]);
    shared_info->arch.max_pfn = start_info->nr_pages;
    shared_info->arch.pfn_to_mfn_frame_list_list = xenlet_gfn(list_of_lists);
}

int arch_suspend_init(void)
{
    if (list_of_lists)
        return 0;
    for (unsigned long i = 0; i < nr_leaves(); i += PER_PAGE) {
        if (i / PER_PAGE == PER_PAGE)
            return -XEN_E2BIG;
        if (!lists[i / PER_PAGE])
            lists[i / PER_PAGE] = platform_page_alloc();
        if (!lists[i / PER_PAGE])
            return -XEN_ENOMEM;
    }
    list_of_lists = platform_page_alloc();
    if (!list_of_lists)
        return -XEN_ENOMEM;
    publish_p2m();
    return 0;
}

/*
 * The toolstack expects pfns here, and a restore writes frames back; after a cancelled suspend we
 * do.
 */
static void start_info_to(xen_pfn_t (*convert)(xen_pfn_t frame))
{
    start_info->store_mfn = convert(start_info->store_mfn);
    start_info->console.domU.mfn = convert(start_info->console.domU.mfn);
}

int arch_suspend(void)
{
    struct vcpu_info *info;
    int rc;

    /*
     * Restored VCPUs use the vcpu_info in shared_info: no upcall may come before they have
     * registered their own.
     */
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    start_info_to(xenlet_gfn_to_pfn);
    rc = arch_unmap_shared_info();
    if (rc == 0)
        rc = hypercall_suspend(xenlet_gfn(start_info));
    if (rc)
        start_info_to(xenlet_pfn_to_gfn);
    if (!arch_map_shared_info())
        xenlet_panic("Xen refused shared_info after a suspend");
    if (rc == 0) {
        publish_p2m();
        rc = arch_vcpu_info_init(&info);
        if (rc)
            xenlet_panic("Xen refused our vcpu_info after a restore (%d)", rc);
    }
    return rc;
}
