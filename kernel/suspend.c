/* SPDX-License-Identifier: MIT */
/* A suspend, from the outside in and back: hooks, VCPUs, event channels, then the CPU's part. */
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/platform.h>
#include <xenlet/suspend.h>
#include "kernel/internal.h"
#include "platform_arch.h"

#define PATIENCE 5000000000ull /* ns for the other VCPUs to stand still */

static struct suspend_hook *hooks; /* by order */
static bool ready, under_way;

void suspend_register(struct suspend_hook *hook)
{
    struct suspend_hook **link = &hooks;

    while (*link && (*link)->order <= hook->order)
        link = &(*link)->next;
    hook->next = *link;
    *link = hook;
}

int suspend_init(void)
{
    int rc = xenlet_is_initial_domain() ? -XEN_EOPNOTSUPP : arch_suspend_init();

    ready = rc == 0;
    return rc;
}

/* In reverse order, by recursion: there are only a handful. */
static void run_after(struct suspend_hook *hook, const struct suspend_hook *end, bool cancelled)
{
    if (hook == end)
        return;
    run_after(hook->next, end, cancelled);
    if (hook->after)
        hook->after(hook->data, cancelled);
}

static int run_before(void)
{
    for (struct suspend_hook *hook = hooks; hook; hook = hook->next) {
        int rc = hook->before ? hook->before(hook->data) : 0;

        if (rc) {
            run_after(hooks, hook, true);
            return rc;
        }
    }
    return 0;
}

static void resume(bool cancelled)
{
    if (!cancelled) {
        clock_resume();
        if (clock_init() || timer_resume())
            xenlet_panic("Xen refused the runstate, or the timer, after a restore");
        others_register();
        console_resume();
        store_resume();
    }
    evtchn_resume(cancelled);
}

static int suspend_standing(void)
{
    int rc = evtchn_suspend();

    if (rc)
        return rc;
    rc = arch_suspend();
    resume(rc != 0);
    return rc;
}

static int suspend_masked(void)
{
    int rc = run_before();

    if (rc)
        return rc;
    rc = others_stop(clock_after(PATIENCE));
    if (rc == 0) {
        rc = suspend_standing();
        others_go_on();
    }
    run_after(hooks, NULL, rc != 0);
    return rc;
}

int suspend_domain(void)
{
    unsigned long flags;
    int rc;

    if (platform_vcpu() != 0)
        return -XEN_EINVAL;
    if (!ready)
        return -XEN_EOPNOTSUPP;
    flags = platform_upcalls_save();
    rc = -XEN_EBUSY;
    if (!under_way) {
        under_way = true;
        rc = suspend_masked();
        under_way = false;
    }
    platform_upcalls_restore(flags);
    return rc;
}
