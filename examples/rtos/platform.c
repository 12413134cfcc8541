/* SPDX-License-Identifier: MIT */
/* What evtchn/ needs of a kernel, see include/xenlet/platform.h: here for one VCPU. */
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include "boot/x86_64/layout.h"
#include "examples/rtos/rtos.h"

static const unsigned long *mfns;
static volatile struct vcpu_info *vcpu;

void rtos_platform_init(const struct start_info *si, struct vcpu_info *info)
{
    mfns = (const unsigned long *)si->mfn_list;
    vcpu = info;
}

/* --- memory: pages of a pool, the free ones in a list --------------------------------------- */

#define PAGES 64u

static union page {
    union page *next;
    char bytes[LAYOUT_PAGE_SIZE];
} pool[PAGES] __attribute__((aligned(LAYOUT_PAGE_SIZE)));
static union page *free_pages;
static unsigned int nr_used;

void *memset(void *dst, int c, size_t n)
{
    for (char *d = dst; n--; d++)
        *d = (char)c;
    return dst;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    const char *s = src;

    for (char *d = dst; n--; d++)
        *d = *s++;
    return dst;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

void *platform_page_alloc(void)
{
    union page *p = free_pages;

    if (p)
        free_pages = p->next;
    else if (nr_used < PAGES)
        p = &pool[nr_used++];
    return p ? memset(p, 0, sizeof(*p)) : NULL;
}

void platform_page_free(void *page)
{
    ((union page *)page)->next = free_pages;
    free_pages = page;
}

uint64_t platform_page_gfn(const void *page)
{
    return mfns[((uintptr_t)page - LAYOUT_BASE) / LAYOUT_PAGE_SIZE];
}

/* --- the VCPU ------------------------------------------------------------------------------- */

unsigned int platform_vcpu(void)
{
    return 0;
}

unsigned int platform_nr_vcpus(void)
{
    return 1;
}

unsigned long platform_upcalls_save(void)
{
    unsigned long flags = vcpu->evtchn_upcall_mask;

    vcpu->evtchn_upcall_mask = 1;
    __asm__ volatile("" ::: "memory");
    return flags;
}

/*
 * For what came meanwhile Xen makes no upcall by itself, but it does on the way back from any
 * hypercall: so make one.
 */
void platform_upcalls_restore(unsigned long flags)
{
    if (flags)
        return;
    __asm__ volatile("" ::: "memory");
    vcpu->evtchn_upcall_mask = 0;
    if (vcpu->evtchn_upcall_pending)
        (void)hypercall_xen_version(0, NULL);
}

/* Every handler here is EVTCHN_HANDLER_GPR. */
void platform_fp_save(void)
{
}

void platform_fp_restore(void)
{
}

/* --- time ----------------------------------------------------------------------------------- */

uint64_t platform_now_ns(void)
{
    volatile struct vcpu_time_info *t = &vcpu->time;
    uint64_t ticks, system;
    uint32_t version, scale;
    int shift;

    do {
        version = t->version;
        __asm__ volatile("lfence" ::: "memory");
        ticks = __builtin_ia32_rdtsc() - t->tsc_timestamp;
        system = t->system_time;
        scale = t->tsc_to_system_mul;
        shift = t->tsc_shift;
        __asm__ volatile("lfence" ::: "memory");
    } while (version & 1 || version != t->version);
    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return system + (uint64_t)((unsigned __int128)ticks * scale >> 32);
}

uint64_t platform_xen_time(uint64_t ns)
{
    return ns ? ns : 1;
}

/* One timer serves evtchn/ and the threads. */
static uint64_t tick = XENLET_FOREVER, wake = XENLET_FOREVER;

static void arm(void)
{
    uint64_t first = tick < wake ? tick : wake;

    if (first != XENLET_FOREVER)
        hypercall_set_timer_op(platform_xen_time(first));
}

void platform_tick_at(uint64_t ns)
{
    tick = ns;
    arm();
}

void rtos_timer_at(uint64_t ns)
{
    wake = ns;
    arm();
}

void rtos_timer_event(void)
{
    uint64_t now = platform_now_ns();

    if (wake <= now)
        wake = XENLET_FOREVER; /* idle() is over: its thread is looked at again */
    if (tick <= now) {
        tick = XENLET_FOREVER;
        evtchn_tick();
    }
    arm();
}

/* --- words ---------------------------------------------------------------------------------- */

static void put(const char *text, unsigned int len)
{
    (void)hypercall_console_write(text, len);
}

static void put_number(unsigned long n)
{
    char digits[20];
    unsigned int at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    put(digits + at, (unsigned int)sizeof(digits) - at);
}

/* %s, %u and %d, with or without an l. */
static void log_args(const char *format, va_list args)
{
    for (; *format; format++) {
        bool is_long;
        long n;

        if (*format != '%') {
            put(format, 1);
            continue;
        }
        is_long = *++format == 'l';
        format += is_long;
        if (*format == 's') {
            for (const char *s = va_arg(args, const char *); *s; s++)
                put(s, 1);
            continue;
        }
        n = is_long          ? va_arg(args, long)
            : *format == 'd' ? va_arg(args, int)
                             : (long)va_arg(args, unsigned int);
        if (*format == 'd' && n < 0) {
            put("-", 1);
            n = -n;
        }
        put_number((unsigned long)n);
    }
    put("\n", 1);
}

void platform_log(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_args(format, args);
    va_end(args);
}

void platform_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_args(format, args);
    va_end(args);
    for (;;)
        hypercall_sched_shutdown(SHUTDOWN_crash);
}
