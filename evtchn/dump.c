/* SPDX-License-Identifier: MIT */
/*
 * What there is to know about the channels, for a person who wonders why nothing moves. Takes no
 * lock: whoever holds one may be what is being looked for. What it shows may change meanwhile.
 */
#include "evtchn/internal.h"

static const char *const kinds[] = { "unbound", "interdomain", "virq", "pirq", "ipi", "lost" };

/* Where the CPU masks the event interrupt itself, only that VCPU knows whether it does. */
static const char *upcalls_of(const struct vcpu_info *info)
{
#ifdef XEN_HAVE_PV_UPCALL_MASK
    return atomic_read(&info->evtchn_upcall_mask) ? "masked" : "unmasked";
#else
    (void)info;
    return "masked by the CPU or not";
#endif
}

static void dump_vcpu(const struct evtchn_vcpu *v, void (*print)(const char *format, ...))
{
    print("VCPU %u: upcalls %s%s, %lu taken, %lu orphans\n", v->id, upcalls_of(v->info),
          atomic_read(&v->info->evtchn_upcall_pending) ? " and pending" : "",
          (unsigned long)v->upcalls, (unsigned long)v->orphans);
    print("  selector %lx, running port %u, resting until %lu\n",
          (unsigned long)atomic_read(&v->info->evtchn_pending_sel),
          v->current ? v->current->port : 0, (unsigned long)v->rest_until);
    evtchn_ops->dump(v, print);
}

static void dump_channel(struct evtchn *ch, void (*print)(const char *format, ...))
{
    struct evtchn_counters c;
    unsigned int r = atomic_read(&ch->reasons);

    evtchn_get_counters(ch, &c);
    print("port %u: %s of VCPU %u%s, masked for%s%s%s%s%s, %lu delivered, %lu spurious, %lu "
          "deferred\n",
          ch->port, kinds[ch->kind], ch->vcpu, evtchn_ops->is_pending(ch->port) ? ", pending" : "",
          r ? "" : " nothing", r & REASON_USER ? " user" : "", r & REASON_STORM ? " storm" : "",
          r & REASON_EOI ? " eoi" : "", r & REASON_MOVE ? " move" : "", (unsigned long)c.delivered,
          (unsigned long)c.spurious, (unsigned long)c.deferred);
}

void evtchn_dump(void (*print)(const char *format, ...))
{
    print("event channels: %s, %u ports\n", evtchn_ops->name, evtchn_ops->nr_ports);
    evtchn_ops->dump(NULL, print);
    for (unsigned int i = 0; i < XENLET_MAX_VCPUS; i++) {
        if (atomic_read(&evtchn_vcpus[i]))
            dump_vcpu(evtchn_vcpus[i], print);
    }
    for (evtchn_port_t port = 1; port < evtchn_ops->nr_ports; port++) {
        struct evtchn *ch;

        if (!atomic_read(&evtchn_rows[port / ROW_PORTS])) {
            port |= ROW_PORTS - 1;
            continue;
        }
        ch = evtchn_lookup(port);
        if (ch)
            dump_channel(ch, print);
    }
}
