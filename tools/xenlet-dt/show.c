/* SPDX-License-Identifier: MIT */
/* What a guest finds in its tree, by the very reader that is in the guest. */
#include <stdlib.h>
#include <xenlet/evtchn_static.h>
#include "xenlet-dt.h"

int show(const char *file, const void *tree, size_t size, const char *domain)
{
    struct evtchn_static *channels = grow(NULL, (DOM0_MAX_PORT + 1) * sizeof(*channels));
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr;
    int rc = evtchn_static_read(tree, size, domain, channels, DOM0_MAX_PORT, &nr, error);

    if (rc)
        printf("%s: error: %s\n", file, error);
    for (unsigned int i = 0; i < nr; i++) {
        printf("port 0x%x", channels[i].port);
        if (channels[i].peer_port)
            printf(" peer 0x%x", channels[i].peer_port);
        if (channels[i].peer)
            printf(" of %s", channels[i].peer);
        if (channels[i].peer_domid != DOMID_INVALID)
            printf(" of domain %u", channels[i].peer_domid);
        printf(" label %s\n", channels[i].label);
    }
    free(channels);
    return rc ? EXIT_MISTAKES : EXIT_FINE;
}
