/* SPDX-License-Identifier: MIT */
/* Calls into data: the page may not be executed, and the report names the caller. */
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
