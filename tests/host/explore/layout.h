/* SPDX-License-Identifier: MIT */
/* Names of what lies in the guest's and the model's memory, and what has to be true of it at rest.
 */
#ifndef EXPLORE_LAYOUT_H
#define EXPLORE_LAYOUT_H

#include "tests/host/explore/explore.h"

struct evtchn;

/* Of a booted guest; any of its channels. */
void layout_add(const struct evtchn *a_channel, unsigned int nr_vcpus);
const char *layout_queues_wrong(void);

#endif
