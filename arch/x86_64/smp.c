/* SPDX-License-Identifier: MIT */
/* VCPUs other than the first: their data, their stack, their first instruction. */
#include <xenlet/hypercall.h>
#include <xenlet/memory.h>
#include <xenlet/console.h>
#include "arch/x86_64/entry.h"
#include "arch/x86_64/mmu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap.h"
#include "boot/x86_64/layout.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "platform_arch.h"

#define STACK_PAGES (LAYOUT_STACK_SIZE / LAYOUT_PAGE_SIZE)
#define CONTEXT_PAGES \
    ((sizeof(struct vcpu_guest_context) + LAYOUT_PAGE_SIZE - 1) / LAYOUT_PAGE_SIZE)

/* What a VCPU other than 0 has, in one page of its own. */
struct vcpu_page {
    struct percpu percpu; /* vcpu_info first: aligned, and within the page */
    char stack_name[16];
    bool initialised; /* VCPUOP_initialise works once in a VCPU's life */
};

static struct vcpu_page *vcpus[XENLET_MAX_VCPUS];

bool arch_vcpu_exists(unsigned int vcpu)
{
    return vcpu < XENLET_MAX_VCPUS && hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL) >= 0;
}

bool arch_vcpu_is_up(unsigned int vcpu)
{
    return hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL) > 0;
}

/* A stack with an empty page below it. */
static char *stack_alloc(void)
{
    char *guard = xenlet_pages_alloc(1 + STACK_PAGES);

    if (guard && arch_mmu_set(guard, 0, 0) != 0) {
        xenlet_pages_free(guard, 1 + STACK_PAGES);
        return NULL;
    }
    return guard ? guard + LAYOUT_PAGE_SIZE : NULL;
}

static void stack_free(char *stack)
{
    if (stack && arch_mmu_protect(stack - LAYOUT_PAGE_SIZE, true) == 0)
        xenlet_pages_free(stack - LAYOUT_PAGE_SIZE, 1 + STACK_PAGES);
}

static int vcpu_page_init(unsigned int vcpu)
{
    struct vcpu_page *page = xenlet_pages_alloc(1);
    char *stack = stack_alloc();

    if (!page || !stack) {
        xenlet_pages_free(page, 1);
        stack_free(stack);
        return -XEN_ENOMEM;
    }
    memset(page, 0, LAYOUT_PAGE_SIZE);
    xenlet_snprintf(page->stack_name, sizeof(page->stack_name), "vcpu%u_stack", vcpu);
    page->percpu.info.evtchn_upcall_mask = 1;
    page->percpu.self = &page->percpu;
    page->percpu.vcpu = vcpu;
    page->percpu.stack = stack;
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
    if (!vcpus[vcpu])
        return 0;
    vcpus[vcpu]->initialised = false;
    return hypercall_register_vcpu_info(vcpu, xenlet_gfn(vcpus[vcpu]), 0);
}

static void fill_context(struct vcpu_guest_context *c, struct percpu *percpu)
{
    unsigned long top = (unsigned long)percpu->stack + LAYOUT_STACK_SIZE;

    *c = (struct vcpu_guest_context){
        .flags = VGCF_in_kernel,
        .user_regs = { .rip = (uint64_t)arch_vcpu_entry,
                       .rsp = top,
                       .cs = FLAT_KERNEL_CS,
                       .ss = FLAT_KERNEL_SS },
        .kernel_ss = FLAT_KERNEL_SS,
        .kernel_sp = top,
        .event_callback_eip = (unsigned long)arch_upcall_entry,
        .failsafe_callback_eip = (unsigned long)arch_failsafe_entry,
        .gs_base_kernel = (uint64_t)percpu,
    };
    c->ctrlreg[3] = xen_pfn_to_cr3(xenlet_gfn((const void *)start_info->pt_base));
    arch_traps_fill(c->trap_ctxt);
}

static int initialise(unsigned int vcpu)
{
    struct vcpu_guest_context *context = xenlet_pages_alloc(CONTEXT_PAGES);
    int rc;

    if (!context)
        return -XEN_ENOMEM;
    fill_context(context, &vcpus[vcpu]->percpu);
    rc = hypercall_vcpu_op(VCPUOP_initialise, vcpu, context);
    vcpus[vcpu]->initialised = rc == 0;
    xenlet_pages_free(context, CONTEXT_PAGES);
    return rc;
}

int arch_vcpu_up(unsigned int vcpu)
{
    int rc = vcpus[vcpu]->initialised ? 0 : initialise(vcpu);

    /*
     * A VCPU that said it was down may not be yet: brought up now, it would still go down
     * afterwards.
     */
    while (rc == 0 && arch_vcpu_is_up(vcpu))
        hypercall_sched_yield();
    return rc ? rc : hypercall_vcpu_op(VCPUOP_up, vcpu, NULL);
}

void arch_vcpu_down(void)
{
    hypercall_vcpu_op(VCPUOP_down, percpu()->vcpu, NULL);
}
