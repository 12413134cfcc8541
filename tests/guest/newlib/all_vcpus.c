/* SPDX-License-Identifier: MIT */
#include "tests/guest/newlib/all_vcpus.h"
#include "tests/guest/test.h"

#define LIMIT 60000000000ull /* ns */

static void (*to_do)(unsigned int vcpu);

static void program(void *arg)
{
    (void)arg;
    to_do(vcpu_this());
}

void on_all_vcpus(void (*work)(unsigned int vcpu))
{
    to_do = work;
    for (unsigned int i = 1; i < vcpu_count(); i++)
        EXPECT_EQ(vcpu_start(i, program, NULL), 0);
    work(0);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        EXPECT_EQ(vcpu_join(i, clock_after(LIMIT)), 0);
}
