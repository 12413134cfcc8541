/* SPDX-License-Identifier: MIT */
/* Between console.c, which moves bytes, and console_input.c, which makes lines of them. */
#ifndef XENLET_KERNEL_CONSOLE_H
#define XENLET_KERNEL_CONSOLE_H

#include <xenlet/evtchn.h>

/* Bytes that came in, at most `size`; how many. */
size_t console_get_bytes(char *buf, size_t size);

/* The channel's handler: something may have come in. Also called with upcalls masked. */
evtchn_handler_t console_input_event;

/* As evtchn_wait(), for what that handler makes true; and have all look again who wait so. */
int console_wait(bool (*done)(void *arg), void *arg, uint64_t deadline);
void console_wake(void);

/* As if these bytes had come in. */
void console_input_bytes(const char *bytes, size_t n);

#endif
