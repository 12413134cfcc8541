/* SPDX-License-Identifier: MIT */
/*
 * The 3-level event channel ABI; docs/abi-3level.md is the text that rules it.
 *
 * One header for guest, hypervisor and model. It wants nothing but fixed-width integers, which Xen
 * brings with it; whoever includes it knows how wide a word is, and says so: `w` below is the
 * number of bits in a xen_ulong_t, 64 or 32.
 */
#ifndef XENLET_ABI_EVENT_CHANNEL_3L_H
#define XENLET_ABI_EVENT_CHANNEL_3L_H

#ifndef __XEN__
#include <stdint.h>
#endif

/* Operations of HYPERVISOR_event_channel_op; a Xen without the ABI answers -ENOSYS. */
#define EVTCHNOP_query_extended_abis 0x3100
#define EVTCHNOP_register_3level     0x3101

/*
 * EVTCHNOP_query_extended_abis: which ABIs there are beyond 2-level and FIFO, a set of
 * EVTCHN_EXTENDED_*. Any error means none.
 */
struct evtchn_query_extended_abis {
    /* OUT */
    uint64_t abis;
};
#define EVTCHN_EXTENDED_L3 1u /* EVTCHNOP_register_3level */

/*
 * EVTCHNOP_register_3level: hand Xen the domain's bitmaps, then a second-level selector for each
 * VCPU. The one of VCPU 0 switches the domain over. A gfn is the mfn for an x86 PV guest.
 */
#define EVTCHN_3L_MAX_PAGES 8u /* of one bitmap, for the widest words */

struct evtchn_register_3level {
    /* IN */
    uint32_t cmd;
#define EVTCHN_3L_BITMAPS 1u
#define EVTCHN_3L_L2      2u
    uint32_t _pad; /* 0 */
    union {
        struct {
            uint32_t nr_pages; /* of each bitmap: EVTCHN_3L_NR_PAGES(w), no other */
            uint32_t _pad;     /* 0 */
            uint64_t pending_gfn[EVTCHN_3L_MAX_PAGES];
            uint64_t mask_gfn[EVTCHN_3L_MAX_PAGES];
        } bitmaps;
        struct {
            uint32_t vcpu;
            uint32_t offset; /* in the page, a multiple of w / 8 */
            uint64_t gfn;
        } l2;
    } u;
};

/*
 * Levels. L1 is vcpu_info.evtchn_pending_sel, a word; L2 a word for each bit of that, one array a
 * VCPU; L3 a word for each bit of those, one pending and one mask bitmap a domain.
 */
#define EVTCHN_3L_NR_PORTS(w)   ((w) * (w) * (w))
#define EVTCHN_3L_NR_PAGES(w)   (EVTCHN_3L_NR_PORTS(w) / 8 / 4096)
#define EVTCHN_3L_L2_BYTES(w)   ((w) * (w) / 8)
#define EVTCHN_3L_L3_WORD(p, w) ((p) / (w))         /* also the port's bit in L2 */
#define EVTCHN_3L_L2_WORD(p, w) ((p) / ((w) * (w))) /* also the port's bit in L1 */

#endif
