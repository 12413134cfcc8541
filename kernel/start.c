/* SPDX-License-Identifier: MIT */
/* From the first C instruction to main(). */
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include "kernel/internal.h"
#include "platform_arch.h"

struct shared_info *shared_info;

typedef void init_function_t(void);
extern init_function_t *const xenlet_init_array_start[], *const xenlet_init_array_end[];

static void must(int rc, const char *what)
{
    if (rc == -XEN_ENOSPC)
        xenlet_panic("boot: %s: no port is free: xl's max_event_channels is too low", what);
    if (rc == -XEN_ENOMEM && xenlet_nr_free_pages() == 0)
        xenlet_panic("boot: %s: no memory is left of the domain's %zu KiB", what,
                     xenlet_nr_pages() * (XENLET_PAGE_SIZE / 1024));
    if (rc)
        xenlet_panic("boot: %s: error %d", what, rc);
}

struct evtchn *store_channel;
evtchn_handler_t *store_handler;

void store_resume(void)
{
    if (store_channel)
        evtchn_set_resume_port(store_channel, arch_store_port());
}

static void store_event(struct evtchn *ch, void *data)
{
    if (store_handler)
        store_handler(ch, data);
}

/* Not EVTCHN_HANDLER_GPR: functions of the program run in this handler. */
static void keep_xenstore_port(void)
{
    if (arch_store_port())
        must(evtchn_bind_port(arch_store_port(), store_event, NULL, EVTCHN_MASKED, &store_channel),
             "xenstore port");
}

static void events_init(void)
{
    struct vcpu_info *info;
    int rc;

    shared_info = arch_map_shared_info();
    must(shared_info ? 0 : -XEN_EINVAL, "cannot map shared_info");
    must(arch_vcpu_info_init(&info), "Xen refused our vcpu_info");
    must(evtchn_init(shared_info, info, xenlet_option("evtchn")), "event channels");
    must(clock_init(), "runstate");
    must(timer_init(), "timer");
    must(console_init(), "console channel");
    keep_xenstore_port();
    rc = debug_init();
    if (rc)
        platform_log("no channel for VIRQ_DEBUG (error %d): the debug key shows nothing", rc);
}

void xenlet_start(void *boot)
{
    char **argv;
    int argc;

    symbols_init();
    arch_init(boot);
    console_early_init();
    arch_protect();
    page_init();
    cmdline_init(arch_cmdline());
    must(arch_fp_init(), "FP registers");
    events_init();
    platform_upcalls_restore(0);

    for (init_function_t *const *f = xenlet_init_array_start; f < xenlet_init_array_end; f++)
        (*f)();
    argc = cmdline_argv(&argv);
    xenlet_run(argc, argv);
}
