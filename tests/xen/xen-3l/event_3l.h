/* SPDX-License-Identifier: GPL-2.0-only */
/* 3-level event channels: what event_channel.c calls, what FIFO shares. */
#ifndef __COMMON_EVENT_3L_H__
#define __COMMON_EVENT_3L_H__

#include <xen/sched.h>

extern bool opt_evtchn_fifo;

/* Number of ports while the domain is in 3-level, else 0. Event lock held. */
unsigned int evtchn_3l_nr_ports(const struct domain *d);

int evtchn_3l_query(XEN_GUEST_HANDLE_PARAM(void) arg);
int evtchn_3l_register(XEN_GUEST_HANDLE_PARAM(void) arg);

/*
 * Drop whatever is registered, when no port of the guest is left; a domain that
 * lives on goes back to 2-level with the event lock held.
 */
void evtchn_3l_destroy(struct domain *d);

/* event_fifo.c */
int map_guest_page(struct domain *d, uint64_t gfn, void **virt);
void unmap_guest_page(void *virt);

#endif /* __COMMON_EVENT_3L_H__ */
