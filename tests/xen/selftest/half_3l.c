/* SPDX-License-Identifier: MIT */
/*
 * Registers 3-level bitmaps, and L2 selectors for every VCPU but 0, so that the domain never
 * switches; then ends as its argument says: crash, stay, reset (and register once more).
 */
#include <xenlet.h>
#include <xenlet/hypercall.h>

#define W        (8 * sizeof(xen_ulong_t))
#define NR_PAGES EVTCHN_3L_NR_PAGES(W)

static void *bitmaps, *selectors;

static bool is(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static uint64_t gfn_of(void *page, unsigned int nr)
{
    return xenlet_gfn((char *)page + nr * XENLET_PAGE_SIZE);
}

static int half_way(void)
{
    uint64_t pending[NR_PAGES], mask[NR_PAGES];
    int rc;

    for (unsigned int i = 0; i < NR_PAGES; i++) {
        pending[i] = gfn_of(bitmaps, i);
        mask[i] = gfn_of(bitmaps, NR_PAGES + i);
    }
    rc = hypercall_evtchn_register_3level_bitmaps(NR_PAGES, pending, mask);
    for (unsigned int vcpu = 1; rc == 0; vcpu++) {
        rc = hypercall_evtchn_register_3level_l2(vcpu, gfn_of(selectors, 0),
                                                 vcpu * EVTCHN_3L_L2_BYTES(W));
        if (rc == -XEN_ENOENT)
            return 0;
    }
    return rc;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "stay";
    int rc;

    bitmaps = xenlet_pages_alloc(2 * NR_PAGES);
    selectors = xenlet_pages_alloc(1);
    if (!bitmaps || !selectors)
        return -XEN_ENOMEM;
    rc = half_way();
    if (rc) {
        console_printf("  FAIL half_way: %d\n", rc);
        return rc;
    }
    console_printf("Test result: SUCCESS\n");
    while (is(how, "stay"))
        hypercall_sched_block();
    if (is(how, "crash"))
        xenlet_shutdown(SHUTDOWN_crash);
    if (is(how, "reset")) {
        /* The console goes with its port. What fails now leaves a domain that does not end. */
        if (hypercall_evtchn_reset(DOMID_SELF) == 0 && half_way() == 0)
            hypercall_sched_shutdown(SHUTDOWN_poweroff);
        for (;;)
            ;
    }
    return 0;
}
