/* SPDX-License-Identifier: MIT */
/* Transactions on xenstore. */
#include <xenlet/clock.h>
#include <xenlet/memory.h>
#include "kernel/internal.h"
#include "kernel/xenstore.h"

/* The decimal number that an answer is; 0 for anything else, which is no transaction. */
static uint32_t number(const char *text)
{
    uint64_t n = 0;

    if (!*text)
        return 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        n = n * 10 + (uint64_t)(*text - '0');
        if (n > UINT32_MAX)
            return 0;
    }
    return (uint32_t)n;
}

int xenstore_tx_begin(struct xenstore_tx *tx, uint64_t deadline)
{
    struct store_request *r;
    int rc = store_request_new(XS_TRANSACTION_START, "", NULL, 0, &r);

    if (rc == 0)
        rc = store_call(r, NULL, deadline);
    if (rc)
        return rc;
    *tx = (struct xenstore_tx){ .id = number(r->brief), .connection = r->connection };
    xenlet_free(r);
    return tx->id ? 0 : -XEN_EIO;
}

int xenstore_tx_end(const struct xenstore_tx *tx, bool commit, uint64_t deadline)
{
    struct store_request *r;
    int rc = store_request_new(XS_TRANSACTION_END, commit ? "T" : "F", NULL, 0, &r);

    if (rc == 0)
        rc = store_call(r, tx, deadline);
    if (rc == 0)
        xenlet_free(r);
    return rc;
}

bool store_tx_began(struct store_request *r, struct xenstore_tx *tx)
{
    tx->id = number(r->brief);
    if (r->header.type != XS_TRANSACTION_START || !tx->id)
        return false;
    r->header.type = XS_TRANSACTION_END;
    r->header.len = 2;
    r->payload = "F";
    return true;
}

int xenstore_transaction(int (*body)(const struct xenstore_tx *tx, void *arg), void *arg,
                         uint64_t deadline)
{
    struct xenstore_tx tx;
    int rc, end;

    for (;;) {
        rc = xenstore_tx_begin(&tx, deadline);
        if (rc == 0) {
            rc = body(&tx, arg);
            end = xenstore_tx_end(&tx, rc == 0, deadline);
            /* If `body` failed nothing of it is done, whatever the end returned. */
            rc = rc ? rc : end;
        }
        if (rc != -XEN_EAGAIN)
            return rc;
        if (deadline != XENLET_FOREVER && clock_now() >= deadline)
            return -XEN_ETIME;
    }
}
