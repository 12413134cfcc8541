/* SPDX-License-Identifier: MIT */
/*
 * What things are called: objects the scenario has named, variables by the symbol table, and source
 * lines by the debug information, both asked of binutils.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/host/explore/explore.h"

#define MAX_KINDS   24u
#define MAX_SYMBOLS 8192u

static struct kind {
    const char *name;
    uintptr_t base;
    size_t stride;
    unsigned int n;
    const struct member *members;
    int first; /* object number of the first; -1: not reached by pointers */
} kinds[MAX_KINDS];
static unsigned int nr_kinds;
static int nr_objects;

void names_forget(void)
{
    nr_kinds = 0;
    nr_objects = 0;
}

void names_add(const char *name, const void *base, size_t stride, unsigned int n,
               const struct member *members, bool by_pointer)
{
    if (nr_kinds == MAX_KINDS)
        abort();
    kinds[nr_kinds++] =
        (struct kind){ name, (uintptr_t)base, stride, n, members, by_pointer ? nr_objects : -1 };
    if (by_pointer)
        nr_objects += (int)n;
}

static const struct kind *kind_of(const void *p)
{
    for (unsigned int i = 0; i < nr_kinds; i++) {
        if ((uintptr_t)p - kinds[i].base < kinds[i].stride * kinds[i].n)
            return &kinds[i];
    }
    return NULL;
}

int object_of(const void *p)
{
    const struct kind *k = kind_of(p);

    return k && k->first >= 0 ? k->first + (int)(((uintptr_t)p - k->base) / k->stride) : -1;
}

static const struct member *member_of(const struct kind *k, const void *p, unsigned int *index)
{
    size_t offset = ((uintptr_t)p - k->base) % k->stride;

    for (const struct member *m = k->members; m && m->name; m++) {
        if (offset - m->offset < (size_t)m->size * m->count) {
            *index = (unsigned int)((offset - m->offset) / m->size);
            return m;
        }
    }
    return NULL;
}

bool names_member(const void *addr, void **start, unsigned int *size)
{
    const struct kind *k = kind_of(addr);
    unsigned int index = 0;
    const struct member *m = k ? member_of(k, addr, &index) : NULL;
    uintptr_t object;

    if (!m)
        return false;
    object = k->base + ((uintptr_t)addr - k->base) / k->stride * k->stride;
    *start = (void *)(object + m->offset + (size_t)index * m->size);
    *size = m->size;
    return true;
}

/* --- variables ------------------------------------------------------------------------------ */

static struct symbol {
    uintptr_t at;
    size_t size;
    char name[48];
} symbols[MAX_SYMBOLS];
static unsigned int nr_symbols;

static const char *self(void)
{
    static char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[n > 0 ? n : 0] = '\0';
    return path;
}

static void load_symbols(void)
{
    char command[600], line[512];
    FILE *nm;

    snprintf(command, sizeof(command), "nm -S '%s'", self());
    nm = popen(command, "r");
    if (!nm)
        return;
    while (fgets(line, sizeof(line), nm) && nr_symbols < MAX_SYMBOLS) {
        struct symbol *s = &symbols[nr_symbols];
        unsigned long at, size;
        char type;

        if (sscanf(line, "%lx %lx %c %47s", &at, &size, &type, s->name) == 4 &&
            strchr("bBdD", type)) {
            s->at = at;
            s->size = size;
            nr_symbols++;
        }
    }
    pclose(nm);
}

static const struct symbol *symbol_of(const void *p)
{
    if (!nr_symbols)
        load_symbols();
    for (unsigned int i = 0; i < nr_symbols; i++) {
        if ((uintptr_t)p - symbols[i].at < symbols[i].size)
            return &symbols[i];
    }
    return NULL;
}

static void name_in(const struct kind *k, const void *addr, char *text, size_t size)
{
    unsigned int number = (unsigned int)(((uintptr_t)addr - k->base) / k->stride), index = 0;
    const struct member *m = member_of(k, addr, &index);
    int at = snprintf(text, size, k->n > 1 ? "%s %u" : "%s", k->name, number);

    if (m && at > 0 && (size_t)at < size)
        snprintf(text + at, size - (size_t)at, m->count > 1 ? "%s%s[%u]" : "%s%s",
                 *m->name ? "." : "", m->name, index);
    else if (k->members && at > 0)
        snprintf(text + at, size - (size_t)at, " byte %zu",
                 ((uintptr_t)addr - k->base) % k->stride);
}

void names_location(const void *addr, char *text, size_t size)
{
    const struct kind *k = kind_of(addr);
    const struct symbol *s;

    if (k) {
        name_in(k, addr, text, size);
        return;
    }
    s = symbol_of(addr);
    if (!s)
        snprintf(text, size, "%p", addr);
    else if ((uintptr_t)addr == s->at)
        snprintf(text, size, "%s", s->name);
    else
        snprintf(text, size, "%s+%zu", s->name, (size_t)((uintptr_t)addr - s->at));
}

/* --- source lines --------------------------------------------------------------------------- */

/* "FUNCTION at DIR/FILE:LINE", of which the tree's directory is not said. */
static void take_line(const char *line, char *where, size_t size)
{
    const char *at = strstr(line, " at "), *file = at ? at + 4 : line;
    char function[64];
    size_t n = at ? (size_t)(at - line) : 0;
    const char *end;

    snprintf(function, sizeof(function), "%.*s", (int)(n < 63 ? n : 63), line);
    for (const char *dot; (dot = strstr(file, "/./")) != NULL;)
        file = dot + 3;
    while (strncmp(file, "./", 2) == 0)
        file += 2;
    end = strpbrk(file, " \n");
    snprintf(where, size, "%.*s %s()", (int)(end ? end - file : (int)strlen(file)), file, function);
}

static bool is_helper(const char *where)
{
    return strncmp(where, "arch/", 5) == 0;
}

#define MAX_LINES 512u

static struct {
    const void *pc;
    char text[128];
} lines[MAX_LINES]; /* asking takes a while */
static unsigned int nr_lines;

static void ask_line(const void *pc, char *text, size_t size)
{
    char command[600], line[512], where[128] = "?";
    FILE *f;

    snprintf(command, sizeof(command), "addr2line -p -i -f -e '%s' %p", self(),
             (const void *)((const char *)pc - 1));
    f = popen(command, "r");
    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        const char *from = strstr(line, "(inlined by) ");

        take_line(from ? from + 13 : line, where, sizeof(where));
        if (!is_helper(where))
            break;
    }
    while (fgets(line, sizeof(line), f))
        ;
    pclose(f);
    snprintf(text, size, "%s", where);
}

const char *names_line(const void *pc)
{
    unsigned int i = 0;

    if (!pc)
        return "";
    while (i < nr_lines && lines[i].pc != pc)
        i++;
    if (i == nr_lines) {
        i = nr_lines < MAX_LINES ? nr_lines++ : 0;
        lines[i].pc = pc;
        ask_line(pc, lines[i].text, sizeof(lines[i].text));
    }
    return lines[i].text;
}
