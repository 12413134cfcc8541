/* SPDX-License-Identifier: MIT */
/*
 * Interrupts. Two are taken: Xen's event interrupt, and the virtual timer. See gic.h; registers are
 * those of the GIC architecture specification (ARM IHI 0048 for v2, 0069 for v3).
 */
#include <xenlet/evtchn.h>
#include "arch/arm64/gic.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/timer.h"
#include "arch/arm64/tree.h"
#include "arch/atomic.h"
#include "platform_arch.h"

#define EVENT_PPI  31u   /* where the tree has no /hypervisor: GUEST_EVTCHN_PPI */
#define WAKE_SGI   0u    /* wakes a VCPU that sleeps in arch_gic_sleep(), and has another look */
#define FIRST_NONE 1020u /* from here on a number says that there is none */

/* Distributor, or a redistributor's page of private interrupts, which has the same layout. */
#define GICD_CTLR       0x000
#define GICD_IGROUPR    0x080
#define GICD_ISENABLER  0x100
#define GICD_ICENABLER  0x180
#define GICD_IPRIORITYR 0x400
#define GICD_SGIR       0xf00
#define PRIORITY        0xa0 /* Anything above GICC_PMR's lowest. */

#define GICD_CTLR_ENABLE    0x01
#define GICD_CTLR_ENABLE_V3 0x12 /* group 1, affinity routing */

#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

#define GICR_TYPER      0x08
#define GICR_WAKER      0x14
#define GICR_TYPER_LAST 0x10
#define GICR_STRIDE     0x20000
#define GICR_SGI        0x10000

static volatile char *distributor, *interface;       /* v2 */
static uint64_t redistributors, redistributors_size; /* v3 */
static bool is_v3;
static uint32_t event_irq;

static uint32_t read32(volatile void *base, unsigned int offset)
{
    return *(volatile uint32_t *)((volatile char *)base + offset);
}

static void write32(volatile void *base, unsigned int offset, uint32_t value)
{
    *(volatile uint32_t *)((volatile char *)base + offset) = value;
}

/* --- acknowledge and end -------------------------------------------------------------------- */

/*
 * The dsb here makes the interrupt ours before its handler looks at memory. The one in end() makes
 * sure that memory is written, and a device silent, before the end: Device accesses do not wait for
 * Normal ones.
 */
static uint32_t acknowledge(void)
{
    uint64_t irq;

    if (!is_v3)
        return read32(interface, GICC_IAR);
    __asm__ volatile("mrs %0, S3_0_C12_C12_0\n\tdsb sy" : "=r"(irq)::"memory"); /* ICC_IAR1_EL1 */
    return (uint32_t)irq;
}

static void end(uint32_t irq)
{
    __asm__ volatile("dsb sy" ::: "memory");
    if (!is_v3)
        write32(interface, GICC_EOIR, irq);
    else /* ICC_EOIR1_EL1; the isb makes it over before the next is acknowledged */
        __asm__ volatile("msr S3_0_C12_C12_1, %0\n\tisb" ::"r"((uint64_t)irq) : "memory");
}

/*
 * Xen makes the event interrupt pending when it sets evtchn_upcall_pending, once: evtchn_upcall()
 * clears the flag before it looks at anything, and returns when it stays clear. What Xen raises
 * from then on makes the interrupt pending again, though its end has not been told yet.
 */
void arch_irq(void);
void arch_irq(void)
{
    uint32_t irq;

    while ((irq = acknowledge() & 0xffffff) < FIRST_NONE) {
        if (irq == event_irq || irq == WAKE_SGI)
            evtchn_upcall();
        else if (irq == arch_timer_irq())
            arch_timer_fired();
        end(irq);
    }
}

/* --- setting up ----------------------------------------------------------------------------- */

static volatile void *private_interrupts(void)
{
    return is_v3 ? percpu()->gic_ppis : distributor;
}

void arch_gic_enable(uint32_t irq)
{
    volatile char *ppis = private_interrupts();

    *(volatile uint8_t *)(ppis + GICD_IPRIORITYR + irq) = PRIORITY;
    write32(ppis, GICD_ISENABLER, 1u << irq);
}

/* Affinity, as GICR_TYPER has it in its upper half. */
static uint32_t affinity(uint64_t mpidr)
{
    return (uint32_t)((mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff));
}

/* The redistributor of this VCPU: one of several in a row. */
static int find_redistributor(void)
{
    struct percpu *cpu = percpu();

    for (uint64_t at = 0; at < redistributors_size; at += GICR_STRIDE) {
        volatile char *r = arch_mmu_device(redistributors + at, GICR_STRIDE);

        if (!r)
            return -XEN_ENOMEM;
        if (read32(r, GICR_TYPER + 4) == affinity(cpu->mpidr)) {
            write32(r, GICR_WAKER, 0);
            cpu->gic_ppis = r + GICR_SGI;
            return 0;
        }
        if (read32(r, GICR_TYPER) & GICR_TYPER_LAST)
            break;
    }
    return -XEN_ENODEV;
}

static int init_v3(void)
{
    int rc = percpu()->gic_ppis ? 0 : find_redistributor();

    if (rc)
        return rc;
    write32(percpu()->gic_ppis, GICD_IGROUPR, ~0u);
    __asm__ volatile("mrs x0, S3_0_C12_C12_5\n\t" /* ICC_SRE_EL1: registers, not memory */
                     "orr x0, x0, #1\n\t"
                     "msr S3_0_C12_C12_5, x0\n\t"
                     "isb\n\t"
                     "mov x0, #0xff\n\t"
                     "msr S3_0_C4_C6_0, x0\n\t"    /* ICC_PMR_EL1: everything */
                     "msr S3_0_C12_C12_4, xzr\n\t" /* ICC_CTLR_EL1: one write ends an interrupt */
                     "mov x0, #1\n\t"
                     "msr S3_0_C12_C12_7, x0\n\t" /* ICC_IGRPEN1_EL1 */
                     "isb" ::
                         : "x0", "memory");
    return 0;
}

static int find(void)
{
    uint64_t address, size;

    if (arch_tree_reg("arm,gic-v3", 0, &address, &size)) {
        is_v3 = true;
        distributor = arch_mmu_device(address, size);
        if (!distributor || !arch_tree_reg("arm,gic-v3", 1, &redistributors, &redistributors_size))
            return -XEN_ENODEV;
        write32(distributor, GICD_CTLR, GICD_CTLR_ENABLE_V3);
        return 0;
    }
    for (unsigned int i = 0; i < 2; i++) {
        static const char *const names[] = { "arm,cortex-a15-gic", "arm,gic-400" };
        uint64_t base, length;

        if (!arch_tree_reg(names[i], 0, &address, &size) ||
            !arch_tree_reg(names[i], 1, &base, &length))
            continue;
        distributor = arch_mmu_device(address, size);
        interface = arch_mmu_device(base, length);
        if (!distributor || !interface)
            return -XEN_ENOMEM;
        write32(distributor, GICD_CTLR, GICD_CTLR_ENABLE);
        return 0;
    }
    return -XEN_ENODEV;
}

int arch_gic_init(void)
{
    int rc = 0;

    if (!distributor) {
        event_irq = arch_tree_interrupt("xen,xen", 0, EVENT_PPI);
        rc = find();
    }
    if (rc)
        return rc;
    if (is_v3) {
        rc = init_v3();
    } else {
        write32(interface, GICC_PMR, 0xff);
        write32(interface, GICC_CTLR, 1);
    }
    if (rc)
        return rc;
    arch_gic_enable(event_irq);
    arch_gic_enable(WAKE_SGI);
    /*
     * Raised for a VCPU that is down, as by registering its vcpu_info, an event sets the flag but
     * makes no interrupt (vgic_inject_irq()); and with the flag set none is made later.
     */
    if (atomic_read(&percpu()->info.evtchn_upcall_pending))
        arch_gic_wake(percpu()->vcpu, percpu()->mpidr);
    return 0;
}

/* --- VCPUs that are down -------------------------------------------------------------------- */

void arch_gic_sleep(const uint32_t *go)
{
    volatile void *ppis = private_interrupts();
    uint32_t irq;

    write32(ppis, GICD_ICENABLER, 1u << event_irq | 1u << arch_timer_irq());
    __asm__ volatile("dsb sy" ::: "memory"); /* done before we sleep */
    while (!atomic_read_acquire(go)) {
        /* An interrupt ends wfi though it is masked, and at once if it is pending already. */
        __asm__ volatile("wfi" ::: "memory");
        while ((irq = acknowledge() & 0xffffff) < FIRST_NONE)
            end(irq);
    }
    arch_gic_enable(event_irq);
    arch_gic_enable(arch_timer_irq());
}

/* Affinity 3, 2 and 1 where ICC_SGI1R_EL1 has them, and a bit for affinity 0. */
void arch_gic_wake(unsigned int vcpu, uint64_t mpidr)
{
    uint64_t sgi = (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 |
                   (mpidr >> 8 & 0xff) << 16 | 1u << (mpidr & 15) | (uint64_t)WAKE_SGI << 24;

    __asm__ volatile("dsb ishst" ::: "memory"); /* *go is there before the interrupt */
    if (is_v3)
        __asm__ volatile("msr S3_0_C12_C11_5, %0\n\tisb" ::"r"(sgi)); /* ICC_SGI1R_EL1 */
    else
        write32(distributor, GICD_SGIR, 1u << (16 + vcpu) | WAKE_SGI);
}
