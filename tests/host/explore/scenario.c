/* SPDX-License-Identifier: MIT */
/* What scenarios are made of: channels to a peer, events, and what has to be true in the end. */
#include <string.h>
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "evtchn/internal.h"
#include "tests/host/explore/entry.h"
#include "tests/host/explore/guest.h"
#include "tests/host/explore/layout.h"
#include "tests/host/explore/world.h"
#include "tests/host/model/model.h"
#include "tests/host/platform/host.h"

struct channel a, b, c;

static const struct scenario *scenario;
static enum abi abi;
static struct channel *connected[3];
static unsigned int nr_connected;

const char *abi_name(enum abi which)
{
    return which == ABI_2L ? "2l" : which == ABI_3L ? "3l" : "fifo";
}

void must(int rc, const char *what)
{
    if (rc)
        explore_fail("%s: error %d", what, rc);
}

/* --- the peer ------------------------------------------------------------------------------- */

/* The event is there, and who takes it finds what it is about: row 19 of the list of mistakes. */
void raise_event(struct channel *to)
{
    struct evtchn_send op = { .port = to->peer_port };

    atomic_write(&to->sent, to->sent + 1);
    smp_wmb(); /* before the event; the handler reads it after it has cleared PENDING */
    must(model_peer_op(EVTCHNOP_send, &op), "EVTCHNOP_send");
}

void idle(void)
{
}

/* --- the guest ------------------------------------------------------------------------------ */

void handler(struct evtchn *ch, void *data)
{
    struct channel *of = data;
    uint32_t sent;

    (void)ch;
    explore_enter("handler");
    if (ghost(&of->closed))
        explore_fail("a handler runs after evtchn_close() has returned");
    if (ghost(&of->home) && ghost(&of->home) != platform_vcpu() + 1)
        explore_fail("a handler runs on another VCPU than its channel's");
    if (ghost(&of->running))
        explore_fail("a handler runs on two VCPUs at once");
    ghost_set(&of->running, platform_vcpu() + 1);
    if (ghost(&of->masked))
        explore_fail("a handler runs after evtchn_mask() has returned");
    ghost_set(&of->delivered, ghost(&of->delivered) + 1);
    of->data++;
    sent = atomic_read(of->from);
    if (sent > ghost(&of->seen))
        ghost_set(&of->seen, sent);
    if (of->then)
        of->then();
    if (ghost(&of->closed))
        explore_fail("evtchn_close() has returned while the handler runs");
    ghost_set(&of->running, 0);
    explore_leave();
}

void close_channel(struct channel *of)
{
    must(evtchn_close(of->ch), "evtchn_close");
    ghost_set(&of->closed, 1);
    of->data = FREED;
}

void mask_channel(struct channel *of)
{
    must(evtchn_mask(of->ch), "evtchn_mask");
    ghost_set(&of->masked, 1);
}

void unmask_channel(struct channel *of)
{
    ghost_set(&of->masked, 0);
    must(evtchn_unmask(of->ch), "evtchn_unmask");
}

void bind_far(struct channel *to)
{
    struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 5 };

    must(model_peer_op(EVTCHNOP_alloc_unbound, &op), "EVTCHNOP_alloc_unbound");
    to->peer_port = op.port;
}

void connect(struct channel *to, unsigned int vcpu, unsigned int flags)
{
    bind_far(to);
    to->from = &to->sent;
    must(evtchn_bind_interdomain(model_peer(), to->peer_port, handler, to, flags, &to->ch),
         "evtchn_bind_interdomain");
    to->port = evtchn_port(to->ch);
    if (vcpu)
        must(evtchn_bind_vcpu(to->ch, vcpu), "evtchn_bind_vcpu");
    connected[nr_connected++] = to;
}

/* --- one program ---------------------------------------------------------------------------- */

static unsigned int threads_of(const struct scenario *s)
{
    unsigned int n = 0;

    while (n < MAX_THREADS && s->threads[n].body)
        n++;
    return n;
}

/* What came of binding is taken, and forgotten. */
static void quiet(unsigned int nr_vcpus)
{
    for (unsigned int round = 0; round < 2; round++) {
        for (unsigned int i = 0; i < nr_vcpus; i++) {
            be_vcpu(i);
            take_upcalls();
        }
    }
    be_vcpu(0);
    for (unsigned int i = 0; i < nr_connected; i++)
        connected[i]->delivered = connected[i]->data = 0;
}

bool scenario_has(enum abi which)
{
    const int vcpu = 0;

    host_image_restore();
    names_forget();
    world_boot(&vcpu, 1, abi_name(which));
    return strcmp(evtchn_abi(), abi_name(which)) == 0;
}

static void set_up(void)
{
    unsigned int n = threads_of(scenario), nr_vcpus = 1;
    int vcpu[MAX_THREADS];

    for (unsigned int t = 0; t < n; t++) {
        vcpu[t] = scenario->threads[t].vcpu;
        if (vcpu[t] >= (int)nr_vcpus)
            nr_vcpus = (unsigned int)vcpu[t] + 1;
    }
    host_image_restore();
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    memset(&c, 0, sizeof(c));
    nr_connected = 0;
    world_boot(vcpu, n, abi_name(abi));
    if (strcmp(evtchn_abi(), abi_name(abi)) != 0)
        explore_fail("the ABI is %s", evtchn_abi());
    scenario->arrange();
    quiet(entry_is_loaded() ? 0 : nr_vcpus);
    layout_add(connected[0]->ch, nr_vcpus);
}

/* Masked, by the user or for a while: what comes is kept. */
static bool is_held(const struct channel *of, const char *name)
{
    if (ghost(&of->masked))
        return true;
    if (of->ch->rest_on && !timer_of(of->ch->rest_on->id))
        explore_fail("channel %s rests, and no timer is set", name);
    return of->ch->reasons;
}

static void check_channel(const struct channel *of, const char *name)
{
    uint32_t seen = ghost(&of->seen), delivered = ghost(&of->delivered);
    bool closed = ghost(&of->closed);

    if (!of->from)
        return;
    if (of->ch && !closed && !ghost(&of->gone)) {
        bool pending = evtchn_is_pending(of->ch), held = is_held(of, name);

        if (seen != *of->from && !(held && pending))
            explore_fail("an event of channel %s is lost: %u sent, %u seen", name, *of->from, seen);
        if (pending && !held)
            explore_fail("channel %s is pending, unmasked, and not delivered", name);
    }
    if (delivered > *of->from + of->extra)
        explore_fail("channel %s: %u deliveries of %u events", name, delivered, *of->from);
    if (of->data != (closed ? FREED : delivered))
        explore_fail("channel %s: what its handler wrote is lost", name);
}

static void check(void)
{
    const char *wrong;

    check_channel(&a, "a");
    check_channel(&b, "b");
    check_channel(&c, "c");
    wrong = layout_queues_wrong();
    if (wrong)
        explore_fail("at rest %s", wrong);
    if (scenario->check)
        scenario->check();
}

static uint64_t hash_ghosts(void)
{
    static const struct channel *const all[] = { &a, &b, &c };
    uint64_t h = 0;

    for (unsigned int i = 0; i < 3; i++) {
        h = mix(h, (uint64_t)ghost(&all[i]->seen) << 32 | ghost(&all[i]->delivered));
        h = mix(h, (uint64_t)ghost(&all[i]->running) << 32 | ghost(&all[i]->closed) << 3 |
                       ghost(&all[i]->gone) << 2 | ghost(&all[i]->masked));
    }
    return h;
}

static struct program program_of(const struct scenario *s, enum abi which)
{
    struct program p = { .name = s->name,
                         .nr_threads = threads_of(s),
                         .setup = set_up,
                         .check = check,
                         .look = world_look,
                         .looks = world_looks,
                         .memory = world_memory,
                         .hash = hash_ghosts };

    scenario = s;
    abi = which;
    for (unsigned int t = 0; t < p.nr_threads; t++) {
        p.threads[t].name = s->threads[t].name;
        p.threads[t].body = s->threads[t].body;
    }
    return p;
}

void scenario_run(const struct scenario *s, enum abi which, const struct limits *limits,
                  struct result *r)
{
    const struct program p = program_of(s, which);

    explore(&p, limits, r);
}

void scenario_replay(const struct scenario *s, enum abi which, const char *replay, struct result *r)
{
    const struct program p = program_of(s, which);

    explore_replay(&p, replay, stdout, r);
}

const struct scenario *scenario_number(unsigned int number)
{
    static const struct scenario *const *const files[] = { races, neighbours, walks,    moves,
                                                           lives, others,     vcpus_go, contracts };

    for (unsigned int f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
        for (unsigned int i = 0; files[f][i]; i++) {
            if (number-- == 0)
                return files[f][i];
        }
    }
    return NULL;
}
