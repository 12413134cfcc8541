/* SPDX-License-Identifier: MIT */
/* Files in and out. Sources of device trees go through dtc. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "xenlet-dt.h"

#define LARGEST (64u << 20) /* bytes; what is larger is something else, or has no end */

void die(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "xenlet-dt: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(NULL);
    _exit(EXIT_TROUBLE); /* as it is: nobody frees anything */
}

void *grow(void *array, size_t size)
{
    void *p = realloc(array, size);

    if (!p)
        die("out of memory");
    return p;
}

static bool is_source(const char *file)
{
    size_t len = strlen(file);

    return len > 4 && strcmp(file + len - 4, ".dts") == 0;
}

/* Run dtc from `in` to `out`, of which one is a pipe of ours. */
static pid_t start_dtc(const char *from, const char *to, const char *file, int fd_in, int fd_out)
{
    pid_t child = fork();

    if (child < 0)
        die("cannot start dtc: %s", strerror(errno));
    if (child == 0) {
        if (fd_in >= 0)
            dup2(fd_in, 0);
        if (fd_out >= 0)
            dup2(fd_out, 1);
        execlp("dtc", "dtc", "-q", "-q", "-I", from, "-O", to, "-o", fd_out < 0 ? file : "-", "--",
               fd_in < 0 ? file : "-", (char *)NULL);
        fprintf(stderr, "xenlet-dt: cannot run dtc: %s (it is in device-tree-compiler)\n",
                strerror(errno));
        _exit(127);
    }
    return child;
}

static void end_dtc(pid_t child, const char *what, const char *file)
{
    int status;

    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("%s: dtc cannot %s it", file, what);
}

static void *read_all(FILE *in, const char *file, size_t *size)
{
    char *data = grow(NULL, 1); /* never NULL, for an empty file too */
    size_t room = 0;

    *size = 0;
    do {
        if (room >= LARGEST)
            die("%s: a device tree is never that large", file);
        room = room ? 2 * room : 65536;
        data = grow(data, room);
        *size += fread(data + *size, 1, room - *size, in);
    } while (*size == room);
    if (ferror(in))
        die("%s: %s", file, strerror(errno));
    return data;
}

static void *load_source(const char *file, size_t *size)
{
    int fds[2];
    FILE *in;
    void *data;
    pid_t child;

    if (access(file, R_OK) != 0)
        die("%s: %s", file, strerror(errno));
    if (pipe(fds) != 0)
        die("%s: %s", file, strerror(errno));
    child = start_dtc("dts", "dtb", file, -1, fds[1]);
    close(fds[1]);
    in = fdopen(fds[0], "r");
    if (!in)
        die("%s: %s", file, strerror(errno));
    data = read_all(in, file, size);
    fclose(in);
    end_dtc(child, "compile", file);
    return data;
}

void *tree_load(const char *file, size_t *size)
{
    FILE *in;
    void *data;

    if (is_source(file))
        return load_source(file, size);
    in = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
    if (!in)
        die("%s: %s", file, strerror(errno));
    data = read_all(in, file, size);
    if (in != stdin)
        fclose(in);
    return data;
}

static void write_all(FILE *out, const char *file, const void *tree)
{
    bool bad = fwrite(tree, 1, fdt_totalsize(tree), out) != fdt_totalsize(tree);

    if (fclose(out) != 0 || bad)
        die("%s: %s", file, strerror(errno));
}

void tree_save(const char *file, const void *tree)
{
    int fds[2];
    FILE *out;
    pid_t child;

    if (!is_source(file)) {
        out = strcmp(file, "-") == 0 ? fdopen(dup(1), "wb") : fopen(file, "wb");
        if (!out)
            die("%s: %s", file, strerror(errno));
        write_all(out, file, tree);
        return;
    }
    if (pipe(fds) != 0)
        die("%s: %s", file, strerror(errno));
    fflush(stdout);
    child = fork();
    if (child < 0)
        die("cannot start dtc: %s", strerror(errno));
    if (child == 0) { /* so that dtc's input is never waited for by who writes it */
        close(fds[1]);
        end_dtc(start_dtc("dtb", "dts", file, fds[0], -1), "write", file);
        _exit(0);
    }
    close(fds[0]);
    out = fdopen(fds[1], "wb");
    if (!out)
        die("%s: %s", file, strerror(errno));
    write_all(out, file, tree);
    end_dtc(child, "write", file);
}

void text_save(const char *file, void (*write)(FILE *out, const struct system *s),
               const struct system *s)
{
    FILE *out = strcmp(file, "-") == 0 ? stdout : fopen(file, "w");

    if (!out)
        die("%s: %s", file, strerror(errno));
    write(out, s);
    if ((out == stdout ? fflush(out) : fclose(out)) != 0)
        die("%s: %s", file, strerror(errno));
}
