/* SPDX-License-Identifier: MIT */
/*
 * Calls into data: the page may not be executed, and the report names the caller.
 *
 * Expect: cannot execute address 0x[0-9a-f]+: not allowed there
 * Expect: #1 .* call_data\+
 * Expect: #2 .* main\+
 * Expect: the guest shut down with the reason crash
 */
#include <xenlet.h>

static unsigned char code[16] = { 0xc3 }; /* ret */

__attribute__((noinline)) static void call_data(void (*function)(void))
{
    function();
    __asm__ volatile("");
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    console_printf("about to call %p\n", (void *)code);
    call_data((void (*)(void))(uintptr_t)code);
    return 0;
}
