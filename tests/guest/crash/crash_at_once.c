/* SPDX-License-Identifier: MIT */
/*
 * VCPU 0 crashes, and while it reports that all others do, or write to the console: its report
 * comes out whole.
 *
 * Vcpus: 4
 * Expect: VCPU 0: invalid opcode
 * Expect: rip .* crash_here.*\n.*rax .*\n.*rsi .*\n.*r8 .*\n.*r12 .*\n.*cs .*\n.*backtrace:
 * Expect: backtrace:\n.*#0 .* crash_here.*\n.*#1 .* main\+.*\n.*#2 .*\n.*#3 .*\n.*#4 .* _start
 * Expect: the guest shut down with the reason crash
 */
#include <xenlet.h>

static unsigned int go;

__attribute__((noinline)) static void crash_here(void)
{
    __builtin_trap();
}

static void follow(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
        ;
    while (vcpu_this() == 3)
        console_printf("VCPU 3 is still there\n");
    crash_here();
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (unsigned int vcpu = 1; vcpu < vcpu_count(); vcpu++)
        xenlet_assert(vcpu_start(vcpu, follow, NULL) == 0);
    /* A full ring: the report has to wait. */
    console_printf("%*s\n", 3000, "Hello");
    __atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
    crash_here();
    return 0;
}
