/* SPDX-License-Identifier: MIT */
/* Operations on the nodes of xenstore, as public/io/xs_wire.h and docs/misc/xenstore.txt have them.
 */
#include <xenlet/console.h>
#include <xenlet/evtchn.h>
#include <xenlet/memory.h>
#include "kernel/internal.h"
#include "kernel/string.h"
#include "kernel/xenstore.h"

#define LIST_MAX  (1u << 20) /* bytes of the names of a node's children */
#define PERM_TEXT 7u         /* "b65535" and its NUL */

int store_request_new(enum xsd_sockmsg_type type, const char *path, const void *value, size_t len,
                      struct store_request **request)
{
    size_t path_len = strlen(path) + 1;
    struct store_request *r;
    char *payload;

    if (path_len > XENSTORE_PAYLOAD_MAX || len > XENSTORE_PAYLOAD_MAX - path_len)
        return -XEN_E2BIG;
    r = xenlet_alloc(sizeof(*r) + path_len + len);
    if (!r)
        return -XEN_ENOMEM;
    payload = (char *)(r + 1);
    *r = (struct store_request){ .header = { .type = type, .len = (uint32_t)(path_len + len) },
                                 .payload = payload };
    memcpy(payload, path, path_len);
    if (len)
        memcpy(payload + path_len, value, len);
    *request = r;
    return 0;
}

int store_call(struct store_request *r, const struct xenstore_tx *tx, uint64_t deadline)
{
    int rc = upcalls_masked() ? -XEN_EDEADLK : store_submit(r, tx);

    if (rc == 0) {
        rc = store_wait(r, deadline);
        if (rc == -XEN_ETIME)
            return rc;
    }
    if (rc) {
        xenlet_free(r->answer);
        xenlet_free(r);
    }
    return rc;
}

/* All of it. *answer, which may be NULL, is xenlet_alloc()'s. */
static int call(enum xsd_sockmsg_type type, const struct xenstore_tx *tx, const char *path,
                const void *value, size_t value_len, char **answer, size_t *len, uint64_t deadline)
{
    struct store_request *r;
    int rc = store_request_new(type, path, value, value_len, &r);

    if (rc == 0)
        rc = store_call(r, tx, deadline);
    if (rc)
        return rc;
    if (answer) {
        *answer = r->answer;
        *len = r->len;
    }
    xenlet_free(r);
    return 0;
}

int xenstore_read(const struct xenstore_tx *tx, const char *path, char **value, size_t *len,
                  uint64_t deadline)
{
    size_t value_len = 0;
    int rc = call(XS_READ, tx, path, NULL, 0, value, &value_len, deadline);

    if (rc == 0 && len)
        *len = value_len;
    return rc;
}

int xenstore_write(const struct xenstore_tx *tx, const char *path, const void *value, size_t len,
                   uint64_t deadline)
{
    return call(XS_WRITE, tx, path, value, len, NULL, NULL, deadline);
}

int xenstore_mkdir(const struct xenstore_tx *tx, const char *path, uint64_t deadline)
{
    return call(XS_MKDIR, tx, path, NULL, 0, NULL, NULL, deadline);
}

int xenstore_rm(const struct xenstore_tx *tx, const char *path, uint64_t deadline)
{
    return call(XS_RM, tx, path, NULL, 0, NULL, NULL, deadline);
}

/* --- children ------------------------------------------------------------------------------- */

/* A list in several answers, as it grows. */
struct parts {
    char *text;
    size_t len;
    char version[24]; /* of the node: its "generation count" */
    bool complete;
};

static int parts_add(struct parts *p, const char *text, size_t len)
{
    char *more = p->len + len > LIST_MAX ? NULL : xenlet_alloc(p->len + len + 1);

    if (!more)
        return p->len + len > LIST_MAX ? -XEN_E2BIG : -XEN_ENOMEM;
    if (p->len)
        memcpy(more, p->text, p->len);
    memcpy(more + p->len, text, len);
    xenlet_free(p->text);
    p->text = more;
    p->len += len;
    return 0;
}

/*
 * An answer: the version, NUL, names with their NULs, and at the end of the list one NUL more. 0,
 * or -XEN_EAGAIN: the node changed.
 */
static int parts_take(struct parts *p, const char *answer, size_t len)
{
    size_t version = strlen(answer) + 1;

    if (version >= len || version > sizeof(p->version) || answer[len - 1] != '\0')
        return -XEN_EIO;
    if (p->len && strcmp(p->version, answer) != 0)
        return -XEN_EAGAIN;
    memcpy(p->version, answer, version);
    answer += version;
    len -= version;
    p->complete = len == 1 || answer[len - 2] == '\0';
    return parts_add(p, answer, len - p->complete);
}

static int parts_get(struct parts *p, const struct xenstore_tx *tx, const char *path,
                     uint64_t deadline)
{
    int rc = 0;

    while (rc == 0 && !p->complete) {
        char offset[12], *answer;
        size_t len, n = (size_t)xenlet_snprintf(offset, sizeof(offset), "%zu", p->len) + 1;

        rc = call(XS_DIRECTORY_PART, tx, path, offset, n, &answer, &len, deadline);
        if (rc == 0) {
            rc = parts_take(p, answer, len);
            xenlet_free(answer);
        }
    }
    return rc;
}

static int directory_in_parts(const struct xenstore_tx *tx, const char *path, char **text,
                              size_t *len, uint64_t deadline)
{
    struct parts p;
    int rc;

    do {
        p = (struct parts){ .len = 0 };
        rc = parts_get(&p, tx, path, deadline);
        if (rc)
            xenlet_free(p.text);
    } while (rc == -XEN_EAGAIN && !tx);
    *text = p.text;
    *len = p.len;
    return rc;
}

/* The strings that `text` is made of, and pointers to them, in one piece of memory. */
static int split(const char *text, size_t len, char ***strings, size_t *n)
{
    char **list, *copy;
    size_t count = 0, i = 0;

    if (len && text[len - 1] != '\0')
        return -XEN_EIO;
    for (size_t at = 0; at < len; at += strlen(text + at) + 1)
        count++;
    list = xenlet_alloc(count * sizeof(*list) + len + 1);
    if (!list)
        return -XEN_ENOMEM;
    copy = memcpy(list + count, text, len);
    for (size_t at = 0; at < len; at += strlen(copy + at) + 1)
        list[i++] = copy + at;
    *strings = list;
    *n = count;
    return 0;
}

int xenstore_directory(const struct xenstore_tx *tx, const char *path, char ***names, size_t *n,
                       uint64_t deadline)
{
    char *text;
    size_t len = 0;
    int rc = call(XS_DIRECTORY, tx, path, NULL, 0, &text, &len, deadline);

    if (rc == -XEN_E2BIG && strlen(path) + 1 < XENSTORE_PAYLOAD_MAX)
        rc = directory_in_parts(tx, path, &text, &len, deadline);
    if (rc)
        return rc;
    rc = split(text, len, names, n);
    xenlet_free(text);
    return rc;
}

/* --- permissions ---------------------------------------------------------------------------- */

static bool is_access(char c)
{
    return c == 'n' || c == 'r' || c == 'w' || c == 'b';
}

static int parse_perm(const char *text, struct xenstore_perm *perm)
{
    uint32_t domid = 0;

    perm->access = *text++;
    if (!is_access(perm->access) || !*text)
        return -XEN_EIO;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -XEN_EIO;
        domid = domid * 10 + (uint32_t)(*text - '0');
        if (domid > UINT16_MAX)
            return -XEN_EIO;
    }
    perm->domid = (domid_t)domid;
    return 0;
}

static int parse_perms(const char *text, size_t len, struct xenstore_perm **perms, size_t *n)
{
    struct xenstore_perm *list;
    char **strings;
    size_t count;
    int rc = split(text, len, &strings, &count);

    if (rc)
        return rc;
    list = xenlet_alloc(count * sizeof(*list) + 1);
    if (!list)
        rc = -XEN_ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = parse_perm(strings[i], &list[i]);
    xenlet_free(strings);
    if (rc) {
        xenlet_free(list);
        return rc;
    }
    *perms = list;
    *n = count;
    return 0;
}

int xenstore_get_perms(const struct xenstore_tx *tx, const char *path, struct xenstore_perm **perms,
                       size_t *n, uint64_t deadline)
{
    char *text;
    size_t len = 0;
    int rc = call(XS_GET_PERMS, tx, path, NULL, 0, &text, &len, deadline);

    if (rc)
        return rc;
    rc = parse_perms(text, len, perms, n);
    xenlet_free(text);
    return rc;
}

int xenstore_set_perms(const struct xenstore_tx *tx, const char *path,
                       const struct xenstore_perm *perms, size_t n, uint64_t deadline)
{
    size_t len = 0;
    char *text;
    int rc;

    if (n == 0)
        return -XEN_EINVAL;
    if (n > XENSTORE_PAYLOAD_MAX)
        return -XEN_E2BIG;
    for (size_t i = 0; i < n; i++) {
        if (!is_access(perms[i].access))
            return -XEN_EINVAL;
    }
    text = xenlet_alloc(n * PERM_TEXT);
    if (!text)
        return -XEN_ENOMEM;
    for (size_t i = 0; i < n; i++)
        len += (size_t)xenlet_snprintf(text + len, PERM_TEXT, "%c%u", perms[i].access,
                                       perms[i].domid) +
               1;
    rc = call(XS_SET_PERMS, tx, path, text, len, NULL, NULL, deadline);
    xenlet_free(text);
    return rc;
}

/* --- without waiting ------------------------------------------------------------------------ */

static void finish_started(struct store_request *r)
{
    r->done(r->data, r->rc, r->answer, r->answer ? r->len : 0);
    xenlet_free(r);
}

int xenstore_start(enum xsd_sockmsg_type type, const struct xenstore_tx *tx, const char *path,
                   const void *value, size_t len, xenstore_done_t *done, void *data)
{
    struct store_request *r;
    int rc;

    switch (type) {
    case XS_READ:
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
    case XS_DIRECTORY:
    case XS_GET_PERMS:
    case XS_SET_PERMS:
        break;
    default:
        return -XEN_EINVAL;
    }
    rc = store_request_new(type, path, value, len, &r);
    if (rc)
        return rc;
    r->finish = finish_started;
    r->done = done;
    r->data = data;
    rc = store_submit(r, tx);
    if (rc)
        xenlet_free(r);
    return rc;
}
