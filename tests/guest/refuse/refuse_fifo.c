/* SPDX-License-Identifier: MIT */
/*
 * A Xen that refuses FIFO at one step or another, for which the linker puts ourselves in front of the
 * hypercall; whatever it refuses, and with whichever error, the guest works on.
 *
 * Refuse: hypercall_evtchn_init_control hypercall_evtchn_expand_array
 *
 * `refuse=STEP` says at which: control, first-page, second-page. `error=N` is the errno.
 */
#include "evtchn/internal.h"
#include "kernel/string.h"
#include <xenlet.h>

int __real_hypercall_evtchn_init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu,
                                         uint8_t *link_bits);
int __wrap_hypercall_evtchn_init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu,
                                         uint8_t *link_bits);
int __real_hypercall_evtchn_expand_array(uint64_t gfn);
int __wrap_hypercall_evtchn_expand_array(uint64_t gfn);

static unsigned int nr_pages;

static int error_at(const char *step)
{
    const char *refused = xenlet_option("refuse"), *text = xenlet_option("error");
    int error = 0;

    if (!refused || strcmp(refused, step) != 0)
        return 0;
    while (text && *text >= '0' && *text <= '9')
        error = error * 10 + *text++ - '0';
    return -error;
}

int __wrap_hypercall_evtchn_init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu,
                                         uint8_t *link_bits)
{
    int rc = error_at("control");

    return rc ? rc : __real_hypercall_evtchn_init_control(gfn, offset, vcpu, link_bits);
}

int __wrap_hypercall_evtchn_expand_array(uint64_t gfn)
{
    int rc = error_at(++nr_pages == 1 ? "first-page" : "second-page");

    return rc ? rc : __real_hypercall_evtchn_expand_array(gfn);
}

static unsigned int seen;

static void count(struct evtchn *ch, void *data)
{
    (void)ch;
    (void)data;
    seen++;
}

/* Bind until it ends; what it ends with, and whether all that was bound works. */
static int bind_many(void)
{
    struct evtchn *first = NULL, *ch;
    unsigned int sent = 0;
    int rc;

    while ((rc = evtchn_bind_ipi(0, count, NULL, EVTCHN_HANDLER_GPR, &ch)) == 0) {
        first = first ? first : ch;
        evtchn_send(ch);
        sent++;
        if (sent == 1100)
            break;
    }
    clock_sleep(1000000);
    evtchn_send(first);
    clock_sleep(1000000);
    console_printf("%u bound, %u delivered, then error %d\n", sent, seen, rc);
    return seen >= sent ? 0 : -1;
}

int main(int argc, char **argv)
{
    int rc;

    (void)argc;
    (void)argv;
    console_printf("event channels are %s\n", evtchn_abi());
    rc = bind_many();
    console_flush(1000000000);
    console_printf("Test result: %s\n", rc ? "FAILURE" : "SUCCESS");
    return 0;
}
