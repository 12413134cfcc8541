/* SPDX-License-Identifier: MIT */
/*
 * A Xen that refuses FIFO at one step or another, for which the linker puts ourselves in front of
 * the hypercall; whatever it refuses, and with whichever error, the guest works on.
 *
 * Refuse: hypercall_evtchn_init_control hypercall_evtchn_expand_array
 *
 * `refuse=STEP` says at which: control, first-page, second-page; later is the control block of VCPU
 * 1 when it comes up, again the same at a reset, when it is up. `error=N` is the errno.
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
static bool vcpu_1_began;

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
    int rc = error_at(vcpu == 0 ? "control" : vcpu_1_began ? "again" : "later");

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

static bool is_set(void *arg)
{
    return atomic_read((unsigned int *)arg) != 0;
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

/* Within a second, on whichever VCPU. */
static bool comes(unsigned int n)
{
    for (unsigned int ms = 0; ms < 1000 && atomic_read(&seen) < n; ms++)
        clock_sleep(1000000);
    return atomic_read(&seen) == n;
}

static void idle(void *arg)
{
    vcpu_1_began = true;
    evtchn_wait(is_set, arg, XENLET_FOREVER);
}

/* VCPU 1 without a control block does not come up; when a reset finds it so, all go to 2-level. */
static int use_vcpu_1(void)
{
    static unsigned int over;
    struct evtchn *ch;
    int rc = vcpu_start(1, idle, &over);

    console_printf("VCPU 1: %d\n", rc);
    if (rc)
        return evtchn_bind_ipi(1, count, NULL, EVTCHN_HANDLER_GPR, &ch) == -XEN_ENOENT ? 0 : -1;
    rc = evtchn_bind_ipi(1, count, NULL, EVTCHN_HANDLER_GPR, &ch);
    if (rc == 0)
        rc = evtchn_reset();
    console_printf("after a reset event channels are %s\n", evtchn_abi());
    if (rc || !comes(1)) /* the reset itself raises each channel once */
        return -1;
    rc = evtchn_send(ch);
    if (rc || !comes(2))
        return -1;
    over = 1;
    vcpu_wake(1);
    return vcpu_join(1, XENLET_FOREVER);
}

int main(int argc, char **argv)
{
    int rc;

    (void)argc;
    (void)argv;
    console_printf("event channels are %s\n", evtchn_abi());
    rc = vcpu_count() > 1 ? use_vcpu_1() : 0;
    if (rc == 0)
        rc = bind_many();
    console_flush(1000000000);
    console_printf("Test result: %s\n", rc ? "FAILURE" : "SUCCESS");
    return 0;
}
