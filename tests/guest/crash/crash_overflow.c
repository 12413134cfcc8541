/* SPDX-License-Identifier: MIT */
/*
 * Calls itself until the stack is used up. Xen pushes an exception's frame onto that stack, finds
 * the guard page and ends the domain: no guest code can report this, so the runner does.
 *
 * Expect: about to use up the stack
 * Expect: stack overflow: boot_stack; Xen ended the guest .* in call_myself\+
 */
#include <xenlet.h>

__attribute__((noinline)) static unsigned long call_myself(unsigned long depth)
{
    volatile unsigned long here = depth;

    return here ? call_myself(depth + 1) + here : 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    console_printf("about to use up the stack\n");
    return (int)call_myself((unsigned long)argc + 1);
}
