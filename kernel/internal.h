/* SPDX-License-Identifier: MIT */
/* What the files of kernel/ and the CPU's half of it in arch/ share. */
#ifndef XENLET_KERNEL_INTERNAL_H
#define XENLET_KERNEL_INTERNAL_H

#include <xenlet/evtchn.h>
#include <xenlet/platform.h>

/* A PV guest's alone: arch/pv/start_info.c. */
extern struct start_info *start_info;

/* start.c; `boot` is for arch_init(). */
extern struct shared_info *shared_info;
void xenlet_start(void *boot) __attribute__((noreturn));
/* As console_resume(), for xenstore's. */
void store_resume(void);

/*
 * Xenstore's channel, NULL without a store: taken over at boot, so that a reset brings it back, and
 * masked until xenstore.c, in a guest that uses it, has put its handler here.
 */
extern struct evtchn *store_channel;
extern evtchn_handler_t *store_handler;

/* cmdline.c: keep the words of the command line; hand them over as argv and argc. */
void cmdline_init(const char *text);
int cmdline_argv(char ***argv);

/* console.c: before any output; when events work; and for reports, when nothing may be waited on */
void console_early_init(void);
int console_init(void);
void console_panic_mode(void);
/* After a restore, before the event channels are back: where the ring's port is now. */
void console_resume(void);

/* Write `len` bytes if that can be done at once: all, or false and nothing. In any context. */
bool console_try_write(const char *text, size_t len);

/* debug.c: answer VIRQ_DEBUG. */
int debug_init(void);

/*
 * panic.c: a crash report's first and last step; the first makes sure nothing disturbs it. What
 * another VCPU does that would: it waits for the end of the domain, which the report brings.
 */
void panic_begin(void);
void panic_end(void) __attribute__((noreturn));
void panic_stand_by(void) __attribute__((noreturn));

/* symbols.c: the image's symbol table, which Xen's loader puts behind the image. */
void symbols_init(void);
const void *symbols_end(void);
const char *symbol_of(uint64_t addr, uint64_t *offset);

/* page.c */
void page_init(void);
void *page_alloc_for_table(void);

/* space.c: held while page tables outside the linear map change. */
unsigned long space_lock(void);
void space_unlock(unsigned long flags);

/* clock.c: have Xen account for this VCPU's time; whenever it comes up, and after a restore. */
int clock_init(void);
/* On VCPU 0 after a restore, before anybody asks for the time. */
void clock_resume(void);
/* The moment `ns` of clock_now() in arch_system_time(), at least 1. */
uint64_t clock_to_system(uint64_t ns);

/*
 * timer.c: this VCPU's timer: bound when it comes up, silenced when it goes down. In a restored
 * domain timer_resume(); it is armed again with its first event.
 */
int timer_init(void);
int timer_resume(void);
void timer_fini(void);

/*
 * stop.c: around a suspend, on VCPU 0 with upcalls masked. Make all other VCPUs that are up stand
 * still, -XEN_EAGAIN if one does not by `deadline`; in the restored domain have all of them, up or
 * down, registered with Xen again; and let those that stand still go on.
 */
int others_stop(uint64_t deadline);
void others_register(void);
void others_go_on(void);

/* vcpu.c: what a VCPU other than the first does. */
void vcpu_main(void) __attribute__((noreturn));

/* Whether upcalls are masked on this VCPU, as in a handler: then it cannot wait for one. */
static inline bool upcalls_masked(void)
{
    unsigned long flags = platform_upcalls_save();

    platform_upcalls_restore(flags);
    return flags;
}

#endif
