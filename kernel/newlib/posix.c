/* SPDX-License-Identifier: MIT */
/* The system calls by the names programs use. */
#include <errno.h>
#include <fcntl.h>
#include <reent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

_READ_WRITE_RETURN_TYPE write(int fd, const void *text, size_t len)
{
    return _write_r(_REENT, fd, text, len);
}

_READ_WRITE_RETURN_TYPE read(int fd, void *buf, size_t size)
{
    return _read_r(_REENT, fd, buf, size);
}

int open(const char *path, int flags, ...)
{
    return _open_r(_REENT, path, flags, 0);
}

int close(int fd)
{
    return _close_r(_REENT, fd);
}

off_t lseek(int fd, off_t offset, int whence)
{
    return _lseek_r(_REENT, fd, offset, whence);
}

int fstat(int fd, struct stat *st)
{
    return _fstat_r(_REENT, fd, st);
}

int stat(const char *path, struct stat *st)
{
    return _stat_r(_REENT, path, st);
}

int isatty(int fd)
{
    return _isatty_r(_REENT, fd);
}

int access(const char *path, int mode)
{
    (void)mode;
    return stat(path, &(struct stat){ 0 });
}

int mkdir(const char *path, mode_t mode)
{
    return _mkdir_r(_REENT, path, (int)mode);
}

int link(const char *from, const char *to)
{
    return _link_r(_REENT, from, to);
}

/* What is written to the console is on its way already. */
int fsync(int fd)
{
    struct stat st;

    return fstat(fd, &st);
}

int fcntl(int fd, int command, ...)
{
    return _fcntl_r(_REENT, fd, command, 0);
}

int unlink(const char *path)
{
    return _unlink_r(_REENT, path);
}

pid_t getpid(void)
{
    return _getpid_r(_REENT);
}

int kill(pid_t pid, int signal)
{
    return _kill_r(_REENT, pid, signal);
}

int gettimeofday(struct timeval *tv, void *zone)
{
    return _gettimeofday_r(_REENT, tv, zone);
}
