/* SPDX-License-Identifier: MIT */
/* Reading entry.S: AT&T syntax, and only what it uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/explore/entry_parse.h"

const char *const entry_registers[NR_REGISTERS] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
};

static struct {
    char name[40];
    int64_t value;
} names[64];
static unsigned int nr_names;

static void define(const char *name, int64_t value)
{
    if (nr_names == 64)
        abort();
    snprintf(names[nr_names].name, sizeof(names[0].name), "%.39s", name);
    names[nr_names++].value = value;
}

/* A number, or a name that is known. */
static int64_t value_of(const char *text)
{
    for (unsigned int i = 0; i < nr_names; i++) {
        if (strcmp(names[i].name, text) == 0)
            return names[i].value;
    }
    return strtoll(text, NULL, 0);
}

/* "$(a - b)" or "$a". */
static int64_t expression(const char *text)
{
    char left[40], right[40];

    if (sscanf(text, "(%39[^ -] - %39[^)])", left, right) == 2)
        return value_of(left) - value_of(right);
    return value_of(text);
}

static struct operand operand(const char *text)
{
    char name[40];

    for (int i = 0; text[0] == '%' && i < NR_REGISTERS; i++) {
        const char *low = entry_registers[i]; /* of %eax to %edi, which clear the rest, too */

        if (strcmp(text + 1, low) == 0 || (text[1] == 'e' && strcmp(text + 2, low + 1) == 0))
            return (struct operand){ REGISTER, i };
    }
    if (strncmp(text, "%gs:", 4) == 0)
        return (struct operand){ PERCPU, value_of(text + 4) };
    if (text[0] == '$')
        return (struct operand){ IMMEDIATE, expression(text + 1) };
    if (sscanf(text, "%39[^(](%%rsp)", name) == 1 && strstr(text, "(%rsp)"))
        return (struct operand){ STACK, value_of(name) };
    return (struct operand){ *text ? CODE : NOTHING, value_of(text) };
}

/* Comments are gone; "name a, b". */
static void parse_instruction(struct instruction *i)
{
    char a[48] = "", b[48] = "";

    sscanf(i->text, "%7s %47[^,], %47s", i->name, a, b);
    if (a[0] == '$' && a[1] == '(') /* the only ones with a blank in them */
        sscanf(i->text, "%7s %47[^)]), %47s", i->name, a, b);
    for (size_t n = strlen(a); n && a[n - 1] == ' ';)
        a[--n] = '\0';
    if (a[0] == '$' && a[1] == '(')
        strcat(a, ")");
    i->a = operand(a);
    i->b = operand(b);
}

/* The line without comments and blanks around it. */
static void strip(char *line, int *in_comment)
{
    char *to = line;

    for (char *from = line; *from && *from != '\n'; from++) {
        if (*in_comment) {
            if (strncmp(from, "*/", 2) == 0) {
                *in_comment = 0;
                from++;
            }
        } else if (strncmp(from, "/*", 2) == 0) {
            *in_comment = 1;
            from++;
        } else if (to != line || (*from != ' ' && *from != '\t')) {
            *to++ = *from == '\t' ? ' ' : *from;
        }
    }
    while (to > line && to[-1] == ' ')
        to--;
    *to = '\0';
}

static void squeeze(char *to, size_t size, const char *from)
{
    size_t n = 0;

    for (; *from && n + 1 < size; from++) {
        if (*from != ' ' || (n && to[n - 1] != ' '))
            to[n++] = *from;
    }
    to[n] = '\0';
}

unsigned int entry_parse(const char *path, struct instruction *code, char *wrong, unsigned int size)
{
    FILE *f = fopen(path, "r");
    int in_comment = 0, within = 0;
    unsigned int n = 0;
    char line[256], name[40];
    long value;

    nr_names = 0;
    define("PERCPU_UPCALL_PENDING", 0);
    define("PERCPU_UPCALL_MASK", 1);
    define("PERCPU_VCPU", PERCPU_VCPU);
    if (!f) {
        snprintf(wrong, size, "cannot read %s: run from the top of the tree", path);
        return 0;
    }
    while (fgets(line, sizeof(line), f)) {
        char *colon;

        strip(line, &in_comment);
        if (sscanf(line, "#define %39s %ld", name, &value) == 2)
            define(name, value);
        if (strcmp(line, "arch_upcall_entry:") == 0)
            within = 1;
        if (within && strncmp(line, ".size", 5) == 0)
            break;
        colon = strchr(line, ':');
        if (within && colon && !colon[1]) {
            *colon = '\0';
            define(line, ENTRY_BASE + 8 * n);
        } else if (within && *line && *line != '.' && *line != '#') {
            if (n == ENTRY_MAX)
                abort();
            squeeze(code[n++].text, sizeof(code[0].text), line);
        }
    }
    fclose(f);
    for (unsigned int i = 0; i < n; i++)
        parse_instruction(&code[i]);
    if (n == 0)
        snprintf(wrong, size, "%s has no arch_upcall_entry", path);
    return n;
}
