/* plugin_calls.c: the socket calls: a lock, a real descriptor (an eventfd) for each of the host's, and the call. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "script/plugin/plugin.h"

static struct plugin *enter(void *userdata)
{
    struct plugin *plugin = userdata;
    pthread_mutex_lock(&plugin->lock);
    plugin_machine_follow(plugin);
    return plugin;
}

static ssize_t leave(struct plugin *plugin, ssize_t result)
{
    int saved = errno;
    if (pthread_equal(pthread_self(), plugin->main))
        plugin_settle(plugin);
    pthread_mutex_unlock(&plugin->lock);
    errno = saved;
    return result;
}

static int live(const struct plugin *plugin, int fd)
{
    return fd >= 0 && fd < PLUGIN_FDS ? plugin->fds[fd] : -1; /* the host says EBADF to -1 */
}

/* A real descriptor for the host's FD, which is closed when there is none. */
static int publish(struct plugin *plugin, int fd)
{
    if (fd < 0)
        return fd;
    int real = eventfd(0, EFD_CLOEXEC);
    if (real >= PLUGIN_FDS) {
        close(real);
        real = -1;
        errno = EMFILE;
    }
    if (real < 0)
        lil_close(plugin->proc, fd);
    else
        plugin->fds[real] = fd;
    return real;
}

/* --- one line each ------------------------------------------------------------------------------------------------------ */
#define CALL(type, expression) struct plugin *p = enter(userdata); return (type)leave(p, (expression))

static int do_socket(void *userdata, int domain, int type, int protocol)
{
    CALL(int, publish(p, lil_socket(p->proc, domain, type, protocol)));
}
static int do_bind(void *userdata, int fd, const struct sockaddr *address, socklen_t length)
{
    CALL(int, lil_bind(p->proc, live(p, fd), address, length));
}
static int do_listen(void *userdata, int fd, int backlog)
{
    CALL(int, lil_listen(p->proc, live(p, fd), backlog));
}
static int do_accept(void *userdata, int fd, struct sockaddr *address, socklen_t *length)
{
    CALL(int, publish(p, lil_accept(p->proc, live(p, fd), address, length)));
}
static int do_connect(void *userdata, int fd, const struct sockaddr *address, socklen_t length)
{
    CALL(int, lil_connect(p->proc, live(p, fd), address, length));
}
static ssize_t do_read(void *userdata, int fd, void *buffer, size_t size)
{
    CALL(ssize_t, lil_read(p->proc, live(p, fd), buffer, size));
}
static ssize_t do_readv(void *userdata, int fd, const struct iovec *iov, int count)
{
    CALL(ssize_t, lil_readv(p->proc, live(p, fd), iov, count));
}
static ssize_t do_recv(void *userdata, int fd, void *buffer, size_t size, int flags)
{
    CALL(ssize_t, lil_recv(p->proc, live(p, fd), buffer, size, flags));
}
static ssize_t do_recvfrom(void *userdata, int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
    CALL(ssize_t, lil_recvfrom(p->proc, live(p, fd), buffer, size, flags, address, length));
}
static ssize_t do_recvmsg(void *userdata, int fd, struct msghdr *message, int flags)
{
    CALL(ssize_t, lil_recvmsg(p->proc, live(p, fd), message, flags));
}
static ssize_t do_write(void *userdata, int fd, const void *buffer, size_t size)
{
    CALL(ssize_t, lil_write(p->proc, live(p, fd), buffer, size));
}
static ssize_t do_writev(void *userdata, int fd, const struct iovec *iov, int count)
{
    CALL(ssize_t, lil_writev(p->proc, live(p, fd), iov, count));
}
static ssize_t do_send(void *userdata, int fd, const void *buffer, size_t size, int flags)
{
    CALL(ssize_t, lil_send(p->proc, live(p, fd), buffer, size, flags));
}
static ssize_t do_sendto(void *userdata, int fd, const void *buffer, size_t size, int flags,
                         const struct sockaddr *address, socklen_t length)
{
    CALL(ssize_t, lil_sendto(p->proc, live(p, fd), buffer, size, flags, address, length));
}
static ssize_t do_sendmsg(void *userdata, int fd, const struct msghdr *message, int flags)
{
    CALL(ssize_t, lil_sendmsg(p->proc, live(p, fd), message, flags));
}
static int do_shutdown(void *userdata, int fd, int how)
{
    CALL(int, lil_shutdown(p->proc, live(p, fd), how));
}
static int do_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *length)
{
    CALL(int, lil_getsockopt(p->proc, live(p, fd), level, name, value, length));
}
static int do_setsockopt(void *userdata, int fd, int level, int name, const void *value, socklen_t length)
{
    CALL(int, lil_setsockopt(p->proc, live(p, fd), level, name, value, length));
}
static int do_epoll_create(void *userdata, int size)
{
    (void)size;
    CALL(int, publish(p, lil_epoll_create1(p->proc, 0)));
}
static int do_epoll_ctl(void *userdata, int epfd, int operation, int fd, struct epoll_event *event)
{
    CALL(int, lil_epoll_ctl(p->proc, live(p, epfd), operation, live(p, fd), event));
}
static int do_epoll_wait(void *userdata, int epfd, struct epoll_event *events, int most, int timeout)
{
    CALL(int, lil_epoll_wait(p->proc, live(p, epfd), events, most, timeout));
}

/* --- the rest ------------------------------------------------------------------------------------------------------------ */
static int do_fcntl(void *userdata, int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    if (command == F_SETFL || command == F_SETFD)
        argument = (int)argument; /* the caller passed an int */
    bool makes = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    CALL(int, makes ? publish(p, lil_fcntl(p->proc, live(p, fd), command, 0)) : lil_fcntl(p->proc, live(p, fd), command, argument));
}

static int do_ioctl(void *userdata, int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    CALL(int, lil_ioctl(p->proc, live(p, fd), request, argument));
}

static int do_close(void *userdata, int fd)
{
    struct plugin *plugin = enter(userdata);
    int result = lil_close(plugin->proc, live(plugin, fd)), saved = errno;
    if (fd >= 0 && fd < PLUGIN_FDS && plugin->fds[fd] >= 0) {
        plugin->fds[fd] = -1;
        close(fd);
    }
    errno = saved;
    return (int)leave(plugin, result);
}

static int do_poll(void *userdata, struct pollfd *fds, nfds_t count, int timeout)
{
    struct plugin *plugin = enter(userdata);
    struct pollfd *mine = fds || !count ? calloc(count ? count : 1, sizeof *mine) : NULL;
    int result = -1;
    if (!mine)
        errno = fds ? ENOMEM : EFAULT;
    if (mine) {
        for (nfds_t i = 0; i < count; i++)
            mine[i] = (struct pollfd){.fd = fds[i].fd < 0 ? -1 : live(plugin, fds[i].fd), .events = fds[i].events};
        result = lil_poll(plugin->proc, mine, count, timeout);
        for (nfds_t i = 0; i < count; i++)
            fds[i].revents = mine[i].revents;
        free(mine);
    }
    return (int)leave(plugin, result);
}

static int do_pipe(void *userdata, int fds[2])
{
    struct plugin *plugin = enter(userdata);
    int mine[2], result = lil_pipe2(plugin->proc, mine, 0);
    if (result == 0) {
        fds[0] = publish(plugin, mine[0]);
        fds[1] = publish(plugin, mine[1]);
        result = fds[0] < 0 || fds[1] < 0 ? -1 : 0;
    }
    return (int)leave(plugin, result);
}

/* From a socket only what the other end takes is consumed. */
static int do_splice(void *userdata, int in, loff_t *in_offset, int out, loff_t *out_offset, size_t length, unsigned flags)
{
    struct plugin *plugin = enter(userdata);
    uint8_t *buffer = malloc(length ? length : 1);
    ssize_t n = -1;
    if (in_offset || out_offset)
        errno = ESPIPE;
    if (buffer && !in_offset && !out_offset) {
        n = lil_recv(plugin->proc, live(plugin, in), buffer, length, MSG_PEEK | (flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0));
        bool is_pipe = n < 0 && errno == ENOTSOCK;
        if (is_pipe)
            n = lil_read(plugin->proc, live(plugin, in), buffer, length);
        if (n > 0)
            n = lil_write(plugin->proc, live(plugin, out), buffer, (size_t)n);
        if (n > 0 && !is_pipe)
            n = lil_read(plugin->proc, live(plugin, in), buffer, (size_t)n);
    }
    int saved = errno;
    free(buffer);
    errno = saved;
    return (int)leave(plugin, n);
}

void plugin_fill(struct packetdrill_interface *interface)
{
    *interface = (struct packetdrill_interface){.socket = do_socket,
                                                .bind = do_bind,
                                                .listen = do_listen,
                                                .accept = do_accept,
                                                .connect = do_connect,
                                                .read = do_read,
                                                .readv = do_readv,
                                                .recv = do_recv,
                                                .recvfrom = do_recvfrom,
                                                .recvmsg = do_recvmsg,
                                                .write = do_write,
                                                .writev = do_writev,
                                                .send = do_send,
                                                .sendto = do_sendto,
                                                .sendmsg = do_sendmsg,
                                                .fcntl = do_fcntl,
                                                .ioctl = do_ioctl,
                                                .close = do_close,
                                                .shutdown = do_shutdown,
                                                .getsockopt = do_getsockopt,
                                                .setsockopt = do_setsockopt,
                                                .poll = do_poll,
                                                .epoll_create = do_epoll_create,
                                                .epoll_ctl = do_epoll_ctl,
                                                .epoll_wait = do_epoll_wait,
                                                .pipe = do_pipe,
                                                .splice = do_splice};
}
