/* SPDX-License-Identifier: MIT */
/* Start: which ABI, and each VCPU's part of it. */
#include "evtchn/internal.h"

/* In the order in which auto tries them; the last one cannot be refused. */
static const struct evtchn_port_ops *const abis[] = { &evtchn_ops_2l };
#define NR_ABIS (sizeof(abis) / sizeof(abis[0]))

const struct evtchn_port_ops *evtchn_ops = &evtchn_ops_2l;
struct shared_info *evtchn_shared;
struct evtchn_vcpu *evtchn_vcpus[EVTCHN_MAX_VCPUS];

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Append " text" to a line of `size` bytes. */
static void append(char *line, size_t size, const char *text)
{
    size_t at = 0;

    while (line[at])
        at++;
    if (at + 1 < size)
        line[at++] = ' ';
    while (*text && at + 1 < size)
        line[at++] = *text++;
    line[at] = '\0';
}

static void report_unknown(const char *abi)
{
    char names[64] = "auto";

    for (unsigned int i = NR_ABIS; i-- > 0;)
        append(names, sizeof(names), abis[i]->name);
    platform_log("evtchn=%s is not an event channel ABI (there are: %s); using auto", abi, names);
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

int evtchn_init(struct shared_info *shared, const char *abi)
{
    const struct evtchn_port_ops *wanted = asked_for(abi);

    evtchn_shared = shared;
    evtchn_ops_2l.restart(); /* whatever comes: where 2-level looks, nothing is unmasked */
    for (unsigned int i = 0; i < NR_ABIS; i++) {
        if (wanted && wanted != abis[i] && i + 1 < NR_ABIS)
            continue;
        if (abis[i]->init() == 0) {
            evtchn_ops = abis[i];
            break;
        }
    }
    return 0;
}

int evtchn_vcpu_init(unsigned int vcpu, struct vcpu_info *info)
{
    struct evtchn_vcpu *v = vcpu < EVTCHN_MAX_VCPUS ? evtchn_vcpus[vcpu] : NULL;

    if (vcpu >= EVTCHN_MAX_VCPUS)
        return -XEN_EINVAL;
    if (!v)
        v = platform_page_alloc();
    if (!v)
        return -XEN_ENOMEM;
    v->info = info;
    v->id = vcpu;
    atomic_write_release(&evtchn_vcpus[vcpu], v);
    return evtchn_ops->vcpu_init(v);
}

const char *evtchn_abi(void)
{
    return evtchn_ops->name;
}

unsigned int evtchn_nr_ports(void)
{
    return evtchn_ops->nr_ports;
}
