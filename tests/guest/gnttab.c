/* SPDX-License-Identifier: MIT */
/* Grants to ourselves: offered, mapped, copied, ended, and used up. */
#include "kernel/gnttab.h"
#include "kernel/string.h"
#include "tests/guest/gnttab.h"

domid_t own_number(void)
{
    struct evtchn_status status = { .dom = DOMID_SELF };
    struct evtchn *ch;

    if (evtchn_bind_unbound(DOMID_SELF, NULL, NULL, 0, &ch) != 0)
        return DOMID_INVALID;
    evtchn_status(ch, &status);
    evtchn_close(ch);
    return status.u.unbound.dom;
}

void fill(void *page, unsigned int seed)
{
    for (unsigned int i = 0; i < XENLET_PAGE_SIZE / 4; i++)
        ((uint32_t *)page)[i] = seed * 2654435761u + i;
}

bool is_filled(const void *page, unsigned int seed)
{
    unsigned int i = 0;

    while (i < XENLET_PAGE_SIZE / 4 && ((const uint32_t *)page)[i] == seed * 2654435761u + i)
        i++;
    return i == XENLET_PAGE_SIZE / 4;
}

bool is_empty(const void *p)
{
    uint8_t value;

    return xenlet_probe_read(p, &value) == -XEN_EFAULT;
}

TEST(gnttab_version_is_as_asked)
{
    const char *want = xenlet_option("gnttab_is");

    EXPECT_EQ(gnttab_version(), want && want[0] == '2' ? 2 : 1);
    EXPECT(gnttab_max() > 0);
}

TEST(gnttab_offers_are_numbered_and_end_once)
{
    char *pages = xenlet_pages_alloc(2);
    grant_ref_t a, b, again;

    CHECK_EQ(gnttab_offer(own_number(), pages, true, &a), 0);
    CHECK_EQ(gnttab_offer(own_number(), pages + 4096, true, &b), 0);
    EXPECT(a >= GNTTAB_NR_RESERVED_ENTRIES && b >= GNTTAB_NR_RESERVED_ENTRIES && a != b);
    CHECK_EQ(gnttab_end(a), 0);
    EXPECT_EQ(gnttab_end(a), -XEN_EINVAL);
    CHECK_EQ(gnttab_offer(own_number(), pages, true, &again), 0);
    EXPECT(again != b);
    CHECK_EQ(gnttab_end(again), 0);
    CHECK_EQ(gnttab_end(b), 0);
    xenlet_pages_free(pages, 2);
}

TEST(gnttab_refuses_what_is_wrong)
{
    char *page = xenlet_pages_alloc(1);
    grant_ref_t ref = 77;
    struct gnttab_mapping *m;

    NEEDS_ALL_OF_GRANTS();
    EXPECT_EQ(gnttab_offer(own_number(), page + 8, true, &ref), -XEN_EINVAL);
    EXPECT_EQ(gnttab_offer(own_number(), xenlet_space_alloc(1), true, &ref), -XEN_EINVAL);
    EXPECT_EQ(gnttab_offer_pages(own_number(), page, 1ul << 50, true, &ref), -XEN_EINVAL);
    EXPECT_EQ(ref, 77);
    for (ref = 0; ref < GNTTAB_NR_RESERVED_ENTRIES; ref++)
        EXPECT_EQ(gnttab_end(ref), -XEN_EINVAL);
    EXPECT_EQ(gnttab_end(~0u), -XEN_EINVAL);
    ref = 4000000;
    EXPECT_EQ(gnttab_map(own_number(), &ref, 1, true, &m), -XEN_ENOENT);
    EXPECT_EQ(gnttab_map(0x7000, &ref, 1, true, &m), -XEN_ESRCH);
    EXPECT_EQ(gnttab_map(own_number(), &ref, 0, true, &m), -XEN_EINVAL);
    xenlet_pages_free(page, 1);
}

TEST(gnttab_mapped_is_the_same_memory)
{
    char *page = xenlet_pages_alloc(1), *other;
    struct gnttab_mapping *m;
    grant_ref_t ref;

    NEEDS_ALL_OF_GRANTS();
    for (unsigned int i = 0; i < 20; i++) {
        fill(page, i);
        CHECK_EQ(gnttab_offer(own_number(), page, true, &ref), 0);
        CHECK_EQ(gnttab_map(own_number(), &ref, 1, true, &m), 0);
        other = gnttab_address(m);
        CHECK(other != page);
        EXPECT(is_filled(other, i));
        fill(other, i + 1);
        EXPECT(is_filled(page, i + 1));
        EXPECT_EQ(gnttab_end(ref), -XEN_EBUSY);
        EXPECT_EQ(gnttab_end(ref), -XEN_EBUSY);
        EXPECT(is_filled(other, i + 1));
        CHECK_EQ(gnttab_unmap(m), 0);
        EXPECT(is_empty(other));
        CHECK_EQ(gnttab_end(ref), 0);
        EXPECT_EQ(gnttab_map(own_number(), &ref, 1, true, &m), -XEN_EACCES);
        EXPECT(is_empty(other));
    }
    xenlet_pages_free(page, 1);
}

TEST(gnttab_for_reading_only)
{
    char *page = xenlet_pages_alloc(1), *other;
    struct gnttab_mapping *m;
    grant_ref_t ref;

    NEEDS_ALL_OF_GRANTS();
    fill(page, 5);
    CHECK_EQ(gnttab_offer(own_number(), page, false, &ref), 0);
    EXPECT_EQ(gnttab_map(own_number(), &ref, 1, true, &m), -XEN_EACCES);
    CHECK_EQ(gnttab_map(own_number(), &ref, 1, false, &m), 0);
    other = gnttab_address(m);
    EXPECT(is_filled(other, 5));
    EXPECT_EQ(xenlet_probe_write(other, 1), -XEN_EFAULT);
    EXPECT_EQ(gnttab_end(ref), -XEN_EBUSY);
    CHECK_EQ(gnttab_unmap(m), 0);
    CHECK_EQ(gnttab_end(ref), 0);
    xenlet_pages_free(page, 1);
}

/* A page that is offered to another domain is not for us. */
TEST(gnttab_offered_to_somebody_else)
{
    char *page = xenlet_pages_alloc(1);
    struct gnttab_mapping *m;
    grant_ref_t ref;

    NEEDS_ALL_OF_GRANTS();
    CHECK_EQ(gnttab_offer((domid_t)(own_number() + 1), page, true, &ref), 0);
    EXPECT_EQ(gnttab_map(own_number(), &ref, 1, true, &m), -XEN_EACCES);
    CHECK_EQ(gnttab_end(ref), 0);
    xenlet_pages_free(page, 1);
}

#define MANY 40u

TEST(gnttab_many_at_once)
{
    char *pages = xenlet_pages_alloc(MANY), *other;
    grant_ref_t refs[MANY], bad[MANY];
    struct gnttab_mapping *m;

    NEEDS_ALL_OF_GRANTS();
    for (unsigned int i = 0; i < MANY; i++)
        fill(pages + i * 4096, i);
    CHECK_EQ(gnttab_offer_pages(own_number(), pages, MANY, true, refs), 0);
    CHECK_EQ(gnttab_map(own_number(), refs, MANY, true, &m), 0);
    other = gnttab_address(m);
    for (unsigned int i = 0; i < MANY; i++)
        EXPECT(is_filled(other + i * 4096, i));
    memcpy(bad, refs, sizeof(bad));
    EXPECT_EQ(gnttab_end_pages(bad, MANY), -XEN_EBUSY);
    EXPECT(memcmp(bad, refs, sizeof(bad)) == 0);
    CHECK_EQ(gnttab_unmap(m), 0);
    for (unsigned int i = 0; i < MANY; i++)
        EXPECT(is_empty(other + i * 4096));

    /* One that is wrong, anywhere: nothing stays mapped. */
    for (unsigned int i = 0; i < MANY; i += 13) {
        bad[i] = 4000000;
        EXPECT_EQ(gnttab_map(own_number(), bad, MANY, true, &m), -XEN_ENOENT);
        bad[i] = refs[i];
    }
    for (unsigned int i = 0; i < MANY; i++)
        EXPECT(is_empty(other + i * 4096));
    CHECK_EQ(gnttab_end_pages(refs, MANY), 0);
    EXPECT(refs[0] == GNTTAB_NO_REF && refs[MANY - 1] == GNTTAB_NO_REF);
    CHECK_EQ(gnttab_end_pages(refs, MANY), 0);
    xenlet_pages_free(pages, MANY);
}

/* --- copying -------------------------------------------------------------------------------- */

TEST(gnttab_copies_both_ways)
{
    char *page = xenlet_pages_alloc(1), *mine = xenlet_pages_alloc(2);
    struct gnttab_segment s = { .domid = own_number(), .local = mine + 3000 };

    NEEDS_ALL_OF_GRANTS();
    fill(page, 9);
    memset(mine, 0, 8192);
    CHECK_EQ(gnttab_offer(own_number(), page, true, &s.ref), 0);
    for (unsigned int len = 1; len < 4000; len += 333) {
        s.offset = 17;
        s.len = (uint16_t)len;
        s.to_grant = false;
        CHECK_EQ(gnttab_copy(&s, 1), 0);
        EXPECT(memcmp(mine + 3000, page + 17, len) == 0);
        EXPECT(mine[2999] == 0 && mine[3000 + len] == 0);
        memset(mine + 3000, 0x55, len);
        s.to_grant = true;
        CHECK_EQ(gnttab_copy(&s, 1), 0);
        EXPECT(memcmp(mine + 3000, page + 17, len) == 0);
        EXPECT(page[16 + len] == 0x55 && !is_filled(page, 9));
        fill(page, 9);
        memset(mine, 0, 8192);
    }
    CHECK_EQ(gnttab_end(s.ref), 0);
    xenlet_pages_free(page, 1);
    xenlet_pages_free(mine, 2);
}

TEST(gnttab_copy_refuses_what_is_wrong)
{
    char *page = xenlet_pages_alloc(1), *mine = xenlet_pages_alloc(1);
    struct gnttab_segment s = { .domid = own_number(), .local = mine, .len = 16 };
    grant_ref_t ref;

    NEEDS_ALL_OF_GRANTS();
    fill(page, 3);
    CHECK_EQ(gnttab_offer(own_number(), page, false, &ref), 0);
    s.ref = ref;
    s.to_grant = true;
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_EACCES);
    s.to_grant = false;
    s.offset = 4090;
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_EINVAL);
    s.offset = 4096;
    s.len = 1;
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_EINVAL);
    s.offset = 0;
    s.len = 0;
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_EINVAL);
    s.len = 16;
    s.local = xenlet_space_alloc(1);
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_EINVAL);
    s.local = mine;
    s.ref = 4000000;
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_ENOENT);
    s.domid = 0x7000;
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_ESRCH);
    EXPECT(is_filled(page, 3));
    CHECK_EQ(gnttab_end(ref), 0);
    xenlet_pages_free(page, 1);
    xenlet_pages_free(mine, 1);
}

/* More than a batch, and those behind a wrong one are copied too. */
TEST(gnttab_copies_many)
{
    struct gnttab_segment s[MANY];
    char *page = xenlet_pages_alloc(1), *mine = xenlet_pages_alloc(2);
    grant_ref_t ref;

    NEEDS_ALL_OF_GRANTS();
    fill(page, 21);
    memset(mine, 0, 8192);
    CHECK_EQ(gnttab_offer(own_number(), page, false, &ref), 0);
    for (unsigned int i = 0; i < MANY; i++)
        s[i] = (struct gnttab_segment){ .domid = own_number(),
                                        .ref = i == 7 ? 4000000 : ref,
                                        .offset = (uint16_t)(i * 100),
                                        .len = 100,
                                        .local = mine + 2048 + i * 100 };
    EXPECT_EQ(gnttab_copy(s, MANY), -XEN_ENOENT);
    for (unsigned int i = 0; i < MANY; i++) {
        EXPECT_EQ(s[i].rc, i == 7 ? -XEN_ENOENT : 0);
        EXPECT((memcmp(s[i].local, page + i * 100, 100) == 0) == (i != 7));
    }
    CHECK_EQ(gnttab_end(ref), 0);
    xenlet_pages_free(page, 1);
    xenlet_pages_free(mine, 2);
}

/* --- limits --------------------------------------------------------------------------------- */

TEST(gnttab_all_there_are)
{
    unsigned int max = gnttab_max(), n = 0, want = test_number("grants", 0);
    grant_ref_t *refs = xenlet_alloc((max + 1) * sizeof(*refs));
    char *page = xenlet_pages_alloc(1);
    int rc = 0;

    if (in_pv_shim())
        SKIP("it takes a minute there");
    CHECK(refs != NULL);
    if (want)
        EXPECT_EQ(max, want);
    while (n <= max && (rc = gnttab_offer(own_number(), page, true, &refs[n])) == 0)
        n++;
    EXPECT_EQ(rc, -XEN_ENOSPC);
    EXPECT_EQ(n, max);
    if (n == 0)
        return;
    CHECK_EQ(gnttab_end(refs[n / 2]), 0);
    CHECK_EQ(gnttab_offer(own_number(), page, true, &refs[n / 2]), 0);
    EXPECT_EQ(gnttab_offer(own_number(), page, true, &refs[n]), -XEN_ENOSPC);
    EXPECT_EQ(gnttab_end_pages(refs, n), 0);
    xenlet_free(refs);
    xenlet_pages_free(page, 1);
}

/* All or none: what was offered before there were no more is taken back. */
TEST(gnttab_all_or_none)
{
    unsigned int max = gnttab_max(), n = 0;
    grant_ref_t *refs = xenlet_alloc(max * sizeof(*refs)), few[8];
    char *pages = xenlet_pages_alloc(8);

    if (in_pv_shim())
        SKIP("it takes a minute there");
    CHECK(refs != NULL);
    while (n < max - 4 && gnttab_offer(own_number(), pages, true, &refs[n]) == 0)
        n++;
    EXPECT_EQ(gnttab_offer_pages(own_number(), pages, 8, true, few), -XEN_ENOSPC);
    EXPECT_EQ(gnttab_offer_pages(own_number(), pages, 4, true, few), 0);
    EXPECT_EQ(gnttab_end_pages(few, 4), 0);
    EXPECT_EQ(gnttab_end_pages(refs, n), 0);
    xenlet_free(refs);
    xenlet_pages_free(pages, 8);
}

/* --- suspend -------------------------------------------------------------------------------- */

static int before(void)
{
    unsigned long flags = platform_upcalls_save();
    int rc = gnttab_before_suspend(NULL);

    platform_upcalls_restore(flags);
    return rc;
}

static void after(bool cancelled)
{
    unsigned long flags = platform_upcalls_save();

    gnttab_after_suspend(NULL, cancelled);
    platform_upcalls_restore(flags);
}

TEST(gnttab_suspend_called_off)
{
    char *page = xenlet_pages_alloc(1);
    struct gnttab_mapping *m;
    grant_ref_t ref, other;

    NEEDS_ALL_OF_GRANTS();
    CHECK_EQ(gnttab_offer(own_number(), page, true, &ref), 0);
    CHECK_EQ(gnttab_map(own_number(), &ref, 1, true, &m), 0);
    EXPECT_EQ(before(), -XEN_EBUSY);
    CHECK_EQ(gnttab_unmap(m), 0);
    CHECK_EQ(before(), 0);
    EXPECT_EQ(gnttab_offer(own_number(), page, true, &other), -XEN_EAGAIN);
    EXPECT_EQ(gnttab_map(own_number(), &ref, 1, true, &m), -XEN_EAGAIN);
    EXPECT_EQ(gnttab_end(ref), -XEN_EAGAIN);
    after(true);
    CHECK_EQ(gnttab_map(own_number(), &ref, 1, true, &m), 0);
    CHECK_EQ(gnttab_unmap(m), 0);
    CHECK_EQ(gnttab_end(ref), 0);
    xenlet_pages_free(page, 1);
}

/* --- several VCPUs -------------------------------------------------------------------------- */

static unsigned int ran;

static void share(void *arg)
{
    char *pages = xenlet_pages_alloc(3);
    domid_t self = (domid_t)(uintptr_t)arg;

    for (unsigned int i = 0; i < 50; i++) {
        struct gnttab_mapping *m;
        grant_ref_t refs[3];

        fill(pages + 8192, i + vcpu_this() * 1000);
        EXPECT_EQ(gnttab_offer_pages(self, pages, 3, true, refs), 0);
        EXPECT_EQ(gnttab_map(self, refs, 3, i % 2, &m), 0);
        EXPECT(is_filled((char *)gnttab_address(m) + 8192, i + vcpu_this() * 1000));
        EXPECT_EQ(gnttab_end(refs[1]), -XEN_EBUSY);
        EXPECT_EQ(gnttab_unmap(m), 0);
        EXPECT_EQ(gnttab_end_pages(refs, 3), 0);
    }
    xenlet_pages_free(pages, 3);
    __atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
}

TEST(gnttab_used_by_all_vcpus)
{
    void *self = (void *)(uintptr_t)own_number();

    NEEDS_ALL_OF_GRANTS();
    ran = 0;
    for (unsigned int i = 1; i < vcpu_count(); i++)
        CHECK_EQ(vcpu_start(i, share, self), 0);
    share(self);
    for (unsigned int i = 1; i < vcpu_count(); i++)
        EXPECT_EQ(vcpu_join(i, clock_after(20000000000)), 0);
    EXPECT_EQ(ran, vcpu_count());
}
