/* SPDX-License-Identifier: MIT */
/* The machine: its two domains, and hypercalls by their numbers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/model/internal.h"
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/version.h>

struct spinlock model_lock;
struct model_config model_config;
struct model_stats model_counts;

static struct domain guest, peer;
static struct shared_info *peer_page;

void model_warn(uint64_t *count, const char *format, ...)
{
    va_list args;

    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    if (model_config.quiet)
        return;
    va_start(args, format);
    fputs("(XEN) ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

struct model_stats model_stats(void)
{
    return model_counts;
}

/* A domain as the toolstack leaves it: nothing masked but upcalls. */
static void start_domain(struct domain *d, domid_t id, unsigned int nr_vcpus, uint32_t max_port,
                         struct shared_info *shared)
{
    ports_start(d);
    memset(shared, 0, PAGE_BYTES);
    d->id = id;
    d->nr_vcpus = nr_vcpus;
    d->max_port = max_port;
    d->shared = shared;
    d->abi = &model_2l;
    memset(d->vcpus, 0, sizeof(d->vcpus));
    for (unsigned int i = 0; i < nr_vcpus; i++) {
        struct vcpu *v = &d->vcpus[i];

        v->domain = d;
        v->id = i;
        v->info = &shared->vcpu_info[i];
        v->info->evtchn_upcall_mask = 1;
        vcpu_start_time(v->info);
    }
    d->vcpus[0].initialised = d->vcpus[0].up = true;
    d->nr_fifo_pages = 0;
    d->l3_registered = false;
    ports_start(d);
}

static struct shared_info *page(void)
{
    struct shared_info *p = aligned_alloc(PAGE_BYTES, PAGE_BYTES);

    if (!p)
        abort();
    return p;
}

void model_start(const struct model_config *config)
{
    static struct shared_info *guest_page;

    if (!guest_page) {
        guest_page = page();
        peer_page = page();
    }
    model_config = *config;
    model_counts = (struct model_stats){ 0 };
    model_lock = (struct spinlock){ 0 };
    guest.abi = peer.abi = &model_2l;
    start_domain(&guest, config->domid, config->nr_vcpus, config->max_port, guest_page);
    start_domain(&peer, config->domid == 1 ? 2 : 1, 1, UINT32_MAX, peer_page);
}

void model_restore(void)
{
    struct shared_info *s = guest.shared;

    fifo_destroy(&guest);
    l3_destroy(&guest);
    guest.abi = &model_2l;
    ports_start(&guest);
    memset(s->evtchn_pending, 0, sizeof(s->evtchn_pending));
    memset(s->evtchn_mask, 0xff, sizeof(s->evtchn_mask));
    for (unsigned int i = 0; i < guest.nr_vcpus; i++) {
        struct vcpu *v = &guest.vcpus[i];

        memset(v->virqs, 0, sizeof(v->virqs));
        v->timer = 0;
        s->vcpu_info[i] = *v->info;
        s->vcpu_info[i].evtchn_pending_sel = 0;
        s->vcpu_info[i].evtchn_upcall_pending = 0;
        v->info = &s->vcpu_info[i];
        v->registered = false;
        v->up = i == 0;
    }
}

struct shared_info *model_shared_info(void)
{
    return guest.shared;
}

struct domain *domain_of(struct domain *caller, domid_t id)
{
    if (id == DOMID_SELF)
        return caller;
    return id == guest.id ? &guest : id == peer.id ? &peer : NULL;
}

/* --- the other domain ----------------------------------------------------------------------- */

domid_t model_peer(void)
{
    return peer.id;
}

int model_peer_op(unsigned int cmd, void *arg)
{
    return ports_op(&peer.vcpus[0], cmd, arg);
}

bool model_peer_take(evtchn_port_t port)
{
    return atomic_test_and_clear_bit(&peer.shared->evtchn_pending[port / WORD_BITS],
                                     port % WORD_BITS);
}

/* --- what is left --------------------------------------------------------------------------- */

unsigned int model_bound_ports(void)
{
    return guest.nr_bound;
}

unsigned int model_busy_ports(void)
{
    unsigned int nr = 0;

    for (evtchn_port_t number = 1; number < guest.nr_valid; number++) {
        const struct port *p = port_of(&guest, number);

        nr += p->state == FREE && abi_of(&guest)->is_busy(&guest, p);
    }
    return nr;
}

/* --- hypercalls ----------------------------------------------------------------------------- */

static long sched_op(struct vcpu *v, unsigned int cmd, const void *arg)
{
    switch (cmd) {
    case SCHEDOP_yield:
        arch_cpu_relax();
        return 0;
    case SCHEDOP_block:
        return vcpu_block(v);
    case SCHEDOP_poll:
        return vcpu_poll(v, arg);
    case SCHEDOP_shutdown:
        world_shutdown(((const struct sched_shutdown *)arg)->reason);
    default:
        return -XEN_ENOSYS;
    }
}

static long physdev_op(unsigned int cmd, const struct physdev_eoi *eoi)
{
    if (cmd != PHYSDEVOP_eoi)
        return -XEN_ENOSYS;
    return eoi->irq < model_config.nr_pirqs ? 0 : -XEN_EINVAL;
}

static long set_timer(struct vcpu *v, uint64_t deadline)
{
    atomic_write(&v->timer, deadline);
    return 0;
}

static long console_io(unsigned int cmd, unsigned int len, const char *text)
{
    if (cmd != CONSOLEIO_write)
        return 0;
    world_console(text, len);
    return 0;
}

static long multicall(multicall_entry_t *calls, unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++) {
        const long args[4] = { (long)calls[i].args[0], (long)calls[i].args[1],
                               (long)calls[i].args[2], (long)calls[i].args[3] };

        calls[i].result = (xen_ulong_t)model_hypercall((unsigned int)calls[i].op, args);
    }
    return 0;
}

long model_hypercall(unsigned int nr, const long args[4])
{
    struct vcpu *v = &guest.vcpus[world_vcpu()];
    unsigned int cmd = (unsigned int)args[0];

    switch (nr) {
    case __HYPERVISOR_event_channel_op:
        return ports_op(v, cmd, (void *)args[1]);
    case __HYPERVISOR_sched_op:
        return sched_op(v, cmd, (const void *)args[1]);
    case __HYPERVISOR_vcpu_op:
        return vcpu_op(v, cmd, (unsigned int)args[1], (void *)args[2]);
    case __HYPERVISOR_physdev_op:
        return physdev_op(cmd, (const struct physdev_eoi *)args[1]);
    case __HYPERVISOR_set_timer_op:
        return set_timer(v, (uint64_t)(unsigned long)args[0]);
    case __HYPERVISOR_console_io:
        return console_io(cmd, (unsigned int)args[1], (const char *)args[2]);
    case __HYPERVISOR_multicall:
        return multicall((multicall_entry_t *)args[0], (unsigned int)args[1]);
    case __HYPERVISOR_xen_version:
        return cmd == XENVER_version ? 4 << 16 | 17 : -XEN_ENOSYS;
    default:
        return -XEN_ENOSYS;
    }
}
