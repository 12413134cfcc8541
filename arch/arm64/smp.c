/* SPDX-License-Identifier: MIT */
/* VCPUs other than the first: their data, their stack, their first instruction; by PSCI. */
#include <xenlet/console.h>
#include <xenlet/domain.h>
#include <xenlet/hypercall.h>
#include <xenlet/hypercall_arm64.h>
#include <xenlet/memory.h>
#include "arch/arm64/boot.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/tree.h"
#include "arch/atomic.h"
#include "boot/arm64/layout.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "platform_arch.h"

#define STACK_PAGES  (LAYOUT_STACK_SIZE / LAYOUT_PAGE_SIZE)
#define REPORT_PAGES (LAYOUT_REPORT_STACK_SIZE / LAYOUT_PAGE_SIZE)

/* What a VCPU other than 0 has, in one page of its own. */
struct vcpu_page {
    struct percpu percpu; /* vcpu_info first: aligned, and within the page */
    char stack_name[16];
    uint32_t sleeps; /* it is down */
    uint32_t go;     /* it is to come up */
    bool begun;      /* PSCI has started it, once */
};

static struct vcpu_page *vcpus[XENLET_MAX_VCPUS];

bool arch_vcpu_exists(unsigned int vcpu)
{
    uint64_t mpidr;

    return vcpu < XENLET_MAX_VCPUS && arch_tree_cpu(vcpu, &mpidr);
}

bool arch_vcpu_is_up(unsigned int vcpu)
{
    return vcpu == 0 || (vcpus[vcpu] && atomic_read(&vcpus[vcpu]->begun) &&
                         !atomic_read_acquire(&vcpus[vcpu]->sleeps));
}

/* The report's stack, an empty page, and the stack. */
static char *stacks_alloc(void)
{
    char *pages = xenlet_pages_alloc(REPORT_PAGES + 1 + STACK_PAGES);

    if (pages && arch_mmu_set(pages + LAYOUT_REPORT_STACK_SIZE, 0, 0) != 0) {
        xenlet_pages_free(pages, REPORT_PAGES + 1 + STACK_PAGES);
        return NULL;
    }
    return pages;
}

static int vcpu_page_init(unsigned int vcpu)
{
    struct vcpu_page *page = xenlet_pages_alloc(1);
    char *stacks = page ? stacks_alloc() : NULL;

    if (!stacks) {
        xenlet_pages_free(page, 1);
        return -XEN_ENOMEM;
    }
    memset(page, 0, LAYOUT_PAGE_SIZE);
    xenlet_snprintf(page->stack_name, sizeof(page->stack_name), "vcpu%u_stack", vcpu);
    page->percpu.vcpu = vcpu;
    page->percpu.report_stack = stacks;
    page->percpu.stack = stacks + LAYOUT_REPORT_STACK_SIZE + LAYOUT_PAGE_SIZE;
    page->percpu.stack_name = page->stack_name;
    vcpus[vcpu] = page;
    return 0;
}

int arch_vcpu_prepare(unsigned int vcpu, struct vcpu_info **info)
{
    int rc = vcpus[vcpu] ? 0 : vcpu_page_init(vcpu);

    if (rc == 0)
        *info = &vcpus[vcpu]->percpu.info;
    return rc;
}

int arch_vcpu_restored(unsigned int vcpu)
{
    (void)vcpu;
    return -XEN_EOPNOTSUPP;
}

/*
 * The VCPU begins with MMU and caches off. All that it reads of ours like that is instructions,
 * which have not changed since they were loaded; its walker reads the tables through the caches, as
 * we wrote them.
 */
static int begin(struct vcpu_page *page, uint64_t mpidr)
{
    uint64_t entry = xenlet_gfn((const void *)arch_vcpu_entry) * LAYOUT_PAGE_SIZE +
                     (uintptr_t)arch_vcpu_entry % LAYOUT_PAGE_SIZE;
    int rc;

    atomic_write(&page->begun, true);
    rc = hypercall_psci_on(mpidr, entry, (uint64_t)page);
    if (rc)
        atomic_write(&page->begun, false);
    return rc;
}

int arch_vcpu_up(unsigned int vcpu)
{
    struct vcpu_page *page = vcpus[vcpu];
    uint64_t mpidr;

    if (!arch_tree_cpu(vcpu, &mpidr))
        return -XEN_ENOENT;
    if (!page->begun)
        return begin(page, mpidr);
    /* A VCPU that said it was down may not be yet. */
    while (arch_vcpu_is_up(vcpu))
        hypercall_sched_yield();
    atomic_write(&page->sleeps, 0);
    atomic_write_release(&page->go, 1);
    arch_gic_wake(vcpu, mpidr);
    return 0;
}

void arch_vcpu_main(void)
{
    int rc;

    arch_cpu_init();
    rc = arch_gic_init();
    if (rc)
        xenlet_panic("VCPU %u: no interrupt controller (%d)", percpu()->vcpu, rc);
    vcpu_main();
}

/*
 * A VCPU that is down is asleep. PSCI's CPU_OFF would not do: Xen calls a VCPU off, and lets
 * another one start it, before it has left the CPU; its old registers are then saved over those it
 * should begin with.
 */
void arch_vcpu_down(void)
{
    struct vcpu_page *page = vcpus[percpu()->vcpu];

    atomic_write_release(&page->sleeps, 1);
    arch_gic_sleep(&page->go);
    atomic_write(&page->go, 0);
}
