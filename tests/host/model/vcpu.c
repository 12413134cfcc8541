/* SPDX-License-Identifier: MIT */
/*
 * A VCPU, Xen's side: its vcpu_info, the upcall flag, its sleep (public/sched.h), its timer, and
 * the VCPUOP_* of public/vcpu.h that a guest needs to bring it up.
 */
#include "tests/host/model/internal.h"
#include <xen/sched.h>
#include <xen/vcpu.h>

/* --- asleep and awake ----------------------------------------------------------------------- */

static void wake(struct vcpu *v)
{
    if (!atomic_read(&v->asleep))
        return; /* it says so before it looks at what would have woken it */
    spin_lock(&v->sleep_lock);
    if (v->asleep) {
        atomic_write(&v->asleep, 0);
        world_wake(v->id);
    }
    spin_unlock(&v->sleep_lock);
}

static bool is_guest(const struct vcpu *v)
{
    return v->domain->id == model_config.domid;
}

/* Whoever finds the flag clear kicks the VCPU: into Xen, and out of its sleep, polling or not. */
void vcpu_mark_pending(struct vcpu *v)
{
    uint8_t *flag = &v->info->evtchn_upcall_pending;

    if (atomic_xchg8(flag, 1) == 0 && is_guest(v)) {
        world_kick(v->id);
        wake(v);
    }
}

void vcpus_check_pollers(struct domain *d, evtchn_port_t port)
{
    if (d->id != model_config.domid)
        return;
    smp_mb(); /* PENDING before whom it concerns; vcpu_poll() has them the other way round */
    for (unsigned int i = 0; i < d->nr_vcpus; i++) {
        struct vcpu *v = &d->vcpus[i];

        if (!atomic_read(&v->asleep) || !atomic_read(&v->polls))
            continue;
        if (atomic_read(&v->poll_any) || atomic_read(&v->poll_port) == port)
            wake(v);
    }
}

static bool upcall_due(const struct vcpu *v)
{
    return atomic_read(&v->info->evtchn_upcall_pending) &&
           !atomic_read(&v->info->evtchn_upcall_mask);
}

/* From here on events wake the VCPU; what came before has to be looked for. */
static void fall_asleep(struct vcpu *v, const struct sched_poll *poll, const evtchn_port_t *ports)
{
    spin_lock(&v->sleep_lock);
    atomic_write(&v->polls, poll != NULL);
    atomic_write(&v->poll_any, poll && poll->nr_ports != 1);
    atomic_write(&v->poll_port, poll && poll->nr_ports == 1 ? ports[0] : 0);
    atomic_write(&v->sleeps_until, poll ? poll->timeout : 0);
    atomic_write(&v->asleep, 1);
    spin_unlock(&v->sleep_lock);
    smp_mb(); /* asleep before what would have woken it is looked at */
}

static void stay_awake(struct vcpu *v)
{
    spin_lock(&v->sleep_lock);
    atomic_write(&v->asleep, 0);
    spin_unlock(&v->sleep_lock);
}

int vcpu_block(struct vcpu *v)
{
    atomic_write(&v->info->evtchn_upcall_mask, 0);
    fall_asleep(v, NULL, NULL);
    if (upcall_due(v))
        stay_awake(v);
    else
        world_sleep(v->id);
    return 0;
}

/* 1: it may sleep. An upcall that is due comes first, then the ports as they stand in the list. */
static int may_sleep(struct vcpu *v, unsigned int nr, const evtchn_port_t *ports)
{
    struct domain *d = v->domain;

    if (upcall_due(v))
        return 0;
    for (unsigned int i = 0; i < nr; i++) {
        const struct port *p = port_of(d, ports[i]);

        if (!p)
            return -XEN_EINVAL;
        if (abi_of(d)->is_pending(d, p))
            return 0;
    }
    return 1;
}

static int poll_error;

void model_refuse_poll(int error)
{
    poll_error = error;
}

int vcpu_poll(struct vcpu *v, const struct sched_poll *op)
{
    const evtchn_port_t *ports;
    int rc;

    if (poll_error)
        return poll_error;
    if (!op)
        return -XEN_EFAULT;
    if (op->nr_ports > 128)
        return -XEN_EINVAL;
    ports = op->ports.p;
    if (op->nr_ports && !ports)
        return -XEN_EFAULT;
    fall_asleep(v, op, ports);
    rc = may_sleep(v, op->nr_ports, ports);
    if (rc != 1) {
        stay_awake(v);
        return rc;
    }
    world_sleep(v->id);
    return 0;
}

static struct vcpu *guest_vcpu(unsigned int vcpu)
{
    return &domain_of(NULL, model_config.domid)->vcpus[vcpu];
}

bool model_sleeps(unsigned int vcpu)
{
    return atomic_read(&guest_vcpu(vcpu)->asleep);
}

uint64_t model_sleeps_until(unsigned int vcpu)
{
    return atomic_read(&guest_vcpu(vcpu)->sleeps_until);
}

void model_sleep_check(unsigned int vcpu, uint64_t now)
{
    struct vcpu *v = guest_vcpu(vcpu);
    uint64_t until = atomic_read(&v->sleeps_until);

    if (until && until <= now)
        wake(v);
}

/* --- VIRQs and the timer -------------------------------------------------------------------- */

void model_raise_virq(unsigned int vcpu, uint32_t virq)
{
    struct vcpu *v = guest_vcpu(vcpu);
    struct domain *d = v->domain;
    struct port *p = port_of(d, atomic_read(&v->virqs[virq]));

    if (!p)
        return;
    read_lock(&p->lock);
    if (p->state == VIRQ && p->source == virq)
        abi_of(d)->set_pending(&d->vcpus[atomic_read(&p->vcpu)], p);
    read_unlock(&p->lock);
}

uint64_t model_timer(unsigned int vcpu)
{
    return atomic_read(&guest_vcpu(vcpu)->timer);
}

void model_timer_check(unsigned int vcpu, uint64_t now)
{
    struct vcpu *v = guest_vcpu(vcpu);
    uint64_t due = atomic_read(&v->timer);

    if (!due || due > now)
        return;
    spin_lock(&v->sleep_lock); /* raised by one of those who find it due */
    due = atomic_read(&v->timer);
    if (due && due <= now)
        atomic_write(&v->timer, 0);
    spin_unlock(&v->sleep_lock);
    if (due && due <= now)
        model_raise_virq(vcpu, VIRQ_TIMER);
}

/* One tick a nanosecond: (ticks << 1) * 2^31 >> 32. */
void vcpu_start_time(struct vcpu_info *info)
{
    info->time.version = 2;
    info->time.tsc_to_system_mul = 1u << 31;
    info->time.tsc_shift = 1;
}

/* --- VCPUOP_* ------------------------------------------------------------------------------- */

/* It takes over what the old one says, and Xen then has the VCPU look at everything once. */
static int register_info(struct vcpu *v, const struct vcpu_register_vcpu_info *op)
{
    struct vcpu_info *info;
    char *page;

    if (!op)
        return -XEN_EFAULT;
    if (op->offset > PAGE_BYTES - sizeof(*info) || op->offset % sizeof(xen_ulong_t))
        return -XEN_ENXIO;
    if (v->registered || (v->up && v->id != world_vcpu()))
        return -XEN_EINVAL;
    page = world_frame(op->mfn);
    if (!page)
        return -XEN_EINVAL;
    info = (struct vcpu_info *)(void *)(page + op->offset);
    *info = *v->info;
    vcpu_start_time(info);
    v->registered = true;
    atomic_write_release(&v->info, info);
    for (unsigned int bit = 0; bit < WORD_BITS; bit++)
        atomic_set_bit(&info->evtchn_pending_sel, bit);
    vcpu_mark_pending(v);
    return 0;
}

/* Nobody else wants the CPU here: the VCPU has been running all the time. */
static long register_runstate(const struct vcpu_register_runstate_memory_area *op)
{
    if (!op || !op->addr.v)
        return -XEN_EFAULT;
    *op->addr.v =
        (struct vcpu_runstate_info){ .state = RUNSTATE_running, .state_entry_time = world_now() };
    return 0;
}

static long initialise(struct vcpu *v, const void *context)
{
    if (!context)
        return -XEN_EFAULT;
    if (v->initialised)
        return -XEN_EEXIST;
    v->initialised = true;
    return 0;
}

static long up(struct vcpu *v)
{
    if (!v->initialised)
        return -XEN_EINVAL;
    if (!atomic_read(&v->up)) {
        atomic_write(&v->up, true);
        world_up(v->id);
    }
    return 0;
}

static long down(struct vcpu *v)
{
    if (atomic_read(&v->up)) {
        atomic_write(&v->up, false);
        world_down(v->id);
    }
    return 0;
}

long vcpu_op(struct vcpu *caller, unsigned int cmd, unsigned int vcpu, void *arg)
{
    struct vcpu *v;

    if (vcpu >= caller->domain->nr_vcpus)
        return -XEN_ENOENT;
    v = &caller->domain->vcpus[vcpu];
    switch (cmd) {
    case VCPUOP_initialise:
        return initialise(v, arg);
    case VCPUOP_up:
        return up(v);
    case VCPUOP_down:
        return down(v);
    case VCPUOP_is_up:
        return atomic_read(&v->up);
    case VCPUOP_stop_periodic_timer:
        return 0; /* there is none */
    case VCPUOP_register_runstate_memory_area:
        return register_runstate(arg);
    case VCPUOP_register_vcpu_info:
        return register_info(v, arg);
    default:
        return -XEN_ENOSYS;
    }
}
