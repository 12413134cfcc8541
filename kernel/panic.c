/* SPDX-License-Identifier: MIT */
/* How the domain ends. */
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "platform_arch.h"

#define FLUSH_NS 10000000000ull /* xenconsoled of a busy dom0 may take seconds */

static uint32_t reporter; /* the VCPU that reports a crash, plus 1 */

void panic_stand_by(void)
{
    for (;;)
        hypercall_sched_yield();
}

void xenlet_shutdown(unsigned int reason)
{
    uint32_t other = atomic_read(&reporter);

    if (other && other != platform_vcpu() + 1)
        panic_stand_by();
    console_flush(FLUSH_NS);
    for (;;)
        hypercall_sched_shutdown(reason);
}

void xenlet_exit(int status)
{
    if (status)
        platform_log("the program ended with status %d: the domain ends as crashed", status);
    xenlet_shutdown(status ? SHUTDOWN_crash : SHUTDOWN_poweroff);
}

void panic_begin(void)
{
    uint32_t self, first;

    (void)platform_upcalls_save();
    self = platform_vcpu() + 1;
    first = atomic_cas32(&reporter, 0, self);
    if (first == self) {
        /* A report that crashes itself: say no more. */
        for (;;)
            hypercall_sched_shutdown(SHUTDOWN_crash);
    }
    if (first)
        panic_stand_by();
    console_panic_mode();
}

void panic_end(void)
{
    xenlet_shutdown(SHUTDOWN_crash);
}

static void vpanic(const char *format, va_list args)
{
    panic_begin();
    console_printf("\npanic: ");
    console_vprintf(format, args);
    console_printf("\n");
    arch_backtrace_here();
}

void xenlet_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vpanic(format, args);
    va_end(args);
    panic_end();
}

void platform_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vpanic(format, args);
    va_end(args);
    panic_end();
}
