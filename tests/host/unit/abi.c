/* SPDX-License-Identifier: MIT */
/* Which ABI a guest ends up with, whatever Xen refuses and memory does not allow. */
#include <string.h>
#include <xenlet/abi/event_channel_3l.h>
#include <xenlet/hypercall.h>
#include "tests/host/unit/unit.h"

static void works(void)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    SAME(evtchn_bind_ipi(0, unit_count, &seen, EVTCHN_HANDLER_GPR, &ch), 0);
    SAME(evtchn_send(ch), 0);
    unit_settle();
    SAME(seen, 1);
    SAME(evtchn_close(ch), 0);
}

static void expect_abi(const char *asked, const char *got)
{
    unit_boot(asked);
    HOLDS(strcmp(evtchn_abi(), got) == 0);
    works();
}

static void is_chosen(void)
{
    expect_abi(NULL, "fifo");
    expect_abi("", "fifo");
    expect_abi("auto", "fifo");
    expect_abi("2l", "2l");
    expect_abi("3l", "3l");
    expect_abi("2", "fifo");
    expect_abi("an ABI that nobody has heard of, whose name is as long as a line", "fifo");
    unit_config.model.has_fifo = false;
    expect_abi("fifo", "2l");
    expect_abi("auto", "3l");
    unit_config.model.has_3l = false;
    expect_abi("auto", "2l");
    expect_abi("3l", "2l");
}

/* Step by step; `kept` shows that the ports from before are there, with their numbers. */
static evtchn_port_t kept_unbound, kept_bound, kept_peer;

static void toolstack_ports(void)
{
    struct evtchn_alloc_unbound offer = { .dom = DOMID_SELF, .remote_dom = 0 };

    SAME(hypercall_evtchn_alloc_unbound(DOMID_SELF, model_peer(), &kept_unbound), 0);
    SAME(model_peer_op(EVTCHNOP_alloc_unbound, &offer), 0);
    kept_peer = offer.port;
    SAME(hypercall_evtchn_bind_interdomain(model_peer(), offer.port, &kept_bound), 0);
}

static void before_abi(void)
{
    evtchn_port_t hole;

    SAME(hypercall_evtchn_bind_ipi(0, &hole), 0);
    toolstack_ports();
    SAME(hypercall_evtchn_close(hole), 0);
}

static void expect_kept(void)
{
    struct evtchn_status s = { .dom = DOMID_SELF, .port = kept_unbound };

    SAME(hypercall_evtchn_status(&s), 0);
    SAME(s.status, EVTCHNSTAT_unbound);
    s.port = kept_bound;
    SAME(hypercall_evtchn_status(&s), 0);
    SAME(s.status, EVTCHNSTAT_interdomain);
    SAME(s.u.interdomain.port, kept_peer);
}

static void is_refused_at_each_step(void)
{
    static const struct {
        const char *abi, *got;
        unsigned int cmd, skip;
    } steps[] = { { "fifo", "2l", EVTCHNOP_init_control, 0 },
                  { "fifo", "2l", EVTCHNOP_expand_array, 0 },
                  { "3l", "2l", EVTCHNOP_query_extended_abis, 0 },
                  { "3l", "2l", EVTCHNOP_register_3level, 0 },
                  { "3l", "2l", EVTCHNOP_register_3level, 1 },
                  { "auto", "3l", EVTCHNOP_init_control, 0 } };

    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        unit_config.before = before_abi;
        model_refuse(steps[i].cmd, steps[i].skip, 1, -XEN_ENOMEM);
        expect_abi(steps[i].abi, steps[i].got);
        expect_kept();
    }
}

/* On the way back a port cannot be bound again: it is lost, and 2-level works. */
static void way_back_may_be_refused(void)
{
    unit_config.before = before_abi;
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    model_refuse_too(EVTCHNOP_bind_interdomain, 1, 1, -XEN_EINVAL);
    expect_abi("fifo", "2l");
}

static void nothing_extended(void)
{
    unit_config.model.has_3l = true;
    unit_config.model.l3_is_missing = true;
    expect_abi("3l", "2l");
}

static void later_vcpus_may_be_refused(void)
{
    static const char *const abis[] = { "fifo", "3l" };

    for (unsigned int i = 0; i < 2; i++) {
        unit_boot(abis[i]);
        SAME(host_add_vcpu(1), 0);
        model_refuse(i ? EVTCHNOP_register_3level : EVTCHNOP_init_control, 0, 1, -XEN_ENOMEM);
        SAME(host_add_vcpu(2), -XEN_ENOMEM);
        SAME(host_add_vcpu(2), 0);
        SAME(host_add_vcpu(2), 0);
        /* After a reset all or none: the second one's refusal takes the first back to 2-level. */
        model_refuse(i ? EVTCHNOP_register_3level : EVTCHNOP_init_control, 1 + i, 1, -XEN_EINVAL);
        SAME(evtchn_reset(), 0);
        HOLDS(strcmp(evtchn_abi(), "2l") == 0);
        works();
    }
    SAME(evtchn_vcpu_init(XENLET_MAX_VCPUS, NULL), -XEN_EINVAL);
}

/* Memory ends at each place it can: then less is there, but what is there works. */
static void memory_may_end_anywhere(void)
{
    static const char *const abis[] = { "2l", "fifo", "3l" };

    for (unsigned int i = 0; i < 3; i++) {
        for (unsigned int n = 0; n < 20; n++) {
            unsigned int seen = 0, nr = 0;
            struct evtchn *ch[40];
            struct vcpu_info *info;

            unit_config.pages_left = n + 1;
            unit_config.abi = abis[i];
            if (!host_try_boot(&unit_config))
                continue;
            while (nr < 40 &&
                   evtchn_bind_ipi(0, unit_count, &seen, EVTCHN_HANDLER_GPR, &ch[nr]) == 0)
                nr++;
            info = &host_vcpus[0]->info;
            (void)evtchn_vcpu_init(1, info);
            for (unsigned int j = 0; j < nr; j++)
                SAME(evtchn_send(ch[j]), 0);
            SAME(seen, nr);
        }
    }
    unit_config.pages_left = 0;
}

/* --- what a person is told -------------------------------------------------------------------- */

static char said[4096];
static size_t nr_said;

static void listen(const char *text, unsigned int len)
{
    for (unsigned int i = 0; i < len && nr_said + 1 < sizeof(said); i++) {
        if (text[i] != '\r')
            said[nr_said++] = text[i];
    }
    said[nr_said] = '\0';
}

static void expect_told(const char *asked, const char *text)
{
    nr_said = 0;
    said[0] = '\0';
    unit_boot(asked);
    if (strcmp(said, text) != 0)
        unit_fail(__FILE__, __LINE__, said, 0, 1);
}

#define TOLD "xenlet: event channels: this Xen "

static void refusals_are_told_once_and_nothing_else(void)
{
    host_on_console = listen;
    expect_told(NULL, "");
    expect_told("", "");
    expect_told("auto", "");
    expect_told("2l", "");
    expect_told("3l", "");
    expect_told("fifo", "");
    expect_told("fif",
                "xenlet: evtchn=fif is not an event channel ABI (there are: auto 2l 3l fifo); "
                "using auto\n");
    model_refuse(EVTCHNOP_init_control, 0, 1, -XEN_ENOMEM);
    expect_told("fifo", TOLD "refuses fifo (error -12); using 2l\n");
    model_refuse(EVTCHNOP_init_control, 0, 1, -XEN_ENOMEM);
    expect_told("auto", TOLD "refuses fifo (error -12); using 3l\n");
    model_refuse(EVTCHNOP_init_control, 0, 1, -XEN_ENOMEM);
    model_refuse_too(EVTCHNOP_register_3level, 1, 1, -XEN_EINVAL);
    expect_told("auto", TOLD "refuses fifo (error -12); using 2l\n" TOLD
                             "refuses 3l (error -22); using 2l\n");
    /* What is not there is passed over, and missed only by who has asked for it. */
    unit_config.model.has_3l = false;
    expect_told("3l", TOLD "has no 3-level ABI (error -38); using 2l\n");
    model_refuse(EVTCHNOP_init_control, 0, 1, -XEN_EOPNOTSUPP);
    expect_told("auto", TOLD "refuses fifo (error -95); using 2l\n");
    host_on_console = NULL;
}

static void lost_ports_are_told(void)
{
    unit_config.before = toolstack_ports;
    host_on_console = listen;
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    expect_told("fifo", TOLD "refuses fifo (error -12); using 2l\n");
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    model_refuse_too(EVTCHNOP_bind_interdomain, 1, 1, -XEN_EINVAL);
    expect_told("fifo", "xenlet: event channel at port 2 is lost (error -22)\n" TOLD
                        "refuses fifo (error -12); using 2l\n");
    /* The second is bound again, but has the number of the first. */
    model_refuse(EVTCHNOP_expand_array, 0, 1, -XEN_ENOMEM);
    model_refuse_too(EVTCHNOP_alloc_unbound, 1, 1, -XEN_EINVAL);
    expect_told("fifo", "xenlet: event channel at port 1 is lost (error -22)\n"
                        "xenlet: event channel at port 2 is lost (error 0)\n" TOLD
                        "refuses fifo (error -12); using 2l\n");
    host_on_console = NULL;
}

const struct unit abi_units[] = { { "abi_is_chosen", is_chosen },
                                  { "abi_is_refused_at_each_step", is_refused_at_each_step },
                                  { "abi_way_back_may_be_refused", way_back_may_be_refused },
                                  { "abi_nothing_extended", nothing_extended },
                                  { "abi_later_vcpus_may_be_refused", later_vcpus_may_be_refused },
                                  { "abi_memory_may_end_anywhere", memory_may_end_anywhere },
                                  { "refusals_are_told_once_and_nothing_else",
                                    refusals_are_told_once_and_nothing_else },
                                  { "lost_ports_are_told", lost_ports_are_told },
                                  { NULL, NULL } };
