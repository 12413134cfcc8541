/* SPDX-License-Identifier: MIT */
/*
 * The symbol table of the image. With the BSD_SYMTAB note, Xen's loader puts a length word and a
 * small ELF file behind the image, which holds .symtab and its strings (xen/common/libelf).
 */
#include "kernel/internal.h"
#include "kernel/string.h"

struct elf_header {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} __attribute__((packed, aligned(4))); /* behind the length word, so not aligned to 8 */

struct elf_section {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t align, entsize;
} __attribute__((packed, aligned(4)));

struct elf_symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

enum {
    SECTION_SYMTAB = 2,
    SYMBOL_FUNC = 2
};

extern char xenlet_end[];

static const struct elf_symbol *symbols;
static size_t nr_symbols;
static const char *names;
static uint64_t names_size;

void symbols_init(void)
{
    const uint32_t *length = (const uint32_t *)(((uintptr_t)xenlet_end + 7) & -8ul);
    const char *base = (const char *)(length + 1);
    const struct elf_header *h = (const struct elf_header *)base;
    const struct elf_section *s;

    if (memcmp(h->ident, "\177ELF", 4) != 0 || h->shentsize != sizeof(*s))
        return; /* a stripped image */
    s = (const struct elf_section *)(base + h->shoff);
    for (unsigned int i = 0; i < h->shnum; i++) {
        if (s[i].type == SECTION_SYMTAB && s[i].link < h->shnum) {
            symbols = (const struct elf_symbol *)(base + s[i].offset);
            nr_symbols = s[i].size / sizeof(*symbols);
            names = base + s[s[i].link].offset;
            names_size = s[s[i].link].size;
        }
    }
}

const void *symbols_end(void)
{
    return names ? names + names_size : xenlet_end;
}

/* What is installed has its hidden symbols renamed, so that programs may use the names. */
static const char *own_name(const char *name)
{
    static const char prefix[] = "xenlet_.";

    return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : name;
}

const char *symbol_of(uint64_t addr, uint64_t *offset)
{
    const struct elf_symbol *best = NULL;

    for (size_t i = 0; i < nr_symbols; i++) {
        const struct elf_symbol *s = &symbols[i];

        if ((s->info & 15) != SYMBOL_FUNC || s->name >= names_size)
            continue;
        if (addr - s->value < (s->size ? s->size : 1) && (!best || s->value > best->value))
            best = s;
    }
    if (!best)
        return NULL;
    *offset = addr - best->value;
    return own_name(names + best->name);
}
