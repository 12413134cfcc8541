/* SPDX-License-Identifier: MIT */
/*
 * The guest's own side on the host: what kernel/ and arch/ are on a real machine. Its memory is an
 * arena of pages, all of which it may share with the model; its VCPUs are whatever the world
 * (world_*.c) makes of them: turns of one thread, or threads.
 */
#ifndef XENLET_HOST_H
#define XENLET_HOST_H

#include "tests/host/model/model.h"

/* What a VCPU has of its own, in a page of the arena. */
struct host_vcpu {
    struct vcpu_info info;
    unsigned int id;
    bool in_xen; /* a hypercall is under way */
};

extern struct host_vcpu *host_vcpus[MODEL_MAX_VCPUS];

/* The VCPU that this thread is. A test with one thread sets it to take turns. */
extern _Thread_local unsigned int host_this;

/*
 * Called before each step of the guest's code that others can see, unless NULL: a test lets Xen do
 * something there. It is not called from within itself, nor from within a hypercall.
 */
extern void (*host_between_steps)(void);

/* FP registers: the host's own are left alone; whether the VCPU has saved what it interrupted. */
extern bool host_fp_saved[MODEL_MAX_VCPUS];

/* Called with each hypercall of the guest's, unless NULL. */
extern void (*host_on_hypercall)(unsigned int nr, const long args[4]);

/* Given what is written to the console, unless NULL: then it is printed. */
extern void (*host_on_console)(const char *text, unsigned int len);

/* Whether this VCPU holds the lock; and how many it holds. */
struct spinlock;
bool host_holds(const struct spinlock *lock);
unsigned int host_locks_held(void);

/*
 * Boot: a fresh machine, a fresh memory of `pages` pages, VCPU 0, and evtchn_init() with `abi`.
 * Everything the guest's code keeps is as at program start. Upcalls are unmasked afterwards.
 */
struct host_config {
    struct model_config model;
    unsigned int pages; /* 0: 4,096 */
    const char *abi;
    const char *cmdline;     /* NULL: empty */
    void (*before)(void);    /* before evtchn_init(): as the toolstack leaves it; may be NULL */
    void (*started)(void);   /* before upcalls are unmasked; may be NULL */
    unsigned int pages_left; /* from evtchn_init() on; 0: all there are */
};
void host_boot(const struct host_config *config);
/* The same, but false where memory is out. */
bool host_try_boot(const struct host_config *config);

/* Another VCPU of a test with one thread: its vcpu_info, and evtchn_vcpu_init(). Xen's answer. */
int host_add_vcpu(unsigned int vcpu);

/* Take the upcall that is due on this VCPU, if upcalls are not masked: an interrupt. */
void host_take_upcalls(void);

/* --- memory.c ------------------------------------------------------------------------------- */

void host_memory_start(unsigned int pages);
/* A test's way to have the next allocations but `n` of pages fail; UINT_MAX: none. */
void host_memory_fail_after(unsigned int n);

/* --- image.c: what the guest's code keeps in its variables ----------------------------------- */

void host_image_restore(void);
/* Write what was covered so far; nothing in other builds. Before _exit(). */
void host_coverage_flush(void);

/* --- world_*.c ------------------------------------------------------------------------------ */

/* Time and other VCPUs go on a little: the guest spins, or looks at the clock. */
void world_pass(void);
/* A hypercall begins; a world for which that takes no time need not have it. */
void world_hypercall(void);
void world_start(void);
/* world_turns.c: time goes on by so much. */
void world_skip(uint64_t ns);

#endif
