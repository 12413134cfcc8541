/* SPDX-License-Identifier: MIT */
/*
 * newlib's system calls. There are three files, all of them the console, and one process. In a line
 * by itself Ctrl-D is the end of the input, as a terminal has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <reent.h>
#include <signal.h>
#include <string.h>
#include <sys/lock.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenlet/console.h>
#include <xenlet/random.h>
#include "kernel/newlib/internal.h"

#ifndef _REENT_ERRNO
#define _REENT_ERRNO(r) ((r)->_errno)
#endif

#define CTRL_D          4
#define ENTROPY_LARGEST 256 /* as POSIX has it */

static int fail(struct _reent *r, int error)
{
    _REENT_ERRNO(r) = error;
    return -1;
}

/* --- the console ---------------------------------------------------------------------------- */

static bool is_console(int fd)
{
    return fd >= STDIN_FILENO && fd <= STDERR_FILENO;
}

_ssize_t _write_r(struct _reent *r, int fd, const void *text, size_t len)
{
    if (fd != STDOUT_FILENO && fd != STDERR_FILENO)
        return fail(r, EBADF);
    console_write(text, len);
    return (_ssize_t)len;
}

/* What is left of the last line; stdin's lock, or the program, keeps others away. */
static struct {
    char text[2048 + 1];
    size_t at, len;
} line;

static int next_line(void)
{
    int rc = console_read_line(line.text, sizeof(line.text) - 1, &line.len, XENLET_FOREVER);

    if (rc)
        return rc;
    line.at = 0;
    if (line.len == 1 && line.text[0] == CTRL_D)
        line.len = 0;
    else
        line.text[line.len++] = '\n';
    return 0;
}

_ssize_t _read_r(struct _reent *r, int fd, void *buf, size_t size)
{
    size_t n;

    if (fd != STDIN_FILENO)
        return fail(r, EBADF);
    if (line.at == line.len && next_line())
        return fail(r, EDEADLK);
    n = line.len - line.at < size ? line.len - line.at : size;
    memcpy(buf, line.text + line.at, n);
    line.at += n;
    return (_ssize_t)n;
}

int _isatty_r(struct _reent *r, int fd)
{
    if (is_console(fd))
        return 1;
    fail(r, EBADF);
    return 0;
}

int _fstat_r(struct _reent *r, int fd, struct stat *st)
{
    if (!is_console(fd))
        return fail(r, EBADF);
    memset(st, 0, sizeof(*st));
    st->st_mode = S_IFCHR | S_IRUSR | S_IWUSR;
    return 0;
}

_off_t _lseek_r(struct _reent *r, int fd, _off_t offset, int whence)
{
    (void)offset;
    (void)whence;
    return fail(r, is_console(fd) ? ESPIPE : EBADF);
}

int _close_r(struct _reent *r, int fd)
{
    return is_console(fd) ? 0 : fail(r, EBADF);
}

/* --- randomness ----------------------------------------------------------------------------- */

int getentropy(void *buf, size_t len)
{
    if (len <= ENTROPY_LARGEST && xenlet_random(buf, len) == 0)
        return 0;
    errno = EIO;
    return -1;
}

/* --- what there is not ---------------------------------------------------------------------- */

int _getpid_r(struct _reent *r)
{
    (void)r;
    return 1;
}

/* raise() of a signal nobody handles. */
int _kill_r(struct _reent *r, int pid, int signal)
{
    if (pid != 1)
        return fail(r, ESRCH);
    if (signal < 0 || signal >= NSIG)
        return fail(r, EINVAL);
    if (signal)
        xenlet_panic("signal %d", signal);
    return 0; /* of 0: whether there is such a process */
}

int _open_r(struct _reent *r, const char *path, int flags, int mode)
{
    (void)path;
    (void)flags;
    (void)mode;
    return fail(r, ENOENT);
}

int _stat_r(struct _reent *r, const char *path, struct stat *st)
{
    (void)path;
    (void)st;
    return fail(r, ENOENT);
}

int _unlink_r(struct _reent *r, const char *path)
{
    (void)path;
    return fail(r, ENOENT);
}

int _link_r(struct _reent *r, const char *from, const char *to)
{
    (void)from;
    (void)to;
    return fail(r, ENOENT);
}

int _rename_r(struct _reent *r, const char *from, const char *to)
{
    return _link_r(r, from, to);
}

int _mkdir_r(struct _reent *r, const char *path, int mode)
{
    (void)path;
    (void)mode;
    return fail(r, ENOENT);
}

int _fcntl_r(struct _reent *r, int fd, int command, int argument)
{
    (void)command;
    (void)argument;
    return fail(r, is_console(fd) ? EINVAL : EBADF);
}

int _execve_r(struct _reent *r, const char *path, char *const argv[], char *const env[])
{
    (void)path;
    (void)argv;
    (void)env;
    return fail(r, ENOENT);
}

int _fork_r(struct _reent *r)
{
    return fail(r, EAGAIN);
}

int _wait_r(struct _reent *r, int *status)
{
    (void)status;
    return fail(r, ECHILD);
}
