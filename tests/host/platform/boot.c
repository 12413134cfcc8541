/* SPDX-License-Identifier: MIT */
/* Boot of a guest on the model, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "kernel/internal.h"
#include "platform_arch.h"
#include "tests/host/platform/host.h"

static struct start_info info;
struct shared_info *shared_info;
void (*host_on_hypercall)(unsigned int nr, const long args[4]);
void (*host_on_console)(const char *text, unsigned int len);

static void must(int rc, const char *what)
{
    if (rc)
        platform_panic("%s: error %d", what, rc);
}

bool host_try_boot(const struct host_config *config)
{
    struct vcpu_info *vcpu_info;
    int rc;

    host_image_restore();
    start_info = &info;
    memset(host_vcpus, 0, sizeof(host_vcpus));
    host_this = 0;
    host_between_steps = NULL;
    world_start();
    host_memory_start(config->pages);
    model_start(&config->model);
    info = (struct start_info){ .flags = config->model.domid == 0 ? SIF_INITDOMAIN : 0 };
    strncpy((char *)info.cmd_line, config->cmdline ? config->cmdline : "", MAX_GUEST_CMDLINE - 1);
    shared_info = model_shared_info();
    must(arch_vcpu_info_init(&vcpu_info), "vcpu_info");
    if (config->before)
        config->before();
    if (config->pages_left)
        host_memory_fail_after(config->pages_left - 1);
    rc = evtchn_init(shared_info, vcpu_info, config->abi);
    if (rc == -XEN_ENOMEM)
        return false;
    must(rc, "event channels");
    if (config->started)
        config->started();
    platform_upcalls_restore(0);
    return true;
}

void host_boot(const struct host_config *config)
{
    must(host_try_boot(config) ? 0 : -XEN_ENOMEM, "boot");
}

void platform_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("panic: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void xenlet_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("panic: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

/* Nobody does: whoever panics ends the process. */
void panic_stand_by(void)
{
    abort();
}

void xenlet_shutdown(unsigned int reason)
{
    world_shutdown(reason);
}

void world_console(const char *text, unsigned int len)
{
    if (host_on_console)
        host_on_console(text, len);
    else
        fwrite(text, 1, len, stdout);
}

void world_shutdown(unsigned int reason)
{
    fflush(stdout);
    exit(reason == SHUTDOWN_poweroff ? 0 : 1);
}
