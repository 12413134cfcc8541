/* SPDX-License-Identifier: MIT */
/*
 * evtchn_static_read() under sanitizers, on trees that are damaged in every way that is quick to
 * try: cut at every length, and with every byte changed. It has to answer, with a text if it is an
 * error, and never to look outside what it was given. Usage: read_test TREE.dtb...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libfdt.h>
#include <xenlet/evtchn_static.h>

#define MAX 16u

static unsigned int failures;

#define EXPECT(what, cond)                                                          \
    do {                                                                            \
        if (!(cond)) {                                                              \
            printf("FAIL %s: %s does not hold (line %d)\n", what, #cond, __LINE__); \
            failures++;                                                             \
        }                                                                           \
    } while (0)

/* A copy that ends where its memory does, so that a look beyond is seen. */
static void *copy(const void *tree, size_t size)
{
    void *p = NULL;

    if (posix_memalign(&p, 8, size ? size : 1) != 0)
        abort();
    return memcpy(p, tree, size);
}

static int read_all(const char *what, const void *tree, size_t size, const char *domain)
{
    struct evtchn_static channels[MAX];
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr = 12345;
    int rc = evtchn_static_read(tree, size, domain, channels, MAX, &nr, error);

    EXPECT(what, memchr(error, '\0', sizeof(error)) != NULL);
    EXPECT(what, (rc == 0) == (error[0] == '\0'));
    EXPECT(what, rc == 0 || rc == -XEN_EINVAL || rc == -XEN_ENOENT || rc == -XEN_ENOSPC);
    EXPECT(what, rc == 0 ? nr <= MAX : rc == -XEN_ENOSPC ? nr > MAX : nr == 0);
    for (unsigned int i = 0; i < nr && i < MAX; i++) {
        EXPECT(what, channels[i].port >= 1 && channels[i].port <= 4095);
        EXPECT(what, strlen(channels[i].label) < size);
        EXPECT(what, !channels[i].peer || strlen(channels[i].peer) < size);
        EXPECT(what, evtchn_static_find(channels, nr < MAX ? nr : MAX, channels[i].label) != NULL);
        for (unsigned int j = 0; j < i; j++)
            EXPECT(what, channels[i].port != channels[j].port);
    }
    return rc;
}

static void cut(const char *file, const void *tree, size_t size)
{
    for (size_t n = 0; n < size; n++) {
        char *part = copy(tree, n);

        EXPECT(file, read_all(file, part, n, "domU1") == -XEN_EINVAL);
        /* And with a header that agrees. */
        if (n >= sizeof(struct fdt_header)) {
            fdt_set_totalsize(part, (uint32_t)n);
            read_all(file, part, n, "domU1");
            fdt_set_size_dt_strings(part, n > fdt_off_dt_strings(part)
                                              ? (uint32_t)n - fdt_off_dt_strings(part)
                                              : 0);
            read_all(file, part, n, NULL);
        }
        free(part);
    }
}

static void change(const char *file, const void *tree, size_t size)
{
    static const unsigned char masks[] = { 0x01, 0x80, 0xff, 0x04, 0x10 };

    for (size_t at = 0; at < size; at++) {
        for (size_t i = 0; i < sizeof(masks); i++) {
            unsigned char *changed = copy(tree, size);

            changed[at] ^= masks[i];
            read_all(file, changed, size, "domU1");
            read_all(file, changed, size, NULL);
            free(changed);
        }
    }
}

static void misalign_and_age(const char *file, const void *tree, size_t size)
{
    char *p = copy(tree, size), *shifted = malloc(size + 8);

    memcpy(shifted + 4, tree, size);
    EXPECT(file, read_all(file, shifted + 4, size, "domU1") == -XEN_EINVAL);
    free(shifted);
    if (size >= sizeof(struct fdt_header)) { /* so old that a node may have no name */
        fdt_set_version(p, 3);
        fdt_set_last_comp_version(p, 2);
        EXPECT(file, read_all(file, p, size, "domU1") == -XEN_EINVAL);
    }
    memset(p, 0, size < 4 ? size : 4);
    EXPECT(file, read_all(file, p, size, "domU1") == -XEN_EINVAL);
    free(p);
}

/* Too little room is said, and what fits is there. */
static void limit(const char *file, const void *tree, size_t size)
{
    struct evtchn_static all[MAX], few[1];
    char error[EVTCHN_STATIC_ERROR_SIZE];
    unsigned int nr, nr_few;

    if (evtchn_static_read(tree, size, "domU1", all, MAX, &nr, NULL) != 0 || nr < 2)
        return;
    EXPECT(file, evtchn_static_read(tree, size, "domU1", few, 1, &nr_few, error) == -XEN_ENOSPC);
    EXPECT(file, nr_few == nr && few[0].port == all[0].port);
    EXPECT(file, evtchn_static_read(tree, size, "domU1", NULL, 0, &nr_few, NULL) == -XEN_ENOSPC);
    EXPECT(file, nr_few == nr);
    EXPECT(file, evtchn_static_read(tree, SIZE_MAX, "domU1", all, MAX, &nr_few, error) == 0);
    EXPECT(file, evtchn_static_find(all, nr, "no such label") == NULL);
    EXPECT(file, evtchn_static_find(all, nr, all[1].label)->label != NULL);
}

static void test(const char *file)
{
    static char buffer[1 << 20];
    FILE *in = fopen(file, "rb");
    size_t size = in ? fread(buffer, 1, sizeof(buffer), in) : 0;
    void *tree = copy(buffer, size);

    EXPECT(file, size > 0);
    if (in)
        fclose(in);
    read_all(file, tree, size, "domU1");
    cut(file, tree, size);
    change(file, tree, size);
    misalign_and_age(file, tree, size);
    limit(file, tree, size);
    free(tree);
}

int main(int argc, char **argv)
{
    EXPECT("nothing", read_all("NULL", NULL, 0, NULL) == -XEN_EINVAL);
    for (int i = 1; i < argc; i++)
        test(argv[i]);
    printf("%d trees, %u failures\n", argc - 1, failures);
    return failures ? 1 : 0;
}
