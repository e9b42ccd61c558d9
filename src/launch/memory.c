/* memory.c: the memory and descriptors of a supervised thread. process_vm_readv and process_vm_writev take thread ids;
 * pidfd_open below Linux 6.9 takes thread-group leaders only, hence the second try. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "launch/memory.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

int memory_read(pid_t tid, uint64_t from, void *to, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};
    if (!size)
        return 0;
    return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int memory_read_path(pid_t tid, uint64_t from, char *out)
{
    for (size_t done = 0; done < PATH_MAX;) {
        size_t part = 256 - (from + done) % 256; /* by pages: what follows it may not be mapped */
        if (part > PATH_MAX - done)
            part = PATH_MAX - done;
        if (memory_read(tid, from + done, out + done, part) < 0)
            return -EFAULT;
        if (memchr(out + done, 0, part))
            return 0;
        done += part;
    }
    return -ENAMETOOLONG;
}

int memory_write(pid_t tid, uint64_t to, const void *from, size_t size)
{
    struct iovec local = {(void *)(uintptr_t)from, size}, remote = {(void *)(uintptr_t)to, size};
    if (!size)
        return 0;
    return process_vm_writev(tid, &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int memory_write_two(pid_t tid, uint64_t to, const void *from, size_t size, uint64_t to2, const void *from2, size_t size2)
{
    struct iovec local[2] = {{(void *)(uintptr_t)from, size}, {(void *)(uintptr_t)from2, size2}};
    struct iovec remote[2] = {{(void *)(uintptr_t)to, size}, {(void *)(uintptr_t)to2, size2}};
    return process_vm_writev(tid, local, 2, remote, 2, 0) == (ssize_t)(size + size2) ? 0 : -EFAULT;
}

/* REMOTE without its first SKIP bytes and at most SIZE long; the number of pieces. */
static int window(const struct iovec *remote, int count, size_t skip, size_t size, struct iovec *out, size_t *total)
{
    int n = 0;
    *total = 0;
    for (int i = 0; i < count && *total < size; i++) {
        size_t length = remote[i].iov_len;
        size_t cut = skip < length ? skip : length;
        skip -= cut;
        length -= cut;
        if (!length)
            continue;
        if (length > size - *total)
            length = size - *total;
        out[n++] = (struct iovec){(char *)remote[i].iov_base + cut, length};
        *total += length;
    }
    return n;
}

ssize_t memory_gather(pid_t tid, const struct iovec *remote, int count, size_t skip, void *to, size_t size)
{
    struct iovec piece[IOV_MAX];
    size_t total;
    int n = window(remote, count, skip, size, piece, &total);
    struct iovec local = {to, total};
    ssize_t got;

    if (!total)
        return 0;
    got = process_vm_readv(tid, &local, 1, piece, (unsigned long)n, 0);
    return got <= 0 ? -EFAULT : got;
}

ssize_t memory_scatter(pid_t tid, const struct iovec *remote, int count, size_t skip, const void *from, size_t size)
{
    struct iovec piece[IOV_MAX];
    size_t total;
    int n = window(remote, count, skip, size, piece, &total);
    struct iovec local = {(void *)(uintptr_t)from, total};

    if (!total)
        return 0;
    return process_vm_writev(tid, &local, 1, piece, (unsigned long)n, 0) == (ssize_t)total ? (ssize_t)total : -EFAULT;
}

static int memory_pidfd(pid_t tid)
{
    int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
    if (fd < 0)
        fd = (int)syscall(SYS_pidfd_open, tid, 0);
    if (fd < 0) {
        pid_t tgid = memory_tgid(tid);
        if (tgid > 0)
            fd = (int)syscall(SYS_pidfd_open, tgid, 0);
    }
    return fd < 0 ? -errno : fd;
}

/* The last callers' pidfds: a thread calls many times in a row. A pidfd never means another process than the one that
 * it was opened for: when the number is used anew it answers ESRCH, and is opened again. */
enum { CACHED = 64 };
static struct cached {
    pid_t tid;
    int pidfd;
} cache[CACHED];

int memory_get_fd(pid_t tid, int fd)
{
    struct cached *entry = &cache[(unsigned)tid % CACHED];
    int copy;

    for (int attempt = 0; attempt < 2; attempt++) {
        if (entry->tid != tid) {
            if (entry->tid)
                close(entry->pidfd);
            entry->pidfd = memory_pidfd(tid);
            entry->tid = entry->pidfd < 0 ? 0 : tid;
            if (entry->pidfd < 0)
                return entry->pidfd;
        }
        copy = (int)syscall(SYS_pidfd_getfd, entry->pidfd, fd, 0);
        if (copy >= 0 || errno != ESRCH)
            break;
        close(entry->pidfd);
        entry->tid = 0;
    }
    return copy < 0 ? -errno : copy;
}

int memory_open(pid_t tid, int fd, bool shares_place)
{
    char path[64];
    int file = memory_get_fd(tid, fd);

    if (file != -EPERM && file != -ENOSYS)
        return file;
    if (shares_place)
        return -ENOTSUP; /* what is opened anew has a place of its own */
    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return file >= 0 ? file : errno == ENOENT ? -EBADF : -ENOTSUP;
}

void memory_proc_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
}

static pid_t status_number(pid_t tid, const char *line)
{
    char path[64], text[512], *at;

    snprintf(path, sizeof path, "/proc/%d/status", tid);
    memory_proc_text(path, text, sizeof text);
    at = strstr(text, line); /* the name, which comes first, may hold anything but the line's end */
    return at ? atoi(at + strlen(line)) : -ESRCH;
}

pid_t memory_tgid(pid_t tid) { return status_number(tid, "\nTgid:"); }
pid_t memory_parent(pid_t tid) { return status_number(tid, "\nPPid:"); }
