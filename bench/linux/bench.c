// SPDX-License-Identifier: GPL-2.0-only
/*
 * What event channels cost in Linux, measured as bench/guest measures ours: the same rows, printed
 * in the same words, counted by the same plugin. It is loaded into a dom0; events go to CPU 0,
 * since Linux takes the ports that it is given there.
 *
 *      bound=N         binds up to N ports and measures with those, too
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <xen/events.h>
#include <xen/interface/event_channel.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>

#define REPEAT                                                                         \
    5u /* samples of a row, after one that is not printed: BENCH_REPEAT of bench/guest \
        */
#define MOST 64u

static unsigned int bound;
module_param(bound, uint, 0);

struct channel {
    evtchn_port_t port;
    int irq;
};

static struct channel *channels, one;
static unsigned int nr_channels;
static unsigned long delivered;

/* Each does nothing. Where a sample begins and ends: bench/plugin/count.h has the same. */
#define MARK(number) \
    asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long %c0" : : "i"(number) : "memory")

static __always_inline void bench_begin(void)
{
    MARK(0x4d4b0001);
}

static __always_inline void bench_end(void)
{
    MARK(0x4d4b0002);
}

/*
 * From a send to the end of the handler on another CPU: bench_depart() of bench/guest and its kin.
 */
static __always_inline void bench_depart(void)
{
    MARK(0x4d4b0003);
}

static __always_inline void bench_sent(void)
{
    MARK(0x4d4b0004);
}

static __always_inline void bench_arrived(void)
{
    MARK(0x4d4b0005);
}

/* To be busy until so many events have been delivered, with nothing that is counted. */
static void bench_spin(unsigned long until)
{
    asm volatile("1: .byte 0x0f, 0x1f, 0x84, 0x00; .long 0x4d4b0006\n\t"
                 "cmp %1, %0\n\t"
                 "jb 1b"
                 :
                 : "m"(delivered), "r"(until)
                 : "cc", "memory");
}

static void sample(const char *row, const char *what, unsigned int number, unsigned int i)
{
    if (i > 0)
        pr_info("sample %s %s %u\n", row, what, number);
}

/* As empty as can be while it is still seen that each event came. */
static irqreturn_t empty(int irq, void *data)
{
    delivered++;
    return IRQ_HANDLED;
}

static irqreturn_t finish(int irq, void *data)
{
    delivered++;
    xen_irq_lateeoi(irq, 0);
    return IRQ_HANDLED;
}

static irqreturn_t arrive(int irq, void *data)
{
    delivered++;
    bench_arrived();
    return IRQ_HANDLED;
}

static int open_port(evtchn_port_t *port)
{
    struct evtchn_bind_ipi bind = { .vcpu = 0 };
    int rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    *port = bind.port;
    return rc;
}

static int bind_to(struct channel *ch, irq_handler_t handler)
{
    int rc = open_port(&ch->port);

    if (rc)
        return rc;
    ch->irq = bind_evtchn_to_irqhandler(ch->port, handler, 0, "xenlet-bench", ch);
    return ch->irq < 0 ? ch->irq : 0;
}

static int bind(struct channel *ch)
{
    return bind_to(ch, empty);
}

static int bind_late(struct channel *ch)
{
    int rc = open_port(&ch->port);

    if (rc)
        return rc;
    ch->irq = bind_evtchn_to_irqhandler_lateeoi(ch->port, finish, 0, "xenlet-bench", ch);
    return ch->irq < 0 ? ch->irq : 0;
}

/* Closes the port, too. */
static void unbind(struct channel *ch)
{
    unbind_from_irqhandler(ch->irq, ch);
}

static int check(const char *row, unsigned long before, unsigned long wanted)
{
    if (delivered - before == wanted)
        return 0;
    pr_err("bench: %s: %lu of %lu events were delivered\n", row, delivered - before, wanted);
    return -EIO;
}

/*
 * Upcalls, of `n` events each, of the channels before `end`, `step` apart. local_irq_enable() finds
 * something pending and has Xen make the upcall, by the hypercall that bench/guest uses too.
 */
static int upcalls(const char *row, const char *what, unsigned int number, struct channel *end,
                   unsigned int n, unsigned int step)
{
    unsigned long before = delivered;

    for (unsigned int i = 0; i <= REPEAT; i++) {
        local_irq_disable();
        for (unsigned int j = 0; j < n; j++)
            notify_remote_via_evtchn(end[-1 - (long)(j * step)].port);
        bench_begin();
        local_irq_enable();
        bench_end();
        sample(row, what, number, i);
    }
    return check(row, before, (REPEAT + 1) * n);
}

/* Ports that lie together, in one word of the bitmaps: those below are taken out of the way. */
static int bind_word(struct channel *word, int (*how)(struct channel *ch))
{
    static evtchn_port_t below[MOST];
    unsigned int nr_below = 0;
    int rc;

    do
        rc = open_port(&below[nr_below++]);
    while (rc == 0 && below[nr_below - 1] % MOST != MOST - 1);
    for (unsigned int i = 0; rc == 0 && i < MOST; i++)
        rc = how(&word[i]);
    while (nr_below-- > 0) {
        struct evtchn_close close = { .port = below[nr_below] };

        HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
    }
    return rc;
}

static int upcall_rows(const char *row, int (*how)(struct channel *ch))
{
    static const unsigned int numbers[] = { 1, 8, 64 };
    static struct channel word[MOST];
    int rc = bind_word(word, how);

    for (unsigned int i = 0; rc == 0 && i < ARRAY_SIZE(numbers); i++)
        rc = upcalls(row, "events", numbers[i], word + numbers[i], numbers[i], 1);
    for (unsigned int i = 0; rc == 0 && i < MOST; i++)
        unbind(&word[i]);
    return rc;
}

static int nothing(void)
{
    return 0;
}

static int bind_one(void)
{
    return bind(&one);
}

static int close_one(void)
{
    unbind(&one);
    return 0;
}

/* What a driver calls to mask and unmask; each marks the descriptor, and tells the event channel.
 */
static int mask(void)
{
    disable_irq_nosync(one.irq);
    return 0;
}

static int unmask(void)
{
    enable_irq(one.irq);
    return 0;
}

static int send(void)
{
    notify_remote_via_evtchn(one.port);
    return 0;
}

static int send_and_mask(void)
{
    mask();
    return send();
}

/* `prepare` and `clean` are not counted. */
static int row(const char *name, int (*prepare)(void), int (*call)(void), int (*clean)(void))
{
    for (unsigned int i = 0; i <= REPEAT; i++) {
        int rc = prepare();

        if (rc == 0) {
            bench_begin();
            rc = call();
            bench_end();
        }
        if (rc == 0)
            rc = clean();
        if (rc)
            return rc;
        sample(name, "calls", 1, i);
    }
    return 0;
}

static int send_to_handler(void)
{
    unsigned long before = delivered;
    int rc = row("send-to-handler", nothing, send, nothing);

    return rc ? rc : check("send-to-handler", before, REPEAT + 1);
}

/* Those with masked upcalls are measured so here, too. bind and close may sleep. */
static int ops(void)
{
    int rc = row("nothing", nothing, nothing, nothing);

    if (rc == 0)
        rc = row("bind", nothing, bind_one, close_one);
    if (rc == 0)
        rc = row("close", bind_one, close_one, nothing);
    if (rc == 0)
        rc = bind_one();
    if (rc)
        return rc;
    local_irq_disable();
    row("mask", nothing, mask, unmask);
    row("unmask", mask, unmask, nothing);
    row("unmask-pending", send_and_mask, unmask, nothing);
    row("send-pending", nothing, send, nothing);
    local_irq_enable();
    rc = send_to_handler();
    close_one();
    return rc;
}

static void spin(struct work_struct *work)
{
    bench_spin(delivered + 1);
}

#define FLIGHTS 22u   /* the first does not count; a timer's tick comes into some */
#define SETTLE  2300u /* us: by then the other CPU sleeps, or spins */

/* To CPU 0 from another one, which sleeps before and after: nothing else is done on either. */
static int flight(const char *name, bool busy)
{
    static DECLARE_WORK(work, spin);
    int rc = bind_to(&one, arrive);

    if (rc)
        return rc;
    for (unsigned int i = 0; i < FLIGHTS; i++) {
        unsigned long before = delivered;

        if (busy)
            schedule_work_on(0, &work);
        /* To the moment: given a range, Linux takes that of a tick, which the other CPU has too. */
        usleep_range(SETTLE, SETTLE);
        bench_depart();
        send();
        bench_sent();
        while (READ_ONCE(delivered) == before)
            usleep_range(SETTLE, SETTLE);
        flush_work(&work);
        pr_info("flight %s events 1\n", name);
    }
    unbind(&one);
    return 0;
}

static int flights(void)
{
    int rc = set_cpus_allowed_ptr(current, cpumask_of(1));

    if (rc == 0)
        rc = flight("send-to-sleeping-vcpu", false);
    if (rc == 0)
        rc = flight("send-to-busy-vcpu", true);
    return rc ? rc : set_cpus_allowed_ptr(current, cpumask_of(0));
}

static int bind_up_to(unsigned int n)
{
    unsigned int from = nr_channels;
    unsigned long before = global_zone_page_state(NR_FREE_PAGES), after;

    for (; nr_channels < n; nr_channels++) {
        int rc = bind(&channels[nr_channels]);

        if (rc)
            return rc;
        cond_resched();
    }
    after = global_zone_page_state(NR_FREE_PAGES);
    if (nr_channels - from >= 512)
        pr_info("value bytes-per-port %lu\n", (before - after) * PAGE_SIZE / (nr_channels - from));
    return 0;
}

static int growth(void)
{
    struct channel *end = channels + nr_channels;
    int rc = upcalls("bound-one", "ports", nr_channels, end, 1, 1);

    if (rc == 0 && nr_channels >= MOST)
        rc = upcalls("bound-together", "ports", nr_channels, end, MOST, 1);
    if (rc == 0 && nr_channels >= MOST)
        rc = upcalls("bound-apart", "ports", nr_channels, end, MOST, nr_channels / MOST);
    return rc;
}

static int bound_rows(void)
{
    static const unsigned int numbers[] = { 2, 64, 1000, 10000, 100000 };
    int rc = 0;

    channels = vzalloc(array_size(bound, sizeof(*channels)));
    if (!channels)
        return -ENOMEM;
    for (unsigned int i = 0; rc == 0 && i < ARRAY_SIZE(numbers) && numbers[i] < bound; i++) {
        rc = bind_up_to(numbers[i]);
        if (rc == 0)
            rc = growth();
    }
    if (rc == 0)
        rc = bind_up_to(bound);
    if (rc == 0)
        rc = growth();
    return rc;
}

/* It stays: what it has bound is not taken apart, since the machine ends after it. */
static int __init bench(void)
{
    int rc = set_cpus_allowed_ptr(current, cpumask_of(0));
    if (rc == 0)
        rc = upcall_rows("upcall", bind);
    if (rc == 0)
        rc = upcall_rows("upcall-late-eoi", bind_late);
    if (rc == 0)
        rc = ops();
    if (rc == 0)
        rc = flights();
    if (rc == 0 && bound)
        rc = bound_rows();
    pr_info("bench: ends with %d\n", rc);
    return rc;
}

module_init(bench);
MODULE_DESCRIPTION("Counts what event channels cost; see bench/run of xenlet");
MODULE_LICENSE("GPL");
