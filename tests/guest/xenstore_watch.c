/* SPDX-License-Identifier: MIT */
/* Watches, and the store's client over a reset, a suspend that was called off, and a restore. */
#include "kernel/internal.h"
#include "kernel/string.h"
#include "kernel/xenstore.h"
#include "tests/guest/test.h"
#include "tests/guest/xenstore.h"

#define HERE "data/xenlet"

struct heard {
    unsigned int times;
    char last[64];
    struct xenstore_watch *watch;
};

static void hear(struct xenstore_watch *w, const char *path, void *data)
{
    struct heard *h = data;

    h->watch = w;
    xenlet_snprintf(h->last, sizeof(h->last), "%s", path ? path : "(none)");
    h->times++;
}

TEST(xenstore_watch_calls_a_function)
{
    struct heard h = { .times = 0 };
    struct xenstore_watch *w;

    NEEDS_STORE();
    CHECK_EQ(xenstore_watch(HERE "/w", hear, &h, &w, soon()), 0);
    CHECK(wait_count(&h.times, 1)); /* at once, though there is no such node */
    EXPECT(strcmp(h.last, HERE "/w") == 0 && h.watch == w);
    CHECK_EQ(put(NULL, HERE "/w/below/deep", "x"), 0);
    CHECK(wait_count(&h.times, 2));
    EXPECT(strcmp(h.last, HERE "/w/below/deep") == 0);
    CHECK_EQ(put(NULL, HERE "/other", "x"), 0);
    CHECK_EQ(put(NULL, HERE "/w", "x"), 0);
    CHECK(wait_count(&h.times, 3));
    EXPECT(strcmp(h.last, HERE "/w") == 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
    CHECK(wait_count(&h.times, 4));
    CHECK_EQ(xenstore_unwatch(w), 0);
    h.times = 0;
    CHECK_EQ(put(NULL, HERE "/w", "x"), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
    EXPECT_EQ(h.times, 0);
}

static int change(const struct xenstore_tx *tx, void *arg)
{
    int rc = put(tx, HERE "/w/a", "1");

    (void)arg;
    return rc ? rc : put(tx, HERE "/w/b", "2");
}

TEST(xenstore_watch_sees_what_commits)
{
    struct heard h = { .times = 0 };
    struct xenstore_watch *w;
    struct xenstore_tx tx;

    NEEDS_STORE();
    CHECK_EQ(put(NULL, HERE "/w", "x"), 0);
    CHECK_EQ(xenstore_watch(HERE "/w", hear, &h, &w, soon()), 0);
    CHECK(wait_count(&h.times, 1));
    CHECK_EQ(xenstore_tx_begin(&tx, soon()), 0);
    CHECK_EQ(put(&tx, HERE "/w", "y"), 0);
    CHECK_EQ(xenstore_tx_end(&tx, false, soon()), 0);
    EXPECT_EQ(h.times, 1);
    CHECK_EQ(xenstore_transaction(change, NULL, soon()), 0);
    CHECK(wait_count(&h.times, 3));
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

static bool next_is(struct xenstore_watch *w, const char *want)
{
    char *path = NULL;
    int rc = xenstore_watch_wait(w, &path, soon());
    bool same = rc == 0 && strcmp(path, want) == 0;

    if (!same)
        console_printf("waited for %s: error %d, %s\n", want, rc, rc ? "-" : path);
    xenlet_free(path);
    return same;
}

TEST(xenstore_watch_is_waited_for)
{
    struct xenstore_watch *w;
    struct heard h = { .times = 0 };

    NEEDS_STORE();
    CHECK_EQ(xenstore_watch(HERE "/w", NULL, NULL, &w, soon()), 0);
    CHECK(next_is(w, HERE "/w"));
    EXPECT_EQ(xenstore_watch_wait(w, NULL, clock_after(1000000)), -XEN_ETIME);
    CHECK_EQ(put(NULL, HERE "/w/1", "x"), 0);
    CHECK_EQ(put(NULL, HERE "/w/2", "x"), 0);
    CHECK_EQ(put(NULL, HERE "/w/1", "x"), 0); /* the same again: merged */
    CHECK(next_is(w, HERE "/w/1"));
    CHECK(next_is(w, HERE "/w/2"));
    CHECK_EQ(put(NULL, HERE "/w/2", "x"), 0);
    CHECK(next_is(w, HERE "/w/2") || next_is(w, HERE "/w/2"));
    CHECK_EQ(xenstore_unwatch(w), 0);

    CHECK_EQ(xenstore_watch(HERE "/w", hear, &h, &w, soon()), 0);
    EXPECT_EQ(xenstore_watch_wait(w, NULL, soon()), -XEN_EINVAL);
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* Who changes more than is waited for costs no more than so much memory. */
TEST(xenstore_watch_merges_what_is_too_much)
{
    struct xenstore_watch *w;
    unsigned int events = 0;
    char path[32], *changed = NULL;

    NEEDS_STORE();
    CHECK_EQ(xenstore_watch(HERE, NULL, NULL, &w, soon()), 0);
    for (unsigned int i = 0; i < 50; i++) {
        xenlet_snprintf(path, sizeof(path), HERE "/%u", i);
        CHECK_EQ(put(NULL, path, "x"), 0);
    }
    while (xenstore_watch_wait(w, &changed, clock_after(50000000)) == 0) {
        EXPECT(events > 0 || strcmp(changed, HERE) == 0);
        events++;
        xenlet_free(changed);
    }
    EXPECT(events > 0 && events < 40);
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

static void end_own(struct xenstore_watch *w, const char *path, void *data)
{
    (void)path;
    EXPECT_EQ(xenstore_unwatch(w), 0);
    ++*(unsigned int *)data;
}

TEST(xenstore_watch_ends_itself)
{
    struct xenstore_watch *w;
    unsigned int times = 0;

    NEEDS_STORE();
    for (unsigned int i = 0; i < 20; i++) {
        unsigned long flags;

        CHECK_EQ(xenstore_watch(HERE, end_own, &times, &w, soon()), 0);
        CHECK(wait_count(&times, i + 1));
        flags = platform_upcalls_save();
        EXPECT_EQ(xenstore_watch(HERE, end_own, &times, &w, soon()), -XEN_EDEADLK);
        platform_upcalls_restore(flags);
    }
    CHECK_EQ(xenstore_mkdir(NULL, HERE, soon()), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
    EXPECT_EQ(times, 20);
}

/* xenstored allows some 128; those that were ended, or came too late, do not count. */
TEST(xenstore_watches_many_times)
{
    struct xenstore_watch *w;
    size_t before = 0;

    NEEDS_STORE();
    for (unsigned int i = 0; i < 150; i++) {
        if (xenstore_watch(HERE, NULL, NULL, &w, i % 2 ? 1 : soon()) == 0)
            CHECK_EQ(xenstore_unwatch(w), 0);
        if (i == 50)
            before = xenlet_nr_free_pages();
    }
    CHECK_EQ(xenstore_watch(HERE, NULL, NULL, &w, soon()), 0);
    CHECK(next_is(w, HERE));
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_mkdir(NULL, HERE, soon()), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
    EXPECT(xenlet_nr_free_pages() + 2 >= before);
}

/* Two of one path are two, and a third path's is told apart. */
TEST(xenstore_watches_are_told_apart)
{
    struct heard h[3] = { { .times = 0 } };
    struct xenstore_watch *w[3];

    NEEDS_STORE();
    for (unsigned int i = 0; i < 3; i++) {
        CHECK_EQ(xenstore_watch(i < 2 ? HERE "/a" : HERE "/b", hear, &h[i], &w[i], soon()), 0);
        CHECK(wait_count(&h[i].times, 1));
    }
    CHECK_EQ(put(NULL, HERE "/a", "x"), 0);
    CHECK(wait_count(&h[0].times, 2) && wait_count(&h[1].times, 2));
    CHECK_EQ(xenstore_unwatch(w[0]), 0);
    CHECK_EQ(put(NULL, HERE "/a", "x"), 0);
    CHECK_EQ(put(NULL, HERE "/b", "x"), 0);
    CHECK(wait_count(&h[1].times, 3) && wait_count(&h[2].times, 2));
    EXPECT_EQ(h[0].times, 2);
    CHECK_EQ(xenstore_unwatch(w[1]), 0);
    CHECK_EQ(xenstore_unwatch(w[2]), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

TEST(xenstore_works_after_a_reset_of_the_channels)
{
    struct heard h = { .times = 0 };
    struct xenstore_watch *w;
    int rc;

    NEEDS_STORE();
    CHECK_EQ(xenstore_watch(HERE, hear, &h, &w, soon()), 0);
    CHECK(wait_count(&h.times, 1));
    rc = evtchn_reset();
    if (rc == -XEN_EOPNOTSUPP) {
        CHECK_EQ(xenstore_unwatch(w), 0);
        SKIP("channels cannot be reset here");
    }
    CHECK_EQ(rc, 0);
    CHECK_EQ(put(NULL, HERE, "x"), 0);
    CHECK(wait_count(&h.times, 2));
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

static unsigned int answers, bad;

static void count_answer(void *data, int rc, char *answer, size_t len)
{
    (void)data;
    (void)len;
    bad += rc != 0;
    xenlet_free(answer);
    answers++;
}

/* As suspend_domain() calls them. */
static int suspend_store(void)
{
    unsigned long flags = platform_upcalls_save();
    int rc = store_before_suspend(NULL);

    platform_upcalls_restore(flags);
    return rc;
}

static void resume_store(bool cancelled)
{
    unsigned long flags = platform_upcalls_save();

    store_after_suspend(NULL, cancelled);
    platform_upcalls_restore(flags);
}

/* What was begun is answered, what was not waits; and all goes on. */
TEST(xenstore_suspend_called_off)
{
    struct heard h = { .times = 0 };
    struct xenstore_watch *w;
    struct xenstore_tx tx;

    NEEDS_STORE();
    answers = bad = 0;
    CHECK_EQ(xenstore_watch(HERE, hear, &h, &w, soon()), 0);
    CHECK_EQ(xenstore_tx_begin(&tx, soon()), 0);
    for (unsigned int i = 0; i < 30; i++)
        CHECK_EQ(xenstore_start(XS_WRITE, NULL, HERE, "x", 1, count_answer, NULL), 0);
    CHECK_EQ(suspend_store(), 0);
    CHECK_EQ(xenstore_start(XS_WRITE, NULL, HERE, "x", 1, count_answer, NULL), 0);
    EXPECT(answers < 31);
    EXPECT_EQ(xenstore_mkdir(NULL, HERE, clock_after(20000000)), -XEN_ETIME);
    EXPECT(answers < 31);
    resume_store(true);
    CHECK(wait_count(&answers, 31));
    EXPECT_EQ(bad, 0);
    EXPECT_EQ(put(&tx, HERE "/t", "x"), 0);
    EXPECT_EQ(xenstore_tx_end(&tx, true, soon()), 0);
    CHECK(wait_count(&h.times, 2));
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* As in a restored domain, though xenstored's end is the same here, and knows of no new one. */
TEST(xenstore_resume_sets_watches_again)
{
    struct heard h = { .times = 0 };
    struct xenstore_watch *w, *waited;
    struct xenstore_tx tx;

    NEEDS_STORE();
    answers = bad = 0;
    CHECK_EQ(xenstore_watch(HERE, hear, &h, &w, soon()), 0);
    CHECK_EQ(xenstore_watch(HERE, NULL, NULL, &waited, soon()), 0);
    CHECK(wait_count(&h.times, 1));
    CHECK(next_is(waited, HERE));
    CHECK_EQ(xenstore_tx_begin(&tx, soon()), 0);
    CHECK_EQ(suspend_store(), 0);
    CHECK_EQ(xenstore_start(XS_WRITE, NULL, HERE, "x", 1, count_answer, NULL), 0);
    CHECK_EQ(xenstore_start(XS_WRITE, &tx, HERE "/t", "x", 1, count_answer, NULL), 0);
    resume_store(false);
    CHECK(wait_count(&answers, 2));
    EXPECT_EQ(bad, 1); /* the transaction's */
    CHECK(wait_count(&h.times, 2));
    CHECK(next_is(waited, HERE));
    EXPECT_EQ(put(&tx, HERE "/t", "x"), -XEN_EAGAIN);
    EXPECT_EQ(xenstore_tx_end(&tx, true, soon()), -XEN_EAGAIN);
    h.times = 0;
    CHECK_EQ(put(NULL, HERE, "y"), 0);
    CHECK(wait_count(&h.times, 1));
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_unwatch(waited), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* --- several VCPUs -------------------------------------------------------------------------- */

static unsigned int stop;

static void keep_changing(void *arg)
{
    (void)arg;
    for (unsigned int i = 0; !__atomic_load_n(&stop, __ATOMIC_SEQ_CST) && i < 500; i++)
        EXPECT_EQ(put(NULL, HERE "/busy", i % 2 ? "x" : "y"), 0);
}

TEST(xenstore_unwatched_while_another_vcpu_changes_things)
{
    NEEDS_STORE();
    if (vcpu_count() < 2)
        SKIP("there is one VCPU");
    stop = 0;
    CHECK_EQ(vcpu_start(1, keep_changing, NULL), 0);
    for (unsigned int i = 0; i < 40; i++) {
        struct heard *h = xenlet_alloc(sizeof(*h));
        struct xenstore_watch *w;

        *h = (struct heard){ .times = 0 };
        EXPECT_EQ(xenstore_watch(HERE, hear, h, &w, soon()), 0);
        EXPECT(wait_count(&h->times, 1 + i % 3));
        EXPECT_EQ(xenstore_unwatch(w), 0);
        memset(h, 0xff, sizeof(*h));
        EXPECT(h->times == ~0u);
        xenlet_free(h);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    EXPECT_EQ(vcpu_join(1, soon()), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

static void wait_there(void *arg)
{
    struct xenstore_watch *w = arg;

    EXPECT(next_is(w, HERE "/ping"));
    EXPECT_EQ(put(NULL, HERE "/pong", "x"), 0);
}

TEST(xenstore_watches_waited_for_on_two_vcpus)
{
    struct xenstore_watch *here, *there;

    NEEDS_STORE();
    if (vcpu_count() < 2)
        SKIP("there is one VCPU");
    CHECK_EQ(xenstore_watch(HERE "/pong", NULL, NULL, &here, soon()), 0);
    CHECK(next_is(here, HERE "/pong"));
    CHECK_EQ(xenstore_watch(HERE "/ping", NULL, NULL, &there, soon()), 0);
    CHECK(next_is(there, HERE "/ping"));
    for (unsigned int i = 0; i < 10; i++) {
        CHECK_EQ(vcpu_start(1, wait_there, there), 0);
        EXPECT_EQ(put(NULL, HERE "/ping", "x"), 0);
        EXPECT(next_is(here, HERE "/pong"));
        CHECK_EQ(vcpu_join(1, soon()), 0);
    }
    CHECK_EQ(xenstore_unwatch(here), 0);
    CHECK_EQ(xenstore_unwatch(there), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* --- with dom0's help, which is asked for on the console: tests/xen/selftest/xenstore.input ------
 */

#define MANY 100u

static bool names_are_all_there(char **names, size_t n)
{
    bool seen[MANY] = { false };
    unsigned int nr = 0;

    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(names[i]);
        unsigned int number =
            (unsigned int)(names[i][len - 2] - '0') * 10 + (unsigned int)(names[i][len - 1] - '0');

        if (number < MANY && !seen[number]) {
            seen[number] = true;
            nr++;
        }
    }
    return nr == MANY && n == MANY;
}

TEST(xenstore_dom0_changes_what_is_watched)
{
    struct xenstore_watch *w;

    NEEDS_STORE();
    if (!xenlet_option("dom0"))
        SKIP("dom0 was not told to help");
    CHECK_EQ(xenstore_mkdir(NULL, HERE "/many", soon()), 0);
    CHECK_EQ(xenstore_watch(HERE "/word", NULL, NULL, &w, soon()), 0);
    CHECK(next_is(w, HERE "/word"));
    console_printf("dom0: say a word\n");
    CHECK(next_is(w, HERE "/word"));
    CHECK(holds(NULL, HERE "/word", "hello"));
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}

/* 100 names of 50 letters: more than one answer can have. */
TEST(xenstore_dom0_makes_a_long_directory)
{
    struct xenstore_watch *w;
    char **names;
    size_t n;

    NEEDS_STORE();
    if (!xenlet_option("dom0"))
        SKIP("dom0 was not told to help");
    CHECK_EQ(xenstore_mkdir(NULL, HERE "/many", soon()), 0);
    CHECK_EQ(xenstore_watch(HERE "/word", NULL, NULL, &w, soon()), 0);
    CHECK(next_is(w, HERE "/word"));
    console_printf("dom0: make many\n");
    CHECK(next_is(w, HERE "/word"));
    CHECK_EQ(xenstore_directory(NULL, HERE "/many", &names, &n, soon()), 0);
    EXPECT_EQ(n, MANY);
    EXPECT(names_are_all_there(names, n));
    xenlet_free(names);
    CHECK_EQ(xenstore_unwatch(w), 0);
    CHECK_EQ(xenstore_rm(NULL, HERE, soon()), 0);
}
