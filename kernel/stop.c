/* SPDX-License-Identifier: MIT */
/*
 * All other VCPUs stand still, each in a handler, while VCPU 0 has the domain saved. They spin
 * rather than sleep, so that the toolstack does not save one in the middle of a hypercall.
 */
#include <xenlet/clock.h>
#include <xenlet/domain.h>
#include <xenlet/console.h>
#include <xenlet/platform.h>
#include <xenlet/vcpu.h>
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "platform_arch.h"

enum order {
    GO_ON,
    STAND,
    REGISTER, /* with Xen, which knows nothing of us after a restore */
};

static uint32_t order;
static uint32_t done[XENLET_MAX_VCPUS]; /* the last order each VCPU has carried out */

static void carry_out(enum order what)
{
    atomic_write_release(&done[platform_vcpu()], what);
    while (atomic_read_acquire(&order) == what)
        arch_cpu_relax();
}

static void register_again(void)
{
    struct vcpu_info *info;
    int rc = arch_vcpu_info_init(&info);

    if (rc == 0)
        rc = clock_init();
    if (rc == 0)
        rc = timer_resume();
    if (rc)
        xenlet_panic("VCPU %u: Xen refused what it had before the restore (%d)", platform_vcpu(),
                     rc);
}

static void stand(void *arg)
{
    (void)arg;
    if (atomic_read_acquire(&order) != STAND)
        return; /* we were asked for a suspend that was given up */
    carry_out(STAND);
    if (atomic_read(&order) == REGISTER) {
        register_again();
        carry_out(REGISTER);
    }
    atomic_write_release(&done[platform_vcpu()], GO_ON);
}

/* Wait until none of the VCPUs that obeyed `what` is at it any more. */
static void wait_while(enum order what)
{
    for (unsigned int i = 1; i < XENLET_MAX_VCPUS; i++) {
        while (atomic_read_acquire(&done[i]) == what)
            arch_cpu_relax();
    }
}

static bool ask(unsigned int vcpu)
{
    return vcpu_call(vcpu, stand, NULL, false) == 0;
}

/*
 * Wait until the VCPU stands still or is down. One that is just coming up or going down cannot be
 * asked: ask again.
 */
static bool stop(unsigned int vcpu, bool asked, uint64_t deadline)
{
    while (atomic_read_acquire(&done[vcpu]) != STAND) {
        asked = asked || ask(vcpu);
        if (!asked && !arch_vcpu_is_up(vcpu))
            return true;
        if (clock_now() >= deadline)
            return false;
        arch_cpu_relax();
    }
    return true;
}

void others_go_on(void)
{
    atomic_write_release(&order, GO_ON);
    wait_while(STAND);
    wait_while(REGISTER);
}

/*
 * Ask all before waiting for one: those that stand still keep the CPUs busy, and with each that is
 * asked only then, both it and we would have to wait for a turn.
 */
int others_stop(uint64_t deadline)
{
    bool asked[XENLET_MAX_VCPUS];

    atomic_write_release(&order, STAND);
    for (unsigned int i = 1; i < platform_nr_vcpus(); i++)
        asked[i] = ask(i);
    for (unsigned int i = 1; i < platform_nr_vcpus(); i++) {
        if (!stop(i, asked[i], deadline)) {
            others_go_on();
            return -XEN_EAGAIN;
        }
    }
    return 0;
}

void others_register(void)
{
    atomic_write_release(&order, REGISTER);
    wait_while(STAND);
    for (unsigned int i = 1; i < platform_nr_vcpus(); i++) {
        int rc = done[i] == REGISTER ? 0 : arch_vcpu_restored(i);

        if (rc)
            xenlet_panic("VCPU %u: Xen refused what it had before the restore (%d)", i, rc);
    }
}
