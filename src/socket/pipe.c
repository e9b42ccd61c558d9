/* pipe.c: a pipe: a ring of 64 KiB (made at the first byte) and its two ends (pipe(7)). */
#include "socket/pipe.h"
#include <fcntl.h>
#include "socket/sock.h"

enum { PIPE_SIZE = 65536, PIPE_ATOMIC = 4096 };
struct pipe_end {
    struct file file;
    struct pipe *pipe;
    bool is_writer;
};
struct pipe {
    struct pipe_end *reader, *writer; /* NULL: closed */
    uint8_t *ring;
    uint32_t first, length;
};

static struct pipe_end *end_of(struct file *file)
{
    return container_of(file, struct pipe_end, file);
}

static ssize_t put_bytes(struct pipe *pipe, const struct msghdr *message, size_t total)
{
    size_t done = 0, room = PIPE_SIZE - pipe->length;

    if (room == 0 || (total <= PIPE_ATOMIC && total > room))
        return -EAGAIN;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        for (size_t j = 0; j < message->msg_iov[i].iov_len && done < room; j++, done++)
            pipe->ring[(pipe->first + pipe->length + done) % PIPE_SIZE] =
                ((const uint8_t *)message->msg_iov[i].iov_base)[j];
    pipe->length += (uint32_t)done;
    if (pipe->reader)
        file_wake(&pipe->reader->file, POLLIN | POLLRDNORM);
    return (ssize_t)done;
}

static ssize_t pipe_send(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    struct pipe_end *end = end_of(file);
    struct pipe *pipe = end->pipe;
    size_t total = iov_total(message->msg_iov, message->msg_iovlen);

    if (!end->is_writer)
        return -EBADF;
    if (!pipe->ring)
        pipe->ring = pool_alloc(file->sockets->pool, PIPE_SIZE);
    if (!pipe->ring)
        return -ENOMEM;
    for (;;) {
        ssize_t result;

        if (!pipe->reader)
            return -EPIPE;
        result = total ? put_bytes(pipe, message, total) : 0;
        if (result != -EAGAIN || !file_is_blocking(file, flags))
            return result;
        result = wait_file(proc, file, POLLOUT, LIL_NEVER);
        if (result < 0)
            return result;
    }
}

static ssize_t take_bytes(struct pipe *pipe, const struct msghdr *message)
{
    size_t done = 0;

    for (size_t i = 0; i < message->msg_iovlen; i++)
        for (size_t j = 0; j < message->msg_iov[i].iov_len && done < pipe->length; j++, done++)
            ((uint8_t *)message->msg_iov[i].iov_base)[j] = pipe->ring[(pipe->first + done) % PIPE_SIZE];
    pipe->first = (uint32_t)((pipe->first + done) % PIPE_SIZE);
    pipe->length -= (uint32_t)done;
    if (pipe->writer && done)
        file_wake(&pipe->writer->file, POLLOUT | POLLWRNORM);
    return (ssize_t)done;
}

static ssize_t pipe_receive(struct lil_proc *proc, struct file *file, struct msghdr *message, int flags)
{
    struct pipe_end *end = end_of(file);
    struct pipe *pipe = end->pipe;

    if (end->is_writer)
        return -EBADF;
    for (;;) {
        int result;

        if (pipe->length)
            return take_bytes(pipe, message);
        if (!pipe->writer)
            return 0;
        if (!file_is_blocking(file, flags))
            return -EAGAIN;
        result = wait_file(proc, file, POLLIN, LIL_NEVER);
        if (result < 0)
            return result;
    }
}

static unsigned pipe_events(struct file *file)
{
    const struct pipe_end *end = end_of(file);
    const struct pipe *pipe = end->pipe;

    if (end->is_writer)
        return (PIPE_SIZE - pipe->length >= PIPE_ATOMIC ? POLLOUT | POLLWRNORM : 0) | (pipe->reader ? 0 : POLLERR);
    return (pipe->length ? POLLIN | POLLRDNORM : 0) | (pipe->writer ? 0 : POLLHUP);
}

static void pipe_close(struct sockets *sockets, struct file *file)
{
    struct pipe_end *end = end_of(file);
    struct pipe *pipe = end->pipe;

    if (end->is_writer)
        pipe->writer = NULL;
    else
        pipe->reader = NULL;
    if (pipe->reader)
        file_wake(&pipe->reader->file, POLLHUP | POLLIN);
    if (pipe->writer)
        file_wake(&pipe->writer->file, POLLERR | POLLOUT);
    if (!pipe->reader && !pipe->writer) {
        if (pipe->ring)
            pool_free(sockets->pool, pipe->ring, PIPE_SIZE);
        pool_free(sockets->pool, pipe, sizeof *pipe);
    }
    sockets->file_count--;
    pool_free(sockets->pool, end, sizeof *end);
}

static int pipe_readable(struct file *file)
{
    return (int)end_of(file)->pipe->length;
}

static const struct file_ops pipe_ops = {
    .send = pipe_send,
    .receive = pipe_receive,
    .events = pipe_events,
    .close = pipe_close,
    .readable = pipe_readable,
};

static struct pipe_end *end_new(struct sockets *sockets, struct pipe *pipe, bool is_writer, int flags)
{
    struct pipe_end *end = pool_alloc(sockets->pool, sizeof *end);

    if (!end)
        return NULL;
    end->file.ops = &pipe_ops;
    end->file.sockets = sockets;
    end->file.refs = 1;
    end->file.flags = flags & O_NONBLOCK ? FILE_NONBLOCK : 0;
    end->pipe = pipe;
    end->is_writer = is_writer;
    if (is_writer)
        pipe->writer = end;
    else
        pipe->reader = end;
    sockets->file_count++;
    return end;
}

int pipe_create(struct lil_proc *proc, int fds[2], int flags)
{
    struct sockets *sockets = proc->sockets;
    struct pipe *pipe;
    struct pipe_end *reader, *writer;
    int fd;

    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    pipe = pool_alloc(sockets->pool, sizeof *pipe);
    if (!pipe)
        return -ENOMEM;
    reader = end_new(sockets, pipe, false, flags);
    if (!reader) {
        pool_free(sockets->pool, pipe, sizeof *pipe);
        return -ENOMEM;
    }
    writer = end_new(sockets, pipe, true, flags);
    if (!writer) {
        file_unref(&reader->file);
        return -ENOMEM;
    }
    fd = proc_next(proc, 0);
    if (fd >= 0) {
        fds[0] = fd;
        proc_put(proc, fd, &reader->file, flags & O_CLOEXEC);
        fd = proc_next(proc, 0);
        if (fd < 0)
            (void)proc_close(proc, fds[0], false);
    } else {
        file_unref(&reader->file);
    }
    if (fd < 0) {
        file_unref(&writer->file);
        return fd;
    }
    fds[1] = fd;
    proc_put(proc, fd, &writer->file, flags & O_CLOEXEC);
    return 0;
}
