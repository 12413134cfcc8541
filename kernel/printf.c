/* SPDX-License-Identifier: MIT */
/* Formatting without a C library: integers, strings, pointers. */
#include <xenlet/console.h>
#include "kernel/printf.h"
#include "kernel/string.h"

struct out {
    char *buf;
    size_t size;                                 /* room in buf */
    size_t used;                                 /* of it */
    size_t len;                                  /* what the whole text has so far */
    void (*flush)(const char *text, size_t len); /* takes a full buffer; NULL: the rest is cut */
};

struct spec {
    bool left, zero, alternate;
    char plus; /* what stands before a number that is not negative: '+', ' ' or nothing */
    int width, precision; /* precision -1: none given */
    char length;          /* 0, or one of H (hh) h l L (ll) */
};

static void put(struct out *o, char c)
{
    if (o->used == o->size && o->flush) {
        o->flush(o->buf, o->used);
        o->used = 0;
    }
    if (o->used < o->size)
        o->buf[o->used++] = c;
    o->len++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text, size_t len)
{
    int fill = s->width > (int)len ? s->width - (int)len : 0;

    if (!s->left)
        pad(o, ' ', fill);
    for (size_t i = 0; i < len; i++)
        put(o, text[i]);
    if (s->left)
        pad(o, ' ', fill);
}

static void put_number(struct out *o, const struct spec *s, const char *prefix, uint64_t value,
                       unsigned int base, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    int len = 0, zeros, plen = (int)strlen(prefix);

    for (; value; value /= base)
        text[len++] = digits[value % base];
    if (len == 0 && s->precision != 0)
        text[len++] = '0';

    zeros = s->precision > len ? s->precision - len : 0;
    if (s->zero && !s->left && s->precision < 0 && s->width > plen + len)
        zeros = s->width - plen - len;

    if (!s->left)
        pad(o, ' ', s->width - plen - zeros - len);
    for (int i = 0; i < plen; i++)
        put(o, prefix[i]);
    pad(o, '0', zeros);
    for (int i = len; i-- > 0;)
        put(o, text[i]);
    if (s->left)
        pad(o, ' ', s->width - plen - zeros - len);
}

/* va_list is an array type on some CPUs; in a struct it can be handed on by reference. */
struct args {
    va_list list;
};

static int64_t signed_arg(struct args *a, char length)
{
    switch (length) {
    case 'L':
        return va_arg(a->list, long long);
    case 'l':
        return va_arg(a->list, long);
    case 'h':
        return (short)va_arg(a->list, int);
    case 'H':
        return (signed char)va_arg(a->list, int);
    default:
        return va_arg(a->list, int);
    }
}

static uint64_t unsigned_arg(struct args *a, char length)
{
    switch (length) {
    case 'L':
        return va_arg(a->list, unsigned long long);
    case 'l':
        return va_arg(a->list, unsigned long);
    case 'h':
        return (unsigned short)va_arg(a->list, unsigned int);
    case 'H':
        return (unsigned char)va_arg(a->list, unsigned int);
    default:
        return va_arg(a->list, unsigned int);
    }
}

static int parse_count(const char **f, struct args *a)
{
    int n = 0;

    if (**f == '*') {
        (*f)++;
        return va_arg(a->list, int);
    }
    while (**f >= '0' && **f <= '9')
        n = n * 10 + *(*f)++ - '0';
    return n;
}

static void parse_spec(struct spec *s, const char **f, struct args *a)
{
    *s = (struct spec){ .precision = -1 };
    for (;; (*f)++) {
        if (**f == '-')
            s->left = true;
        else if (**f == '0')
            s->zero = true;
        else if (**f == '#')
            s->alternate = true;
        else if (**f == '+' || **f == ' ')
            s->plus = s->plus == '+' ? '+' : **f;
        else
            break;
    }
    s->width = parse_count(f, a);
    if (s->width < 0) {
        s->left = true;
        s->width = -s->width;
    }
    if (**f == '.') {
        (*f)++;
        s->precision = parse_count(f, a);
    }
    for (;; (*f)++) {
        if (**f == 'h')
            s->length = s->length == 'h' ? 'H' : 'h';
        else if (**f == 'l')
            s->length = s->length == 'l' ? 'L' : 'l';
        else if (**f == 'z' || **f == 't')
            s->length = 'l';
        else if (**f == 'j')
            s->length = 'L';
        else
            break;
    }
}

static void put_signed(struct out *o, const struct spec *s, int64_t v)
{
    const char sign[2] = { v < 0 ? '-' : s->plus };

    put_number(o, s, sign, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, false);
}

static void put_hex(struct out *o, const struct spec *s, uint64_t v, bool upper)
{
    const char *prefix = upper ? "0X" : "0x";

    put_number(o, s, s->alternate && v ? prefix : "", v, 16, upper);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
    size_t len = 0;

    if (!text)
        text = "(null)";
    while ((s->precision < 0 || len < (size_t)s->precision) && text[len])
        len++;
    put_text(o, s, text, len);
}

static void put_conversion(struct out *o, const struct spec *s, char kind, struct args *a)
{
    char c;

    switch (kind) {
    case 'd':
    case 'i':
        put_signed(o, s, signed_arg(a, s->length));
        break;
    case 'u':
        put_number(o, s, "", unsigned_arg(a, s->length), 10, false);
        break;
    case 'x':
    case 'X':
        put_hex(o, s, unsigned_arg(a, s->length), kind == 'X');
        break;
    case 'p':
        put_number(o, s, "0x", (uintptr_t)va_arg(a->list, void *), 16, false);
        break;
    case 'c':
        c = (char)va_arg(a->list, int);
        put_text(o, s, &c, 1);
        break;
    case 's':
        put_string(o, s, va_arg(a->list, const char *));
        break;
    default: /* %% and what we do not know: shown as it stands */
        if (kind != '%')
            put(o, '%');
        if (kind)
            put(o, kind);
        break;
    }
}

static void format_to(struct out *o, const char *format, va_list args)
{
    struct args a;
    struct spec s;

    va_copy(a.list, args);
    while (*format) {
        if (*format != '%') {
            put(o, *format++);
            continue;
        }
        format++;
        parse_spec(&s, &format, &a);
        put_conversion(o, &s, *format, &a);
        if (*format)
            format++;
    }
    va_end(a.list);
}

void format_stream(char *buf, size_t size, void (*flush)(const char *, size_t), const char *format,
                   va_list args)
{
    struct out o = { .buf = buf, .size = size, .flush = flush };

    format_to(&o, format, args);
    flush(o.buf, o.used);
}

int xenlet_vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
    struct out o = { .buf = buf, .size = size ? size - 1 : 0 };

    format_to(&o, format, args);
    if (size)
        buf[o.used] = '\0';
    return (int)o.len;
}

int xenlet_snprintf(char *buf, size_t size, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = xenlet_vsnprintf(buf, size, format, args);
    va_end(args);
    return len;
}
