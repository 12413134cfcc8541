/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/entry.S, the part of it that an upcall takes, run from its source line by line: Xen
 * may enter the guest again before any instruction.
 */
#ifndef EXPLORE_ENTRY_H
#define EXPLORE_ENTRY_H

/* Read the source; upcalls of VCPU 0 go through it from then on. */
void entry_load(void);
void entry_unload(void);
/* Whether they do; and Xen looks whether there is one to take. */
int entry_is_loaded(void);
void entry_look(void);

#endif
