/* SPDX-License-Identifier: MIT */
/* What the plugin knows of an instruction. */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include <stddef.h>
#include <stdint.h>

enum {
    LOCKED = 0x001,
    BRANCH = 0x002,   /* conditional */
    INDIRECT = 0x004, /* call or jump */
    FP_SAVE = 0x008,  /* or restore */
    HYPERCALL = 0x010,
    ENTRY = 0x020, /* of an upcall */
    IRETQ = 0x040,
    MAIN = 0x080,
    BEGIN = 0x100,
    END = 0x200,
    DEPART = 0x400, /* of a flight */
    SENT = 0x800,
    ARRIVED = 0x1000,
    WAITING = 0x2000, /* not counted */
};

/*
 * A module that lies anywhere marks its samples by instructions that do nothing:
 * nopl MARK(%rax,%rax). bench/linux/bench.c has the same.
 */
#define MARK_BEGIN   0x4d4b0001u
#define MARK_END     0x4d4b0002u
#define MARK_DEPART  0x4d4b0003u
#define MARK_SENT    0x4d4b0004u
#define MARK_ARRIVED 0x4d4b0005u
/* Begins a loop of at most WAITING_SIZE bytes, of which nothing is counted. */
#define MARK_WAITING 0x4d4b0006u
#define WAITING_SIZE 32u

/* The kinds of an instruction of a kernel that patches itself, whose image does not tell them. */
uintptr_t kinds_of_bytes(const uint8_t *bytes, size_t size);

#endif
