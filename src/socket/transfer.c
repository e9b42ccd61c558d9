/* transfer.c: the calls that move data: read and write and their relations (UNP 3.9, 14). All are one operation on a
 * message header; the short ones build it on the stack. */
#include <limits.h>
#include "socket/call_border.h"

static bool has_wild(const struct msghdr *message)
{
    for (size_t i = 0; i < message->msg_iovlen; i++)
        if ((message->msg_iov[i].iov_len && call_is_wild(message->msg_iov[i].iov_base)) || call_is_beyond(message->msg_iov[i].iov_base))
            return true;
    return (message->msg_namelen && message->msg_name && call_is_wild(message->msg_name)) ||
           (message->msg_controllen && message->msg_control && call_is_wild(message->msg_control));
}

static bool has_beyond(const struct msghdr *message)
{
    for (size_t i = 0; i < message->msg_iovlen; i++)
        if (call_is_beyond(message->msg_iov[i].iov_base))
            return true;
    return false;
}

/* MSG_FASTOPEN with bytes that cannot be read: the SYN goes with those before them, or without any. */
COLD static ssize_t send_wild_syn(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    struct msghdr readable = *message;
    ssize_t n;

    for (readable.msg_iovlen = 0; readable.msg_iovlen < message->msg_iovlen; readable.msg_iovlen++)
        if (message->msg_iov[readable.msg_iovlen].iov_len && call_is_wild(message->msg_iov[readable.msg_iovlen].iov_base))
            break;
    if (message->msg_name && call_is_wild(message->msg_name))
        return -EFAULT;
    n = file->ops->send(proc, file, &readable, (flags & ~MSG_ZEROCOPY) | SEND_UNREADABLE);
    return n == 0 ? -EFAULT : n;
}

/* Bytes that cannot be read: what the socket has against a send comes first (EPIPE, ENOTCONN ...). */
COLD static ssize_t send_wild(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    const struct msghdr nothing = {0};
    struct sockaddr_storage peer;
    ssize_t n;

    if (file->ops->is_socket && file->type != SOCK_STREAM) /* nothing would be a datagram, too */
        return message->msg_name || file->family == AF_NETLINK || file->ops->name(file, NAME_PEER, &peer) >= 0 ? -EFAULT : -EDESTADDRREQ;
    n = file->ops->send ? file->ops->send(proc, file, &nothing, flags & ~(MSG_ZEROCOPY | MSG_FASTOPEN)) : -EINVAL;
    return n < 0 && n != -EAGAIN ? n : -EFAULT;
}

/* A place that cannot be written: a peek tells what there would be, which stays where it is. */
COLD static ssize_t receive_wild(struct lil_proc *proc, struct file *file, int flags)
{
    uint8_t byte;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = file->ops->receive ? file->ops->receive(proc, file, &message, flags | MSG_PEEK) : -EINVAL;

    return n > 0 ? -EFAULT : n;
}

static ssize_t do_send(struct lil_proc *proc, int fd, const struct msghdr *message, int flags, bool is_socket_call)
{
    struct file *file = proc_file(proc, fd);

    if (__builtin_expect(!file, 0))
        return -EBADF;
    if (is_socket_call && !file->ops->is_socket)
        return -ENOTSOCK;
    if (__builtin_expect(has_wild(message), 0))
        return has_beyond(message)                       ? -EFAULT
               : flags & MSG_FASTOPEN && file->ops->send ? send_wild_syn(proc, file, message, flags)
                                                         : send_wild(proc, file, message, flags);
    if (__builtin_expect(flags & MSG_ZEROCOPY, 0) && file->ops->send)
        return zerocopy_send(proc, file, message, flags & ~MSG_ZEROCOPY);
    return file->ops->send ? file->ops->send(proc, file, message, flags) : -EINVAL;
}

static ssize_t do_receive(struct lil_proc *proc, int fd, struct msghdr *message, int flags, bool is_socket_call)
{
    struct file *file = proc_file(proc, fd);

    if (__builtin_expect(!file, 0))
        return -EBADF;
    if (is_socket_call && !file->ops->is_socket)
        return -ENOTSOCK;
    if (__builtin_expect(has_wild(message), 0) && has_beyond(message))
        return -EFAULT;
    if (__builtin_expect(has_wild(message), 0) && !(file->type == SOCK_STREAM && flags & MSG_TRUNC))
        return receive_wild(proc, file, flags);
    return file->ops->receive ? file->ops->receive(proc, file, message, flags) : -EINVAL;
}

static ssize_t write_message(struct lil_proc *proc, int fd, const void *buffer, size_t size)
{
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    return do_send(proc, fd, &message, 0, false);
}

static ssize_t read_message(struct lil_proc *proc, int fd, void *buffer, size_t size)
{
    struct iovec iov = {buffer, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    return do_receive(proc, fd, &message, 0, false);
}

ssize_t lil_write(struct lil_proc *proc, int fd, const void *buffer, size_t size)
{
    struct file *file = proc_file(proc, fd);
    ssize_t result = file && file->ops->write && !call_is_wild(buffer) ? file->ops->write(proc, file, buffer, size)
                                                                       : write_message(proc, fd, buffer, size);

    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "write(%d, %s, %zu)", fd, call_bytes(buffer, (long)size, text), size);
    }
    return call_result(result);
}

/* Linux (sock_read_iter, vfs_writev): read(2), readv(2) and writev(2) of no bytes ask nobody, unlike recv(2) and write(2). */
static bool asks_nobody(const struct file *file, size_t size)
{
    return file && size == 0 && file->ops->is_socket && calls_are(file, CALLS_LINUX);
}

ssize_t lil_read(struct lil_proc *proc, int fd, void *buffer, size_t size)
{
    struct file *file = proc_file(proc, fd);
    ssize_t result = asks_nobody(file, size)                            ? 0
                     : file && file->ops->read && !call_is_wild(buffer) ? file->ops->read(proc, file, buffer, size)
                                                                        : read_message(proc, fd, buffer, size);

    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "read(%d, %s, %zu)", fd, call_bytes(buffer, result, text), size);
    }
    return call_result(result);
}

ssize_t lil_send(struct lil_proc *proc, int fd, const void *buffer, size_t size, int flags)
{
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t result = do_send(proc, fd, &message, flags, true);

    if (call_is_traced(proc)) {
        char text[CALL_TEXT], words[CALL_TEXT];

        call_trace(proc, result, "send(%d, %s, %zu, %s)", fd, call_bytes(buffer, (long)size, text), size,
                   call_msg_flags(flags, words));
    }
    return call_result(result);
}

ssize_t lil_recv(struct lil_proc *proc, int fd, void *buffer, size_t size, int flags)
{
    struct iovec iov = {buffer, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t result = do_receive(proc, fd, &message, flags, true);

    if (call_is_traced(proc)) {
        char text[CALL_TEXT], words[CALL_TEXT];

        call_trace(proc, result, "recv(%d, %s, %zu, %s)", fd,
                   call_bytes(buffer, result < (long)size ? result : (long)size, text), size,
                   call_msg_flags(flags, words));
    }
    return call_result(result);
}

ssize_t lil_sendto(struct lil_proc *proc, int fd, const void *buffer, size_t size, int flags,
                   const struct sockaddr *address, socklen_t length)
{
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    struct msghdr message = {
        .msg_name = (void *)(uintptr_t)address, .msg_namelen = address ? length : 0, .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t result = do_send(proc, fd, &message, flags, true);

    if (call_is_traced(proc)) {
        char text[CALL_TEXT], words[CALL_TEXT], name[CALL_TEXT];

        call_trace(proc, result, "sendto(%d, %s, %zu, %s, %s, %u)", fd, call_bytes(buffer, (long)size, text), size,
                   call_msg_flags(flags, words), call_sockaddr(address, length, name), length);
    }
    return call_result(result);
}

ssize_t lil_recvfrom(struct lil_proc *proc, int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
                     socklen_t *length)
{
    struct iovec iov = {buffer, size};
    struct msghdr message = {
        .msg_name = address, .msg_namelen = address && !call_is_wild(length) ? *length : 0, .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t result;

    if (address && (call_is_wild(address) || call_is_wild(length) || (int)*length < 0)) { /* seen when the name is to be told */
        message.msg_name = NULL;
        result = do_receive(proc, fd, &message, flags, true);
        if (result >= 0)
            result = call_is_wild(length) || call_is_wild(address) ? -EFAULT : -EINVAL;
    } else {
        result = do_receive(proc, fd, &message, flags, true);
    }
    if (result >= 0 && address)
        *length = message.msg_namelen;
    if (call_is_traced(proc)) {
        char text[CALL_TEXT], words[CALL_TEXT], name[CALL_TEXT];

        call_trace(proc, result, "recvfrom(%d, %s, %zu, %s, %s)", fd,
                   call_bytes(buffer, result < (long)size ? result : (long)size, text), size,
                   call_msg_flags(flags, words),
                   result >= 0 && address && *length ? call_sockaddr(address, *length, name) : "NULL");
    }
    return call_result(result);
}

static int check_iov(const struct iovec *iov, size_t count)
{
    size_t total = 0;

    if (count > IOV_MAX)
        return -EINVAL;
    if (count && call_is_wild(iov))
        return -EFAULT;
    for (size_t i = 0; i < count; i++) {
        if (iov[i].iov_len > SSIZE_MAX - total)
            return -EINVAL;
        total += iov[i].iov_len;
    }
    return 0;
}

ssize_t lil_writev(struct lil_proc *proc, int fd, const struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    ssize_t result = check_iov(iov, (size_t)count);

    if (result == 0 && !asks_nobody(proc_file(proc, fd), iov_total(iov, (size_t)count)))
        result = do_send(proc, fd, &message, 0, false);
    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "writev(%d, [%s ...], %d)", fd, call_iov(iov, (size_t)count, result, text), count);
    }
    return call_result(result);
}

ssize_t lil_readv(struct lil_proc *proc, int fd, const struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    ssize_t result = check_iov(iov, (size_t)count);

    if (result == 0 && !asks_nobody(proc_file(proc, fd), iov_total(iov, (size_t)count)))
        result = do_receive(proc, fd, &message, 0, false);
    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "readv(%d, [%s ...], %d)", fd, call_iov(iov, (size_t)count, result, text), count);
    }
    return call_result(result);
}

ssize_t lil_sendmsg(struct lil_proc *proc, int fd, const struct msghdr *message, int flags)
{
    ssize_t result = call_is_wild(message)           ? -EFAULT
                     : message->msg_iovlen > IOV_MAX ? -EMSGSIZE
                                                     : check_iov(message->msg_iov, message->msg_iovlen);

    if (result == 0)
        result = do_send(proc, fd, message, flags, true);
    if (call_is_traced(proc) && result != -EFAULT) {
        char text[CALL_TEXT], words[CALL_TEXT], name[CALL_TEXT];

        call_trace(proc, result, "sendmsg(%d, {%s, [%s]}, %s)", fd,
                   call_sockaddr(message->msg_name, message->msg_namelen, name),
                   call_iov(message->msg_iov, message->msg_iovlen, result, text), call_msg_flags(flags, words));
    }
    return call_result(result);
}

ssize_t lil_recvmsg(struct lil_proc *proc, int fd, struct msghdr *message, int flags)
{
    ssize_t result = call_is_wild(message)           ? -EFAULT
                     : message->msg_iovlen > IOV_MAX ? -EMSGSIZE
                                                     : check_iov(message->msg_iov, message->msg_iovlen);

    if (result == 0 && !message->msg_name)
        message->msg_namelen = 0;
    if (result == 0)
        result = do_receive(proc, fd, message, flags, true);
    if (call_is_traced(proc) && result != -EFAULT) {
        char text[CALL_TEXT], words[CALL_TEXT];

        call_trace(proc, result, "recvmsg(%d, [%s], %s)", fd,
                   call_iov(message->msg_iov, message->msg_iovlen, result, text), call_msg_flags(flags, words));
    }
    return call_result(result);
}
