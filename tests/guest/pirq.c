/* SPDX-License-Identifier: MIT */
/*
 * A physical interrupt: that of the second serial port, a 16550 that nobody uses. Set up as
 * level-triggered, it comes again only after evtchn_pirq_eoi(), or when Xen loses patience. Only
 * Xen's first domain has it.
 */
#include "tests/guest/test.h"

#define GSI  3u /* what COM2 is wired to on a PC */
#define COM2 0x2f8

#define UNMAPPED     5u       /* a GSI that nobody here maps */
#define XEN_PATIENCE 1000000u /* ns */

/* The registers of a 16550 that matter here, from COM2 on. */
#define UART_THR      0
#define UART_IER      1
#define UART_IIR      2
#define UART_MCR      4
#define UART_SCRATCH  7
#define IER_THR_EMPTY 0x02
#define IIR_ID        0x0f
#define IIR_THR_EMPTY 0x02
#define IIR_NONE      0x01
#define MCR_OUT2      0x08 /* on a PC the gate between the UART and the interrupt line */

static inline void out(unsigned int reg, uint8_t value)
{
    __asm__ volatile("outb %0, %w1" ::"a"(value), "Nd"(COM2 + reg));
}

static inline uint8_t in(unsigned int reg)
{
    uint8_t value;

    __asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(COM2 + reg));
    return value;
}

/* Port I/O of a PV kernel: Xen emulates it when the virtual IOPL is at least 1. */
static int set_iopl(uint32_t iopl)
{
    struct physdev_set_iopl op = { .iopl = iopl };

    return hypercall_physdev_op(PHYSDEVOP_set_iopl, &op);
}

/* As the ACPI tables of a machine with such a device would say; once in the life of this Xen. */
static int setup_gsi(void)
{
    struct physdev_setup_gsi op = { .gsi = GSI, .triggering = 1, .polarity = 0 };
    int rc = hypercall_physdev_op(PHYSDEVOP_setup_gsi, &op);

    return rc == -XEN_EEXIST ? 0 : rc;
}

static struct {
    unsigned int seen, other;
    uint64_t when; /* the last one came */
    bool eoi;
} uart;

/* Reading the reason takes it away, and the line goes low. */
static void uart_event(struct evtchn *ch, void *data)
{
    (void)data;
    uart.when = clock_now();
    if ((in(UART_IIR)&IIR_ID) == IIR_THR_EMPTY)
        uart.seen++;
    else
        uart.other++;
    if (uart.eoi)
        EXPECT_EQ(evtchn_pirq_eoi(ch), 0);
}

/* The transmitter is empty: enabling that interrupt raises it, once. */
static void provoke(void)
{
    out(UART_IER, 0);
    out(UART_IER, IER_THR_EMPTY);
}

static void quiet(void)
{
    out(UART_IER, 0);
    (void)in(UART_IIR);
}

static bool uart_there(void)
{
    out(UART_SCRATCH, 0x5a);
    return in(UART_SCRATCH) == 0x5a;
}

/* Interrupts that were not to come get this long to do so. */
static void settle(void)
{
    clock_sleep(5000000);
}

static void interrupts_arrive(void)
{
    uart.eoi = true;
    provoke();
    CHECK(wait_count(&uart.seen, 1));
    settle();
    CHECK_EQ(uart.seen, 1);
    /* Served, and Xen was told: the next one comes. A byte that was sent leaves room again. */
    out(UART_THR, 'x');
    CHECK(wait_count(&uart.seen, 2));
    settle();
    CHECK_EQ(uart.seen, 2);
    CHECK_EQ(uart.other, 0);
}

/* How long two interrupts in a row take, the second one raised when the first one was handled. */
static uint64_t two_in_a_row(void)
{
    uint64_t start = clock_now();

    uart.seen = 0;
    provoke();
    EXPECT(wait_count(&uart.seen, 1));
    provoke();
    EXPECT(wait_count(&uart.seen, 2));
    return uart.when - start;
}

/*
 * Xen holds the line back until it was told that the device was served, but for no longer than 1 ms
 * (irq_guest_eoi_timer_fn()): so the second one may be late, and is not lost.
 */
static void eoi_lets_the_next_one_in(struct evtchn *ch)
{
    uint64_t fastest = XENLET_FOREVER;

    uart.eoi = false;
    for (int i = 0; i < 5; i++) {
        CHECK(two_in_a_row() >= XEN_PATIENCE);
        CHECK_EQ(evtchn_pirq_eoi(ch), 0);
    }
    uart.eoi = true;
    for (int i = 0; i < 100 && fastest >= XEN_PATIENCE; i++) {
        uint64_t ns = two_in_a_row();

        if (ns < fastest)
            fastest = ns;
    }
    CHECK(fastest < XEN_PATIENCE);
}

static void nothing_while_masked(struct evtchn *ch)
{
    uart.seen = 0;
    CHECK_EQ(evtchn_mask(ch), 0);
    provoke();
    settle();
    CHECK_EQ(uart.seen, 0);
    CHECK(evtchn_is_pending(ch));
    CHECK_EQ(evtchn_unmask(ch), 0);
    CHECK_EQ(uart.seen, 1);
}

static void expect_bound(struct evtchn *ch, uint32_t pirq)
{
    struct evtchn_status status;
    struct evtchn *again = NULL;

    EXPECT_EQ(evtchn_status(ch, &status), 0);
    EXPECT_EQ(status.status, EVTCHNSTAT_pirq);
    EXPECT_EQ(status.u.pirq, pirq);
    EXPECT_EQ(status.vcpu, 0);
    EXPECT_EQ(evtchn_send(ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_bind_pirq(pirq, false, uart_event, NULL, 0, &again), -XEN_EEXIST);
}

static void use_uart(int pirq)
{
    struct evtchn *ch;

    uart.seen = uart.other = 0;
    CHECK_EQ(evtchn_bind_pirq((uint32_t)pirq, false, uart_event, NULL, EVTCHN_HANDLER_GPR, &ch), 0);
    expect_bound(ch, (uint32_t)pirq);
    interrupts_arrive();
    eoi_lets_the_next_one_in(ch);
    nothing_while_masked(ch);
    CHECK_EQ(evtchn_close(ch), 0);

    /* Closed: the line may go up, nobody hears it. */
    uart.seen = uart.other = 0;
    provoke();
    settle();
    CHECK_EQ(uart.seen + uart.other, 0);
    quiet();
    /* It can be had again, and works again. */
    uart.eoi = true;
    CHECK_EQ(evtchn_bind_pirq((uint32_t)pirq, false, uart_event, NULL, EVTCHN_HANDLER_GPR, &ch), 0);
    provoke();
    CHECK(wait_count(&uart.seen, 1));
    CHECK_EQ(evtchn_close(ch), 0);
}

TEST(pirq_of_the_second_serial_port)
{
    int pirq = (int)GSI;

    if (!xenlet_is_initial_domain())
        SKIP("a domU has no interrupts of its own");
    CHECK_EQ(set_iopl(1), 0);
    if (!uart_there()) {
        EXPECT_EQ(set_iopl(0), 0);
        SKIP("this machine has no second serial port");
    }
    CHECK_EQ(setup_gsi(), 0);
    /* It stays mapped: whoever unmaps a GSI has given it away for good. */
    CHECK_EQ(hypercall_physdev_map_gsi(GSI, &pirq), 0);
    EXPECT_EQ(pirq, GSI);
    out(UART_MCR, MCR_OUT2);
    quiet();
    use_uart(pirq);
    quiet();
    out(UART_MCR, 0);
    EXPECT_EQ(set_iopl(0), 0);
}

TEST(pirq_refused)
{
    struct evtchn *ch = NULL;
    evtchn_port_t port = 0;
    /* The PV shim has none at all. */
    long wrong = in_pv_shim() ? -XEN_EOPNOTSUPP : -XEN_EINVAL;
    long not_ours = in_pv_shim() ? -XEN_EOPNOTSUPP : -XEN_EPERM;

    EXPECT_EQ(hypercall_evtchn_bind_pirq(~0u, 0, &port), wrong);
    EXPECT_EQ(evtchn_bind_pirq(~0u, false, count_event, NULL, 0, &ch), wrong);
    /* Even the first domain has only what it has mapped. */
    EXPECT_EQ(hypercall_evtchn_bind_pirq(UNMAPPED, 0, &port), not_ours);
    EXPECT_EQ(evtchn_bind_pirq(UNMAPPED, true, count_event, NULL, 0, &ch), not_ours);
    EXPECT_EQ(port, 0);
    EXPECT(ch == NULL);
    EXPECT_EQ(hypercall_physdev_eoi(~0u), -XEN_EINVAL);
}

TEST(pirq_map_refused)
{
    int pirq = -1;

    if (!xenlet_is_initial_domain())
        EXPECT_EQ(hypercall_physdev_map_gsi(GSI, &pirq), -XEN_EPERM);
    else
        EXPECT_EQ(hypercall_physdev_map_gsi(100000, &pirq), -XEN_EINVAL);
    EXPECT_EQ(pirq, -1);
    EXPECT_EQ(set_iopl(4), -XEN_EINVAL);
}

TEST(pirq_eoi_is_for_pirqs)
{
    unsigned int seen = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, count_event, &seen, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT_EQ(evtchn_pirq_eoi(ch), -XEN_EINVAL);
    EXPECT_EQ(evtchn_close(ch), 0);
}
