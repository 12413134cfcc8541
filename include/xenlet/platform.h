/* SPDX-License-Identifier: MIT */
/*
 * What evtchn/ needs from whoever links it. In a xenlet guest kernel/ and arch/ supply these; a
 * kernel that takes evtchn/ and hypercall/ alone supplies its own and calls evtchn_init(),
 * evtchn_vcpu_init(), evtchn_upcall() and evtchn_tick(). docs/porting.md shows how.
 *
 * `From` says where such a kernel must expect to be called; none of these functions may block.
 */
#ifndef XENLET_PLATFORM_H
#define XENLET_PLATFORM_H

#include <xenlet/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Allocate one page of memory, zeroed, aligned to its size and shareable with Xen, NULL when there
 * is none; and free it.
 * From: anywhere; does not block.
 * ABI: none of Xen's.
 */
void *platform_page_alloc(void);
void platform_page_free(void *page);

/*
 * The gfn that hypercalls take for a page of platform_page_alloc(). A restore may change it: it is
 * asked for at each use.
 * From: anywhere; does not block.
 * ABI: public/xen.h, xen_pfn_t: the machine frame for a PV guest.
 */
uint64_t platform_page_gfn(const void *page);

/*
 * The calling VCPU's number, and how many VCPUs there may be, at most 128.
 * From: anywhere; does not block.
 * ABI: public/vcpu.h: Xen's numbers.
 */
unsigned int platform_vcpu(void);
unsigned int platform_nr_vcpus(void);

/*
 * Mask upcalls on this VCPU and return how they were; put them back. Restoring delivers what became
 * pending meanwhile. Both are compiler barriers.
 * From: anywhere; does not block.
 * ABI: public/xen.h, struct vcpu_info, evtchn_upcall_mask and evtchn_upcall_pending; on arm64 the
 * CPU's own mask.
 */
unsigned long platform_upcalls_save(void);
void platform_upcalls_restore(unsigned long flags);

/*
 * Save this VCPU's FP registers (x87, SSE, AVX on x86) and set up the state that the C ABI has at a
 * function's entry; and restore them. Called around handlers that are not EVTCHN_HANDLER_GPR, once
 * an upcall; the two never nest on a VCPU.
 * From: within evtchn_upcall(), upcalls masked; does not block.
 * ABI: none of Xen's; the CPU's manual.
 */
void platform_fp_save(void);
void platform_fp_restore(void);

/*
 * The time, in ns: as fast as Xen's system time, and never backwards.
 * From: anywhere; does not block.
 * ABI: public/xen.h, struct vcpu_time_info.
 */
uint64_t platform_now_ns(void);

/*
 * Convert a time of platform_now_ns() to Xen's system time, in which hypercalls take deadlines; at
 * least 1.
 * From: anywhere; does not block.
 * ABI: public/sched.h, struct sched_poll, timeout.
 */
uint64_t platform_xen_time(uint64_t ns);

/*
 * Have evtchn_tick() called on this VCPU at `ns` or soon after; this replaces the time given
 * before.
 * From: anywhere, upcalls masked; does not block.
 * ABI: public/xen.h, HYPERVISOR_set_timer_op; or another timer that the kernel has.
 */
void platform_tick_at(uint64_t ns);

/*
 * Log one line, given without its end. The library prints at most 255 bytes of it.
 * From: anywhere; does not block, unless the console's ring is full.
 * ABI: none of Xen's.
 */
void platform_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Nothing can go on: say why, and end the domain.
 * From: anywhere; does not return.
 * ABI: public/sched.h, SHUTDOWN_crash.
 */
void platform_panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
