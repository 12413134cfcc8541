/* SPDX-License-Identifier: MIT */
/*
 * A kernel with threads that takes only evtchn/ and hypercall/ from xenlet, and the start in boot/.
 * It stands for any existing kernel, which has what is in these files already, in its own way.
 */
#ifndef RTOS_H
#define RTOS_H

#include <xenlet/platform.h>

/* entry.S: what Xen calls for events; save one thread's registers and go on with another's. */
void rtos_upcall(void);
void rtos_switch(void **save, void *load);

/* platform.c: memory, time, log. */
void rtos_platform_init(const struct start_info *si, struct vcpu_info *vcpu);
/* Have the timer's event come at `ns`, or sooner if evtchn/ asked for that. */
void rtos_timer_at(uint64_t ns);
void rtos_timer_event(void);

/* threads.c: threads that run until they wait, in turn. */
void rtos_thread(void (*program)(void));
void rtos_run(void);
extern unsigned int rtos_switches;

#endif
