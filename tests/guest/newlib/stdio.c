/* SPDX-License-Identifier: MIT */
/* stdio: what it formats, and that all VCPUs may use a FILE. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/guest/newlib/all_vcpus.h"
#include "tests/guest/test.h"

#define EXPECT_TEXT(text, ...)                                                        \
    do {                                                                              \
        char got_[128];                                                               \
                                                                                      \
        EXPECT_EQ(snprintf(got_, sizeof(got_), __VA_ARGS__), strlen(text));           \
        if (strcmp(got_, text) != 0)                                                  \
            test_fail(__FILE__, __LINE__, "got \"%s\", expected \"%s\"", got_, text); \
    } while (0)

TEST(newlib_printf_formats)
{
    EXPECT_TEXT("-42 +7 0x1f 0017", "%d %+d %#x %04o", -42, 7, 31, 15);
    EXPECT_TEXT("-9223372036854775808 18446744073709551615", "%lld %llu", LLONG_MIN, ULLONG_MAX);
    EXPECT_TEXT("12 345", "%hhd %zu", (signed char)12, (size_t)345);
    EXPECT_TEXT("3.14 2.500000e-03 1e+100 inf", "%.2f %e %g %f", 3.14159, 0.0025, 1e100, 1.0 / 0.0);
    EXPECT_TEXT("0.333333333333333333342", "%.21Lf", 1.0L / 3);
    EXPECT_TEXT("[left ] [right] [cut]", "[%-5s] [%5s] [%.3s]", "left", "right", "cutting");
}

TEST(newlib_scanf_reads)
{
    int i = 0;
    double d = 0;
    char word[16] = "";

    EXPECT_EQ(sscanf("12 -2.5e3 word", "%d %lf %15s", &i, &d, word), 3);
    EXPECT(i == 12 && d == -2500.0 && strcmp(word, "word") == 0);
}

/* --- a FILE shared by all VCPUs ------------------------------------------------------------- */

#define LINES      200u
#define LINE_BYTES 33u /* "vcpu 003 line 0123 ............\n", and a NUL that is not written */

static char written[4 * LINES * LINE_BYTES];
static size_t nr_written;
static FILE *shared;

static _READ_WRITE_RETURN_TYPE collect(void *cookie, const char *text, _READ_WRITE_BUFSIZE_TYPE len)
{
    (void)cookie;
    if (nr_written + (size_t)len <= sizeof(written))
        memcpy(written + nr_written, text, (size_t)len);
    nr_written += (size_t)len;
    return (_READ_WRITE_RETURN_TYPE)len;
}

static void write_lines(unsigned int vcpu)
{
    if (vcpu >= 4)
        return;
    for (unsigned int i = 0; i < LINES; i++)
        EXPECT_EQ(fprintf(shared, "vcpu %03u line %04u %s\n", vcpu, i, "............"),
                  LINE_BYTES - 1);
}

static void check_lines(unsigned int vcpus)
{
    unsigned int next[4] = { 0 };

    CHECK_EQ(nr_written, vcpus * LINES * (LINE_BYTES - 1));
    for (size_t at = 0; at < nr_written; at += LINE_BYTES - 1) {
        unsigned int vcpu = 99, line = 0;

        EXPECT_EQ(sscanf(written + at, "vcpu %u line %u ............", &vcpu, &line), 2);
        CHECK(vcpu < vcpus);
        CHECK_EQ(line, next[vcpu]);
        next[vcpu]++;
        CHECK_EQ(written[at + LINE_BYTES - 2], '\n');
    }
}

TEST(newlib_lines_of_all_vcpus_are_whole)
{
    nr_written = 0;
    shared = funopen(NULL, NULL, collect, NULL, NULL);
    CHECK(shared);
    on_all_vcpus(write_lines);
    EXPECT_EQ(fclose(shared), 0);
    check_lines(vcpu_count() < 4 ? vcpu_count() : 4);
}
