/* SPDX-License-Identifier: MIT */
/* Time, made of a CPU's counter and what Xen says of it. */
#include "arch/atomic.h"
#include "kernel/internal.h"
#include "platform_arch.h"
#include "tests/guest/test.h"

/*
 * As on a CPU whose counter was set back. The stamp is ours to write, being in vcpu_info; if Xen
 * has written another meanwhile, that one stays.
 */
TEST(clock_of_a_counter_that_is_behind)
{
    struct vcpu_time_info *t = (struct vcpu_time_info *)arch_time_info();
    unsigned long flags = platform_upcalls_save();
    uint64_t was = atomic_read(&t->tsc_timestamp), ahead = was + (1ull << 40), before, after;

    before = clock_now();
    atomic_cas64(&t->tsc_timestamp, was, ahead);
    after = clock_now();
    atomic_cas64(&t->tsc_timestamp, ahead, was);
    platform_upcalls_restore(flags);
    EXPECT(after >= before);
    EXPECT(after - before < 60000000000ull);
    EXPECT(clock_now() >= after);
}
