/* SPDX-License-Identifier: MIT */
/* The other end of a vchan on the host: honest until the input has it write what it likes. */
#ifndef XENLET_HOST_VCHAN_PEER_H
#define XENLET_HOST_VCHAN_PEER_H

#include "kernel/vchan.h"

/* The next byte of the input, 0 at its end; and a number of four. */
uint8_t input_byte(void);
uint32_t input_word(void);

/* What must hold; else the input has found something. */
void require(bool what, const char *why);

/* The vchan there is, or NULL, for the channel's handler. */
extern struct vchan *the_vchan;

/* A new life: the peer has done nothing yet, neither right nor wrong. */
void peer_begin(bool we_serve);

/* Whether it has done nothing wrong in this life; and what it is: of our memory nothing is mapped.
 */
extern bool peer_is_honest;
void peer_end(void);

/* Bytes that were read of it have to be the next of its sequence; what we write is our sequence. */
void peer_check_read(const uint8_t *data, size_t n);
void peer_next_written(uint8_t *data, size_t n);
void peer_written(size_t n);

#endif
