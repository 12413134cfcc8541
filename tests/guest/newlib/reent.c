/* SPDX-License-Identifier: MIT */
/* What newlib keeps for each thread: a VCPU's program and its handlers do not see each other's. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/guest/newlib/all_vcpus.h"
#include "tests/guest/test.h"

static void own_errno(unsigned int vcpu)
{
    for (int i = 0; i < 10000; i++) {
        errno = (int)vcpu + 1;
        __asm__ volatile("" ::: "memory");
        CHECK_EQ(errno, vcpu + 1);
    }
    (void)strtol("99999999999999999999", NULL, 10);
    EXPECT_EQ(errno, ERANGE);
}

TEST(newlib_errno_is_each_vcpus)
{
    on_all_vcpus(own_errno);
}

/* All that is safe in a handler, with what it leaves behind in its struct _reent. */
static void format_in_handler(struct evtchn *ch, void *data)
{
    static const char words[] = "a b";
    char text[64], copy[sizeof(words)], *rest;
    unsigned int *seen = data;

    (void)ch;
    snprintf(text, sizeof(text), "%.15g %s", 1e300 / 3, "handler");
    EXPECT_EQ(strcmp(text, "3.33333333333333e+299 handler"), 0);
    EXPECT(strtod("2.5e-3", &rest) == 0.0025 && !*rest);
    strcpy(copy, words);
    EXPECT_EQ(strcmp(strtok(copy, " "), "a"), 0);
    errno = 0;
    (void)strtol("99999999999999999999", NULL, 10);
    EXPECT_EQ(errno, ERANGE);
    EXPECT(sqrt((double)*seen) * sqrt((double)*seen) - (double)*seen < 1e-9);
    EXPECT(time(NULL) > 0 && clock() > 0);
    EXPECT_EQ(isspace((int)words[1]) && toupper((int)words[0]) == 'A', true);
    (void)getentropy(text, sizeof(text));
    ++*seen;
}

static void again(void *data)
{
    evtchn_send(data);
}

TEST(newlib_formats_in_handlers_while_the_program_formats)
{
    unsigned int seen = 0;
    struct clock_timer timer = { 0 };
    struct evtchn *ch;
    char text[64], list[] = "one two three four";

    CHECK_EQ(evtchn_bind_ipi(0, format_in_handler, &seen, EVTCHN_NO_SHARE, &ch), 0);
    EXPECT_EQ(strcmp(strtok(list, " "), "one"), 0);
    errno = EDOM;
    for (unsigned int i = 0; i < 20000 && seen < 100; i++) {
        clock_timer_set(&timer, clock_now() + i % 50 * 1000, again, ch);
        snprintf(text, sizeof(text), "%.17g", 0.1);
        if (strcmp(text, "0.10000000000000001") != 0) {
            test_fail(__FILE__, __LINE__, "0.1 is \"%s\"", text);
            break;
        }
        EXPECT_EQ(errno, EDOM);
    }
    clock_timer_cancel(&timer);
    EXPECT(seen >= 100);
    EXPECT_EQ(strcmp(strtok(NULL, " "), "two"), 0);
    EXPECT_EQ(evtchn_close(ch), 0);
}
