/* SPDX-License-Identifier: MIT */
#include <xenlet/random.h>
#include "kernel/string.h"
#include "platform_arch.h"

/*
 * Some CPUs' generators give the same word for ever after a sleep, mostly all ones, and report
 * success. By chance two words in a row are alike once in 2^64 times.
 */
static int word_unlike(uint64_t *word, uint64_t last)
{
    int rc = arch_random(word);

    if (rc)
        return rc;
    return *word == last || *word == UINT64_MAX || *word == 0 ? -XEN_EIO : 0;
}

int xenlet_random(void *buf, size_t len)
{
    uint64_t word = 0, last = 0;
    int rc = arch_random(&last);

    for (size_t at = 0, n; rc == 0 && at < len; at += n) {
        n = len - at < sizeof(word) ? len - at : sizeof(word);
        rc = word_unlike(&word, last);
        memcpy((char *)buf + at, &word, n);
        last = word;
    }
    return rc;
}
