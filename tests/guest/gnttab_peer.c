/* SPDX-License-Identifier: MIT */
/*
 * Grants between two domUs, both of them this image: `peer=N` is the other one's number, and one
 * offers (`offer`), the other maps and copies. They tell each other by xenstore how far they are,
 * and so the name begins as it does: else the suite would hold its channel.
 */
#include "kernel/string.h"
#include "tests/guest/gnttab.h"
#include "tests/guest/xenstore.h"

static unsigned int round_nr; /* the suite runs each test twice */

/*
 * Of a node that gives rights to a domain that is not there yet xenstored remembers that, and gives
 * none to the one that comes later: they are given again and again.
 */
static void let_peer_read(void)
{
    struct xenstore_perm perms[] = { { own_number(), 'n' },
                                     { (domid_t)test_number("peer", 0), 'r' } };
    char **names, path[64];
    size_t n;

    if (xenstore_directory(NULL, "data/peer", &names, &n, soon()) != 0)
        return;
    for (size_t i = 0; i < n; i++) {
        xenlet_snprintf(path, sizeof(path), "data/peer/%s", names[i]);
        EXPECT_EQ(xenstore_set_perms(NULL, path, perms, 2, soon()), 0);
    }
    xenlet_free(names);
}

static void tell(const char *name, unsigned int value)
{
    char path[48], text[24];

    xenlet_snprintf(path, sizeof(path), "data/peer/%s-%u", name, round_nr);
    xenlet_snprintf(text, sizeof(text), "%u", value);
    EXPECT_EQ(put(NULL, path, text), 0);
    let_peer_read();
}

/* What the peer told, once it has. */
static unsigned int hear(const char *name)
{
    char path[64], *value;
    unsigned int n = 0;

    xenlet_snprintf(path, sizeof(path), "/local/domain/%u/data/peer/%s-%u", test_number("peer", 0),
                    name, round_nr);
    for (unsigned int tries = 0; tries < 1500; tries++, clock_sleep(20000000)) {
        if (xenstore_read(NULL, path, &value, NULL, soon()) != 0) {
            let_peer_read();
            continue;
        }
        for (const char *p = value; *p; p++)
            n = n * 10 + (unsigned int)(*p - '0');
        xenlet_free(value);
        if (n)
            return n;
    }
    EXPECT(!"the peer says nothing");
    return 0;
}

static void offer(domid_t peer)
{
    char *pages = xenlet_pages_alloc(3);
    grant_ref_t refs[3];

    fill(pages, 1);
    fill(pages + 4096, 2);
    fill(pages + 8192, 3);
    EXPECT_EQ(gnttab_offer_pages(peer, pages, 2, true, refs), 0);
    EXPECT_EQ(gnttab_offer(peer, pages + 8192, false, &refs[2]), 0);
    tell("first", refs[0]);
    tell("second", refs[1]);
    tell("readonly", refs[2]);
    hear("mapped");
    EXPECT(is_filled(pages, 1) && is_filled(pages + 4096, 12) && is_filled(pages + 8192, 3));
    EXPECT_EQ(gnttab_end(refs[0]), -XEN_EBUSY);
    EXPECT_EQ(gnttab_end(refs[1]), -XEN_EBUSY);
    EXPECT_EQ(gnttab_end(refs[2]), 0); /* only copied */
    fill(pages, 21);
    tell("changed", 1);
    hear("unmapped");
    EXPECT_EQ(gnttab_end_pages(refs, 2), 0);
    tell("ended", 1);
    hear("over");
    xenlet_pages_free(pages, 3);
}

static void map(domid_t peer)
{
    char *mine = xenlet_pages_alloc(1), *theirs;
    grant_ref_t refs[2] = { hear("first"), hear("second") };
    struct gnttab_segment s = { .domid = peer, .ref = hear("readonly"), .len = 4096 };
    struct gnttab_mapping *m, *none;

    s.local = mine;
    CHECK_EQ(gnttab_map(peer, refs, 2, true, &m), 0);
    theirs = gnttab_address(m);
    EXPECT(is_filled(theirs, 1) && is_filled(theirs + 4096, 2));
    fill(theirs + 4096, 12);
    EXPECT_EQ(gnttab_map(peer, &s.ref, 1, true, &none), -XEN_EACCES);
    EXPECT_EQ(gnttab_copy(&s, 1), 0);
    EXPECT(is_filled(mine, 3));
    s.to_grant = true;
    EXPECT_EQ(gnttab_copy(&s, 1), -XEN_EACCES);
    tell("mapped", 1);
    hear("changed");
    EXPECT(is_filled(theirs, 21));
    CHECK_EQ(gnttab_unmap(m), 0);
    EXPECT(is_empty(theirs) && is_empty(theirs + 4096));
    tell("unmapped", 1);
    hear("ended");
    EXPECT_EQ(gnttab_map(peer, refs, 2, true, &m), -XEN_EACCES);
    tell("over", 1);
    xenlet_pages_free(mine, 1);
}

TEST(xenstore_peer_maps_and_copies_grants)
{
    domid_t peer = (domid_t)test_number("peer", 0);

    if (!peer)
        SKIP("there is no peer");
    NEEDS_STORE();
    round_nr++;
    if (xenlet_option("offer"))
        offer(peer);
    else
        map(peer);
}
