/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the pages shared with Xen hold anything. Bitmaps, selectors, event words, control
 * blocks and second-level selectors are written at will between calls of the library; it must not
 * touch memory that is not its own, and every call must come back.
 */
#include <stdlib.h>
#include <string.h>
#include "evtchn/internal.h"
#include "kernel/internal.h"
#include "tests/host/platform/host.h"
#include <xenlet/hypercall.h>

#define CHANNELS 12u
#define VCPUS    2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct evtchn *channels[CHANNELS];
static bool late[CHANNELS];

static struct input {
    const uint8_t *data;
    size_t size;
} in;

static uint64_t take(unsigned int bytes)
{
    uint64_t value = 0;

    while (bytes-- && in.size) {
        value = value << 8 | *in.data++;
        in.size--;
    }
    return value;
}

static void handler(struct evtchn *ch, void *data)
{
    unsigned int i = (unsigned int)(uintptr_t)data;

    if (i % 5 == 1 && late[i])
        evtchn_eoi(ch, true);
    if (i % 5 == 2)
        evtchn_mask(ch);
}

static void bind(unsigned int i)
{
    static const unsigned int flags[] = { EVTCHN_HANDLER_GPR, 0,
                                          EVTCHN_HANDLER_GPR | EVTCHN_LATE_EOI, EVTCHN_NO_SHARE };

    late[i] = i % 4 == 2;
    if (!channels[i] &&
        evtchn_bind_ipi(i % VCPUS, handler, (void *)(uintptr_t)i, flags[i % 4], &channels[i]) != 0)
        channels[i] = NULL;
}

static void boot(const char *abi)
{
    struct host_config config = {
        .model = { .nr_vcpus = VCPUS,
                   .max_port = 1023,
                   .has_fifo = true,
                   .has_3l = true,
                   .quiet = true },
        .abi = abi,
        .pages = 256,
    };

    memset(channels, 0, sizeof(channels));
    host_boot(&config);
    if (timer_init() != 0 || host_add_vcpu(1) != 0)
        abort();
    host_this = 1;
    if (timer_init() != 0)
        abort();
    platform_upcalls_restore(0);
    host_this = 0;
    for (unsigned int i = 0; i < CHANNELS; i++)
        bind(i);
}

/* --- hostile contents ----------------------------------------------------------------------- */

static void scribble(void)
{
    struct evtchn_vcpu *v = evtchn_vcpus[take(1) % VCPUS];
    unsigned int i = (unsigned int)take(1);

    switch (take(1) % 8) {
    case 0:
        evtchn_shared->evtchn_pending[i % (sizeof(xen_ulong_t) * 8)] = (xen_ulong_t)take(8);
        break;
    case 1:
        evtchn_shared->evtchn_mask[i % (sizeof(xen_ulong_t) * 8)] = (xen_ulong_t)take(8);
        break;
    case 2:
        v->info->evtchn_pending_sel = (xen_ulong_t)take(8);
        break;
    case 3:
        v->fifo_control.ready = (uint32_t)take(4);
        break;
    case 4:
        v->fifo_control.head[i % EVTCHN_FIFO_MAX_QUEUES] = (uint32_t)take(i & 16 ? 4 : 1);
        break;
    case 5:
        v->l2_selector[i % (sizeof(xen_ulong_t) * 8)] = (xen_ulong_t)take(8);
        break;
    case 6:
        if (model_fifo_word(i))
            *model_fifo_word(i) = (uint32_t)take(4);
        break;
    default: /* one of a channel's, which leads to another's */
        if (model_fifo_word(i % 16))
            *model_fifo_word(i % 16) = (uint32_t)(take(1) << 28 | take(1) % 16);
        break;
    }
}

static void upcall(void)
{
    struct vcpu_info *info;

    host_this = (unsigned int)take(1) % VCPUS;
    info = &host_vcpus[host_this]->info;
    info->evtchn_upcall_pending = 1;
    host_take_upcalls();
}

static void call(void)
{
    unsigned int i = (unsigned int)take(1) % CHANNELS;

    host_this = (unsigned int)take(1) % VCPUS;
    if (!channels[i]) {
        bind(i);
        return;
    }
    switch (take(1) % 10) {
    case 0:
        evtchn_mask(channels[i]);
        break;
    case 1:
        evtchn_unmask(channels[i]);
        break;
    case 2:
        evtchn_send(channels[i]);
        break;
    case 3:
        evtchn_raise(channels[i]);
        break;
    case 4:
        evtchn_close(channels[i]);
        channels[i] = NULL;
        break;
    case 5:
        evtchn_set_priority(channels[i], (unsigned int)take(1) % 16);
        break;
    case 6:
        evtchn_eoi(channels[i], take(1) & 1);
        break;
    case 7:
        evtchn_take_pending(channels[i]);
        break;
    case 8:
        evtchn_poll(&channels[i], 1, platform_now_ns());
        break;
    default:
        host_this = 0;
        evtchn_reset();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const abis[] = { "2l", "fifo", "3l" };

    in = (struct input){ data, size };
    boot(abis[take(1) % 3]);
    while (in.size) {
        switch (take(1) % 4) {
        case 0:
        case 1:
            scribble();
            break;
        case 2:
            upcall();
            break;
        default:
            call();
            break;
        }
    }
    return 0;
}
