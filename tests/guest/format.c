/* SPDX-License-Identifier: MIT */
/* xenlet_snprintf(): every conversion, flag and length that console.h lists. */
#include "kernel/string.h"
#include "tests/guest/test.h"

static char buf[64];

/* The compiler knows better than these formats; here they are data. */
static int format(const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    len = xenlet_vsnprintf(buf, sizeof(buf), fmt, args);
#pragma GCC diagnostic pop
    va_end(args);
    return len;
}

static bool same_text(const char *expected)
{
    size_t n = strlen(expected);

    return strlen(buf) == n && strncmp(buf, expected, n) == 0;
}

/* Where it stands in the source is in the message; __LINE__ would be that of the caller's macro. */
#define IS(expected, ...)                                                                \
    do {                                                                                 \
        int len_ = format(__VA_ARGS__);                                                  \
        if (!same_text(expected))                                                        \
            test_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", expected, buf); \
        EXPECT_EQ(len_, strlen(expected));                                               \
    } while (0)

TEST(format_text)
{
    IS("", "%s", "");
    IS("plain", "plain");
    IS("a%b", "a%%b");
    IS("x", "%c", 'x');
    IS("  x|x  |", "%3c|%-3c|", 'x', 'x');
    IS("text", "%s", "text");
    IS("   ab|ab   |", "%5s|%-5s|", "ab", "ab");
    IS("abcdef", "%3s", "abcdef");
    IS("abc|  abc|abc  |", "%.3s|%5.3s|%-5.3s|", "abcdef", "abcdef", "abcdef");
    IS("|", "%.0s|", "abc");
    IS("(null)", "%s", (char *)NULL);
    IS("  ab|ab  |", "%*s|%-*s|", 4, "ab", 4, "ab");
    IS("ab  |", "%*s|", -4, "ab");                   /* a negative width is the flag - */
    IS("ab|abc", "%.*s|%.*s", 2, "abcd", -1, "abc"); /* a negative precision is none */
}

/* Text need not end where the precision does. */
TEST(format_text_without_an_end)
{
    static const char three[] = { 'a', 'b', 'c' };

    IS("abc", "%.3s", three);
    IS("   ab", "%5.2s", three);
}

TEST(format_decimal)
{
    IS("0 1 -1", "%d %d %i", 0, 1, -1);
    IS("2147483647 -2147483648", "%d %d", INT32_MAX, INT32_MIN);
    IS("4294967295", "%u", UINT32_MAX);
    IS("   42|42   |00042", "%5d|%-5d|%05d", 42, 42, 42);
    IS("  -42|-42  |-0042", "%5d|%-5d|%05d", -42, -42, -42);
    IS("-42  |", "%-05d|", -42); /* - overrules 0 */
    IS("00042|  042|042  |", "%.5d|%5.3d|%-5.3d|", 42, 42, 42);
    IS("  042", "%05.3d", 42); /* a precision overrules 0 */
    IS("-00042", "%.5d", -42);
    IS("|0", "%.0d|%.1d", 0, 0);
    IS("     |", "%5.0d|", 0);
    IS("12345", "%2d", 12345);
    IS("   7|007", "%*d|%.*d", 4, 7, 3, 7);
}

TEST(format_hexadecimal)
{
    IS("0 ff FF", "%x %x %X", 0, 255, 255);
    IS("0000beef|BEEF    |", "%08x|%-8X|", 0xbeef, 0xbeef);
    IS("deadbeef", "%x", 0xdeadbeef);
    IS("0xff 0XFF", "%#x %#X", 255, 255);
    IS("0", "%#x", 0); /* no prefix for none */
    IS("0x00002a|    0x2a|0x2a    |", "%#08x|%#8x|%#-8x|", 42, 42, 42);
    IS("0x002a", "%#.4x", 42);
    IS("0xffff800000000000", "%#lx", 0xffff800000000000ul);
}

TEST(format_signs)
{
    IS("+5 -5 +0", "%+d %+d %+d", 5, -5, 0);
    IS(" 5 -5", "% d % d", 5, -5);
    IS("+5", "% +d", 5); /* + overrules the space */
    IS("+0005|   +5|+5   |", "%+05d|%+5d|%-+5d|", 5, 5, 5);
    IS("+5|+5| 5|-5|", "%+ d|% +d|%  d|% +d|", 5, 5, 5, -5); /* + wins */
}

TEST(format_lengths)
{
    IS("-1 255 1", "%hhd %hhu %hhd", -1, 255, 257);
    IS("-1 65535 1", "%hd %hu %hd", -1, 65535, 65537);
    IS("9223372036854775807", "%ld", INT64_MAX);
    IS("-9223372036854775808", "%ld", INT64_MIN);
    IS("18446744073709551615", "%lu", UINT64_MAX);
    IS("18446744073709551615", "%llu", (unsigned long long)UINT64_MAX);
    IS("-9223372036854775808", "%lld", (long long)INT64_MIN);
    IS("18446744073709551615", "%zu", (size_t)-1);
    IS("-8", "%td", (ptrdiff_t)-8);
    IS("-9 ffffffffffffffff", "%jd %jx", (intmax_t)-9, (uintmax_t)-1);
    IS("-1 4294967295", "%d %u", -1, -1);
    IS("ffffffffffffffff", "%lx", -1l);
    IS("ff ffff", "%hhx %hx", -1, -1);
}

TEST(format_pointer)
{
    IS("0x300000", "%p", (void *)0x300000);
    IS("  0x1000|0x1000  |", "%8p|%-8p|", (void *)0x1000, (void *)0x1000);
}

/* What it does not know, it shows. */
TEST(format_unknown)
{
    IS("%k", "%k");
    IS("100%", "100%");
}

TEST(format_cut)
{
    char small[8];

    memset(small, 'z', sizeof(small));
    EXPECT_EQ(xenlet_snprintf(small, 4, "%s", "abcdef"), 6);
    EXPECT_EQ(strncmp(small, "abc", 4), 0);
    EXPECT_EQ(small[4], 'z');
    EXPECT_EQ(xenlet_snprintf(small, 1, "%d", 12345), 5);
    EXPECT_EQ(small[0], '\0');
    small[0] = 'z';
    EXPECT_EQ(xenlet_snprintf(small, 0, "%d", 12345), 5);
    EXPECT_EQ(small[0], 'z');
    EXPECT_EQ(xenlet_snprintf(NULL, 0, "%100d", 1), 100);
    EXPECT_EQ(xenlet_snprintf(small, 7, "%s", "abcdef"), 6); /* fits to the byte */
    EXPECT_EQ(strncmp(small, "abcdef", 7), 0);
}
