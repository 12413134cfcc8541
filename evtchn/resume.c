/* SPDX-License-Identifier: MIT */
/* Before and after a suspend: a restored domain has its memory, and none of its channels. */
#include "evtchn/internal.h"

void evtchn_set_resume_port(struct evtchn *ch, evtchn_port_t port)
{
    ch->resume_port = port;
}

int evtchn_suspend(void)
{
    return evtchn_reopen_prepare();
}

void evtchn_resume(bool cancelled)
{
    if (cancelled) {
        evtchn_reopen_cancel();
    } else {
        evtchn_2l_forget_all();
        evtchn_reopen(true);
        evtchn_tell_owners();
    }
}
