/* SPDX-License-Identifier: MIT */
/* The command line. */
#include <stdlib.h>
#include <string.h>
#include "xenlet-dt.h"

static const char usage[] =
    "usage: xenlet-dt check TREE             is Xen going to boot it?\n"
    "       xenlet-dt convert TREE -o OUT    bring the draft's channels up to date\n"
    "       xenlet-dt split TREE -o DIR      write each domU's partial tree, DIR/NAME.dtb\n"
    "       xenlet-dt --dot TREE [-o OUT]    draw the channels, for graphviz\n"
    "       xenlet-dt show TREE [DOMAIN]     what a guest finds in its tree\n"
    "       xenlet-dt --help\n";

static const char help[] =
    "\n"
    "Static event channels of dom0less Xen systems, in device trees. TREE is a flattened\n"
    "tree (.dtb, - for standard input), or its source when its name ends in .dts: then dtc\n"
    "is called, which is in Debian's device-tree-compiler. So is OUT.\n"
    "\n"
    "check    Looks at a whole system's tree, the one Xen boots with, for what makes Xen\n"
    "         panic: at domains (cpus, memory, a kernel, xen,enhanced) and at every channel\n"
    "         (compatible = \"xen,evtchn-v1\"). Prints each mistake, its node, and what Xen\n"
    "         does; a warning where Xen boots, and does something else than it seems.\n"
    "convert  Takes nodes of the draft, below /chosen,\n"
    "             compatible = \"xen,evtchn\"; xen,evtchn = <0xa &domU1 0xb &domU2>;\n"
    "         apart into one for each end, below its domain, as Xen wants them. Nothing is\n"
    "         written unless the result passes check.\n"
    "split    Checks the tree, and writes for each domU what it needs to find its channels:\n"
    "         load it as a module compatible with \"multiboot,device-tree\", and Xen copies it\n"
    "         into the tree it makes for the domU. Warns when that outgrows Xen 4.17's 4,096\n"
    "         bytes. A draft is converted first.\n"
    "--dot    Checks the tree, and writes a graph: xenlet-dt --dot TREE | dot -Tsvg\n"
    "show     Reads a guest's tree as the guest does (evtchn_static_read()). DOMAIN is the\n"
    "         name of its node in the trees that have several (domU1; chosen for dom0).\n"
    "\n"
    "exit status: 0 Xen boots it (there may be warnings); 1 there are mistakes; 2 no such\n"
    "file, no device tree, or called wrongly.\n";

static void wrong(const char *what)
{
    fprintf(stderr, "xenlet-dt: %s\n%s", what, usage);
    exit(EXIT_TROUBLE);
}

static const char *why_no_tree(int rc, size_t size)
{
    if (size == 0)
        return "it is empty";
    if (rc == -FDT_ERR_BADMAGIC)
        return "it does not begin as one (the name of a source ends in .dts)";
    if (rc == -FDT_ERR_TRUNCATED)
        return "it is cut short";
    if (rc == -FDT_ERR_BADVERSION)
        return "its version is not 16 or 17";
    return fdt_strerror(rc);
}

static void *load(const char *file)
{
    size_t size;
    void *tree = tree_load(file, &size);
    int rc = fdt_check_full(tree, size);

    /* As evtchn_static_read() does. */
    if (rc == 0 && fdt_off_dt_struct(tree) % 4)
        rc = -FDT_ERR_BADOFFSET;
    if (rc == 0 && fdt_version(tree) < 16)
        rc = -FDT_ERR_BADVERSION;

    if (rc)
        die("%s: not a good device tree: %s", file, why_no_tree(rc, size));
    return tree;
}

static void check_all(struct system *s)
{
    check_domains(s);
    check_channels(s);
}

/* Open a tree, converting what it has of the draft; false, with its problems noted, if that fails.
 */
static bool open_converted(struct system *s, const char *file)
{
    void *new;

    system_open(s, file, load(file));
    if (!count_drafts(s)) {
        check_all(s);
        return !s->nr_fatal;
    }
    new = convert(s);
    if (!new)
        return false;
    system_close(s);
    system_open(s, file, new);
    check_all(s);
    return !s->nr_fatal;
}

static int do_check(const char *file)
{
    struct system s;
    int status;

    system_open(&s, file, load(file));
    check_all(&s);
    status = problems_print(&s);
    if (status == EXIT_FINE)
        printf("%s: %u domains, %u static channels: Xen boots it\n", file, s.nr_domains,
               s.nr_channels);
    system_close(&s);
    return status;
}

enum what {
    CONVERT,
    SPLIT,
    DOT
};

static int do_write(enum what what, const char *file, const char *out)
{
    struct system s;
    bool good = open_converted(&s, file);

    /* Standard output may be what is written. */
    if (s.nr_problems && (what == SPLIT || strcmp(out, "-") != 0 || !good))
        problems_print(&s);
    if (good && what == CONVERT)
        tree_save(out, s.tree);
    else if (good && what == SPLIT)
        split(&s, out);
    else if (good)
        text_save(out, dot, &s);
    else
        fprintf(stderr, "xenlet-dt: %s: nothing was written\n", file);
    system_close(&s);
    return good ? EXIT_FINE : EXIT_MISTAKES;
}

static int do_show(const char *file, const char *domain)
{
    size_t size;
    void *tree = tree_load(file, &size);
    int status = show(file, tree, size, domain);

    free(tree);
    return status;
}

/* `-o OUT` among the arguments is taken out; NULL when it is not there. */
static const char *take_output(int *argc, char **argv)
{
    const char *out = NULL;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "-o") != 0)
            continue;
        if (i + 1 == *argc)
            wrong("-o wants a name");
        out = argv[i + 1];
        memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 2 + 1) * sizeof(*argv));
        *argc -= 2;
        i--;
    }
    return out;
}

int main(int argc, char **argv)
{
    const char *out = take_output(&argc, argv), *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0) {
        printf("%s%s", usage, help);
        return EXIT_FINE;
    }
    if (argc < 2)
        wrong("what is to be done?");
    if (strcmp(what, "show") == 0 && (argc == 3 || argc == 4) && !out)
        return do_show(argv[2], argv[3]);
    if (argc == 3 && strcmp(what, "check") == 0 && !out)
        return do_check(argv[2]);
    if (argc == 3 && strcmp(what, "convert") == 0 && out)
        return do_write(CONVERT, argv[2], out);
    if (argc == 3 && strcmp(what, "split") == 0 && out)
        return do_write(SPLIT, argv[2], out);
    if (argc == 3 && strcmp(what, "--dot") == 0)
        return do_write(DOT, argv[2], out ? out : "-");
    if (strcmp(what, "convert") == 0 || strcmp(what, "split") == 0)
        wrong("it takes a TREE, and -o with where to write");
    wrong("it is called with one of these:");
    return EXIT_TROUBLE;
}
