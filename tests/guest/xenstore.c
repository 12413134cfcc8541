/* SPDX-License-Identifier: MIT */
/* Xenstore: nodes, transactions, and several requests at a time, with a real xenstored. */
#include "kernel/internal.h"
#include "platform_arch.h"
#include "kernel/string.h"
#include "tests/guest/test.h"
#include "tests/guest/xenstore.h"

/* A domU of xl may write below this. */
#define HERE "data/xenlet"

uint64_t soon(void)
{
    return clock_after(10000000000);
}

bool has_store(void)
{
    return arch_store_port() != 0;
}

int put(const struct xenstore_tx *tx, const char *path, const char *text)
{
    return xenstore_write(tx, path, text, strlen(text), soon());
}

bool holds(const struct xenstore_tx *tx, const char *path, const char *text)
{
    char *value;
    size_t len;
    int rc = xenstore_read(tx, path, &value, &len, soon());
    bool same = rc == 0 && len == strlen(text) && strcmp(value, text) == 0;

    EXPECT_EQ(rc, 0);
    if (rc == 0)
        xenlet_free(value);
    return same;
}

static int absent(const char *path)
{
    char *value = NULL;

    EXPECT_EQ(xenstore_read(NULL, path, &value, NULL, soon()), -XEN_ENOENT);
    return value == NULL;
}

TEST(xenstore_calls_without_a_store_say_so)
{
    struct xenstore_watch *w;
    char *value = NULL;

    if (has_store())
        SKIP("this domain has a store");
    EXPECT_EQ(xenstore_read(NULL, "name", &value, NULL, soon()), -XEN_ENODEV);
    EXPECT_EQ(put(NULL, HERE, "x"), -XEN_ENODEV);
    EXPECT_EQ(xenstore_watch(HERE, NULL, NULL, &w, soon()), -XEN_ENODEV);
    EXPECT_EQ(xenstore_reconnect(soon()), -XEN_ENODEV);
    EXPECT_EQ(xenstore_transaction(NULL, NULL, soon()), -XEN_ENODEV);
    EXPECT_EQ(xenstore_start(XS_RM, NULL, HERE, NULL, 0, NULL, NULL), -XEN_ENODEV);
    EXPECT(value == NULL);
}

TEST(xenstore_reads_what_was_written)
{
    static const char bytes[] = "a\0b\xff\n";
    char *value;
    size_t len;

    NEEDS_STORE();
    CHECK_EQ(put(NULL, HERE "/a", "first"), 0);
    CHECK(holds(NULL, HERE "/a", "first"));
    CHECK_EQ(put(NULL, HERE "/a", "then another"), 0);
    CHECK(holds(NULL, HERE "/a", "then another"));
    CHECK_EQ(put(NULL, HERE "/a", ""), 0);
    CHECK(holds(NULL, HERE "/a", ""));
    CHECK_EQ(xenstore_write(NULL, HERE "/a", bytes, sizeof(bytes), soon()), 0);
    CHECK_EQ(xenstore_read(NULL, HERE "/a", &value, &len, soon()), 0);
    EXPECT(len == sizeof(bytes) && memcmp(value, bytes, len) == 0);
    xenlet_free(value);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* Larger than the ring, which has 1,024 bytes; xenstored allows 2 KiB. */
TEST(xenstore_carries_large_values)
{
    static char text[2000];

    NEEDS_STORE();
    for (unsigned int i = 0; i < sizeof(text) - 1; i++)
        text[i] = (char)('!' + i % 89);
    for (size_t len = 900; len < sizeof(text) - 200; len += 37) {
        char last = text[len];

        text[len] = '\0';
        CHECK_EQ(put(NULL, HERE "/large", text), 0);
        CHECK(holds(NULL, HERE "/large", text));
        text[len] = last;
    }
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

TEST(xenstore_refuses_what_is_too_large)
{
    static char text[4096], path[4096];

    NEEDS_STORE();
    memset(text, 'x', sizeof(text));
    memset(path, 'p', sizeof(path) - 1);
    EXPECT_EQ(xenstore_write(NULL, HERE, text, sizeof(text), soon()), -XEN_E2BIG);
    /* As large as may be sent at all: more than our quota. */
    EXPECT_EQ(xenstore_write(NULL, HERE, text, 4096 - sizeof(HERE), soon()), -XEN_ENOSPC);
    EXPECT_EQ(xenstore_mkdir(NULL, path, soon()), -XEN_EINVAL);
    EXPECT_EQ(put(NULL, path, "x"), -XEN_E2BIG);
    CHECK_EQ(put(NULL, HERE, "still works"), 0);
    CHECK(holds(NULL, HERE, "still works"));
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

TEST(xenstore_errors_are_the_stores)
{
    char *value = NULL;

    NEEDS_STORE();
    EXPECT(absent(HERE "/nothing"));
    EXPECT_EQ(xenstore_read(NULL, "no//path", &value, NULL, soon()), -XEN_EINVAL);
    EXPECT_EQ(xenstore_read(NULL, "", &value, NULL, soon()), -XEN_EINVAL);
    EXPECT_EQ(put(NULL, "/local/domain/0/xenlet", "x"), -XEN_EACCES);
    EXPECT_EQ(xenstore_rm(NULL, HERE "/a/b", soon()), -XEN_ENOENT);
    EXPECT_EQ(xenstore_reconnect(soon()), -XEN_EOPNOTSUPP);
    EXPECT_EQ(xenstore_start(XS_WATCH, NULL, HERE, NULL, 0, NULL, NULL), -XEN_EINVAL);
}

static bool has(char **names, size_t n, const char *name)
{
    size_t i = 0;

    while (i < n && strcmp(names[i], name) != 0)
        i++;
    return i < n;
}

TEST(xenstore_directories)
{
    char **names;
    size_t n;

    NEEDS_STORE();
    CHECK_EQ(xenstore_mkdir(NULL, HERE "/dir/empty", soon()), 0);
    CHECK_EQ(put(NULL, HERE "/dir/b", "1"), 0);
    CHECK_EQ(put(NULL, HERE "/dir/c/deeper", "2"), 0);
    CHECK_EQ(xenstore_mkdir(NULL, HERE "/dir/b", soon()), 0);
    CHECK(holds(NULL, HERE "/dir/b", "1"));
    CHECK_EQ(xenstore_directory(NULL, HERE "/dir", &names, &n, soon()), 0);
    EXPECT_EQ(n, 3);
    EXPECT(has(names, n, "b") && has(names, n, "c") && has(names, n, "empty"));
    xenlet_free(names);
    CHECK_EQ(xenstore_directory(NULL, HERE "/dir/empty", &names, &n, soon()), 0);
    EXPECT_EQ(n, 0);
    xenlet_free(names);
    EXPECT_EQ(xenstore_directory(NULL, HERE "/nothing", &names, &n, soon()), -XEN_ENOENT);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
    CHECK(absent(HERE "/dir/b"));
}

static domid_t own_domid(void)
{
    char *value;
    unsigned int id = 0;

    if (xenstore_read(NULL, "domid", &value, NULL, soon()) != 0)
        return 0;
    for (const char *p = value; *p; p++)
        id = id * 10 + (unsigned int)(*p - '0');
    xenlet_free(value);
    return (domid_t)id;
}

TEST(xenstore_permissions)
{
    struct xenstore_perm mine[] = { { own_domid(), 'n' }, { 0, 'r' }, { 7, 'b' }, { 65535, 'w' } };
    struct xenstore_perm bad = { 1, 'x' }, *perms;
    size_t n;

    NEEDS_STORE();
    CHECK_EQ(put(NULL, HERE "/mine", "x"), 0);
    CHECK_EQ(xenstore_set_perms(NULL, HERE "/mine", mine, 3, soon()), 0);
    CHECK_EQ(xenstore_get_perms(NULL, HERE "/mine", &perms, &n, soon()), 0);
    EXPECT_EQ(n, 3);
    for (size_t i = 0; i < n && i < 3; i++) {
        EXPECT_EQ(perms[i].domid, mine[i].domid);
        EXPECT_EQ(perms[i].access, mine[i].access);
    }
    xenlet_free(perms);
    EXPECT_EQ(xenstore_set_perms(NULL, HERE "/mine", &bad, 1, soon()), -XEN_EINVAL);
    EXPECT_EQ(xenstore_set_perms(NULL, HERE "/mine", mine, 0, soon()), -XEN_EINVAL);
    EXPECT_EQ(xenstore_get_perms(NULL, HERE "/nothing", &perms, &n, soon()), -XEN_ENOENT);
    EXPECT_EQ(xenstore_set_perms(NULL, "name", mine, 1, soon()), -XEN_EACCES);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* --- transactions --------------------------------------------------------------------------- */

TEST(xenstore_transaction_by_hand)
{
    struct xenstore_tx tx, other;

    NEEDS_STORE();
    CHECK_EQ(put(NULL, HERE "/t", "before"), 0);
    CHECK_EQ(xenstore_tx_begin(&tx, soon()), 0);
    CHECK_EQ(put(&tx, HERE "/t", "after"), 0);
    CHECK(holds(&tx, HERE "/t", "after"));
    CHECK(holds(NULL, HERE "/t", "before"));
    CHECK_EQ(xenstore_tx_end(&tx, true, soon()), 0);
    CHECK(holds(NULL, HERE "/t", "after"));

    CHECK_EQ(xenstore_tx_begin(&tx, soon()), 0);
    CHECK_EQ(put(&tx, HERE "/t", "never"), 0);
    CHECK_EQ(xenstore_tx_end(&tx, false, soon()), 0);
    CHECK(holds(NULL, HERE "/t", "after"));
    EXPECT_EQ(put(&tx, HERE "/t", "x"), -XEN_ENOENT);

    CHECK_EQ(xenstore_tx_begin(&tx, soon()), 0);
    CHECK_EQ(xenstore_tx_begin(&other, soon()), 0);
    CHECK(holds(&tx, HERE "/t", "after"));
    CHECK_EQ(put(&tx, HERE "/t", "tx"), 0);
    CHECK(holds(&other, HERE "/t", "after"));
    CHECK_EQ(put(&other, HERE "/t", "other"), 0);
    CHECK_EQ(xenstore_tx_end(&tx, true, soon()), 0);
    EXPECT_EQ(xenstore_tx_end(&other, true, soon()), -XEN_EAGAIN);
    CHECK(holds(NULL, HERE "/t", "tx"));
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

struct attempts {
    unsigned int runs, disturbed;
    int result;
};

static int disturbed(const struct xenstore_tx *tx, void *arg)
{
    struct attempts *a = arg;

    a->runs++;
    EXPECT(holds(tx, HERE "/t", a->runs <= a->disturbed + 1 && a->runs > 1 ? "disturbed" : "old"));
    if (a->runs <= a->disturbed)
        EXPECT_EQ(put(NULL, HERE "/t", "disturbed"), 0);
    EXPECT_EQ(put(tx, HERE "/t", "new"), 0);
    return a->result;
}

TEST(xenstore_transaction_is_run_until_it_commits)
{
    struct attempts a = { .disturbed = 3 };

    NEEDS_STORE();
    CHECK_EQ(put(NULL, HERE "/t", "old"), 0);
    CHECK_EQ(xenstore_transaction(disturbed, &a, soon()), 0);
    EXPECT_EQ(a.runs, 4);
    CHECK(holds(NULL, HERE "/t", "new"));

    /* Undone when the body says so. */
    CHECK_EQ(put(NULL, HERE "/t", "old"), 0);
    a = (struct attempts){ .result = -XEN_EPERM };
    EXPECT_EQ(xenstore_transaction(disturbed, &a, soon()), -XEN_EPERM);
    EXPECT_EQ(a.runs, 1);
    CHECK(holds(NULL, HERE "/t", "old"));
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

static int never_through(const struct xenstore_tx *tx, void *arg)
{
    ++*(unsigned int *)arg;
    EXPECT(holds(tx, HERE "/t", "x"));
    EXPECT_EQ(put(NULL, HERE "/t", "x"), 0);
    return put(tx, HERE "/t", "x");
}

TEST(xenstore_transaction_ends_at_its_deadline)
{
    unsigned int runs = 0;

    NEEDS_STORE();
    CHECK_EQ(put(NULL, HERE "/t", "x"), 0);
    EXPECT_EQ(xenstore_transaction(never_through, &runs, clock_after(200000000)), -XEN_ETIME);
    EXPECT(runs > 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* --- several at a time ---------------------------------------------------------------------- */

struct seen {
    unsigned int done, wrong;
};

static struct seen seen;

static void check_answer(void *data, int rc, char *answer, size_t len)
{
    const char *want = data;

    if (rc || !answer || len != strlen(want) || strcmp(answer, want) != 0)
        seen.wrong++;
    xenlet_free(answer);
    seen.done++;
}

static void check_written(void *data, int rc, char *answer, size_t len)
{
    (void)data;
    if (rc || answer || len)
        seen.wrong++;
    seen.done++;
}

TEST(xenstore_requests_without_waiting)
{
    static char paths[40][32], values[40][16];

    NEEDS_STORE();
    seen = (struct seen){ 0 };
    for (unsigned int i = 0; i < 40; i++) {
        xenlet_snprintf(paths[i], sizeof(paths[i]), HERE "/%u", i);
        xenlet_snprintf(values[i], sizeof(values[i]), "value %u", i);
        CHECK_EQ(xenstore_start(XS_WRITE, NULL, paths[i], values[i], strlen(values[i]),
                                check_written, NULL),
                 0);
        CHECK_EQ(xenstore_start(XS_READ, NULL, paths[i], NULL, 0, check_answer, values[i]), 0);
    }
    CHECK(wait_count(&seen.done, 80));
    EXPECT_EQ(seen.wrong, 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

static void check_refusal(void *data, int rc, char *answer, size_t len)
{
    if (rc != -XEN_ENOENT || answer || len)
        seen.wrong++;
    ++*(unsigned int *)data;
    /* The next one, from the handler, where none can be waited for. */
    EXPECT_EQ(xenstore_rm(NULL, HERE, soon()), -XEN_EDEADLK);
    EXPECT_EQ(xenstore_transaction(NULL, NULL, soon()), -XEN_EDEADLK);
    if (seen.done < 5)
        EXPECT_EQ(xenstore_start(XS_READ, NULL, HERE, NULL, 0, check_refusal, data), 0);
}

TEST(xenstore_requests_from_handlers)
{
    NEEDS_STORE();
    seen = (struct seen){ 0 };
    CHECK_EQ(xenstore_start(XS_READ, NULL, HERE, NULL, 0, check_refusal, &seen.done), 0);
    CHECK(wait_count(&seen.done, 5));
    EXPECT_EQ(seen.wrong, 0);
}

/* Each answer that comes too late must be nobody's. */
TEST(xenstore_late_answers_are_dropped)
{
    char *value = NULL;
    unsigned int late = 0;

    NEEDS_STORE();
    CHECK_EQ(put(NULL, HERE "/late", "late"), 0);
    CHECK_EQ(put(NULL, HERE "/right", "right"), 0);
    for (unsigned int i = 0; i < 100; i++) {
        int rc = xenstore_read(NULL, HERE "/late", &value, NULL, i % 2 ? 1 : clock_after(20000));

        if (rc == 0)
            xenlet_free(value);
        else
            late += rc == -XEN_ETIME;
        CHECK(holds(NULL, HERE "/right", "right"));
    }
    EXPECT(late >= 40);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* xenstored lets a domain have ten: those that nobody waits for any more must be ended. */
TEST(xenstore_late_transactions_are_ended)
{
    struct xenstore_tx tx;

    NEEDS_STORE();
    for (unsigned int i = 0; i < 30; i++) {
        if (xenstore_tx_begin(&tx, clock_after(i * 10000)) == 0)
            EXPECT_EQ(xenstore_tx_end(&tx, false, soon()), 0);
    }
    /* More of them than there may be are under way, perhaps: answered in turn, before their ends.
     */
    CHECK_EQ(xenstore_mkdir(NULL, HERE, soon()), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
    for (unsigned int i = 0; i < 30; i++) {
        CHECK_EQ(xenstore_tx_begin(&tx, soon()), 0);
        xenstore_tx_end(&tx, false, 1);
    }
}

TEST(xenstore_keeps_no_memory)
{
    size_t before = 0;

    NEEDS_STORE();
    for (unsigned int i = 0; i < 30; i++) {
        char **names;
        size_t n;

        CHECK_EQ(put(NULL, HERE "/m", "value"), 0);
        CHECK(holds(NULL, HERE "/m", "value"));
        CHECK_EQ(xenstore_directory(NULL, HERE, &names, &n, soon()), 0);
        xenlet_free(names);
        EXPECT(absent(HERE "/nothing"));
        if (i == 3)
            before = xenlet_nr_free_pages();
    }
    EXPECT_EQ(xenlet_nr_free_pages(), before);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* --- several VCPUs -------------------------------------------------------------------------- */

/* Few: xenstored makes a domain wait that writes much while there are transactions. */
#define ROUNDS 12u

static int add_one(const struct xenstore_tx *tx, void *arg)
{
    char *value, text[16];
    unsigned int n = 0;
    int rc = xenstore_read(tx, HERE "/sum", &value, NULL, soon());

    (void)arg;
    if (rc)
        return rc;
    for (const char *p = value; *p; p++)
        n = n * 10 + (unsigned int)(*p - '0');
    xenlet_free(value);
    xenlet_snprintf(text, sizeof(text), "%u", n + 1);
    return put(tx, HERE "/sum", text);
}

static unsigned int ran;

static void use_store(void *arg)
{
    char path[32], text[32];

    (void)arg;
    for (unsigned int i = 0; i < ROUNDS; i++) {
        xenlet_snprintf(path, sizeof(path), HERE "/vcpu%u", vcpu_this());
        xenlet_snprintf(text, sizeof(text), "VCPU %u, %u", vcpu_this(), i);
        EXPECT_EQ(put(NULL, path, text), 0);
        EXPECT(holds(NULL, path, text));
        if (i % 3 == 0)
            EXPECT_EQ(xenstore_transaction(add_one, NULL, soon()), 0);
    }
    __atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
}

TEST(xenstore_used_by_all_vcpus)
{
    unsigned int n = vcpu_count();
    char sum[16];

    NEEDS_STORE();
    ran = 0;
    CHECK_EQ(put(NULL, HERE "/sum", "0"), 0);
    for (unsigned int i = 1; i < n; i++)
        CHECK_EQ(vcpu_start(i, use_store, NULL), 0);
    use_store(NULL);
    for (unsigned int i = 1; i < n; i++)
        EXPECT_EQ(vcpu_join(i, clock_after(30000000000)), 0);
    EXPECT_EQ(ran, n);
    xenlet_snprintf(sum, sizeof(sum), "%u", n * (ROUNDS / 3));
    EXPECT(holds(NULL, HERE "/sum", sum));
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}
