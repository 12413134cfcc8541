/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target for libFuzzer: evtchn_static_read() of anything. The first byte chooses who we are;
 * the tree begins at the ninth, for its alignment.
 */
#include <stdlib.h>
#include <string.h>
#include <xenlet/evtchn_static.h>

#define MAX 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const domains[] = { NULL, "domU1", "chosen", "/chosen/domU2" };
    struct evtchn_static channels[MAX];
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr;
    void *tree = NULL;
    int rc;

    if (size < 8 || posix_memalign(&tree, 8, size - 8 + !(size - 8)) != 0)
        return 0;
    memcpy(tree, data + 8, size - 8);
    rc = evtchn_static_read(tree, size - 8, domains[data[0] % 4], channels, MAX, &nr, error);
    if ((rc == 0) != (error[0] == '\0') || (rc && rc != -XEN_ENOSPC && nr))
        abort();
    for (unsigned int i = 0; i < nr && i < MAX; i++) {
        if (channels[i].port == 0 || channels[i].port > 4095 || strlen(channels[i].label) > size)
            abort();
    }
    free(tree);
    return 0;
}
