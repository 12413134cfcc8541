/* SPDX-License-Identifier: MIT */
/* The entry points of entry.S and the places in it that others must know. */
#ifndef XENLET_ENTRY_H
#define XENLET_ENTRY_H

void arch_upcall_entry(void);
void arch_failsafe_entry(void);
void arch_vcpu_entry(void);

/*
 * The upcall's exit, from where upcalls are unmasked until the frame is left, or until they are
 * masked again because more has come: arch_upcall_again.
 */
extern const char arch_upcall_unmasked[], arch_upcall_iret[], arch_upcall_again[];

#endif
