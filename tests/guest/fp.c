/* SPDX-License-Identifier: MIT */
/* x87, SSE and AVX registers around handlers: kept, saved once, and not at all where promised. */
#include "arch/x86_64/fp.h"
#include "arch/x86_64/percpu.h"
#include "kernel/string.h"
#include "tests/guest/pattern.h"
#include "tests/guest/test.h"

#define XCR0_AVX         4u
#define CPUID1_ECX_XSAVE (1u << 26)
#define CPUID1_ECX_AVX   (1u << 28)
#define FXSAVE_SIZE      512u
#define FXSAVE_XMM       160u /* where xmm0 is; the same for XSAVE */

/* What the ABI says a function finds. */
#define ABI_MXCSR 0x1f80u
#define ABI_CW    0x037fu
#define ABI_TAGS  0xffffu /* an empty x87 stack */

/* The assembly below knows this layout. */
struct fp_state {
    uint8_t ymm[16][32]; /* without AVX the lower halves */
    int64_t st[8];
    uint32_t mxcsr;
    uint16_t cw;
};

_Static_assert(offsetof(struct fp_state, st) == 512, "");
_Static_assert(offsetof(struct fp_state, mxcsr) == 576, "");
_Static_assert(offsetof(struct fp_state, cw) == 580, "");

__attribute__((used)) static uint8_t fp_avx;

/* fp_load and fp_store: every register from or to the state at rdi; no other one is touched. */
__asm__(".pushsection .text.fp_state, \"ax\", @progbits\n"
        ".macro fp_each op:vararg\n\t"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
        "\\op \\n\n\t"
        ".endr\n"
        ".endm\n"
        ".macro fp_load_avx n\n\tvmovdqu 32 * \\n(%rdi), %ymm\\n\n.endm\n"
        ".macro fp_load_sse n\n\tmovdqu 32 * \\n(%rdi), %xmm\\n\n.endm\n"
        ".macro fp_store_avx n\n\tvmovdqu %ymm\\n, 32 * \\n(%rdi)\n.endm\n"
        ".macro fp_store_sse n\n\tmovdqu %xmm\\n, 32 * \\n(%rdi)\n.endm\n\t"
        ".globl fp_load\n\t"
        ".type fp_load, @function\n"
        "fp_load:\n\t"
        "fninit\n\t"
        ".irp n, 7, 6, 5, 4, 3, 2, 1, 0\n\t"
        "fildq 512 + 8 * \\n(%rdi)\n\t"
        ".endr\n\t"
        "fldcw 580(%rdi)\n\t"
        "ldmxcsr 576(%rdi)\n\t"
        "cmpb $0, fp_avx\n\t"
        "je 1f\n\t"
        "fp_each fp_load_avx\n\t"
        "ret\n"
        "1: fp_each fp_load_sse\n\t"
        "ret\n\t"
        ".size fp_load, . - fp_load\n\t"
        ".type fp_store, @function\n"
        "fp_store:\n\t"
        "stmxcsr 576(%rdi)\n\t"
        "fnstcw 580(%rdi)\n\t"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n\t"
        "fistpq 512 + 8 * \\n(%rdi)\n\t"
        ".endr\n\t"
        "cmpb $0, fp_avx\n\t"
        "je 1f\n\t"
        "fp_each fp_store_avx\n\t"
        "ret\n"
        "1: fp_each fp_store_sse\n\t"
        "ret\n\t"
        ".size fp_store, . - fp_store\n\t"
        ".globl fp_across\n\t"
        ".type fp_across, @function\n"
        "fp_across:\n\t"
        "push %rbx\n\t"
        "sub $16, %rsp\n\t"
        "mov %rsi, %rbx\n\t"
        "mov %rdx, 8(%rsp)\n\t"
        "call fp_load\n\t"
        "call *8(%rsp)\n\t"
        "mov %rbx, %rdi\n\t"
        "call fp_store\n\t"
        "fninit\n\t"
        "movl $0x1f80, 8(%rsp)\n\t"
        "ldmxcsr 8(%rsp)\n\t"
        "add $16, %rsp\n\t"
        "pop %rbx\n\t"
        "ret\n\t"
        ".size fp_across, . - fp_across\n\t"
        ".popsection");

void fp_load(const struct fp_state *from);

/* Call `what` with the registers of `in`; `out` is what became of them. `what` is GPR_ONLY. */
void fp_across(const struct fp_state *in, struct fp_state *out, void (*what)(void));

static void fill(struct fp_state *s, unsigned int seed)
{
    fp_avx = arch_fp_mask() & XCR0_AVX ? 1 : 0;
    memset(s, 0, sizeof(*s));
    for (unsigned int r = 0; r < 16; r++) {
        for (unsigned int i = 0; i < (fp_avx ? 32u : 16u); i++)
            s->ymm[r][i] = (uint8_t)(seed + 32 * r + 7 * i);
    }
    for (unsigned int r = 0; r < 8; r++)
        s->st[r] = (int64_t)(seed * 0x0123456789abcdll + r);
    /* Everything masked; rounding and flags that are not the ABI's. */
    s->mxcsr = seed % 2 ? 0xffbf : 0x3f95;
    s->cw = seed % 2 ? 0x0c7f : 0x047f;
}

static bool kept(const struct fp_state *in, const struct fp_state *out)
{
    for (unsigned int r = 0; r < 16; r++) {
        if (memcmp(in->ymm[r], out->ymm[r], sizeof(in->ymm[r])) != 0) {
            test_fail(__FILE__, __LINE__, "ymm%u was not kept", r);
            return false;
        }
    }
    for (unsigned int r = 0; r < 8; r++) {
        if (!test_same(__FILE__, __LINE__, "an x87 register", out->st[r], in->st[r]))
            return false;
    }
    return test_same(__FILE__, __LINE__, "MXCSR", out->mxcsr, in->mxcsr) &&
           test_same(__FILE__, __LINE__, "the x87 control word", out->cw, in->cw);
}

/* --- a handler that uses them all ----------------------------------------------------------- */

static struct fp_state of_main, after_main, of_handler, after_handler, left_behind;
static unsigned int handled, saved_other;
static uint32_t entry_mxcsr;
static uint16_t entry_cw, entry_tags;

static GPR_ONLY void fault(void)
{
    EXPECT_EQ(xenlet_probe_write(NULL, 0), -XEN_EFAULT);
}

/* Looks at what it found, survives a fault with its registers, and leaves others behind. */
static void use_fp(struct evtchn *ch, void *data)
{
    uint16_t environment[14];

    __asm__ volatile("stmxcsr %0; fnstcw %1; fnstenv %2"
                     : "=m"(entry_mxcsr), "=m"(entry_cw), "=m"(environment));
    (void)ch;
    (void)data;
    entry_tags = environment[4];
    /* The area holds the interrupted program's registers, not those of a handler before. */
    for (unsigned int r = 0; r < 16; r++) {
        const uint8_t *area = (const uint8_t *)percpu()->fp_area + FXSAVE_XMM + 16 * r;

        saved_other += memcmp(area, of_main.ymm[r], 16) != 0;
    }
    fp_across(&of_handler, &after_handler, fault);
    handled++;
    fp_load(&left_behind);
}

static struct evtchn *first, *second;

static void begin(unsigned int seed)
{
    fill(&of_main, seed);
    fill(&of_handler, seed + 1);
    fill(&left_behind, seed + 2);
    memset(&after_main, 0, sizeof(after_main));
    memset(&after_handler, 0, sizeof(after_handler));
    handled = saved_other = 0;
}

static GPR_ONLY void send(void)
{
    hypercall_evtchn_send(evtchn_port(first));
}

TEST(fp_registers_are_kept)
{
    CHECK_EQ(evtchn_bind_ipi(0, use_fp, NULL, EVTCHN_NO_SHARE, &first), 0);
    for (unsigned int seed = 1; seed < 5; seed++) {
        begin(seed);
        fp_across(&of_main, &after_main, send);
        EXPECT_EQ(handled, 1);
        EXPECT(kept(&of_main, &after_main));
    }
    CHECK_EQ(evtchn_close(first), 0);
}

TEST(fp_handler_begins_as_a_function_does)
{
    begin(3);
    CHECK_EQ(evtchn_bind_ipi(0, use_fp, NULL, EVTCHN_NO_SHARE, &first), 0);
    fp_across(&of_main, &after_main, send);
    EXPECT_EQ(entry_mxcsr, ABI_MXCSR);
    EXPECT_EQ(entry_cw, ABI_CW);
    EXPECT_EQ(entry_tags, ABI_TAGS);
    CHECK_EQ(evtchn_close(first), 0);
}

TEST(fp_registers_survive_a_fault)
{
    begin(5);
    CHECK_EQ(evtchn_bind_ipi(0, use_fp, NULL, EVTCHN_NO_SHARE, &first), 0);
    fp_across(&of_main, &after_main, fault);
    EXPECT(kept(&of_main, &after_main));
    fp_across(&of_main, &after_main, send);
    EXPECT_EQ(handled, 1);
    EXPECT(kept(&of_handler, &after_handler));
    EXPECT(kept(&of_main, &after_main));
    CHECK_EQ(evtchn_close(first), 0);
}

/* Both events in one upcall. */
static GPR_ONLY void send_both(void)
{
    unsigned long flags = platform_upcalls_save();

    hypercall_evtchn_send(evtchn_port(first));
    hypercall_evtchn_send(evtchn_port(second));
    platform_upcalls_restore(flags);
}

TEST(fp_two_handlers_of_an_upcall_save_once)
{
    begin(6);
    CHECK_EQ(evtchn_bind_ipi(0, use_fp, NULL, EVTCHN_NO_SHARE, &first), 0);
    EXPECT_EQ(evtchn_bind_ipi(0, use_fp, NULL, EVTCHN_NO_SHARE, &second), 0);
    fp_across(&of_main, &after_main, send_both);
    EXPECT_EQ(handled, 2);
    EXPECT_EQ(saved_other, 0);
    EXPECT(kept(&of_main, &after_main));
    EXPECT_EQ(evtchn_close(second), 0);
    CHECK_EQ(evtchn_close(first), 0);
}

/* --- asynchronously ------------------------------------------------------------------------- */

static GPR_ONLY void wait_for_handler(void)
{
    uint64_t deadline = clock_after(PATIENCE);

    while (!*(volatile unsigned int *)&handled && clock_now() < deadline)
        ;
}

/* An event that was put off comes a tick later, out of the timer's upcall. */
TEST(fp_registers_are_kept_when_a_timer_interrupts)
{
    CHECK_EQ(evtchn_bind_ipi(0, use_fp, NULL, 0, &first), 0);
    EXPECT_EQ(evtchn_set_share(first, 1), 0);
    for (unsigned int round = 0; round < 10; round++) {
        begin(round);
        do {
            handled = 0;
            EXPECT_EQ(evtchn_send(first), 0);
        } while (handled);
        fp_across(&of_main, &after_main, wait_for_handler);
        EXPECT_EQ(handled, 1);
        EXPECT(kept(&of_main, &after_main));
    }
    CHECK_EQ(evtchn_close(first), 0);
}

/* --- what it costs -------------------------------------------------------------------------- */

static bool area_untouched(void)
{
    const uint8_t *area = percpu()->fp_area;

    for (unsigned int i = 0; i < FXSAVE_SIZE; i++) {
        if (area[i] != 0xa5)
            return false;
    }
    return true;
}

TEST(fp_saves_nothing_for_a_handler_of_gprs_only)
{
    unsigned int seen = 0;

    begin(9);
    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, EVTCHN_HANDLER_GPR, &first), 0);
    CHECK_EQ(evtchn_bind_ipi(0, use_fp, NULL, 0, &second), 0);
    memset(percpu()->fp_area, 0xa5, FXSAVE_SIZE);
    EXPECT_EQ(evtchn_set_share(first, 1), 0);
    for (unsigned int i = 1; i <= 3; i++) {
        EXPECT_EQ(evtchn_send(first), 0);
        EXPECT_EQ(seen, i);
        EXPECT(area_untouched());
        clock_sleep(2 * EVTCHN_TICK_DEFAULT); /* the next delivery needs a new share */
    }
    EXPECT_EQ(evtchn_send(second), 0);
    EXPECT_EQ(handled, 1);
    EXPECT(!area_untouched());
    EXPECT_EQ(evtchn_close(second), 0);
    CHECK_EQ(evtchn_close(first), 0);
}

/* --- which instruction ---------------------------------------------------------------------- */

/* As Xen shows it to us. */
static uint32_t cpuid1_ecx(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c;
}

/* `fp=` on the command line says what the machine was made to have: avx, sse, fxsave. */
TEST(fp_saves_what_xcr0_has)
{
    const char *expected = xenlet_option("fp");
    uint32_t ecx = cpuid1_ecx(), lo, hi;

    if (expected)
        CHECK(strcmp(expected, arch_fp_mask() == 7   ? "avx"
                               : arch_fp_mask() == 3 ? "sse"
                                                     : "fxsave") == 0);
    if (!(ecx & CPUID1_ECX_XSAVE)) {
        CHECK_EQ(arch_fp_mask(), 0);
        CHECK_EQ(arch_fp_size(), FXSAVE_SIZE);
        return;
    }
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    CHECK_EQ(arch_fp_mask(), (uint64_t)hi << 32 | lo);
    CHECK_EQ(arch_fp_mask() & XCR0_AVX, ecx & CPUID1_ECX_AVX ? XCR0_AVX : 0);
    CHECK(arch_fp_size() > FXSAVE_SIZE);
}
