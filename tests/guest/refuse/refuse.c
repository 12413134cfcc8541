/* SPDX-License-Identifier: MIT */
/*
 * A Xen that refuses FIFO or 3-level at one step or another, for which the linker puts ourselves in
 * front of the hypercall; whatever it refuses, and with whichever error, the guest works on.
 *
 * Refuse: hypercall_evtchn_init_control hypercall_evtchn_expand_array
 * Refuse: hypercall_evtchn_query_extended_abis hypercall_evtchn_register_3level_bitmaps
 * Refuse: hypercall_evtchn_register_3level_l2 hypercall_register_vcpu_info
 *
 * `refuse=STEP` says at which: FIFO's control, first-page, second-page; 3-level's query, bitmaps,
 * l2, the selector of VCPU 0; for either, later is the block or selector of another VCPU when it
 * comes up, again the same at a reset, when it is up; vcpu-info is the other VCPU's vcpu_info, the
 * first time only. `error=N` is the errno, `vcpu=N` the other VCPU, 1 unless given. With `unready`
 * Xen itself has to refuse that one its selector first, since it has no vcpu_info yet.
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
int __real_hypercall_evtchn_query_extended_abis(uint64_t *abis);
int __wrap_hypercall_evtchn_query_extended_abis(uint64_t *abis);
int __real_hypercall_evtchn_register_3level_bitmaps(uint32_t nr_pages, const uint64_t *pending,
                                                    const uint64_t *mask);
int __wrap_hypercall_evtchn_register_3level_bitmaps(uint32_t nr_pages, const uint64_t *pending,
                                                    const uint64_t *mask);
int __real_hypercall_evtchn_register_3level_l2(uint32_t vcpu, uint64_t gfn, uint32_t offset);
int __wrap_hypercall_evtchn_register_3level_l2(uint32_t vcpu, uint64_t gfn, uint32_t offset);
int __real_hypercall_register_vcpu_info(unsigned int vcpu, uint64_t gfn, uint32_t offset);
int __wrap_hypercall_register_vcpu_info(unsigned int vcpu, uint64_t gfn, uint32_t offset);

static unsigned int nr_pages;
static bool other_began;

static int number(const char *name, int otherwise)
{
    const char *text = xenlet_option(name);
    int n = 0;

    while (text && *text >= '0' && *text <= '9')
        n = n * 10 + *text++ - '0';
    return text ? n : otherwise;
}

static int error_at(const char *step)
{
    const char *refused = xenlet_option("refuse");

    return refused && strcmp(refused, step) == 0 ? -number("error", 0) : 0;
}

static int error_for(unsigned int vcpu, const char *first)
{
    return error_at(vcpu == 0 ? first : other_began ? "again" : "later");
}

int __wrap_hypercall_evtchn_init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu,
                                         uint8_t *link_bits)
{
    int rc = error_for(vcpu, "control");

    return rc ? rc : __real_hypercall_evtchn_init_control(gfn, offset, vcpu, link_bits);
}

int __wrap_hypercall_evtchn_expand_array(uint64_t gfn)
{
    int rc = error_at(++nr_pages == 1 ? "first-page" : "second-page");

    return rc ? rc : __real_hypercall_evtchn_expand_array(gfn);
}

int __wrap_hypercall_evtchn_query_extended_abis(uint64_t *abis)
{
    int rc = error_at("query");

    return rc ? rc : __real_hypercall_evtchn_query_extended_abis(abis);
}

int __wrap_hypercall_evtchn_register_3level_bitmaps(uint32_t pages, const uint64_t *pending,
                                                    const uint64_t *mask)
{
    int rc = error_at("bitmaps");

    return rc ? rc : __real_hypercall_evtchn_register_3level_bitmaps(pages, pending, mask);
}

int __wrap_hypercall_evtchn_register_3level_l2(uint32_t vcpu, uint64_t gfn, uint32_t offset)
{
    int rc = error_for(vcpu, "l2");

    return rc ? rc : __real_hypercall_evtchn_register_3level_l2(vcpu, gfn, offset);
}

int __wrap_hypercall_register_vcpu_info(unsigned int vcpu, uint64_t gfn, uint32_t offset)
{
    static bool refused;
    int rc = vcpu && !refused ? error_at("vcpu-info") : 0;

    refused = refused || rc;
    return rc ? rc : __real_hypercall_register_vcpu_info(vcpu, gfn, offset);
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
    atomic_write(&other_began, true);
    evtchn_wait(is_set, arg, XENLET_FOREVER);
}

/* Xen would have to write L1 to a page that all domains share. */
static int refuse_unready(unsigned int vcpu)
{
    void *page = platform_page_alloc();
    int rc = hypercall_evtchn_register_3level_l2(vcpu, platform_page_gfn(page), 0);

    console_printf("VCPU %u without vcpu_info: %d\n", vcpu, rc);
    platform_page_free(page);
    return rc == -XEN_EINVAL ? 0 : -1;
}

/* It binds to the console's port, and looks once more soon after: see evtchn_reset(). */
static int let_xenconsoled_settle(void)
{
    int rc = console_flush(XENLET_FOREVER);

    if (rc == 0 && !xenlet_is_initial_domain())
        clock_sleep(3000000000);
    return rc;
}

/*
 * A VCPU without its block or selector does not come up, and nothing binds to it; when a reset
 * finds it so, all go to 2-level.
 */
static int use_vcpu(unsigned int vcpu)
{
    static unsigned int over;
    struct evtchn *ch;
    int rc = vcpu_start(vcpu, idle, &over);

    console_printf("VCPU %u: %d\n", vcpu, rc);
    if (rc && error_at("vcpu-info") == rc) {
        rc = vcpu_start(vcpu, idle, &over);
        console_printf("VCPU %u at the second attempt: %d\n", vcpu, rc);
    }
    while (rc == 0 && !atomic_read(&other_began))
        clock_sleep(1000000);
    if (rc)
        return evtchn_bind_ipi(vcpu, count, NULL, EVTCHN_HANDLER_GPR, &ch) == -XEN_ENOENT ? 0 : -1;
    rc = evtchn_bind_ipi(vcpu, count, NULL, EVTCHN_HANDLER_GPR, &ch);
    if (rc == 0)
        rc = let_xenconsoled_settle();
    if (rc == 0)
        rc = evtchn_reset();
    console_printf("after a reset event channels are %s\n", evtchn_abi());
    if (rc || !comes(1)) /* the reset itself raises each channel once */
        return -1;
    rc = evtchn_send(ch);
    if (rc || !comes(2))
        return -1;
    over = 1;
    vcpu_wake(vcpu);
    return vcpu_join(vcpu, XENLET_FOREVER);
}

int main(int argc, char **argv)
{
    unsigned int vcpu = (unsigned int)number("vcpu", 1);
    int rc = 0;

    (void)argc;
    (void)argv;
    console_printf("event channels are %s\n", evtchn_abi());
    if (xenlet_option("unready"))
        rc = refuse_unready(vcpu);
    if (rc == 0 && vcpu_count() > 1)
        rc = use_vcpu(vcpu);
    if (rc == 0)
        rc = bind_many();
    console_printf("Test result: %s\n", rc ? "FAILURE" : "SUCCESS");
    return 0;
}
