/* SPDX-License-Identifier: MIT */
/* Choosing the ABI, and each VCPU's part in it. */
#include "evtchn/internal.h"

/* In the order in which auto tries them; the last one cannot be refused. */
static const struct evtchn_port_ops *const abis[] = { &evtchn_ops_fifo, &evtchn_ops_3l,
                                                      &evtchn_ops_2l };
#define NR_ABIS (sizeof(abis) / sizeof(abis[0]))

const struct evtchn_port_ops *evtchn_ops = &evtchn_ops_2l;
evtchn_upcall_t *evtchn_upcall_now;
struct shared_info *evtchn_shared;
struct spinlock evtchn_abi_lock;
struct evtchn_vcpu *evtchn_vcpus[XENLET_MAX_VCPUS];

static const struct evtchn_port_ops *wanted; /* NULL: auto */

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void report_unknown(const char *abi)
{
    _Static_assert(NR_ABIS == 3, "each of them is named");
    platform_log("evtchn=%s is not an event channel ABI (there are: auto %s %s %s); using auto",
                 abi, abis[2]->name, abis[1]->name, abis[0]->name);
}

static const struct evtchn_port_ops *asked_for(const char *abi)
{
    if (!abi || !*abi || same(abi, "auto"))
        return NULL;
    for (unsigned int i = 0; i < NR_ABIS; i++) {
        if (same(abi, abis[i]->name))
            return abis[i];
    }
    report_unknown(abi);
    return NULL;
}

void evtchn_use(const struct evtchn_port_ops *ops)
{
    atomic_write_release(&evtchn_ops, ops);
    if (evtchn_upcall_now != evtchn_upcall_stopped)
        atomic_write_release(&evtchn_upcall_now, ops->upcall);
}

/*
 * On this VCPU, and on those that were brought up before a reset: all or none. Those may be in an
 * upcall: they notice the new ABI before they could miss anything in it, see
 * evtchn_walk_is_stopped().
 */
static int enter(const struct evtchn_port_ops *ops)
{
    struct evtchn_vcpu *first = this_evtchn_vcpu();
    int rc = ops->init(first);

    if (rc)
        return rc;
    evtchn_use(ops);
    for (unsigned int i = 0; i < XENLET_MAX_VCPUS && rc == 0; i++) {
        if (evtchn_vcpus[i] && evtchn_vcpus[i] != first)
            rc = ops->vcpu_init(evtchn_vcpus[i]);
    }
    if (rc) {
        unsigned long flags = platform_upcalls_save();

        spin_lock(&evtchn_abi_lock);
        ops->fini();
        evtchn_use(&evtchn_ops_2l);
        evtchn_reset_keeping_ports();
        spin_unlock(&evtchn_abi_lock);
        platform_upcalls_restore(flags);
    }
    return rc;
}

/* What Xen does not say it has is worth a line only if it was asked for. */
static int try(const struct evtchn_port_ops *ops)
{
    int rc = ops->query ? ops->query() : 0;

    if (rc == 0)
        return enter(ops);
    if (wanted)
        platform_log("event channels: this Xen has no %s ABI (error %d); using 2l", ops->title, rc);
    return 0;
}

void evtchn_choose_abi(void)
{
    int refused[NR_ABIS] = { 0 };
    unsigned int i;

    for (i = 0; i + 1 < NR_ABIS; i++) {
        if (!wanted || wanted == abis[i])
            refused[i] = try(abis[i]);
        if (evtchn_ops == abis[i])
            break;
    }
    if (evtchn_ops == &evtchn_ops_2l)
        enter(&evtchn_ops_2l);
    for (i = 0; i < NR_ABIS; i++) {
        if (refused[i])
            platform_log("event channels: this Xen refuses %s (error %d); using %s", abis[i]->name,
                         refused[i], evtchn_ops->name);
    }
}

void evtchn_leave_abi(void)
{
    evtchn_ops->fini();
    evtchn_use(&evtchn_ops_2l);
    evtchn_ops->init(this_evtchn_vcpu()); /* the bitmaps are as they were before the switch */
}

static struct evtchn_vcpu *vcpu_alloc(unsigned int vcpu, struct vcpu_info *info)
{
    struct evtchn_vcpu *v = evtchn_vcpus[vcpu] ? evtchn_vcpus[vcpu] : platform_page_alloc();

    if (v) {
        v->info = info;
        v->id = vcpu;
        v->gate = evtchn_gate(vcpu, 0);
    }
    return v;
}

int evtchn_init(struct shared_info *shared, struct vcpu_info *info, const char *abi)
{
    struct evtchn_vcpu *v = vcpu_alloc(platform_vcpu(), info);

    if (!v)
        return -XEN_ENOMEM;
    evtchn_vcpus[v->id] = v;
    wanted = asked_for(abi);
    evtchn_shared = shared;
    evtchn_use(&evtchn_ops_2l);
    /* whichever ABI it will be: mask all ports where 2-level looks */
    evtchn_ops_2l.init(this_evtchn_vcpu());
    evtchn_choose_abi();
    return 0;
}

/* A VCPU is put into evtchn_vcpus[], where binding looks, only once it can receive. */
int evtchn_vcpu_init(unsigned int vcpu, struct vcpu_info *info)
{
    struct evtchn_vcpu *v;
    int rc;

    if (vcpu >= XENLET_MAX_VCPUS)
        return -XEN_EINVAL;
    v = vcpu_alloc(vcpu, info);
    if (!v)
        return -XEN_ENOMEM;
    rc = evtchn_ops->vcpu_init(v);
    evtchn_vcpu_set_left(v, rc != 0);
    if (rc == 0)
        atomic_write_release(&evtchn_vcpus[vcpu], v); /* from now on it can be bound to */
    else if (!evtchn_vcpus[vcpu])
        platform_page_free(v);
    return rc;
}

static void move_away(struct evtchn *ch, void *arg)
{
    const struct evtchn_vcpu *v = arg;

    if (ch->vcpu == v->id)
        evtchn_bind_vcpu(ch, 0); /* IPIs and per-VCPU VIRQs are refused, and wait */
}

void evtchn_vcpu_leave(void)
{
    struct evtchn_vcpu *v = this_evtchn_vcpu();

    evtchn_vcpu_set_left(v, true);
    evtchn_for_each(move_away, v);
    evtchn_upcall(); /* deliver what was raised here before the moves: it must not stay linked */
    evtchn_rest_leave(v);
}

const char *evtchn_abi(void)
{
    return evtchn_ops->name;
}

unsigned int evtchn_nr_ports(void)
{
    return evtchn_ops->nr_ports;
}
