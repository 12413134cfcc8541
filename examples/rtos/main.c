/* SPDX-License-Identifier: MIT */
/* Two threads and an event channel between them. */
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/hypercall_pv.h>
#include "boot/x86_64/layout.h"
#include "examples/rtos/rtos.h"

#define EVENTS 5u
#define MS     1000000ull
#define PTE_RW 0x63ul /* present, writable, accessed, dirty */

void xenlet_start(const struct start_info *si); /* what boot/x86_64/pv.S calls */

static char shared_page[LAYOUT_PAGE_SIZE] __attribute__((aligned(LAYOUT_PAGE_SIZE)));
static struct evtchn *channel, *timer;
static unsigned int sent, seen, wrong;

static void count(struct evtchn *ch, void *data)
{
    (void)ch;
    ++*(unsigned int *)data;
}

static void timer_event(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    rtos_timer_event();
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static bool is_more(void *arg)
{
    return seen > *(unsigned int *)arg;
}

static void sender(void)
{
    while (sent < EVENTS) {
        if (evtchn_wait(never, NULL, platform_now_ns() + 10 * MS) != -XEN_ETIME)
            wrong++;
        sent++;
        platform_log("sender: event %u", sent);
        if (evtchn_send(channel))
            wrong++;
    }
}

static void receiver(void)
{
    for (unsigned int n = 0; n < EVENTS; n = seen) {
        if (evtchn_wait(is_more, &n, platform_now_ns() + 1000 * MS))
            wrong++;
        platform_log("receiver: %u of %u", seen, EVENTS);
        if (wrong)
            break;
    }
}

static void must(int rc, const char *what)
{
    if (rc)
        platform_panic("%s: %d", what, rc);
}

static void events_init(const struct start_info *si)
{
    struct shared_info *shared = (struct shared_info *)shared_page;
    struct vcpu_info *vcpu = &shared->vcpu_info[0];
    const char *abi = (const char *)si->cmd_line; /* all there is on it: fifo, 3l, 2l or nothing */

    must(hypercall_update_va_mapping((unsigned long)shared_page, si->shared_info | PTE_RW,
                                     UVMF_INVLPG),
         "shared_info");
    rtos_platform_init(si, vcpu);
    must(hypercall_callback_register(CALLBACKTYPE_event, (unsigned long)rtos_upcall, 0),
         "callback");
    must(evtchn_init(shared, vcpu, *abi ? abi : NULL), "event channels");
    must(hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), "periodic timer");
    must(evtchn_bind_virq(VIRQ_TIMER, 0, timer_event, NULL, EVTCHN_HANDLER_GPR | EVTCHN_NO_SHARE,
                          &timer),
         "timer");
    must(evtchn_bind_ipi(0, count, &seen, EVTCHN_HANDLER_GPR, &channel), "channel");
}

void xenlet_start(const struct start_info *si)
{
    events_init(si);
    platform_log("an RTOS with %s event channels", evtchn_abi());
    rtos_thread(sender);
    rtos_thread(receiver);
    rtos_run();
    must(evtchn_close(channel), "close");
    platform_log("%u sent, %u seen, %u wrong; %u times another thread", sent, seen, wrong,
                 rtos_switches);
    platform_log("Test result: %s",
                 wrong || seen != EVENTS || rtos_switches < 2 * EVENTS ? "FAILURE" : "SUCCESS");
    for (;;)
        hypercall_sched_shutdown(SHUTDOWN_poweroff);
}
