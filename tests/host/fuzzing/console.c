/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the far end of the console's ring writes what it likes into it, indices and bytes,
 * while the guest reads lines and writes without waiting.
 */
#include <stdlib.h>
#include <string.h>
#include <xenlet/clock.h>
#include <xenlet/console.h>
#include <xenlet/memory.h>
#include <xen/io/console.h>
#include "kernel/internal.h"
#include "tests/host/platform/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xencons_interface *ring;
static evtchn_port_t far; /* the peer's end of the channel */

/* As the toolstack leaves it: the ring's frame and an unbound port, in start_info. */
static void started(void)
{
    struct evtchn_alloc_unbound port = { .dom = DOMID_SELF, .remote_dom = model_peer() };
    struct evtchn_bind_interdomain connect = { .remote_dom = 5 };
    const long args[4] = { EVTCHNOP_alloc_unbound, (long)&port };

    if (timer_init() != 0 || model_hypercall(__HYPERVISOR_event_channel_op, args) != 0)
        abort();
    connect.remote_port = port.port;
    if (model_peer_op(EVTCHNOP_bind_interdomain, &connect) != 0)
        abort();
    far = connect.local_port;
    ring = xenlet_pages_alloc(1);
    memset(ring, 0, XENLET_PAGE_SIZE);
    start_info->console.domU.mfn = xenlet_gfn(ring);
    start_info->console.domU.evtchn = port.port;
    console_early_init();
    if (console_init() != 0)
        abort();
}

static void disturb(const uint8_t *d)
{
    uint32_t value =
        (uint32_t)d[1] | (uint32_t)d[2] << 8 | (uint32_t)d[3] << 16 | (uint32_t)d[4] << 24;

    if (d[0] & 0x80)
        value = (uint32_t)(int8_t)d[1]; /* near an end */
    switch (d[0] % 6) {
    case 0:
        ring->out_cons = value;
        break;
    case 1:
        ring->out_prod = value;
        break;
    case 2:
        ring->in_prod = value;
        break;
    case 3:
        ring->in_cons = value;
        break;
    case 4:
        ring->in_prod = ring->in_cons + d[1];
        break;
    default:
        ring->in[value % sizeof(ring->in)] = (char)d[4];
        break;
    }
}

static void peer_sends(void)
{
    struct evtchn_send op = { .port = far };

    model_peer_op(EVTCHNOP_send, &op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct host_config config = {
        .model = { .domid = 5, .nr_vcpus = 1, .max_port = 1023, .has_fifo = true, .quiet = true },
        .abi = "2l",
        .pages = 64,
        .started = started,
    };
    char line[80];
    size_t len;

    host_boot(&config);
    for (; size >= 6; data += 6, size -= 6) {
        disturb(data);
        if (data[5] & 1)
            console_try_write((const char *)data, data[5] % 6u);
        if (data[5] & 2 && console_read_line(line, 1 + data[5] % 79u, &len, 0) == 0 &&
            (len >= 1 + data[5] % 79u || line[len] != '\0'))
            abort();
        if (data[5] & 4)
            peer_sends();
        host_take_upcalls();
    }
    return 0;
}
