/* SPDX-License-Identifier: MIT */
/* The generic timer's interrupt, between gic.c and time.c. */
#ifndef XENLET_ARCH_TIMER_H
#define XENLET_ARCH_TIMER_H

#include <stdint.h>

uint32_t arch_timer_irq(void);

/* It has come. */
void arch_timer_fired(void);

#endif
