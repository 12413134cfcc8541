/* SPDX-License-Identifier: MIT */
/* A VCPU's own data and state, and what the rest of the library asks of it. */
#include <xenlet/domain.h>
#include <xenlet/evtchn.h>
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include "arch/arm64/boot.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/trap.h"
#include "arch/arm64/tree.h"
#include "arch/atomic.h"
#include "boot/arm64/layout.h"
#include "platform_arch.h"

#define DAIF_I       7u
#define CPACR_FP     (3ul << 20)
#define ISAR0_ATOMIC 20u

extern char boot_stack[], boot_report_stack[];

bool arch_has_lse;

struct percpu arch_boot_percpu = {
    .stack_name = "boot_stack",
    .stack = boot_stack,
    .report_stack = boot_report_stack,
};

/* Xen puts shared_info in place of this page, so nothing else may lie in it. */
static char shared_info_page[LAYOUT_PAGE_SIZE] __attribute__((aligned(LAYOUT_PAGE_SIZE)));

/* FP is enabled for good: compilers use vector registers where they like, in programs and tests. */
void arch_cpu_init(void)
{
    uint64_t cpacr, mpidr;

    __asm__ volatile("mrs %0, cpacr_el1" : "=r"(cpacr));
    __asm__ volatile("msr cpacr_el1, %0\n\tisb" ::"r"(cpacr | CPACR_FP));
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
    percpu()->mpidr = mpidr & 0xff00fffffful;
}

void arch_init(const void *boot)
{
    const struct boot *b = boot;
    uint64_t isar0;

    __asm__ volatile("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
    arch_has_lse = (isar0 >> ISAR0_ATOMIC & 15) != 0;
    arch_cpu_init();
    arch_tree_init(b->tree, b->load);
    arch_console_early_init();
}

/* boot_map() has done it, and the vectors were set before the first line of C. */
void arch_protect(void)
{
}

int arch_vcpu_info_init(struct vcpu_info **info)
{
    struct percpu *cpu = percpu();
    int rc = hypercall_register_vcpu_info(cpu->vcpu, xenlet_gfn(&cpu->info),
                                          (uintptr_t)&cpu->info % LAYOUT_PAGE_SIZE);

    if (rc)
        return rc;
    *info = &cpu->info;
    return arch_gic_init();
}

/*
 * The frame that was there still belongs to the domain, but we cannot reach it any more: one page.
 */
struct shared_info *arch_map_shared_info(void)
{
    struct xen_add_to_physmap add = { .domid = DOMID_SELF,
                                      .space = XENMAPSPACE_shared_info,
                                      .gpfn = xenlet_gfn(shared_info_page) };

    return hypercall_memory_op(XENMEM_add_to_physmap, &add) == 0
               ? (struct shared_info *)shared_info_page
               : NULL;
}

/* Nobody saves a domain that no toolstack has made. */
int arch_suspend_init(void)
{
    return -XEN_EOPNOTSUPP;
}

int arch_suspend(void)
{
    return -XEN_EOPNOTSUPP;
}

void arch_backtrace_here(void)
{
    const uint64_t *frame = __builtin_frame_address(0);

    arch_backtrace(frame[1], frame[0]);
}

unsigned int platform_vcpu(void)
{
    return percpu()->vcpu;
}

/* --- upcalls -------------------------------------------------------------------------------- */

/* Xen does not look at evtchn_upcall_mask: the event interrupt waits while DAIF masks it. */
unsigned long platform_upcalls_save(void)
{
    unsigned long daif;

    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(daif)::"memory");
    return daif >> DAIF_I & 1;
}

/* What Xen raised meanwhile now comes as an interrupt. */
void platform_upcalls_restore(unsigned long flags)
{
    if (!flags)
        __asm__ volatile("msr daifclr, #2" ::: "memory");
}
