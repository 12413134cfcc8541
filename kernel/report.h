/* SPDX-License-Identifier: MIT */
/* What crash reports have in common on all CPUs, and how a fault is survived. */
#ifndef XENLET_KERNEL_REPORT_H
#define XENLET_KERNEL_REPORT_H

#include <xenlet/types.h>

/*
 * Where in the program `addr` is: "name+0x12", or "(not in a function)". `inside` is an address of
 * the instruction that `addr` is about: a return address may lie behind the end of its function.
 */
void report_place(char *buf, size_t size, uint64_t addr, uint64_t inside);

/* One line of a backtrace, the `*depth`th. */
void report_call(unsigned int *depth, uint64_t addr, uint64_t inside);

/* Why the CPU could not `what` ("read", "write", "execute") at `addr`. */
void report_fault(const char *what, uint64_t addr, bool mapped);

/* Whether all `bytes` at `addr`, which has to be aligned to 8, are on this VCPU's stack. */
bool report_on_stack(uint64_t addr, size_t bytes);

/*
 * The exception table: where to go on after a fault at `at`, or in a call that returns to `at`;
 * 0 when nobody is prepared for it.
 */
uint64_t report_fixup(uint64_t at);

#endif
