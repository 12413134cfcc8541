/* SPDX-License-Identifier: MIT */
/* The smallest guest: says hello with its arguments, and ends. */
#include <xenlet.h>

int main(int argc, char **argv)
{
    console_printf("Hello from a Xen guest with %zu KiB and %s event channels.\n",
                   xenlet_nr_pages() * 4, evtchn_abi());
    for (int i = 1; i < argc; i++)
        console_printf("argument %d: %s\n", i, argv[i]);
    console_printf("Test result: SUCCESS\n");
    return 0;
}
