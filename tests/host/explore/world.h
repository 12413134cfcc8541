/* SPDX-License-Identifier: MIT */
/* Between guest.c and scenario.c. */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include <xenlet/types.h>
#include "tests/host/explore/explore.h"

/* A guest whose thread i is VCPU vcpu[i], or a peer's CPU; upcalls are unmasked on all of them. */
void world_boot(const int *vcpu, unsigned int n, const char *abi);
/* Xen looks at the VCPU that is this thread. */
void world_look(unsigned int thread);

enum looks world_looks(unsigned int thread);
/* Of all the guest may write. */
uint64_t world_memory(void);
/* The calling VCPU's. */
struct vcpu_info *world_info(void);

#endif
