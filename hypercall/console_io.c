/* SPDX-License-Identifier: MIT */
/* Xen's own console, as public/xen.h gives it. */
#include <xenlet/hypercall.h>
#include "hypercall_arch.h"

int hypercall_console_write(const char *text, unsigned int len)
{
    return (int)arch_hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, len, text);
}

int hypercall_console_read(char *text, unsigned int len)
{
    return (int)arch_hypercall3(__HYPERVISOR_console_io, CONSOLEIO_read, len, text);
}
