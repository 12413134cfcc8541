/* SPDX-License-Identifier: MIT */
/* What the files of the tool share: a tree, the system it describes, and what is wrong with it. */
#ifndef XENLET_DT_H
#define XENLET_DT_H

#include <libfdt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    EXIT_FINE,
    EXIT_MISTAKES,
    EXIT_TROUBLE
}; /* the tool's exit status */

/* What can be bound in a domU, and in dom0, which is still 2-level when Xen looks. */
#define DOMU_MAX_PORT 1023u
#define DOM0_MAX_PORT 4095u

/* What Xen 4.17 gives a guest's tree. */
#define XEN_4_17_TREE 4096u

struct domain {
    int node; /* below /chosen; dom0: /chosen itself */
    const char *name;
    unsigned int domid;
    uint32_t max_port;
    uint8_t used[(DOM0_MAX_PORT + 1) / 8]; /* ports that are taken */
};

/* A channel that Xen makes; [0] is the end it meets first. */
struct channel {
    struct end {
        int node;
        const struct domain *domain;
        uint32_t port;
    } end[2];
};

struct problem {
    bool fatal; /* Xen panics; else it boots, and something is not as it looks */
    int node;
    char *text;
};

struct system {
    const char *file; /* for messages */
    void *tree;
    int chosen;
    bool has_dom0;
    struct domain *domains; /* in the order of their numbers */
    unsigned int nr_domains;
    struct channel *channels;
    unsigned int nr_channels;
    struct problem *problems;
    unsigned int nr_problems, nr_fatal;
};

/* --- file.c --------------------------------------------------------------------------------- */

/* End with EXIT_TROUBLE and a message. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *grow(void *array, size_t size);
/* A whole tree from a .dtb or .dts file, checked to be one. The caller frees it. */
void *tree_load(const char *file, size_t *size);
/* Write a tree, as source when the name ends in .dts. */
void tree_save(const char *file, const void *tree);
/* Write what `write` writes; "-" is standard output. */
void text_save(const char *file, void (*write)(FILE *out, const struct system *s),
               const struct system *s);

/* --- system.c ------------------------------------------------------------------------------- */

/* Find the domains of a tree. */
void system_open(struct system *s, const char *file, void *tree);
void system_close(struct system *s);
/* Note a problem of `node`'s property (or NULL): the mistake, and in `xen` what Xen makes of it. */
void problem(struct system *s, bool fatal, int node, const char *property, const char *xen,
             const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Print them in the tree's order; the exit status they stand for. */
int problems_print(const struct system *s);
/* The domain whose node is `node`, NULL for none. */
struct domain *domain_of(const struct system *s, int node);
bool is_compatible(const struct system *s, int node, const char *what);
/* The node that Xen finds for a phandle: the first that has it, 0 counting for none. -1. */
int node_of_phandle(const struct system *s, uint32_t phandle);
uint32_t phandle_of(const struct system *s, int node);
/* A node's path, in a buffer that the next eight calls leave alone. */
const char *path_of(const struct system *s, int node);

/* --- the rest ------------------------------------------------------------------------------- */

/* domains.c: what Xen wants of domains, channels aside. */
void check_domains(struct system *s);
/* channels.c: connect the channels as Xen does, in its order. */
void check_channels(struct system *s);
/* convert.c: nodes of the draft form become such of the merged one; NULL if there are mistakes. */
unsigned int count_drafts(const struct system *s);
void *convert(struct system *s);
/* split.c: each domU's partial tree, as DIR/NAME.dtb. */
void split(const struct system *s, const char *directory);
/* size.c: how much room Xen's own nodes take in the tree it makes for a domU. */
unsigned int xens_own_nodes(const struct system *s, const struct domain *d);
/* dot.c: the graph of the channels, for graphviz. */
void dot(FILE *out, const struct system *s);
/* show.c: what a guest finds in its tree. */
int show(const char *file, const void *tree, size_t size, const char *domain);

#endif
