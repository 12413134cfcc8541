/* SPDX-License-Identifier: MIT */
/*
 * The console: every byte goes out, once and in order; what comes in is made lines of.
 *
 * What goes out is seen by whoever watches. A domU's passes through the ring, where it can be
 * looked at: the ring keeps the last 2,048 bytes after xenconsoled took them.
 */
#include "arch/atomic.h"
#include "kernel/console.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "tests/guest/test.h"
#include <xen/io/console.h>

#define SECOND 1000000000ull

static struct xencons_interface *ring(void)
{
    if (xenlet_is_initial_domain())
        return NULL;
    return xenlet_pfn_to_virt(xenlet_gfn_to_pfn(start_info->console.domU.mfn));
}

/* The last `len` bytes that went out are `text`; true also where there is no ring to look at. */
static bool went_out(const char *text, size_t len)
{
    const struct xencons_interface *r = ring();
    uint32_t from = r ? r->out_prod - (uint32_t)len : 0;

    for (size_t i = 0; r && i < len; i++) {
        if (r->out[MASK_XENCONS_IDX(from + i, r->out)] != text[i])
            return false;
    }
    return true;
}

static uint32_t bytes_out(void)
{
    return ring() ? atomic_read(&ring()->out_prod) : 0;
}

/* The console shows one line that is written over and over: each row ends with CR alone. */
#define ROW 64u

static void make_row(char *row, unsigned int number)
{
    int n = xenlet_snprintf(row, ROW, "console row %04u ", number);

    memset(row + n, '.', ROW - 1 - (size_t)n);
    row[ROW - 1] = '\r';
}

static void end_rows(void)
{
    console_printf("%*s\n", (int)ROW, "");
}

/* --- out ------------------------------------------------------------------------------------ */

/* Many times what the ring holds, in one call: it waits for room, and drops nothing. */
TEST(console_write_of_64_kib)
{
    const unsigned int rows = 1024;
    char *text = xenlet_alloc(rows * ROW);
    uint32_t before;

    CHECK(text);
    for (unsigned int i = 0; i < rows; i++)
        make_row(text + i * ROW, i);
    before = bytes_out();
    console_write(text, rows * ROW);
    if (ring())
        EXPECT_EQ(bytes_out() - before, rows * ROW);
    EXPECT(went_out(text + (rows - 32) * ROW, 32 * ROW));
    end_rows();
    xenlet_free(text);
}

/* VCPU 0 takes every event of the console, as it has the channel: also those that VCPU 1 waits for.
 */
static void write_rows(void *arg)
{
    char row[ROW];

    (void)arg;
    for (unsigned int i = 0; i < 512; i++) {
        make_row(row, i);
        console_write(row, sizeof(row));
    }
}

TEST(console_has_room_though_another_vcpu_takes_the_event)
{
    uint64_t end = clock_after(60 * SECOND);

    if (vcpu_count() < 2)
        SKIP("the domain has fewer than 2 VCPUs");
    CHECK_EQ(vcpu_start(1, write_rows, NULL), 0);
    while (vcpu_join(1, 0) == -XEN_ETIME && clock_now() < end)
        arch_cpu_relax();
    EXPECT_EQ(vcpu_join(1, 0), 0);
    end_rows();
}

/* Also who waits on another VCPU than the one that has the channel. */
static void flush_and_read(void *arg)
{
    int *rc = arg;
    char line[8];

    console_write("console: flush me\r", 18);
    rc[0] = console_flush(30 * SECOND);
    atomic_write(&rc[2], 1);
    rc[1] = console_read_line(line, sizeof(line), NULL, clock_after(30 * SECOND));
}

TEST(console_waits_on_another_vcpu)
{
    uint64_t end = clock_after(60 * SECOND), before;
    int rc[3] = { 1, 1, 0 };

    if (vcpu_count() < 2)
        SKIP("the domain has fewer than 2 VCPUs");
    before = clock_now();
    CHECK_EQ(vcpu_start(1, flush_and_read, rc), 0);
    while (!atomic_read(&rc[2]) && clock_now() < end)
        clock_sleep(1000000);
    EXPECT_EQ(rc[0], 0);
    EXPECT(clock_now() - before < 20 * SECOND);
    before = clock_now();
    clock_sleep(50000000);
    console_input_bytes("word\n", 5);
    EXPECT_EQ(vcpu_join(1, end), 0);
    EXPECT_EQ(rc[1], 0);
    EXPECT(clock_now() - before < 20 * SECOND);
    end_rows();
}

TEST(console_write_of_nothing)
{
    uint32_t before = bytes_out();

    console_write("x", 0);
    console_printf("%s", "");
    EXPECT_EQ(bytes_out(), before);
}

TEST(console_line_feed_becomes_cr_lf)
{
    uint32_t before = bytes_out();

    console_write("\r\n", 2);
    EXPECT(went_out("\r\r\n", 3));
    console_write("a \r b\n\n", 7);
    EXPECT(went_out("a \r b\r\n\r\n", 9));
    if (ring())
        EXPECT_EQ(bytes_out() - before, 12);
}

/* Longer than the buffer it is put together in. */
TEST(console_printf_of_a_long_line)
{
    static char text[1500];
    uint32_t before;

    for (unsigned int i = 0; i + ROW <= sizeof(text); i += ROW)
        make_row(text + i, i / ROW);
    memset(text + sizeof(text) / ROW * ROW, '\r', sizeof(text) % ROW);
    text[sizeof(text) - 1] = '\0';
    before = bytes_out();
    console_printf("%s%d\r", text, 12345);
    if (ring())
        EXPECT_EQ(bytes_out() - before, sizeof(text) - 1 + 6);
    EXPECT(went_out("\r12345\r", 7));
    end_rows();
}

/* Ended by the other end, not by the deadline: the event that tells is not slept through. */
TEST(console_flush_waits_for_the_other_end)
{
    uint64_t start = clock_now();
    char row[ROW];

    for (unsigned int i = 0; i < 50; i++) {
        make_row(row, i);
        console_write(row, ROW);
        CHECK_EQ(console_flush(100 * SECOND), 0);
        if (ring())
            CHECK_EQ(atomic_read(&ring()->out_cons), bytes_out());
    }
    EXPECT(clock_now() - start < 50 * SECOND);
    /* Nothing is left: it does not wait, however little time there is. */
    EXPECT_EQ(console_flush(0), 0);
    EXPECT_EQ(console_flush(XENLET_FOREVER), 0);
    end_rows();
}

static void write_much(struct evtchn *ch, void *data)
{
    char row[ROW];

    for (unsigned int i = 0; i < 100; i++) {
        make_row(row, i);
        console_write(row, ROW);
    }
    EXPECT_EQ(console_flush(100 * SECOND), 0);
    count_event(ch, data);
}

/* More than the ring holds, with upcalls masked. */
TEST(console_write_in_a_handler)
{
    uint32_t before = bytes_out();
    unsigned int done = 0;
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, write_much, &done, EVTCHN_HANDLER_GPR, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    /* Not always at once: Xen may be about to raise the console's own event on another CPU. */
    EXPECT(wait_count(&done, 1));
    EXPECT_EQ(done, 1);
    if (ring())
        EXPECT_EQ(bytes_out() - before, 100 * ROW);
    EXPECT_EQ(evtchn_close(ch), 0);
    end_rows();
}

/* --- in: lines ------------------------------------------------------------------------------ */

static void type(const char *text)
{
    console_input_bytes(text, strlen(text));
}

static char line[64];

/* The next line is `expected`; NULL: there is none. */
static void expect_line(const char *expected)
{
    size_t len = 12345;
    int rc = console_read_line(line, sizeof(line), &len, 0);

    if (!expected) {
        EXPECT_EQ(rc, -XEN_ETIME);
        return;
    }
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(len, strlen(expected));
    if (strlen(line) != strlen(expected) || strncmp(line, expected, strlen(expected)) != 0)
        test_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", expected, line);
}

TEST(console_read_line_errors)
{
    uint64_t start = clock_now();
    size_t len;

    EXPECT_EQ(console_read_line(line, 0, &len, 0), -XEN_EINVAL);
    EXPECT_EQ(console_read_line(line, sizeof(line), &len, 0), -XEN_ETIME);
    EXPECT_EQ(console_read_line(line, sizeof(line), NULL, start), -XEN_ETIME);
    EXPECT_EQ(console_read_line(line, sizeof(line), NULL, clock_after(3000000)), -XEN_ETIME);
    EXPECT(clock_now() >= start + 3000000);
}

TEST(console_line_ends)
{
    type("one\r");
    expect_line("one");
    expect_line(NULL);
    /* CR LF is one end, wherever it is split; LF CR and CR CR are two. */
    type("two\r\nthree\nfour\r");
    type("\nfive\n");
    expect_line("two");
    expect_line("three");
    expect_line("four");
    expect_line("five");
    type("\r\r\n\n");
    expect_line("");
    expect_line("");
    expect_line("");
    expect_line(NULL);
}

TEST(console_line_in_parts)
{
    type("par");
    expect_line(NULL);
    type("tial\r");
    expect_line("partial");
}

TEST(console_line_is_edited)
{
    type("ab\bc\r");
    expect_line("ac");
    type("ab\x7f\x7f\x7f"
         "c\r");
    expect_line("c");
    /* A line that is complete cannot be edited any more. */
    type("first\r\b\b\bsecond\r");
    expect_line("first");
    expect_line("second");
}

/* What does not fit of a line is dropped, and nothing of the next one. */
TEST(console_line_is_cut)
{
    char small[4];
    size_t len;

    type("abcdef\rxy\r");
    EXPECT_EQ(console_read_line(small, sizeof(small), &len, 0), 0);
    EXPECT_EQ(len, 3);
    EXPECT_EQ(strncmp(small, "abc", 4), 0);
    expect_line("xy");
    type("z\r");
    EXPECT_EQ(console_read_line(small, 1, &len, 0), 0);
    EXPECT_EQ(len, 0);
    EXPECT_EQ(small[0], '\0');
    expect_line(NULL);
}

static void read_long_line(size_t typed)
{
    static char text[5000];
    size_t len;

    CHECK_EQ(console_read_line(text, sizeof(text), &len, 0), 0);
    EXPECT(len > 1000 && len < typed);
    EXPECT_EQ(strlen(text), len);
    for (size_t i = 0; i < len; i++)
        CHECK_EQ(text[i], 'x');
}

/* Longer than what is kept: its end is lost, not its line end. */
TEST(console_line_is_too_long)
{
    for (unsigned int i = 0; i < 3000; i++)
        type("x");
    expect_line(NULL);
    type("\r");
    read_long_line(3000);
    type("next\r");
    expect_line("next");
}

/* Many times round the buffer. */
TEST(console_lines_keep_their_order)
{
    char text[32], other[32];

    for (unsigned int i = 0; i < 2000; i += 2) {
        xenlet_snprintf(text, sizeof(text), "line %u", i);
        xenlet_snprintf(other, sizeof(other), "and line %u", i + 1);
        type(text);
        type("\r");
        type(other);
        type("\r");
        expect_line(text);
        expect_line(other);
    }
}

static void type_it(struct evtchn *ch, void *data)
{
    (void)ch;
    type(data);
}

/* Woken by what a handler takes in. */
TEST(console_read_line_waits)
{
    char text[] = "late\r";
    struct evtchn *ch;

    CHECK_EQ(evtchn_bind_ipi(0, type_it, text, EVTCHN_HANDLER_GPR | EVTCHN_MASKED, &ch), 0);
    EXPECT_EQ(evtchn_send(ch), 0);
    expect_line(NULL);
    EXPECT_EQ(evtchn_unmask(ch), 0);
    EXPECT_EQ(console_read_line(line, sizeof(line), NULL, clock_after(5 * SECOND)), 0);
    EXPECT_EQ(strncmp(line, "late", 5), 0);
    EXPECT_EQ(evtchn_close(ch), 0);
}

/* --- in: the ring --------------------------------------------------------------------------- */

/* As xenconsoled does it: as much as there is room for; how much. */
static size_t feed(const char *text, size_t len)
{
    struct xencons_interface *r = ring();
    uint32_t prod = r->in_prod, room = sizeof(r->in) - (prod - atomic_read(&r->in_cons));
    size_t n = 0;

    while (n < len && n < room) {
        r->in[MASK_XENCONS_IDX(prod + n, r->in)] = text[n];
        n++;
    }
    smp_wmb();
    atomic_write(&r->in_prod, prod + (uint32_t)n);
    return n;
}

/*
 * More than the library keeps: what it has no room for stays in the ring until lines are read, and
 * no byte is lost. Whoever writes looks for input too, which stands here for the event.
 */
TEST(console_input_through_the_ring)
{
    const unsigned int lines = 60;
    char text[64], *all;
    size_t len = 0, done;

    if (!ring())
        SKIP("Xen's own console has no ring");
    all = xenlet_alloc(lines * sizeof(text));
    CHECK(all);
    for (unsigned int i = 0; i < lines; i++)
        len += (size_t)xenlet_snprintf(all + len, sizeof(text), "%02u%50s\r", i, "typed");
    done = feed(all, len);
    EXPECT_EQ(done, sizeof(ring()->in));
    console_write("", 0);
    done += feed(all + done, len - done);
    console_write("", 0);
    EXPECT(done < len || ring()->in_prod != ring()->in_cons);
    for (unsigned int i = 0; i < lines; i++) {
        xenlet_snprintf(text, sizeof(text), "%02u%50s", i, "typed");
        expect_line(text);
        done += feed(all + done, len - done);
        console_write("", 0);
    }
    EXPECT_EQ(done, len);
    EXPECT_EQ(ring()->in_prod, ring()->in_cons);
    expect_line(NULL);
    xenlet_free(all);
}

/* Nor is anything lost of what comes right behind a line that is too long. */
TEST(console_long_line_through_the_ring)
{
    static char text[3000];
    size_t done = 0;

    if (!ring())
        SKIP("Xen's own console has no ring");
    memset(text, 'x', sizeof(text));
    while (done < sizeof(text)) {
        done += feed(text + done, sizeof(text) - done);
        console_write("", 0);
    }
    EXPECT_EQ(feed("\rnext\r", 6), 6);
    console_write("", 0);
    read_long_line(sizeof(text));
    expect_line("next");
    EXPECT_EQ(ring()->in_prod, ring()->in_cons);
}
