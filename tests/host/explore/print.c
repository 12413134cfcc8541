/* SPDX-License-Identifier: MIT */
/* A schedule, step by step: who does what to which location, where, and what came of it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/explore.h"

#define MAX_LINES 20000u
#define PRINTED   400u /* at each end of a long one */

static struct line {
    unsigned int thread, depth;
    const void *pc;
    char text[256];
} * lines;
static unsigned int nr_lines;
static FILE *out;
static const struct program *program;

void print_begin(FILE *f, const struct program *p)
{
    out = f;
    program = p;
    nr_lines = 0;
    if (!lines)
        lines = calloc(MAX_LINES, sizeof(*lines));
    if (!lines)
        abort();
}

static struct line *new_line(unsigned int t, unsigned int depth, const void *pc)
{
    struct line *l = &lines[nr_lines < MAX_LINES - 1 ? nr_lines++ : nr_lines];

    *l = (struct line){ .thread = t, .depth = depth, .pc = pc };
    return l;
}

static void name_of(const struct location *loc, char name[64])
{
    names_location(loc->addr, name, 64);
}

static const char *value(uint64_t v, char text[24])
{
    snprintf(text, 24, v < 10 ? "%lu" : "0x%lx", (unsigned long)v);
    return text;
}

static void say_load(const struct op *op, const struct effect *e, char *text, size_t size)
{
    char name[64], v[24];

    name_of(op->loc, name);
    snprintf(text, size, "load   %s: %s%s", name, value(e->found, v),
             e->own                 ? " (its own store, which waits)"
             : e->read != e->newest ? " (EARLY: there is a newer one)"
                                    : "");
}

static void say_store(const struct op *op, const struct effect *e, char *text, size_t size)
{
    char name[64], v[24];

    name_of(op->loc, name);
    snprintf(text, size, "store  %s := %s%s", name, value(e->now, v),
             e->waits ? " (WAITS, later ones may pass)" : "");
}

static void say_rmw(const struct op *op, const struct effect *e, char *text, size_t size)
{
    static const char *const what[] = { "cas   ", "xchg  ", "set   ", "clear ", "add   " };
    char name[64], a[24], b[24], bit[24] = "";

    name_of(op->loc, name);
    if (op->rmw == RMW_SET_BIT || op->rmw == RMW_CLEAR_BIT)
        snprintf(bit, sizeof(bit), "bit %u of ", (unsigned int)op->value);
    snprintf(text, size, "%s %s%s: %s -> %s%s", what[op->rmw], bit, name, value(e->found, a),
             value(e->now, b), e->wrote ? "" : " (another value than expected: nothing stored)");
}

void print_step(unsigned int t, unsigned int depth, const char *within, const struct op *op,
                const struct effect *e)
{
    static const char *const fences[] = {
        [OP_MB] = "barrier (full)", [OP_RMB] = "barrier (loads)", [OP_WMB] = "barrier (stores)"
    };
    struct line *l = new_line(t, depth, op->pc);

    switch (op->kind) {
    case OP_LOAD:
        say_load(op, e, l->text, sizeof(l->text));
        break;
    case OP_STORE:
        say_store(op, e, l->text, sizeof(l->text));
        if (!op->pc && within)
            strncat(l->text, ", after having waited", sizeof(l->text) - strlen(l->text) - 1);
        break;
    case OP_RMW:
        say_rmw(op, e, l->text, sizeof(l->text));
        break;
    case OP_MB:
    case OP_RMB:
    case OP_WMB:
        snprintf(l->text, sizeof(l->text), "%s", fences[op->kind]);
        break;
    case OP_WAIT:
        snprintf(l->text, sizeof(l->text), "looks again");
        break;
    case OP_SLEEP:
        snprintf(l->text, sizeof(l->text), "wakes from %s", op->text);
        break;
    default:
        snprintf(l->text, sizeof(l->text), "-- %s", op->text ? op->text : "");
        break;
    }
}

void print_text(unsigned int t, const char *format, ...)
{
    struct line *l = new_line(t, 0, NULL);
    va_list args;

    va_start(args, format);
    vsnprintf(l->text, sizeof(l->text), format, args);
    va_end(args);
}

static unsigned int width_of_names(void)
{
    unsigned int width = 0;

    for (unsigned int t = 0; t < program->nr_threads; t++) {
        unsigned int n = (unsigned int)strlen(program->threads[t].name);

        width = n > width ? n : width;
    }
    return width;
}

void print_end(void)
{
    int width = (int)width_of_names();

    for (unsigned int i = 0; i < nr_lines; i++) {
        const struct line *l = &lines[i];

        if (i == PRINTED && nr_lines > 2 * PRINTED) { /* a run that does not end */
            i = nr_lines - PRINTED;
            fprintf(out, " ...\n");
            continue;
        }
        fprintf(out, "%4u  %-*s %*s%-*s %s\n", i + 1, width,
                i && lines[i - 1].thread == l->thread ? "" : program->threads[l->thread].name,
                (int)l->depth * 2, "", 66 - (int)l->depth * 2, l->text, names_line(l->pc));
    }
}
