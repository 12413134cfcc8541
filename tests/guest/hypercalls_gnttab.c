/* SPDX-License-Identifier: MIT */
/* Grant table operations: what Xen answers, success and refusal. */
#include "tests/guest/gnttab.h"

#define NO_CMD 0xfeu

TEST(grant_table_query_size)
{
    uint32_t nr = 0, max = 0;
    int16_t status = 1;

    CHECK_EQ(hypercall_gnttab_query_size(&nr, &max, &status), 0);
    CHECK_EQ(status, GNTST_okay);
    EXPECT(max >= 1 && nr <= max);
}

TEST(grant_table_setup_table)
{
    uint32_t nr, max;
    xen_pfn_t first = 0, again = 0, *many;
    int16_t status;

    NEEDS_ALL_OF_GRANTS();
    CHECK_EQ(hypercall_gnttab_query_size(&nr, &max, &status), 0);
    CHECK_EQ(hypercall_gnttab_setup_table(1, &first, &status), 0);
    CHECK_EQ(status, GNTST_okay);
    CHECK_EQ(hypercall_gnttab_setup_table(1, &again, &status), 0);
    EXPECT(first == again && first != 0);
    many = xenlet_alloc((max + 1) * sizeof(*many));
    CHECK_EQ(hypercall_gnttab_setup_table(max + 1, many, &status), 0);
    EXPECT_EQ(status, GNTST_general_error);
    xenlet_free(many);
    status = 55;
    EXPECT_EQ(hypercall_gnttab_setup_table(1, (xen_pfn_t *)(1ul << 63), &status), -XEN_EFAULT);
    EXPECT_EQ(status, 55);
}

TEST(grant_table_set_version)
{
    unsigned int version = gnttab_version();

    NEEDS_ALL_OF_GRANTS();
    EXPECT_EQ(hypercall_gnttab_set_version(3), -XEN_EINVAL);
    EXPECT_EQ(hypercall_gnttab_set_version(0), -XEN_EINVAL);
    EXPECT_EQ(hypercall_gnttab_set_version(version), 0);
}

TEST(grant_table_set_version_while_in_use)
{
    char *page = xenlet_pages_alloc(1);
    struct gnttab_mapping *m;
    grant_ref_t ref;
    unsigned int other = gnttab_version() == 1 ? 2 : 1;
    int rc;

    NEEDS_ALL_OF_GRANTS();
    CHECK_EQ(gnttab_offer(own_number(), page, true, &ref), 0);
    CHECK_EQ(gnttab_map(own_number(), &ref, 1, true, &m), 0);
    rc = hypercall_gnttab_set_version(other);
    EXPECT(rc == -XEN_EBUSY || (rc == -XEN_ENOSYS && other == 2));
    CHECK_EQ(gnttab_unmap(m), 0);
    CHECK_EQ(gnttab_end(ref), 0);
    xenlet_pages_free(page, 1);
}

TEST(grant_table_get_status_frames)
{
    uint64_t frame = 0, many[70];
    int16_t status;
    bool has = gnttab_version() == 2;
    unsigned int max = gnttab_max();

    NEEDS_ALL_OF_GRANTS();
    CHECK(max > 0);
    CHECK_EQ(hypercall_gnttab_get_status_frames(1, &frame, &status), 0);
    EXPECT_EQ(status, has ? GNTST_okay : GNTST_general_error);
    EXPECT_EQ(frame != 0, has);
    CHECK_EQ(hypercall_gnttab_get_status_frames(70, many, &status), 0);
    EXPECT_EQ(status, GNTST_general_error);
}

TEST(grant_table_op_errors)
{
    struct gnttab_map_grant_ref map = { .ref = 4000000, .dom = own_number() };
    struct gnttab_query_size size = { .dom = 0x7000 };

    NEEDS_ALL_OF_GRANTS();
    EXPECT_EQ(hypercall_grant_table_op(NO_CMD, NULL, 1), -XEN_ENOSYS);
    EXPECT_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, (void *)(1ul << 63), 1),
              -XEN_EFAULT);
    EXPECT_EQ(hypercall_grant_table_op(GNTTABOP_query_size, &size, 2), -XEN_EINVAL);
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    EXPECT_EQ(size.status, GNTST_bad_domain);
    /* Neither for the host nor for devices. */
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    EXPECT_EQ(map.status, GNTST_bad_gntref);
    map.flags = GNTMAP_host_map;
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    EXPECT_EQ(map.status, GNTST_bad_gntref);
    EXPECT_EQ(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 0), 0);
}

TEST(grant_table_unmap_errors)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = 0x1000, .handle = 4000000 };

    NEEDS_ALL_OF_GRANTS();
    CHECK_EQ(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    EXPECT_EQ(op.status, GNTST_bad_handle);
}
