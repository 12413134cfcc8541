/* SPDX-License-Identifier: MIT */
/*
 * The stack pointer leads nowhere, by a longjmp() with a buffer that was written over. Xen cannot
 * push an exception's frame for a PV guest then, and ends the domain; on arm64 the report comes
 * from another stack.
 *
 * Expect: Xen ended the guest .* in be_lost\+
 */
#include <xenlet.h>

__attribute__((noinline, used)) static void be_lost(void)
{
    console_printf("there was a stack\n");
    xenlet_exit(0);
}

int main(int argc, char **argv)
{
    void *buffer[5] = { __builtin_frame_address(0), (void *)be_lost, (void *)4096 };

    (void)argc;
    (void)argv;
    __builtin_longjmp(buffer, 1);
}
