/* SPDX-License-Identifier: MIT */
/* Command lines: words, quotes, options. */
#include "kernel/cmdline.h"
#include "kernel/internal.h"
#include "kernel/string.h"
#include "platform_arch.h"
#include "tests/guest/test.h"

static struct cmdline c;

static bool same(const char *a, const char *b)
{
    return a && b && strlen(a) == strlen(b) && strncmp(a, b, strlen(a)) == 0;
}

/* The words of `line` are `n` strings, argv[0] not counted. */
static void expect_words(const char *line, int n, const char *const *words)
{
    cmdline_split(&c, line);
    EXPECT_EQ(c.nr, n + 1);
    EXPECT(same(c.args[0], "xenlet"));
    for (int i = 0; i < n; i++) {
        if (!same(c.args[i + 1], words[i]))
            test_fail(__FILE__, __LINE__, "<%s>, word %d: expected <%s>, got <%s>", line, i + 1,
                      words[i], c.args[i + 1]);
    }
    EXPECT(c.args[c.nr] == NULL);
}

#define WORDS(line, ...)                                                \
    do {                                                                \
        static const char *const words_[] = { __VA_ARGS__ };            \
        expect_words(line, sizeof(words_) / sizeof(words_[0]), words_); \
    } while (0)

TEST(cmdline_words)
{
    expect_words("", 0, NULL);
    expect_words("   ", 0, NULL);
    WORDS("one", "one");
    WORDS("one two", "one", "two");
    WORDS("  one \t two\n", "one", "two");
    WORDS("a=b c", "a=b", "c");
}

TEST(cmdline_quotes)
{
    WORDS("\"one two\" three", "one two", "three");
    WORDS("name=\"one two\"", "name=one two");
    WORDS("a\"b c\"d", "ab cd"); /* in the middle of a word, too */
    WORDS("\"\" x", "", "x");    /* a word of nothing */
    WORDS("\"open end", "open end");
    WORDS("it's", "it's"); /* only double ones are quotes */
}

TEST(cmdline_options)
{
    cmdline_split(&c, "first=1 flag empty= last=x=y prefixed=no \"spaced=a b\"");
    EXPECT(same(cmdline_option(&c, "first"), "1"));
    EXPECT(same(cmdline_option(&c, "flag"), ""));
    EXPECT(same(cmdline_option(&c, "empty"), ""));
    EXPECT(same(cmdline_option(&c, "last"), "x=y"));
    EXPECT(same(cmdline_option(&c, "spaced"), "a b"));
    EXPECT(cmdline_option(&c, "absent") == NULL);
    /* A part of a name is not the name, a value is no option, and argv[0] is none. */
    EXPECT(cmdline_option(&c, "prefix") == NULL);
    EXPECT(cmdline_option(&c, "prefixed=no") != NULL);
    EXPECT(cmdline_option(&c, "x") == NULL);
    EXPECT(cmdline_option(&c, "firstly") == NULL);
    EXPECT(cmdline_option(&c, "xenlet") == NULL);
}

TEST(cmdline_last_option_counts)
{
    cmdline_split(&c, "a=1 a=2 b=3 a=4 b");
    EXPECT(same(cmdline_option(&c, "a"), "4"));
    EXPECT(same(cmdline_option(&c, "b"), ""));
}

/* Xen's limit is 1,024 bytes with the NUL; what is more than we take is cut, not written beyond. */
TEST(cmdline_too_much)
{
    static char line[2 * CMDLINE_SIZE];

    memset(line, 'x', sizeof(line) - 1);
    cmdline_split(&c, line);
    EXPECT_EQ(c.nr, 2);
    EXPECT_EQ(strlen(c.args[1]), CMDLINE_SIZE - 1);

    for (unsigned int i = 0; i < sizeof(line) - 1; i++)
        line[i] = i % 2 ? ' ' : 'x';
    cmdline_split(&c, line);
    EXPECT_EQ(c.nr, CMDLINE_ARGS + 1);
    EXPECT(same(c.args[CMDLINE_ARGS], "x"));
    EXPECT(c.args[CMDLINE_ARGS + 1] == NULL);
}

/* Ours, taken apart as the library did it, is what Xen's builder handed over. */
TEST(cmdline_of_this_domain)
{
    char **argv;
    int argc = cmdline_argv(&argv);

    cmdline_split(&c, arch_cmdline());
    CHECK_EQ(argc, c.nr);
    for (int i = 0; i < argc; i++)
        CHECK(same(argv[i], c.args[i]));
    EXPECT(argv[argc] == NULL);
    EXPECT(xenlet_option("no such option") == NULL);
    if (xenlet_option("only"))
        EXPECT(same(xenlet_option("only"), cmdline_option(&c, "only")));
}
