/* SPDX-License-Identifier: MIT */
/* The channels as a graph, in graphviz's language. */
#include "xenlet-dt.h"

static void quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static const char *label_of(const struct system *s, const struct end *e)
{
    int len;
    const char *label = fdt_getprop(s->tree, e->node, "label", &len);

    return label && len > 0 && label[len - 1] == '\0' ? label : "";
}

void dot(FILE *out, const struct system *s)
{
    fprintf(out,
            "graph channels {\n    rankdir=LR;\n    nodesep=0.6;\n    ranksep=2.2;\n"
            "    node [shape=box, style=rounded, fontname=\"sans-serif\", margin=\"0.3,0.2\"];\n"
            "    edge [fontname=\"monospace\", fontsize=10, labeldistance=2.4];\n");
    for (unsigned int i = 0; i < s->nr_domains; i++) {
        fprintf(out, "    d%u [label=", s->domains[i].domid);
        quoted(out, s->domains[i].name);
        fprintf(out, "];\n");
    }
    for (unsigned int i = 0; i < s->nr_channels; i++) {
        const struct end *e = s->channels[i].end;

        fprintf(out, "    d%u -- d%u [taillabel=\"0x%x\", headlabel=\"0x%x\"", e[0].domain->domid,
                e[1].domain->domid, e[0].port, e[1].port);
        if (*label_of(s, &e[0])) {
            fprintf(out, ", label=");
            quoted(out, label_of(s, &e[0]));
        }
        fprintf(out, "];\n");
    }
    fprintf(out, "}\n");
}
