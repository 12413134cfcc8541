/* SPDX-License-Identifier: MIT */
/* Numbers on the suite's command line. */
#include "tests/guest/test.h"

unsigned int test_number(const char *name, unsigned int otherwise)
{
    const char *text = xenlet_option(name);
    unsigned int n = 0;

    if (!text)
        return otherwise;
    while (*text >= '0' && *text <= '9')
        n = n * 10 + (unsigned int)(*text++ - '0');
    return n;
}
