/* SPDX-License-Identifier: MIT */
/*
 * What kernel/ needs of the CPU it runs on, and of the way Xen starts a guest there. kernel/
 * includes it as "platform_arch.h", which is the CPU's own and adds to it.
 */
#ifndef XENLET_ARCH_PLATFORM_H
#define XENLET_ARCH_PLATFORM_H

#include <xenlet/platform.h>

struct evtchn;
struct vcpu_runstate_info;
struct xencons_interface;
struct xenstore_domain_interface;

/*
 * First of all, with what the boot code hands over: this VCPU's own data, and the numbers of pages.
 * After it platform_vcpu(), platform_upcalls_save() and xenlet_gfn() work, and the functions of the
 * next group, but for arch_console_write() all that need no hypercall.
 */
void arch_init(const void *boot);

/* What the domain was started with; xenlet_is_initial_domain() and xenlet_module() belong to it. */
const char *arch_cmdline(void);

/*
 * The console's ring and its port, and xenstore's; NULL and 0 where there is none. A restore keeps
 * the pages and changes the ports.
 */
struct xencons_interface *arch_console_ring(void);
evtchn_port_t arch_console_port(void);
struct xenstore_domain_interface *arch_store_ring(void);
evtchn_port_t arch_store_port(void);

/* Output of a domain without a ring: all of it, at once. */
void arch_console_write(const char *text, size_t len);

/* Trap handlers, and W^X with guard pages. Panics when Xen refuses. */
void arch_protect(void);

/* Register this VCPU's vcpu_info with Xen, and give it; upcalls come from here on. 0 or Xen's
 * answer. */
int arch_vcpu_info_init(struct vcpu_info **info);

/*
 * Another VCPU's own data and stack, made when first asked for, and its vcpu_info, which the caller
 * registers with Xen. 0, -XEN_ENOMEM.
 */
int arch_vcpu_prepare(unsigned int vcpu, struct vcpu_info **info);

/*
 * Have such a VCPU, whose vcpu_info is registered, run its first instructions: they end in
 * vcpu_main(), with upcalls masked. 0, -XEN_ENOMEM, or what Xen said.
 */
int arch_vcpu_up(unsigned int vcpu);

/* Take this VCPU down; returns, or vcpu_main() begins again, when it is brought up again. */
void arch_vcpu_down(void);

/* In a restored domain: a VCPU that is down, and may have been up, is as on the first day. */
int arch_vcpu_restored(unsigned int vcpu);

/* Whether Xen has such a VCPU, and whether it is up. */
bool arch_vcpu_exists(unsigned int vcpu);
bool arch_vcpu_is_up(unsigned int vcpu);

/* Map shared_info; NULL when Xen refuses. */
struct shared_info *arch_map_shared_info(void);

/* Show the toolstack the way to the p2m. -XEN_ENOMEM, -XEN_E2BIG; -XEN_EOPNOTSUPP: no suspend here.
 */
int arch_suspend_init(void);

/*
 * The suspend itself, on VCPU 0 while all others stand still. 0: restored, and VCPU 0 is registered
 * with Xen again; 1: cancelled; else Xen refused.
 */
int arch_suspend(void);

/* The free memory begins at pfn boot_used; of it what lies below boot_mapped is mapped already. */
xen_pfn_t arch_mmu_boot_used(void);
xen_pfn_t arch_mmu_boot_mapped(void);

/*
 * Map pfns [from, to) read-write in the linear map; takes page_alloc_for_table() pages for page
 * tables. 0, -XEN_ENOMEM.
 */
int arch_mmu_map_linear(xen_pfn_t from, xen_pfn_t to);

/*
 * Whether a grant, and a frame of the grant table, is mapped at an address that is told to Xen. It
 * is not where Xen gives a guest such frames as memory at a place of its own.
 */
bool arch_has_grants(void);

/*
 * Have page tables for `n` pages of xenlet_space_alloc(), for Xen to map something there. 0,
 * -XEN_ENOMEM, or what Xen said.
 */
int arch_mmu_prepare(void *va, size_t n);

/* System time, in ns, from whatever Xen offers to a guest; VCPUs may differ a little. */
uint64_t arch_system_time(void);

/* A moment of it in the time that hypercalls take deadlines in; may be early, never late, nor 0. */
uint64_t arch_hypercall_time(uint64_t system_time);

/* Xen keeps `runstate` for this VCPU from now on. */
void arch_runstate_init(const struct vcpu_runstate_info *runstate);

/*
 * This VCPU's timer. arch_timer_start() silences it, whenever the VCPU comes up and after a
 * restore; arch_timer_bind(), once, has `fired` called as an EVTCHN_HANDLER_GPR handler, whose
 * channel is of no use to it, when the time that arch_timer_set() was told last has come; ns of
 * arch_system_time(), 0 for never.
 */
int arch_timer_start(void);
int arch_timer_bind(void (*fired)(struct evtchn *ch, void *data), void *data);
void arch_timer_set(uint64_t system_time);

/*
 * Find out what FP state there is to save, switch on what Xen lets us have, and give this VCPU an
 * area for it: on each VCPU, whenever it comes up. 0, -XEN_ENOMEM.
 */
int arch_fp_init(void);

/* A random word of the CPU's: 0, -XEN_EOPNOTSUPP it has none to give, -XEN_EIO none came. */
int arch_random(uint64_t *word);

/* Print the calls that led here. */
void arch_backtrace_here(void);

/* This VCPU's stack, for reports: [guard, bottom) is an empty page, [bottom, top) the stack. */
struct arch_stack {
    const char *name;
    uint64_t guard, bottom, top;
};
struct arch_stack arch_stack(void);

#endif
