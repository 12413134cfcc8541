/* SPDX-License-Identifier: MIT */
/*
 * The other side of the xenstore ring for the fuzz target: a server that answers as it should, or
 * as the input has it, and what the client needs of a kernel around it.
 */
#ifndef XENLET_HOST_XENSTORE_SERVER_H
#define XENLET_HOST_XENSTORE_SERVER_H

#include <xenlet/xenstore.h>

/* The input: bytes, 0 when there are no more. With a new one the server is honest. */
void input_begin(const uint8_t *data, size_t size);
uint8_t input_byte(void);
bool input_is_over(void);

/* A fresh ring, as in a restored domain, and a server that knows of nothing. */
void server_fresh(void);

/* Whether it has done nothing yet that a server would not. */
bool server_is_honest(void);

/* One thing that the other side does; from here on only what it should. */
void server_act(void);
void server_behave(void);

/* What an honest server has at a path. */
void server_value(const char *path, char value[64]);

/* --- the kernel around the client ------------------------------------------------------------ */

/* What the client has allocated and not freed; how many allocations from now on fail. */
extern long allocated;
extern unsigned int failing;

/* Deliver the event, if it is pending and can be. */
void take_upcall(void);

#endif
