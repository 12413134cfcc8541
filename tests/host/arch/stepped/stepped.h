/* SPDX-License-Identifier: MIT */
/* What the names of arch/atomic.h become in the explorer: steps, at sites that are known. */
#ifndef STEPPED_H
#define STEPPED_H

#include "tests/host/explore/machine.h"

enum stepped_fence {
    STEPPED_MB,
    STEPPED_RMB,
    STEPPED_WMB
};

void stepped_fence(enum stepped_fence kind, const struct site *site);
uint64_t stepped_rmw(enum rmw kind, void *addr, unsigned int size, uint64_t value,
                     uint64_t expected, const struct site *site);
/* What the bit was. */
bool stepped_bit(enum rmw kind, void *addr, unsigned int size, unsigned int bit,
                 const struct site *site);
void stepped_relax(void);

/* They stand together, so that all there are can be counted. */
#define STEPPED_SITE(name)                                                                      \
    ({                                                                                          \
        static const struct site site_                                                          \
            __attribute__((section("explore_sites"), aligned(8), used)) = { __FILE__, __LINE__, \
                                                                            __func__, name };   \
        &site_;                                                                                 \
    })

#endif
