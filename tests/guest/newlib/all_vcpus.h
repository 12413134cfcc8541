/* SPDX-License-Identifier: MIT */
#ifndef XENLET_TEST_ALL_VCPUS_H
#define XENLET_TEST_ALL_VCPUS_H

/* Run `work` on every VCPU the domain has, this one too, at the same time; return when all are
 * through. */
void on_all_vcpus(void (*work)(unsigned int vcpu));

#endif
