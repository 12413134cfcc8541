/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls any guest makes, but for event channels: version, scheduling, VCPUs, memory,
 * multicalls, assists, physical devices, Xen's console. What Xen answers, success and refusal.
 */
#include "kernel/string.h"
#include "tests/guest/test.h"
#include <xen/features.h>
#include <xen/version.h>

#define NO_CMD    0x3000u
#define NO_VCPU   8192u
#define NO_DOMAIN 0x7000
#define NO_PORT   (~(evtchn_port_t)0)
#define MS        1000000ull

/* --- version -------------------------------------------------------------------------------- */

TEST(xen_version_says_what_runs)
{
    xen_capabilities_info_t caps = "";
    xen_extraversion_t extra = "";
    static const char pv[] = "xen-3.0-x86_64";
    int version = hypercall_xen_version(XENVER_version, NULL);

    CHECK(version >= 4 << 16);
    EXPECT_EQ(hypercall_xen_version(XENVER_extraversion, &extra), 0);
    EXPECT(extra[0] != '\0' && strlen(extra) < sizeof(extra));
    EXPECT_EQ(hypercall_xen_version(XENVER_capabilities, &caps), 0);
    EXPECT_EQ(strncmp(caps, pv, strlen(pv)), 0); /* the first of what it can run */
    EXPECT_EQ(hypercall_xen_version(XENVER_pagesize, NULL), 4096);
}

TEST(xen_version_errors)
{
    EXPECT_EQ(hypercall_xen_version(NO_CMD, NULL), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_xen_version(XENVER_extraversion, NULL), -XEN_EFAULT);
}

TEST(xen_features_of_a_pv_guest)
{
    uint32_t map = 0, untouched = 0x1234;

    CHECK_EQ(hypercall_xen_features(0, &map), 0);
    EXPECT(map & 1u << XENFEAT_mmu_pt_update_preserve_ad);
    EXPECT(!(map & 1u << XENFEAT_auto_translated_physmap));
    EXPECT_EQ(!!(map & 1u << XENFEAT_dom0), xenlet_is_initial_domain());
    EXPECT_EQ(hypercall_xen_features(XENFEAT_NR_SUBMAPS, &untouched), -XEN_EINVAL);
    EXPECT_EQ(untouched, 0x1234);
}

/* --- scheduling ----------------------------------------------------------------------------- */

/*
 * With upcalls masked what else comes in is no reason for Xen to return at once; it may still wake
 * the VCPU.
 */

/* Pending is enough; that the port is masked does not matter. */
TEST(sched_poll_returns_for_a_pending_masked_port)
{
    unsigned long flags = platform_upcalls_save();
    uint64_t start = clock_now();
    evtchn_port_t port;

    EXPECT_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    EXPECT_EQ(hypercall_evtchn_send(port), 0);
    EXPECT_EQ(hypercall_sched_poll(&port, 1, start + 2 * PATIENCE), 0);
    EXPECT(clock_now() < start + PATIENCE);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    platform_upcalls_restore(flags);
}

/*
 * How often a sleep until `deadline` ended long before it. Not counted is what comes near it: the
 * clocks of an emulated machine's CPUs may be some milliseconds apart, and the one that wakes us is
 * not always the one we read.
 */
#define NEAR (100 * MS)

TEST(sched_poll_sleeps_until_the_deadline)
{
    unsigned long flags = platform_upcalls_save();
    unsigned int early = 0;
    uint64_t deadline;
    evtchn_port_t port;

    EXPECT_EQ(hypercall_evtchn_bind_ipi(0, &port), 0);
    deadline = clock_after(2 * NEAR);
    while (clock_now() < deadline) {
        EXPECT_EQ(hypercall_sched_poll(&port, 1, deadline), 0);
        early += clock_now() + NEAR < deadline;
    }
    /* Other events may end it, but there are few. */
    EXPECT(early < 20);
    /* A deadline in the past is one: it returns. */
    EXPECT_EQ(hypercall_sched_poll(&port, 1, 1), 0);
    EXPECT_EQ(hypercall_sched_poll(&port, 0, 1), 0);
    EXPECT_EQ(hypercall_evtchn_close(port), 0);
    platform_upcalls_restore(flags);
}

TEST(sched_poll_errors)
{
    static evtchn_port_t ports[129];
    unsigned long flags = platform_upcalls_save();
    evtchn_port_t own, bad = NO_PORT;

    EXPECT_EQ(hypercall_evtchn_bind_ipi(0, &own), 0);
    for (unsigned int i = 0; i < 129; i++)
        ports[i] = own;
    EXPECT_EQ(hypercall_sched_poll(ports, 129, 1), -XEN_EINVAL);
    EXPECT_EQ(hypercall_sched_poll(ports, 128, 1), 0);
    EXPECT_EQ(hypercall_sched_poll(&bad, 1, 1), -XEN_EINVAL);
    /* The ports are looked at in order: a pending one before the bad one ends it. */
    ports[1] = NO_PORT;
    EXPECT_EQ(hypercall_sched_poll(ports, 2, 1), -XEN_EINVAL);
    EXPECT_EQ(hypercall_evtchn_send(own), 0);
    EXPECT_EQ(hypercall_sched_poll(ports, 2, 1), 0);
    EXPECT_EQ(hypercall_evtchn_close(own), 0);
    platform_upcalls_restore(flags);
}

TEST(sched_yield_returns)
{
    for (int i = 0; i < 100; i++)
        CHECK_EQ(hypercall_sched_yield(), 0);
}

/* What was pending when the VCPU blocks is delivered, and ends the sleep. */
TEST(sched_block_is_ended_by_what_is_pending)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, EVTCHN_HANDLER_GPR, &ch), 0);
    (void)platform_upcalls_save();
    EXPECT_EQ(evtchn_send(ch), 0);
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(hypercall_sched_block(), 0);
    EXPECT_EQ(seen, 1);
    /* It unmasked upcalls. */
    EXPECT_EQ(platform_upcalls_save(), 0);
    platform_upcalls_restore(0);
    EXPECT_EQ(evtchn_close(ch), 0);
}

/* --- VCPUs ---------------------------------------------------------------------------------- */

TEST(vcpu_op_is_up)
{
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_is_up, NO_VCPU, NULL), -XEN_ENOENT);
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_is_up, ~0u, NULL), -XEN_ENOENT);
}

TEST(vcpu_op_runstate)
{
    struct vcpu_runstate_info now, later;

    CHECK_EQ(hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, &now), 0);
    EXPECT_EQ(now.state, RUNSTATE_running);
    EXPECT(now.state_entry_time <= clock_after(PATIENCE)); /* by another CPU's clock, perhaps */
    /* Asleep is blocked; on a busy machine most of one sleep may go by before Xen gets to it. */
    for (int i = 0; i < 50; i++) {
        clock_sleep(NEAR);
        CHECK_EQ(hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, &later), 0);
        if (later.time[RUNSTATE_blocked] >= now.time[RUNSTATE_blocked] + MS)
            break;
    }
    EXPECT(later.time[RUNSTATE_blocked] >= now.time[RUNSTATE_blocked] + MS);
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, NULL), -XEN_EFAULT);
}

/* Ours is registered, which can be done once: 4.17 answers -EINVAL, 4.20 -EBUSY. */
TEST(vcpu_op_register_vcpu_info_again)
{
    void *page = platform_page_alloc();
    uint64_t gfn;
    int rc;

    CHECK(page);
    gfn = platform_page_gfn(page);
    rc = hypercall_register_vcpu_info(0, gfn, 0);
    EXPECT(rc == -XEN_EINVAL || rc == -XEN_EBUSY);
    EXPECT_EQ(hypercall_register_vcpu_info(NO_VCPU, gfn, 0), -XEN_ENOENT);
    /* The page can still be anything: Xen has not kept it. */
    platform_page_free(page);
    EXPECT(clock_now() > 0);
}

/* Where it may not lie. Which is looked at first, this or that there is one, differs: all have one. */
TEST(vcpu_op_register_vcpu_info_badly)
{
    const uint32_t size = sizeof(struct vcpu_info);
    const uint32_t offsets[] = { 1, 4, 4096 - size + 8, 4096 - 8 };
    void *page = platform_page_alloc();

    CHECK(page);
    for (unsigned int i = 0; i < 4; i++) {
        int rc = hypercall_register_vcpu_info(0, platform_page_gfn(page), offsets[i]);

        EXPECT(rc == -XEN_ENXIO || rc == -XEN_EBUSY);
    }
    platform_page_free(page);
}

TEST(vcpu_op_periodic_timer)
{
    struct vcpu_set_periodic_timer set = { .period_ns = 999999 };

    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &set), -XEN_EINVAL);
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_stop_periodic_timer, NO_VCPU, NULL), -XEN_ENOENT);
}

TEST(vcpu_op_errors)
{
    EXPECT_EQ(hypercall_vcpu_op(NO_CMD, 0, NULL), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_vcpu_op(NO_CMD, NO_VCPU, NULL), -XEN_ENOENT);
    /* Running, so brought up already. */
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_up, 0, NULL), 0);
    EXPECT_EQ(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, NULL), -XEN_EFAULT);
}

static evtchn_port_t timer_port(void)
{
    struct evtchn_status status = { .dom = DOMID_SELF };

    for (status.port = 1; hypercall_evtchn_status(&status) == 0; status.port++) {
        if (status.status == EVTCHNSTAT_virq && status.u.virq == VIRQ_TIMER &&
            status.vcpu == platform_vcpu())
            return status.port;
    }
    return NO_PORT;
}

/*
 * The one-shot timer, whose event is the library's: nothing is armed at rest, so one that we arm
 * ends a sleep, and one that we disarm does not.
 */
TEST(set_timer_op_arms_and_disarms)
{
    uint64_t deadline = clock_after(2 * NEAR);
    evtchn_port_t port = timer_port();
    unsigned int early = 0;

    while (clock_now() < deadline) {
        (void)platform_upcalls_save();
        EXPECT_EQ(hypercall_set_timer_op(deadline), 0);
        EXPECT_EQ(hypercall_sched_block(), 0);
        early += clock_now() + NEAR < deadline;
    }
    EXPECT(early < 20);

    /* Armed for soon and disarmed: pending, it would end every one of these. */
    deadline = clock_after(2 * NEAR);
    EXPECT_EQ(hypercall_set_timer_op(clock_after(MS)), 0);
    EXPECT_EQ(hypercall_set_timer_op(0), 0);
    early = 0;
    (void)platform_upcalls_save();
    while (clock_now() < deadline) {
        EXPECT_EQ(hypercall_sched_poll(&port, 1, deadline), 0);
        early += clock_now() + NEAR < deadline;
    }
    EXPECT(early < 20);
    platform_upcalls_restore(0);
}

/* --- memory --------------------------------------------------------------------------------- */

TEST(memory_op_reservation)
{
    domid_t self = DOMID_SELF, nobody = NO_DOMAIN;
    long pages = hypercall_memory_op(XENMEM_current_reservation, &self);
    long most = hypercall_memory_op(XENMEM_maximum_reservation, &self);

    /* Xen may count a page or two that the p2m does not list. */
    EXPECT(pages >= (long)xenlet_nr_pages() && pages < (long)xenlet_nr_pages() + 64);
    EXPECT(most >= pages);
    EXPECT_EQ(hypercall_memory_op(XENMEM_current_reservation, &nobody), -XEN_ESRCH);
}

TEST(memory_op_machine_frames)
{
    struct xen_machphys_mapping map = { .max_mfn = 0 };
    long last = hypercall_memory_op(XENMEM_maximum_ram_page, NULL);

    CHECK(last > 0);
    CHECK_EQ(hypercall_memory_op(XENMEM_machphys_mapping, &map), 0);
    EXPECT(map.v_end > map.v_start);
    for (xen_pfn_t pfn = 0; pfn < xenlet_nr_pages(); pfn++) {
        xen_pfn_t gfn = xenlet_pfn_to_gfn(pfn);

        CHECK(gfn == XENLET_NO_PFN || gfn <= (xen_pfn_t)last);
        CHECK(gfn == XENLET_NO_PFN || gfn <= map.max_mfn);
    }
}

TEST(memory_op_errors)
{
    domid_t first = 0;

    EXPECT_EQ(hypercall_memory_op(XENMEM_current_reservation, NULL), -XEN_EFAULT);
    EXPECT_EQ(hypercall_memory_op(0x3f, NULL), -XEN_ENOSYS);
    if (!xenlet_is_initial_domain())
        /* Under the PV shim there is no domain 0 to be refused. */
        EXPECT_EQ(hypercall_memory_op(XENMEM_current_reservation, &first),
                  in_pv_shim() ? -XEN_ESRCH : -XEN_EPERM);
}

/* --- several at once ------------------------------------------------------------------------ */

TEST(multicall_gives_each_result)
{
    struct evtchn_close close = { .port = 0 };
    struct xen_feature_info features = { .submap_idx = 0 };
    multicall_entry_t calls[] = {
        { .op = __HYPERVISOR_xen_version, .args = { XENVER_version, 0 } },
        { .op = __HYPERVISOR_event_channel_op, .args = { EVTCHNOP_close, (unsigned long)&close } },
        { .op = __HYPERVISOR_xen_version,
          .args = { XENVER_get_features, (unsigned long)&features } },
        { .op = __HYPERVISOR_vcpu_op, .args = { VCPUOP_is_up, 0, 0 } },
        { .op = 63, .args = { 0 } },
    };
    uint32_t map;

    CHECK_EQ(hypercall_multicall(calls, 5), 0);
    EXPECT_EQ(calls[0].result, hypercall_xen_version(XENVER_version, NULL));
    /* One that fails does not keep the ones after it from being made. */
    EXPECT_EQ(calls[1].result, -XEN_EINVAL);
    EXPECT_EQ(calls[2].result, 0);
    EXPECT_EQ(hypercall_xen_features(0, &map), 0);
    EXPECT_EQ(features.submap, map);
    EXPECT_EQ(calls[3].result, 1);
    EXPECT_EQ(calls[4].result, -XEN_ENOSYS);
    EXPECT_EQ(hypercall_multicall(NULL, 0), 0);
    EXPECT_EQ(hypercall_multicall(NULL, 1), -XEN_EFAULT);
}

/* --- the rest ------------------------------------------------------------------------------- */

TEST(vm_assist)
{
    EXPECT_EQ(hypercall_vm_assist(VMASST_CMD_enable, 63), -XEN_EINVAL);
    EXPECT_EQ(hypercall_vm_assist(VMASST_CMD_enable, 1000), -XEN_EINVAL);
    EXPECT_EQ(hypercall_vm_assist(NO_CMD, VMASST_TYPE_runstate_update_flag), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
    EXPECT_EQ(hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag), 0);
}

TEST(physdev_op_errors)
{
    struct physdev_irq_status_query query = { .irq = ~0u };
    struct physdev_setup_gsi gsi = { .gsi = 100000 };
    bool first = xenlet_is_initial_domain();

    EXPECT_EQ(hypercall_physdev_op(NO_CMD, NULL), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_physdev_op(PHYSDEVOP_irq_status_query, &query), -XEN_EINVAL);
    EXPECT_EQ(hypercall_physdev_op(PHYSDEVOP_setup_gsi, &gsi), -XEN_EINVAL);
    gsi.gsi = 4;
    if (!first)
        EXPECT_EQ(hypercall_physdev_op(PHYSDEVOP_setup_gsi, &gsi), -XEN_EPERM);
    EXPECT_EQ(hypercall_physdev_op(PHYSDEVOP_eoi, NULL), -XEN_EFAULT);
}

/* Xen's own console is for the first domain; a Xen that was not built for debugging is strict. */
TEST(console_io_of_xen)
{
    char text[16];

    if (xenlet_is_initial_domain()) {
        EXPECT_EQ(hypercall_console_write("", 0), 0);
        EXPECT_EQ(hypercall_console_read(text, 0), 0);
    } else {
        EXPECT_EQ(hypercall_console_write("x", 1), -XEN_EPERM);
        EXPECT_EQ(hypercall_console_read(text, sizeof(text)), -XEN_EPERM);
    }
}
