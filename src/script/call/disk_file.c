/* disk_file.c: see disk_file.h. A file's bytes are zeros, as many as the real one of that name has (beside the script, or as the
 * path stands), or without end where there is none. sendfile(2) hands the socket 16 pages at a time, splice(2) what the
 * pipe has; all but the last with MSG_MORE. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include "script/call/syscall.h"
#include "script/call/disk_file.h"
#include "script/shell/shell.h"

enum { PIPE_PAGES = 65536, PAGE = 4096, NONBLOCK = 2 /* SPLICE_F_NONBLOCK */, MORE = 4 /* SPLICE_F_MORE */ };
struct file {
    struct file *next;
    int live_fd;
    int64_t size, at;
};

static struct file *find(const struct run *run, int live_fd)
{
    struct file *file = run->opened;
    while (file && file->live_fd != live_fd)
        file = file->next;
    return file;
}

int file_open(struct run *run, const char *path)
{
    struct arena *arena = &run->script.arena;
    const char *script = run->script.path, *slash = strrchr(script, '/');
    struct file *file = arena_alloc(arena, sizeof *file);
    struct stat info;
    bool found = path[0] != '/' && slash && stat(arena_printf(arena, "%.*s/%s", (int)(slash - script), script, path), &info) == 0;
    *file = (struct file){.next = run->opened, .live_fd = run->next_file_fd++, .size = INT64_MAX};
    if (shell_file_size(run, path, &file->size)) /* made by the script's commands */
        ;
    else if ((found || stat(path, &info) == 0) && S_ISREG(info.st_mode))
        file->size = info.st_size;
    run->opened = file;
    return file->live_fd;
}

int file_close(struct run *run, int live_fd)
{
    (void)run, (void)live_fd; /* the arena's */
    return 0;
}

static size_t rest(const struct file *file, int64_t at, size_t size)
{
    return at >= file->size ? 0 : (int64_t)size < file->size - at ? size : (size_t)(file->size - at);
}

ssize_t file_read(struct run *run, int live_fd, void *buffer, size_t size)
{
    struct file *file = find(run, live_fd);
    size_t n = file ? rest(file, file->at, size) : 0;
    if (buffer)
        memset(buffer, 0, n);
    if (file)
        file->at += (int64_t)n;
    return (ssize_t)n;
}

ssize_t file_send(struct run *run, int to, const struct fd_entry *from, int64_t *offset, size_t size)
{
    struct file *file = from->kind == FD_FILE ? find(run, from->live_fd) : NULL;
    ssize_t done = 0;
    if (!file) {
        errno = EINVAL;
        return -1;
    }
    int64_t *at = offset ? offset : &file->at;
    uint8_t *zeros = calloc(1, PIPE_PAGES);
    if (!zeros || *at < 0) {
        free(zeros);
        errno = zeros ? EINVAL : ENOMEM;
        return -1;
    }
    for (size_t n; (n = rest(file, *at, size - (size_t)done)) > 0;) {
        size_t most = (size_t)(PIPE_PAGES - *at % PAGE), take = n < most ? n : most;
        ssize_t put = lil_send(run->proc, to, zeros, take, take < size - (size_t)done ? MSG_MORE : 0);
        if (put < 0) {
            done = done ? done : put;
            break;
        }
        done += put;
        *at += put;
        if ((size_t)put == take) /* else once more, which takes the error that ended it (splice_to_socket()) */
            run->next_ns = lil_host_poll(run->host, run->now_ns); /* what may go goes before the next pages are there */
    }
    int saved = errno;
    free(zeros);
    errno = saved;
    return done;
}

static bool is_readable(struct run *run, int live_fd)
{
    struct pollfd poll = {.fd = live_fd, .events = POLLIN};
    return lil_poll(run->proc, &poll, 1, 0) > 0;
}

/* tcp_read_sock() stops before an urgent byte, and tcp_splice_read() does not wait for it to go. */
static ssize_t read_socket(struct run *run, int live_fd, void *buffer, size_t size)
{
    int is_at_mark = 0;
    if (lil_ioctl(run->proc, live_fd, SIOCATMARK, &is_at_mark) < 0 || !is_at_mark)
        return lil_recv(run->proc, live_fd, buffer, size, MSG_PEEK);
    if (!(lil_fcntl(run->proc, live_fd, F_GETFL, 0) & O_NONBLOCK))
        return 0;
    errno = EAGAIN;
    return -1;
}

/* What cannot be written is not read: MSG_PEEK first. SPLICE_F_NONBLOCK is for pipes; a socket has its own O_NONBLOCK. */
ssize_t file_splice(struct run *run, const struct fd_entry *from, const struct fd_entry *to, size_t size, unsigned flags)
{
    if (size == 0)
        return 0;
    if (from->kind != FD_PIPE && to->kind != FD_PIPE) {
        errno = EINVAL;
        return -1;
    }
    if (to->kind == FD_PIPE && lil_write(run->proc, to->live_fd, "", 0) < 0) /* its other end */
        return -1;
    uint8_t *buffer = malloc(size);
    if (!buffer) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t got = (ssize_t)size;
    call_fill(buffer, size);
    if (from->kind == FD_SOCKET)
        got = read_socket(run, from->live_fd, buffer, size);
    else if (from->kind == FD_PIPE && flags & NONBLOCK && !is_readable(run, from->live_fd))
        errno = EAGAIN, got = -1;
    else if (from->kind == FD_PIPE)
        got = lil_read(run->proc, from->live_fd, buffer, size);
    ssize_t put = got;
    if (got > 0 && to->kind == FD_SOCKET)
        put = lil_send(run->proc, to->live_fd, buffer, (size_t)got, flags & MORE ? MSG_MORE : 0);
    else if (got > 0 && to->kind == FD_PIPE)
        put = lil_write(run->proc, to->live_fd, buffer, (size_t)got);
    if (put > 0 && from->kind == FD_SOCKET)
        put = lil_recv(run->proc, from->live_fd, buffer, (size_t)put, 0);
    int saved = errno;
    free(buffer);
    errno = saved;
    return put;
}
