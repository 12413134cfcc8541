/* SPDX-License-Identifier: MIT */
/*
 * The channels as a graph, in graphviz's language: a domain is a box with a row for each of its
 * ports.
 */
#include <string.h>
#include "xenlet-dt.h"

/* Text in a label; what means something there, or in a record, is escaped. */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\"\\{}|<> ", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

static const char *label_of(const struct system *s, const struct end *e)
{
    int len;
    const char *label = fdt_getprop(s->tree, e->node, "label", &len);

    return label && len > 0 && label[len - 1] == '\0' ? label : "";
}

static void put_domain(FILE *out, const struct system *s, const struct domain *d)
{
    fprintf(out, "    d%u [label=\"", d->domid);
    put_text(out, d->name);
    for (unsigned int i = 0; i < s->nr_channels; i++) {
        for (unsigned int j = 0; j < 2; j++) {
            const struct end *e = &s->channels[i].end[j];

            if (e->domain == d)
                fprintf(out, "|<p%x>0x%x", e->port, e->port);
        }
    }
    fprintf(out, "\"];\n");
}

static void put_channel(FILE *out, const struct system *s, const struct end *e)
{
    const char *label = *label_of(s, &e[0]) ? label_of(s, &e[0]) : label_of(s, &e[1]);

    fprintf(out, "    d%u:p%x -- d%u:p%x [label=\"", e[0].domain->domid, e[0].port,
            e[1].domain->domid, e[1].port);
    put_text(out, label);
    fprintf(out, "\"];\n");
}

void dot(FILE *out, const struct system *s)
{
    fprintf(out, "graph channels {\n"
                 "    rankdir=LR;\n"
                 "    ranksep=1.5;\n"
                 "    node [shape=record, fontname=\"sans-serif\", margin=\"0.25,0.06\"];\n"
                 "    edge [fontname=\"sans-serif\", fontsize=11];\n");
    for (unsigned int i = 0; i < s->nr_domains; i++)
        put_domain(out, s, &s->domains[i]);
    for (unsigned int i = 0; i < s->nr_channels; i++)
        put_channel(out, s, s->channels[i].end);
    fprintf(out, "}\n");
}
