/* SPDX-License-Identifier: MIT */
/*
 * The in-guest suite: tests that register themselves, run on a real Xen, and say one line each.
 *
 *      TEST(name) { ...; CHECK(cond); CHECK_EQ(got, expected); }
 *
 * A test leaves nothing behind: no bound port, no masked upcall. The suite checks that, and runs all
 * tests forward, then backward.
 */
#ifndef XENLET_TEST_H
#define XENLET_TEST_H

#include <xenlet.h>
#include <xenlet/platform.h>
#include "arch/atomic.h"

struct test {
    const char *name;
    void (*run)(void);
};

#define TEST(test_name)                                                                            \
    static void test_name(void);                                                                   \
    static const struct test test_of_##test_name                                                   \
        __attribute__((section("xenlet_tests"), used)) = { #test_name, test_name };                \
    static void test_name(void)

/* ns. What has to come is waited for this long: a busy machine may stand still for seconds. */
#define PATIENCE 10000000000ull

/* A failed check ends the test function it stands in; in a handler or a helper use EXPECT. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            test_fail(__FILE__, __LINE__, "%s does not hold", #cond);                                 \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(got, expected)                                                                    \
    do {                                                                                           \
        if (!test_same(__FILE__, __LINE__, #got, (long)(got), (long)(expected)))                   \
            return;                                                                                \
    } while (0)

#define EXPECT(cond)                                                                               \
    ((cond) ? (void)0 : test_fail(__FILE__, __LINE__, "%s does not hold", #cond))
#define EXPECT_EQ(got, expected)                                                                   \
    ((void)test_same(__FILE__, __LINE__, #got, (long)(got), (long)(expected)))

/* Leave the test: it cannot run here. The runner knows which skips to expect where. */
#define SKIP(...)                                                                                  \
    do {                                                                                           \
        test_skip(__VA_ARGS__);                                                                    \
        return;                                                                                    \
    } while (0)

void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool test_same(const char *file, int line, const char *what, long got, long expected);
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The number behind `name=` on the command line, or `otherwise`. */
unsigned int test_number(const char *name, unsigned int otherwise);

/* A handler that counts: `data` points to an unsigned int. */
void count_event(struct evtchn *ch, void *data);

/* Upcalls are masked: have one of what selectors and queues hold, and put them back to `flags`. */
static inline void test_upcall(struct vcpu_info *info, unsigned long flags)
{
    atomic_write(&info->evtchn_upcall_pending, 1);
    if (!ARCH_UPCALL_BY_FLAG)
        evtchn_upcall();
    platform_upcalls_restore(flags);
}

/* What kind of guest we are, as Xen's own tests call it. */
extern const char test_environment[];

/* The gfn of a page of ours that Xen may not map to write to it itself. */
uint64_t test_unwritable_gfn(void);

/* Whether the Xen below us is the PV shim, which answers some calls in its own way. */
bool in_pv_shim(void);

/* Whether this Xen says that it has the 3-level ABI; and to leave a test that needs one which does. */
bool xen_has_3l(void);
#define NEEDS_XEN_3L()                                                                             \
    do {                                                                                           \
        if (!xen_has_3l())                                                                         \
            SKIP("this Xen has no 3-level ABI");                                                   \
    } while (0)

/* Whether `name` is the ABI in use; and to leave a test of what holds while it is another one. */
bool abi_is(const char *name);
#define NEEDS_ABI(name)                                                                            \
    do {                                                                                           \
        if (!abi_is(name))                                                       \
            SKIP("event channels are %s", evtchn_abi());                                           \
    } while (0)

/* An event channel operation without a wrapper, or with an argument that none makes. */
long test_evtchn_op(unsigned int cmd, const void *arg);

/* Wait until *counter is at least `want`; false after a second. For counters handlers increment. */
bool wait_count(const unsigned int *counter, unsigned int want);

#endif
