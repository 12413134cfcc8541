/* SPDX-License-Identifier: MIT */
/* Output: the emulated PL011 where the domain has one (vpl011), else Xen's own console. */
#include <xenlet/hypercall.h>
#include "arch/arm64/boot.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/tree.h"
#include "arch/atomic.h"
#include "boot/arm64/layout.h"
#include "platform_arch.h"

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF 0x20

static volatile char *uart;

void arch_console_early_init(void)
{
    uint64_t address, size;

    if (arch_tree_reg("arm,sbsa-uart", 0, &address, &size) ||
        arch_tree_reg("arm,pl011", 0, &address, &size))
        uart = arch_mmu_fix(address, LAYOUT_PAGE_SIZE, PTE_MMIO);
}

static void put(char c)
{
    while (*(volatile uint32_t *)(uart + UART_FR) & UART_FR_TXFF)
        arch_cpu_relax();
    *(volatile uint32_t *)(uart + UART_DR) = (uint8_t)c;
}

void arch_console_write(const char *text, size_t len)
{
    if (!uart)
        hypercall_console_write(text, (unsigned int)len);
    for (size_t i = 0; uart && i < len; i++)
        put(text[i]);
}

/* A dom0less domain has neither ring nor xenstore. */
struct xencons_interface *arch_console_ring(void)
{
    return NULL;
}

evtchn_port_t arch_console_port(void)
{
    return 0;
}

evtchn_port_t arch_store_port(void)
{
    return 0;
}

struct xenstore_domain_interface *arch_store_ring(void)
{
    return NULL;
}
