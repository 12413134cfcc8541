/* SPDX-License-Identifier: MIT */
/* The entry points of entry.S and the places in it that others must know. */
#ifndef XENLET_ENTRY_H
#define XENLET_ENTRY_H

void arch_upcall_entry(void);
void arch_failsafe_entry(void);

/* From here to the end of arch_upcall_iret upcalls are unmasked and the exit is not complete. */
extern const char arch_upcall_unmasked[], arch_upcall_iret[];

#endif
