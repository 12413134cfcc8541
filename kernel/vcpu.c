/* SPDX-License-Identifier: MIT */
/* Bringing VCPUs up and down, and having them do things for one another. */
#include <xenlet/clock.h>
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/platform.h>
#include <xenlet/vcpu.h>
#include "arch/spinlock.h"
#include "kernel/internal.h"
#include "platform_arch.h"

enum state {
    DOWN,
    STARTING,
    UP,
    FAILED, /* could not get what it needs; went down again, `error` says why */
};

struct call {
    void (*function)(void *arg);
    void *arg;
    unsigned int caller;
    bool waited_for; /* the caller's own; else to be freed once done */
    bool done;
    struct call *next;
};

static struct vcpu {
    uint32_t state;
    int error;
    void (*program)(void *arg);
    void *arg;
    unsigned int starter;
    bool registered; /* Xen has its vcpu_info; it takes one once in a VCPU's life */
    struct evtchn *ipi;
    struct spinlock lock; /* calls */
    struct call *calls;
} vcpus[XENLET_MAX_VCPUS];

static struct spinlock start_lock;

unsigned int vcpu_this(void)
{
    return platform_vcpu();
}

unsigned int vcpu_count(void)
{
    return platform_nr_vcpus();
}

/* --- calls and wake-ups: one IPI a VCPU serves both ----------------------------------------- */

static struct call *take_calls(struct vcpu *v)
{
    struct call *calls;

    spin_lock(&v->lock);
    calls = v->calls;
    v->calls = NULL;
    spin_unlock(&v->lock);
    return calls;
}

static void run_calls(struct vcpu *v)
{
    struct call *call = take_calls(v);

    while (call) {
        struct call *next = call->next; /* the call may be gone once it is done */
        unsigned int caller = call->caller;
        bool waited_for = call->waited_for;

        call->function(call->arg);
        if (waited_for) {
            atomic_write_release(&call->done, true);
            vcpu_wake(caller);
        } else {
            xenlet_free(call);
        }
        call = next;
    }
}

static void ipi_event(struct evtchn *ch, void *data)
{
    (void)ch;
    run_calls(data);
}

/* Also on VCPU 0, when somebody first needs it. */
static int ipi_init(unsigned int vcpu)
{
    struct vcpu *v = &vcpus[vcpu];
    int rc;

    if (v->ipi)
        return 0;
    rc = evtchn_bind_ipi(vcpu, ipi_event, v, EVTCHN_NO_SHARE, &v->ipi);
    if (rc == 0)
        evtchn_set_priority(v->ipi, EVTCHN_FIFO_PRIORITY_MAX + 1); /* where there are any */
    return rc;
}

static bool is_up(unsigned int vcpu)
{
    return vcpu == 0 || (vcpu < XENLET_MAX_VCPUS && atomic_read_acquire(&vcpus[vcpu].state) == UP);
}

int vcpu_wake(unsigned int vcpu)
{
    if (!is_up(vcpu))
        return -XEN_ENOENT;
    /*
     * Without an IPI no other VCPU was ever started, and none can have made VCPU 0's condition
     * true.
     */
    return vcpus[vcpu].ipi ? evtchn_send(vcpus[vcpu].ipi) : 0;
}

/*
 * -XEN_ENOENT if the VCPU is not up. One that goes down says so under the lock, then runs what is
 * on its list: a call is refused, or run.
 */
static int add_call(unsigned int vcpu, struct call *call)
{
    struct vcpu *v = &vcpus[vcpu];
    unsigned long flags = platform_upcalls_save();
    struct call **link;
    int rc = -XEN_ENOENT;

    spin_lock(&v->lock);
    if (is_up(vcpu) && v->ipi) {
        for (link = &v->calls; *link; link = &(*link)->next)
            ;
        *link = call;
        rc = 0;
    }
    spin_unlock(&v->lock);
    platform_upcalls_restore(flags);
    return rc ? rc : evtchn_send(v->ipi);
}

static bool is_done(void *arg)
{
    const struct call *call = arg;

    return atomic_read_acquire(&call->done);
}

static void call_here(void (*function)(void *arg), void *arg)
{
    unsigned long flags = platform_upcalls_save();

    function(arg);
    platform_upcalls_restore(flags);
}

int vcpu_call(unsigned int vcpu, void (*function)(void *arg), void *arg, bool wait)
{
    struct call here = {
        .function = function, .arg = arg, .caller = platform_vcpu(), .waited_for = true
    };
    struct call *call;
    int rc;

    if (vcpu == platform_vcpu()) {
        call_here(function, arg);
        return 0;
    }
    if (vcpu >= XENLET_MAX_VCPUS)
        return -XEN_ENOENT;
    if (wait) {
        if (upcalls_masked())
            return -XEN_EDEADLK;
        rc = add_call(vcpu, &here);
        return rc ? rc : evtchn_wait(is_done, &here, XENLET_FOREVER);
    }
    call = xenlet_alloc(sizeof(*call));
    if (!call)
        return -XEN_ENOMEM;
    *call = here;
    call->waited_for = false;
    rc = add_call(vcpu, call);
    if (rc)
        xenlet_free(call);
    return rc;
}

/* --- up and down ---------------------------------------------------------------------------- */

static int come_up(unsigned int vcpu)
{
    int rc = arch_fp_init();

    if (rc == 0)
        rc = clock_init();
    if (rc == 0)
        rc = timer_init();
    return rc ? rc : ipi_init(vcpu);
}

static void set_state(struct vcpu *v, enum state state)
{
    unsigned int starter = v->starter; /* once it is down, another one may start it */

    atomic_write_release(&v->state, state);
    vcpu_wake(starter);
}

/* Upcalls are unmasked here only while the program runs. */
static void live_once(unsigned int vcpu)
{
    struct vcpu *v = &vcpus[vcpu];

    v->error = come_up(vcpu);
    if (v->error) {
        evtchn_vcpu_leave();
        set_state(v, FAILED);
        return;
    }
    set_state(v, UP);
    platform_upcalls_restore(0);
    v->program(v->arg);
    (void)platform_upcalls_save();
    spin_lock(&v->lock);
    atomic_write(&v->state, STARTING); /* neither up nor down: no more calls */
    spin_unlock(&v->lock);
    run_calls(v); /* what came before that */
    evtchn_vcpu_leave();
    timer_fini();
    set_state(v, DOWN);
}

void vcpu_main(void)
{
    for (;;) {
        live_once(platform_vcpu());
        arch_vcpu_down();
    }
}

static bool is_settled(void *arg)
{
    const struct vcpu *v = arg;

    return atomic_read_acquire(&v->state) != STARTING;
}

/* While the VCPU is down, any other may do this for it. Above VCPU 31 shared_info has none. */
static int register_info(unsigned int vcpu, const struct vcpu_info *info)
{
    int rc = 0;

    if (!vcpus[vcpu].registered)
        rc = hypercall_register_vcpu_info(vcpu, xenlet_gfn(info),
                                          (uintptr_t)info % XENLET_PAGE_SIZE);
    vcpus[vcpu].registered = rc == 0;
    return rc;
}

static int prepare(unsigned int vcpu)
{
    struct vcpu_info *info;
    int rc = arch_vcpu_exists(vcpu) ? arch_vcpu_prepare(vcpu, &info) : -XEN_ENOENT;

    if (rc == 0)
        rc = register_info(vcpu, info);
    if (rc == 0)
        rc = evtchn_vcpu_init(vcpu, info);
    return rc ? rc : ipi_init(platform_vcpu()); /* the new one wakes us with it */
}

static int claim(struct vcpu *v)
{
    unsigned long flags = platform_upcalls_save();
    int rc = -XEN_EBUSY;

    spin_lock(&start_lock);
    if (v->state == DOWN || v->state == FAILED) {
        v->state = STARTING;
        rc = 0;
    }
    spin_unlock(&start_lock);
    platform_upcalls_restore(flags);
    return rc;
}

int vcpu_start(unsigned int vcpu, void (*program)(void *arg), void *arg)
{
    struct vcpu *v;
    int rc;

    if (vcpu >= XENLET_MAX_VCPUS)
        return -XEN_ENOENT;
    if (vcpu == 0)
        return -XEN_EBUSY;
    if (upcalls_masked())
        return -XEN_EDEADLK;
    v = &vcpus[vcpu];
    rc = claim(v);
    if (rc)
        return rc;
    v->program = program;
    v->arg = arg;
    v->starter = platform_vcpu();
    rc = prepare(vcpu);
    if (rc == 0)
        rc = arch_vcpu_up(vcpu);
    if (rc) {
        atomic_write_release(&v->state, DOWN);
        return rc;
    }
    rc = evtchn_wait(is_settled, v, XENLET_FOREVER);
    return rc ? rc : atomic_read(&v->state) == FAILED ? v->error : 0;
}

static bool is_down(void *arg)
{
    const struct vcpu *v = arg;
    uint32_t state = atomic_read_acquire(&v->state);

    return state == DOWN || state == FAILED;
}

int vcpu_join(unsigned int vcpu, uint64_t deadline)
{
    if (vcpu == 0 || vcpu >= XENLET_MAX_VCPUS)
        return -XEN_EINVAL;
    return evtchn_wait(is_down, &vcpus[vcpu], deadline);
}
