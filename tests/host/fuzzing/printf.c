/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: formatting says what the host's C library says, for every conversion that it knows,
 * and keeps to its buffer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenlet/console.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t add_spec(char *format, const uint8_t *d, char *conversion, char *length)
{
    static const char flags[] = "-0#+ ";
    static const char conversions[] = "diuxXcs";
    static const char lengths[] = "\0hHlLztj";
    size_t n = 0;

    format[n++] = '%';
    for (unsigned int i = 0; i < 5; i++) {
        if (d[0] >> i & 1)
            format[n++] = flags[i];
    }
    if (d[1] & 1)
        n += (size_t)sprintf(format + n, "%u", d[1] % 60 + 1u);
    if (d[2] & 1)
        n += (size_t)sprintf(format + n, ".%u", d[2] % 40u);
    *conversion = conversions[d[3] % 7];
    *length = *conversion == 'c' || *conversion == 's' ? '\0' : lengths[d[4] % 8];
    if (*length == 'H' || *length == 'L')
        format[n++] = *length == 'H' ? 'h' : 'l';
    if (*length)
        format[n++] = *length == 'H' ? 'h' : *length == 'L' ? 'l' : *length;
    format[n++] = *conversion;
    format[n] = '\0';
    return n;
}

/* Undefined by C, so of no interest: # with d, 0 with c and s, and the like. */
static bool defined(uint8_t flags, char conversion)
{
    bool zero = flags & 2, alternate = flags & 4, sign = flags & 24;

    if (conversion == 'c' || conversion == 's')
        return !zero && !alternate && !sign;
    if (conversion == 'd' || conversion == 'i')
        return !alternate;
    return !sign && (conversion != 'u' || !alternate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char format[64], want[256], got[256], conversion, length;
    size_t room;
    uint64_t value;
    int wanted, said;

    if (size < 14)
        return 0;
    add_spec(format, data, &conversion, &length);
    if (!defined(data[0], conversion) || (conversion == 'c' && (data[2] & 1)))
        return 0;
    memcpy(&value, data + 5, sizeof(value));
    room = data[13] & 1 ? sizeof(got) : data[13] / 2u;
    memset(got, '?', sizeof(got));
    if (conversion == 's') {
        char text[9];

        memcpy(text, &value, 8);
        text[8] = '\0';
        wanted = snprintf(want, room, format, text);
        said = xenlet_snprintf(got, room, format, text);
    } else if (length == 'l' || length == 'L' || length == 'z' || length == 't' || length == 'j') {
        wanted = snprintf(want, room, format, value);
        said = xenlet_snprintf(got, room, format, value);
    } else {
        if (conversion == 'c' && (char)value == 0)
            value = 'x';
        wanted = snprintf(want, room, format, (int)value);
        said = xenlet_snprintf(got, room, format, (int)value);
    }
    if (said != wanted || (room && strcmp(want, got) != 0)) {
        fprintf(stderr, "\"%s\": \"%s\" (%d), expected \"%s\" (%d)\n", format, got, said, want,
                wanted);
        abort();
    }
    for (size_t i = room; i < sizeof(got); i++) {
        if (got[i] != '?')
            abort();
    }
    return 0;
}
