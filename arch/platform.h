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
 * Called first of all, with what the boot code hands over: sets up this VCPU's own data and learns
 * which pages there are. After it platform_vcpu(), platform_upcalls_save(), xenlet_gfn() and the
 * functions of the next group work.
 */
void arch_init(const void *boot);

/*
 * The command line that the domain was started with; xenlet_is_initial_domain() and xenlet_module()
 * belong here too.
 */
const char *arch_cmdline(void);

/*
 * The console's ring and its port, and xenstore's; NULL and 0 where there is none. A restore keeps
 * the pages and changes the ports.
 */
struct xencons_interface *arch_console_ring(void);
evtchn_port_t arch_console_port(void);
struct xenstore_domain_interface *arch_store_ring(void);
evtchn_port_t arch_store_port(void);

/* Output of a domain without a ring: returns when all of it is written. */
void arch_console_write(const char *text, size_t len);

/* Trap handlers, and W^X with guard pages. Panics when Xen refuses. */
void arch_protect(void);

/*
 * Register this VCPU's vcpu_info with Xen and return it; upcalls come from here on. 0 or Xen's
 * answer.
 */
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

/* Take this VCPU down. When it is brought up again this returns, or vcpu_main() begins anew. */
void arch_vcpu_down(void);

/* In a restored domain: reset a VCPU that is down, and may have been up before, to how it began. */
int arch_vcpu_restored(unsigned int vcpu);

/* Whether Xen has such a VCPU, and whether it is up. */
bool arch_vcpu_exists(unsigned int vcpu);
bool arch_vcpu_is_up(unsigned int vcpu);

/* Map shared_info; NULL when Xen refuses. */
struct shared_info *arch_map_shared_info(void);

/*
 * Show the toolstack where the p2m is. -XEN_ENOMEM, -XEN_E2BIG; -XEN_EOPNOTSUPP: no suspend here.
 */
int arch_suspend_init(void);

/*
 * The suspend itself, on VCPU 0 while all others stand still. 0: restored, and VCPU 0 is registered
 * with Xen again; 1: cancelled; else Xen refused.
 */
int arch_suspend(void);

/* Free memory begins at the first of these pfns; it is mapped already up to the second. */
xen_pfn_t arch_mmu_boot_used(void);
xen_pfn_t arch_mmu_boot_mapped(void);

/*
 * Map pfns [from, to) read-write in the linear map; takes page_alloc_for_table() pages for page
 * tables. 0, -XEN_ENOMEM.
 */
int arch_mmu_map_linear(xen_pfn_t from, xen_pfn_t to);

/*
 * Whether grants, and frames of the grant table, can be mapped at an address that Xen is told. Not
 * where Xen puts such frames into the guest's physical memory instead.
 */
bool arch_has_grants(void);

/*
 * Map frame `gfn` at `va`, a page of xenlet_space_alloc(), readable, or also writable; and leave it
 * empty. With space_lock() held. 0, -XEN_EINVAL a number that no frame has, -XEN_ENOMEM, or what
 * Xen said.
 */
int arch_mmu_map(void *va, xen_pfn_t gfn, bool write);
int arch_mmu_unmap(void *va);

/*
 * Make page tables for `n` pages of xenlet_space_alloc(), so that Xen can map something there. 0,
 * -XEN_ENOMEM, or what Xen said.
 */
int arch_mmu_prepare(void *va, size_t n);

/* System time, in ns, from whatever Xen offers to a guest; VCPUs may differ a little. */
uint64_t arch_system_time(void);

/*
 * Convert it to the time in which hypercalls take deadlines; may be early, never late, and never 0.
 */
uint64_t arch_hypercall_time(uint64_t system_time);

/* Told that Xen keeps `runstate` up to date for this VCPU from now on. */
void arch_runstate_init(const struct vcpu_runstate_info *runstate);

/*
 * This VCPU's timer. arch_timer_start() silences it, whenever the VCPU comes up and after a
 * restore. arch_timer_bind(), called once, has `fired` called as an EVTCHN_HANDLER_GPR handler,
 * with a channel that may be NULL, when the time last given to arch_timer_set() has come (ns of
 * arch_system_time(), 0 for never).
 */
int arch_timer_start(void);
int arch_timer_bind(void (*fired)(struct evtchn *ch, void *data), void *data);
void arch_timer_set(uint64_t system_time);

/*
 * Find out which FP state there is to save, enable what Xen allows, and give this VCPU an area for
 * it. Called on each VCPU, whenever it comes up. 0, -XEN_ENOMEM.
 */
int arch_fp_init(void);

/* A random word from the CPU. 0; -XEN_EOPNOTSUPP it has no generator; -XEN_EIO it gave none. */
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
