/* SPDX-License-Identifier: MIT */
/* What evtchn/ asks of us: see platform.h. The CPU's part is in arch/. */
#include <xenlet/console.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "kernel/string.h"
#include "platform_arch.h"

void *platform_page_alloc(void)
{
    void *page = xenlet_pages_alloc(1);

    return page ? memset(page, 0, XENLET_PAGE_SIZE) : NULL;
}

void platform_page_free(void *page)
{
    xenlet_pages_free(page, 1);
}

uint64_t platform_page_gfn(const void *page)
{
    return xenlet_gfn(page);
}

unsigned int platform_nr_vcpus(void)
{
    static unsigned int nr;

    while (arch_vcpu_exists(nr))
        nr++;
    return nr;
}

void platform_log(const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    xenlet_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    console_printf("xenlet: %s\n", line);
}
