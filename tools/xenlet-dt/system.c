/* SPDX-License-Identifier: MIT */
/* The system a tree describes: its domains, as Xen numbers them, and the problems found. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "xenlet-dt.h"

/* Xen compares the strings of `compatible` without regard to case. */
bool is_compatible(const struct system *s, int node, const char *what)
{
    const char *text;

    for (int i = 0; (text = fdt_stringlist_get(s->tree, node, "compatible", i, NULL)); i++) {
        if (strcasecmp(text, what) == 0)
            return true;
    }
    return false;
}

uint32_t phandle_of(const struct system *s, int node)
{
    return fdt_get_phandle(s->tree, node);
}

int node_of_phandle(const struct system *s, uint32_t phandle)
{
    for (int node = 0; node >= 0; node = fdt_next_node(s->tree, node, NULL)) {
        if (phandle_of(s, node) == phandle)
            return node;
    }
    return -1;
}

const char *path_of(const struct system *s, int node)
{
    static char buffers[8][512];
    static unsigned int next;
    char *path = buffers[next++ % 8];

    if (fdt_get_path(s->tree, node, path, sizeof(buffers[0])) != 0)
        snprintf(path, sizeof(buffers[0]), ".../%s", fdt_get_name(s->tree, node, NULL));
    return path;
}

struct domain *domain_of(const struct system *s, int node)
{
    for (unsigned int i = 0; i < s->nr_domains; i++) {
        if (s->domains[i].node == node)
            return &s->domains[i];
    }
    return NULL;
}

/* --- problems ------------------------------------------------------------------------------- */

/* Of both ends of a channel the same may be found: said once. */
static bool is_known(const struct system *s, int node, const char *text)
{
    for (unsigned int i = 0; i < s->nr_problems; i++) {
        if (s->problems[i].node == node && strcmp(s->problems[i].text, text) == 0)
            return true;
    }
    return false;
}

void problem(struct system *s, bool fatal, int node, const char *property, const char *xen,
             const char *format, ...)
{
    char what[512], *text;
    size_t size;
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    size = strlen(what) + strlen(xen) + (property ? strlen(property) : 0) + 16;
    text = grow(NULL, size);
    snprintf(text, size, "%s%s%s; %s", property ? property : "", property ? ": " : "", what, xen);
    if (is_known(s, node, text)) {
        free(text);
        return;
    }
    s->problems = grow(s->problems, (s->nr_problems + 1) * sizeof(*s->problems));
    s->problems[s->nr_problems++] = (struct problem){ fatal, node, text };
    s->nr_fatal += fatal;
}

static int by_node(const void *a, const void *b)
{
    const struct problem *p = a, *q = b;

    return p->node < q->node ? -1 : p->node > q->node;
}

int problems_print(const struct system *s)
{
    if (s->nr_problems)
        qsort(s->problems, s->nr_problems, sizeof(*s->problems), by_node);
    for (unsigned int i = 0; i < s->nr_problems; i++)
        printf("%s: %s: %s: %s\n", s->file, s->problems[i].fatal ? "error" : "warning",
               path_of(s, s->problems[i].node), s->problems[i].text);
    if (s->nr_fatal)
        printf("%s: %u mistake%s: Xen panics at the first it meets\n", s->file, s->nr_fatal,
               s->nr_fatal == 1 ? "" : "s");
    return s->nr_fatal ? EXIT_MISTAKES : EXIT_FINE;
}

/* --- domains -------------------------------------------------------------------------------- */

/* A module that Xen takes for dom0's kernel: one of /chosen, or deeper but in no domain's node. */
static bool is_dom0_kernel(const struct system *s, int node)
{
    return (is_compatible(s, node, "multiboot,module") ||
            is_compatible(s, node, "xen,multiboot-module")) &&
           (is_compatible(s, node, "multiboot,kernel") ||
            is_compatible(s, node, "xen,linux-zimage"));
}

static void add_domain(struct system *s, int node, const char *name, unsigned int domid)
{
    struct domain *d;

    s->domains = grow(s->domains, (s->nr_domains + 1) * sizeof(*s->domains));
    d = &s->domains[s->nr_domains++];
    *d = (struct domain){ .node = node,
                          .name = name,
                          .domid = domid,
                          .max_port = domid ? DOMU_MAX_PORT : DOM0_MAX_PORT };
    d->used[0] = 1; /* port 0 is reserved */
}

void system_open(struct system *s, const char *file, void *tree)
{
    unsigned int domid = 1;
    int node;

    *s = (struct system){ .file = file, .tree = tree };
    s->chosen = fdt_path_offset(tree, "/chosen");
    if (s->chosen < 0)
        return;
    fdt_for_each_subnode(node, tree, s->chosen) s->has_dom0 |= is_dom0_kernel(s, node);
    if (s->has_dom0)
        add_domain(s, s->chosen, "dom0", 0);
    fdt_for_each_subnode(node, tree, s->chosen)
    {
        if (is_compatible(s, node, "xen,domain"))
            add_domain(s, node, fdt_get_name(tree, node, NULL), domid++);
    }
}

void system_close(struct system *s)
{
    for (unsigned int i = 0; i < s->nr_problems; i++)
        free(s->problems[i].text);
    free(s->problems);
    free(s->domains);
    free(s->channels);
    free(s->tree);
}
