/* SPDX-License-Identifier: MIT */
/*
 * What the guest's code finds around it: the platform of include/xenlet/platform.h, and the world
 * the model of Xen stands in. Xen enters a VCPU when it was kicked, at any step thereafter, and on
 * the way back from each hypercall; not at other times: a flag that is set while upcalls are masked
 * is for the guest to find.
 */
#include <string.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"
#include "hypercall_arch.h"
#include "tests/host/explore/entry.h"
#include "tests/host/explore/guest.h"
#include "tests/host/explore/world.h"
#include "tests/host/model/model.h"

#define PAGE      4096u
#define NR_PAGES  64u
#define FIRST_GFN 0x1000u

struct vcpu_page {
    struct vcpu_info info;
    uint64_t timer;
    bool in_xen; /* a hypercall is under way */
};

static char pages[NR_PAGES][PAGE] __attribute__((aligned(4096)));
static unsigned int next_page;
static struct vcpu_page *vcpus[MODEL_MAX_VCPUS];
static uint64_t now;

/* By threads of the explorer; and in set-up and checks. */
static int vcpu_of_thread[MAX_THREADS];
static int thread_of_vcpu[MODEL_MAX_VCPUS];
static unsigned int set_up_as;

unsigned int platform_vcpu(void)
{
    int t = explore_thread();

    return t < 0 ? set_up_as : (unsigned int)vcpu_of_thread[t];
}

unsigned int world_vcpu(void)
{
    return platform_vcpu();
}

static struct vcpu_page *me(void)
{
    return vcpus[platform_vcpu()];
}

static struct vcpu_info *my_info(void)
{
    return &me()->info;
}

/* --- upcalls -------------------------------------------------------------------------------- */

unsigned long platform_upcalls_save(void)
{
    struct vcpu_info *info = my_info();
    uint8_t old = info->evtchn_upcall_mask;

    info->evtchn_upcall_mask = 1;
    return old;
}

static void upcall(void)
{
    explore_enter("upcall");
    evtchn_upcall();
    explore_leave();
}

/* As arch/x86_64/cpu.c has it; entry.S leaves an upcall the same way. */
void platform_upcalls_restore(unsigned long flags)
{
    struct vcpu_info *info = my_info();

    if (flags)
        return;
    for (;;) {
        info->evtchn_upcall_mask = 0;
        if (!atomic_read(&info->evtchn_upcall_pending))
            return;
        info->evtchn_upcall_mask = 1;
        upcall();
    }
}

/* Xen, on the way back to the guest. */
static void enter_guest(void)
{
    struct vcpu_info *info = my_info();

    if (info->evtchn_upcall_mask || !atomic_read(&info->evtchn_upcall_pending))
        return;
    info->evtchn_upcall_mask = 1;
    upcall();
    platform_upcalls_restore(0);
}

void world_look(unsigned int thread)
{
    if (vcpu_of_thread[thread] == PEER)
        return;
    if (entry_is_loaded())
        entry_look();
    else
        enter_guest();
}

struct vcpu_info *world_info(void)
{
    return my_info();
}

enum looks world_looks(unsigned int thread)
{
    int vcpu = vcpu_of_thread[thread];

    if (vcpu == PEER || vcpus[vcpu]->in_xen)
        return LOOKS_LATER;
    return vcpus[vcpu]->info.evtchn_upcall_mask ? LOOKS_IN_VAIN : LOOKS;
}

long host_hypercall(unsigned int nr, const long args[4])
{
    struct vcpu_page *v = me();
    long rc;

    v->in_xen = true;
    rc = model_hypercall(nr, args);
    explore_unkick();
    v->in_xen = false;
    enter_guest();
    return rc;
}

void world_kick(unsigned int vcpu)
{
    if (thread_of_vcpu[vcpu] >= 0)
        explore_kick((unsigned int)thread_of_vcpu[vcpu]);
}

void world_wake(unsigned int vcpu)
{
    if (thread_of_vcpu[vcpu] >= 0)
        explore_wake((unsigned int)thread_of_vcpu[vcpu]);
}

void world_sleep(unsigned int vcpu)
{
    while (model_sleeps(vcpu))
        explore_sleep("its sleep");
}

/* --- memory --------------------------------------------------------------------------------- */

void *platform_page_alloc(void)
{
    return next_page < NR_PAGES ? pages[next_page++] : NULL;
}

void platform_page_free(void *page)
{
    (void)page;
}

uint64_t platform_page_gfn(const void *page)
{
    return FIRST_GFN + (unsigned int)(((const char *)page - pages[0]) / PAGE);
}

void *world_frame(uint64_t gfn)
{
    return gfn - FIRST_GFN < NR_PAGES ? pages[gfn - FIRST_GFN] : NULL;
}

extern uint64_t __start_guest_data[], __stop_guest_data[];
extern uint64_t __start_guest_bss[], __stop_guest_bss[];

static uint64_t sum(const uint64_t *from, const uint64_t *to)
{
    uint64_t h = 0;

    while (from < to)
        h = mix(h, *from++);
    return h;
}

uint64_t world_memory(void)
{
    uint64_t h = sum((uint64_t *)(void *)pages[0], (uint64_t *)(void *)pages[NR_PAGES]);

    h = mix(h, sum(__start_guest_data, __stop_guest_data));
    h = mix(h, sum(__start_guest_bss, __stop_guest_bss));
    return mix(h, sum((uint64_t *)(void *)model_shared_info(),
                      (uint64_t *)(void *)(model_shared_info() + 1)));
}

/* --- time ----------------------------------------------------------------------------------- */

uint64_t platform_now_ns(void)
{
    return atomic_read(&now);
}

uint64_t platform_xen_time(uint64_t ns)
{
    return ns;
}

uint64_t world_now(void)
{
    return platform_now_ns();
}

void platform_tick_at(uint64_t ns)
{
    atomic_write(&vcpus[platform_vcpu()]->timer, ns);
}

void clock_set(uint64_t ns)
{
    atomic_write(&now, ns);
}

uint64_t timer_of(unsigned int vcpu)
{
    return atomic_read(&vcpus[vcpu]->timer);
}

/* --- what nobody should need ----------------------------------------------------------------- */

void platform_fp_save(void)
{
}

void platform_fp_restore(void)
{
}

void platform_log(const char *format, ...)
{
    (void)format;
}

void platform_panic(const char *format, ...)
{
    explore_fail("the guest panics: %s", format);
    explore_prune();
}

void world_up(unsigned int vcpu)
{
    (void)vcpu;
}

void world_down(unsigned int vcpu)
{
    (void)vcpu;
}

void world_console(const char *text, unsigned int len)
{
    (void)text;
    (void)len;
}

void world_shutdown(unsigned int reason)
{
    (void)reason;
    explore_fail("the guest shuts down");
    explore_prune();
}

/* --- boot ----------------------------------------------------------------------------------- */

void be_vcpu(unsigned int vcpu)
{
    set_up_as = vcpu;
}

void take_upcalls(void)
{
    enter_guest();
}

static void add_vcpu(unsigned int vcpu, const char *abi)
{
    struct vcpu_page *v = platform_page_alloc();

    vcpus[vcpu] = v;
    v->info.evtchn_upcall_mask = 1;
    must(hypercall_register_vcpu_info(vcpu, platform_page_gfn(v), 0), "vcpu_info");
    if (vcpu == 0)
        must(evtchn_init(model_shared_info(), &v->info, abi), "evtchn_init");
    else
        must(evtchn_vcpu_init(vcpu, &v->info), "evtchn_vcpu_init");
}

static const struct member info_members[] = {
    { "vcpu_info.evtchn_upcall_pending", 0, 1, 1 },
    { "vcpu_info.evtchn_upcall_mask", 1, 1, 1 },
    { "vcpu_info.evtchn_pending_sel", offsetof(struct vcpu_info, evtchn_pending_sel),
      sizeof(xen_ulong_t), 1 },
    { "timer", offsetof(struct vcpu_page, timer), 8, 1 },
    { 0 },
};

void world_boot(const int *vcpu, unsigned int n, const char *abi)
{
    struct model_config config = {
        .domid = 5,
        .max_port = 8191,
        .has_fifo = true,
        .has_3l = true,
        .quiet = true,
        .l3_marked = 1, /* a walk of all is too long for a machine */
    };

    entry_unload();
    model_refuse(0, 0, 0, 0);
    memset(pages, 0, sizeof(pages));
    memset(vcpus, 0, sizeof(vcpus));
    next_page = 0;
    now = 1000;
    for (unsigned int i = 0; i < MODEL_MAX_VCPUS; i++)
        thread_of_vcpu[i] = -1;
    config.nr_vcpus = 1;
    for (unsigned int t = 0; t < n; t++) {
        vcpu_of_thread[t] = vcpu[t];
        if (vcpu[t] == PEER)
            continue;
        thread_of_vcpu[vcpu[t]] = (int)t;
        if ((unsigned int)vcpu[t] >= config.nr_vcpus)
            config.nr_vcpus = (unsigned int)vcpu[t] + 1;
    }
    model_start(&config);
    for (unsigned int i = 0; i < config.nr_vcpus; i++) {
        be_vcpu(0);
        add_vcpu(i, abi);
        names_add(i ? "VCPU 1" : "VCPU 0", vcpus[i], sizeof(*vcpus[i]), 1, info_members, false);
    }
    for (unsigned int i = 0; i < config.nr_vcpus; i++) {
        be_vcpu(i);
        platform_upcalls_restore(0);
    }
    be_vcpu(0);
}
