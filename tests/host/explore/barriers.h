/* SPDX-License-Identifier: MIT */
#ifndef EXPLORE_BARRIERS_H
#define EXPLORE_BARRIERS_H

#include "tests/host/explore/explore.h"

#define MAX_SITES 256u

/*
 * Leave out each barrier of evtchn/, and weaken each read-modify-write, one after the other, and
 * explore until a scenario fails. What no scenario needs must stand in barriers.txt, with the
 * reason. The exit status.
 */
int barriers_main(const struct limits *limits, bool all);

#endif
