/* SPDX-License-Identifier: MIT */
/* Unit tests of evtchn/ on the model: what in-guest tests cannot bring about. */
#ifndef XENLET_UNIT_H
#define XENLET_UNIT_H

#include <xenlet/evtchn.h>
#include "evtchn/internal.h"
#include "tests/host/platform/host.h"

struct unit {
    const char *name;
    void (*run)(void);
};
extern const struct unit abi_units[], bind_units[], edge_units[], fifo_units[], life_units[],
    lock_units[], meeting_units[], order_units[], rest_units[], reuse_units[], said_units[];

/* cpu.c: told of each atomic access and each barrier of the guest's code, unless NULL; boot clears
 * it. */
extern void (*host_on_access)(enum host_access kind, const volatile void *p);

void unit_fail(const char *file, int line, const char *what, long got, long expected);

#define SAME(got, expected)                                       \
    do {                                                          \
        long got_ = (long)(got), expected_ = (long)(expected);    \
        if (got_ != expected_)                                    \
            unit_fail(__FILE__, __LINE__, #got, got_, expected_); \
    } while (0)
#define HOLDS(cond) SAME(!!(cond), 1)

/* A guest of 3 VCPUs with timers; the second and third can receive. */
extern struct host_config unit_config;
void unit_boot(const char *abi);
/* Every VCPU takes its upcalls until none is due. */
void unit_settle(void);
void unit_count(struct evtchn *ch, void *data);

#endif
