/* override.h: an ordinary sockets program compiled as it is onto the current lilliput process (lil_current): include
 * this file last, or compile with -include lilliput/override.h. Plain names become calls on lil descriptors; 0, 1 and 2
 * stay the system's, and so do files opened here (they are moved to OVERRIDE_SYSTEM_FIRST and above). Without a current
 * process everything is the system's. With LIL_PROGRAM defined as a word, main() becomes WORD_main(), to be spawned in
 * a world. Time is virtual. There is no fork(): one program is one process; `lilliput run -- PROGRAM` runs real
 * processes. Names: getaddrinfo() is the system's: use numbers. */
#ifndef LILLIPUT_OVERRIDE_H
#define LILLIPUT_OVERRIDE_H
#ifndef _GNU_SOURCE
#error "lilliput/override.h needs -D_GNU_SOURCE (fopencookie)"
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "lilliput/socket.h"
#include "lilliput/world.h"

#define OVERRIDE_UNUSED __attribute__((unused))
enum { OVERRIDE_SYSTEM_FIRST = 512 };

/* Is FD the current process's (or would it be, were it open)? */
static OVERRIDE_UNUSED bool override_is_lil(int fd)
{
    if (!lil_current())
        return false;
    return lil_is_open(lil_current(), fd) || (fd > 2 && fd < OVERRIDE_SYSTEM_FIRST);
}

/* --- sockets ---------------------------------------------------------------------------------- */
#define OVERRIDE(fd, lil, system) (override_is_lil(fd) ? (lil) : (system))
static OVERRIDE_UNUSED int override_socket(int domain, int type, int protocol)
{
    return lil_current() ? lil_socket(lil_current(), domain, type, protocol) : (socket)(domain, type, protocol);
}
static OVERRIDE_UNUSED int override_socketpair(int domain, int type, int protocol, int fds[2])
{
    return lil_current() ? lil_socketpair(lil_current(), domain, type, protocol, fds)
                         : (socketpair)(domain, type, protocol, fds);
}
static OVERRIDE_UNUSED int override_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    return OVERRIDE(fd, lil_bind(lil_current(), fd, address, length), (bind)(fd, address, length));
}
static OVERRIDE_UNUSED int override_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    return OVERRIDE(fd, lil_connect(lil_current(), fd, address, length), (connect)(fd, address, length));
}
static OVERRIDE_UNUSED int override_listen(int fd, int backlog)
{
    return OVERRIDE(fd, lil_listen(lil_current(), fd, backlog), (listen)(fd, backlog));
}
static OVERRIDE_UNUSED int override_accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return OVERRIDE(fd, lil_accept(lil_current(), fd, address, length), (accept)(fd, address, length));
}
static OVERRIDE_UNUSED int override_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return OVERRIDE(fd, lil_accept4(lil_current(), fd, address, length, flags), (accept4)(fd, address, length, flags));
}
static OVERRIDE_UNUSED int override_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return OVERRIDE(fd, lil_getsockname(lil_current(), fd, address, length), (getsockname)(fd, address, length));
}
static OVERRIDE_UNUSED int override_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    return OVERRIDE(fd, lil_getpeername(lil_current(), fd, address, length), (getpeername)(fd, address, length));
}
static OVERRIDE_UNUSED int override_shutdown(int fd, int how)
{
    return OVERRIDE(fd, lil_shutdown(lil_current(), fd, how), (shutdown)(fd, how));
}
static OVERRIDE_UNUSED int override_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    return OVERRIDE(fd, lil_getsockopt(lil_current(), fd, level, name, value, length),
                    (getsockopt)(fd, level, name, value, length));
}
static OVERRIDE_UNUSED int override_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    return OVERRIDE(fd, lil_setsockopt(lil_current(), fd, level, name, value, length),
                    (setsockopt)(fd, level, name, value, length));
}

/* --- data ------------------------------------------------------------------------------------- */
static OVERRIDE_UNUSED ssize_t override_read(int fd, void *buffer, size_t size)
{
    return OVERRIDE(fd, lil_read(lil_current(), fd, buffer, size), (read)(fd, buffer, size));
}
static OVERRIDE_UNUSED ssize_t override_write(int fd, const void *buffer, size_t size)
{
    return OVERRIDE(fd, lil_write(lil_current(), fd, buffer, size), (write)(fd, buffer, size));
}
static OVERRIDE_UNUSED ssize_t override_readv(int fd, const struct iovec *iov, int count)
{
    return OVERRIDE(fd, lil_readv(lil_current(), fd, iov, count), (readv)(fd, iov, count));
}
static OVERRIDE_UNUSED ssize_t override_writev(int fd, const struct iovec *iov, int count)
{
    return OVERRIDE(fd, lil_writev(lil_current(), fd, iov, count), (writev)(fd, iov, count));
}
static OVERRIDE_UNUSED ssize_t override_recv(int fd, void *buffer, size_t size, int flags)
{
    return OVERRIDE(fd, lil_recv(lil_current(), fd, buffer, size, flags), (recv)(fd, buffer, size, flags));
}
static OVERRIDE_UNUSED ssize_t override_send(int fd, const void *buffer, size_t size, int flags)
{
    return OVERRIDE(fd, lil_send(lil_current(), fd, buffer, size, flags), (send)(fd, buffer, size, flags));
}
static OVERRIDE_UNUSED ssize_t override_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
                                                 socklen_t *length)
{
    return OVERRIDE(fd, lil_recvfrom(lil_current(), fd, buffer, size, flags, address, length),
                    (recvfrom)(fd, buffer, size, flags, address, length));
}
static OVERRIDE_UNUSED ssize_t override_sendto(int fd, const void *buffer, size_t size, int flags,
                                               const struct sockaddr *address, socklen_t length)
{
    return OVERRIDE(fd, lil_sendto(lil_current(), fd, buffer, size, flags, address, length),
                    (sendto)(fd, buffer, size, flags, address, length));
}
static OVERRIDE_UNUSED ssize_t override_recvmsg(int fd, struct msghdr *message, int flags)
{
    return OVERRIDE(fd, lil_recvmsg(lil_current(), fd, message, flags), (recvmsg)(fd, message, flags));
}
static OVERRIDE_UNUSED ssize_t override_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return OVERRIDE(fd, lil_sendmsg(lil_current(), fd, message, flags), (sendmsg)(fd, message, flags));
}

/* --- descriptors ------------------------------------------------------------------------------ */
static OVERRIDE_UNUSED int override_close(int fd)
{
    return OVERRIDE(fd, lil_close(lil_current(), fd), (close)(fd));
}
/* A system file out of the way of lil descriptors. */
static OVERRIDE_UNUSED int override_raise(int fd)
{
    int raised;

    if (fd < 3 || fd >= OVERRIDE_SYSTEM_FIRST || !lil_current())
        return fd;
    raised = (fcntl)(fd, F_DUPFD, OVERRIDE_SYSTEM_FIRST);
    (close)(fd);
    return raised;
}
static OVERRIDE_UNUSED int override_open(const char *path, int flags, ...)
{
    va_list arguments;
    int mode;

    va_start(arguments, flags);
    mode = va_arg(arguments, int);
    va_end(arguments);
    return override_raise((open)(path, flags, mode));
}
static OVERRIDE_UNUSED int override_dup(int fd)
{
    return override_is_lil(fd) ? lil_dup(lil_current(), fd) : override_raise((dup)(fd));
}
static OVERRIDE_UNUSED int override_dup2(int fd, int to)
{
    return OVERRIDE(fd, lil_dup2(lil_current(), fd, to), (dup2)(fd, to));
}
static OVERRIDE_UNUSED int override_pipe2(int fds[2], int flags)
{
    return lil_current() ? lil_pipe2(lil_current(), fds, flags) : (pipe2)(fds, flags);
}
static OVERRIDE_UNUSED int override_fcntl(int fd, int command, ...)
{
    va_list arguments;
    long argument;

    va_start(arguments, command);
    argument = va_arg(arguments, long);
    va_end(arguments);
    return OVERRIDE(fd, lil_fcntl(lil_current(), fd, command, (int)argument),
                    (fcntl)(fd, command, argument)); /* lil's are all ints */
}
static OVERRIDE_UNUSED int override_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return OVERRIDE(fd, lil_ioctl(lil_current(), fd, request, argument), (ioctl)(fd, request, argument));
}

/* --- waiting for many: lil and system descriptors together ------------------------------------ */
/* The system's are asked without waiting; when none is ready, lil's wait, in slices if there are any of the system's.
 */
static OVERRIDE_UNUSED int override_poll_system(struct pollfd *fds, nfds_t count, int timeout_ms, nfds_t *systems)
{
    int ready = 0;

    *systems = 0;
    for (nfds_t i = 0; i < count; i++) {
        struct pollfd one = fds[i];

        if (one.fd < 0 || override_is_lil(one.fd))
            continue;
        ++*systems;
        (poll)(&one, 1, timeout_ms);
        timeout_ms = 0;
        fds[i].revents = one.revents;
        ready += one.revents != 0;
    }
    return ready;
}
static OVERRIDE_UNUSED int override_poll_lil(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int ready;

    for (nfds_t i = 0; i < count; i++) /* poll() passes over negative descriptors: ~fd is not lil's turn */
        if (fds[i].fd >= 0 && !override_is_lil(fds[i].fd))
            fds[i].fd = ~fds[i].fd;
    ready = lil_poll(lil_current(), fds, count, timeout_ms);
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].fd < 0 && !override_is_lil(~fds[i].fd))
            fds[i].fd = ~fds[i].fd;
    return ready;
}
static OVERRIDE_UNUSED int override_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    uint64_t end_ns;

    if (!lil_current())
        return (poll)(fds, count, timeout);
    end_ns = timeout < 0 ? LIL_NEVER : lil_now_ns(lil_current()) + (uint64_t)timeout * 1000000;
    for (int slice_ms = 0;; slice_ms = 10) {
        nfds_t systems;
        int rest_ms = end_ns == LIL_NEVER ? -1 : lil_timeout_ms(end_ns, lil_now_ns(lil_current()));
        int ready = override_poll_lil(fds, count, 0), others;

        if (ready < 0)
            return ready;
        others = override_poll_system(fds, count, ready ? 0 : slice_ms, &systems);
        if (ready + others > 0 || rest_ms == 0)
            return ready + others;
        ready = override_poll_lil(fds, count, systems == 0 ? rest_ms : rest_ms >= 0 && rest_ms < 10 ? rest_ms : 10);
        if (ready != 0 || systems == 0)
            return ready;
    }
}
static OVERRIDE_UNUSED int override_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
                                           struct timeval *timeout)
{
    fd_set *sets[3] = {readable, writable, exceptional};
    static const short events[3] = {POLLIN, POLLOUT, POLLPRI};
    static const short found[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};
    struct pollfd *fds;
    nfds_t used = 0;
    int result, ready = 0;

    if (!lil_current())
        return (select)(count, readable, writable, exceptional, timeout);
    fds = malloc(sizeof *fds * (size_t)(count > 0 ? count : 1));
    if (!fds)
        return -1;
    for (int fd = 0; fd < count; fd++) {
        short wanted = 0;

        for (int i = 0; i < 3; i++)
            if (sets[i] && FD_ISSET(fd, sets[i]))
                wanted |= events[i];
        if (wanted)
            fds[used++] = (struct pollfd){.fd = fd, .events = wanted};
    }
    result = override_poll(fds, used, timeout ? (int)(timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000) : -1);
    for (int i = 0; result >= 0 && i < 3; i++)
        if (sets[i])
            FD_ZERO(sets[i]);
    for (nfds_t n = 0; result >= 0 && n < used; n++) {
        if (fds[n].revents & POLLNVAL) {
            result = -1;
            errno = EBADF;
            break;
        }
        for (int i = 0; i < 3; i++)
            if (sets[i] && fds[n].events & events[i] && fds[n].revents & found[i]) {
                FD_SET(fds[n].fd, sets[i]);
                ready++;
            }
    }
    free(fds);
    return result < 0 ? result : ready;
}
static OVERRIDE_UNUSED int override_epoll_create1(int flags)
{
    return lil_current() ? lil_epoll_create1(lil_current(), flags) : (epoll_create1)(flags);
}
static OVERRIDE_UNUSED int override_epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event)
{
    return OVERRIDE(epfd, lil_epoll_ctl(lil_current(), epfd, operation, fd, event),
                    (epoll_ctl)(epfd, operation, fd, event));
}
static OVERRIDE_UNUSED int override_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
    return OVERRIDE(epfd, lil_epoll_wait(lil_current(), epfd, events, max, timeout),
                    (epoll_wait)(epfd, events, max, timeout));
}

/* --- time ------------------------------------------------------------------------------------- */
static OVERRIDE_UNUSED unsigned override_sleep(unsigned seconds)
{
    if (!lil_current())
        return (sleep)(seconds);
    lil_sleep_ns(lil_current(), seconds * 1000000000ull);
    return 0;
}
static OVERRIDE_UNUSED int override_usleep(useconds_t us)
{
    if (!lil_current())
        return (usleep)(us);
    lil_sleep_ns(lil_current(), us * 1000ull);
    return 0;
}
static OVERRIDE_UNUSED int override_nanosleep(const struct timespec *time, struct timespec *rest)
{
    if (!lil_current())
        return (nanosleep)(time, rest);
    lil_sleep_ns(lil_current(), (uint64_t)time->tv_sec * 1000000000ull + (uint64_t)time->tv_nsec);
    return 0;
}
static OVERRIDE_UNUSED time_t override_time(time_t *out)
{
    time_t now = lil_current() ? (time_t)(lil_now_ns(lil_current()) / 1000000000ull) : (time)(NULL);

    if (out)
        *out = now;
    return now;
}
static OVERRIDE_UNUSED int override_gettimeofday(struct timeval *tv, void *zone)
{
    uint64_t now_ns;

    if (!lil_current())
        return (gettimeofday)(tv, zone);
    now_ns = lil_now_ns(lil_current());
    tv->tv_sec = (time_t)(now_ns / 1000000000ull);
    tv->tv_usec = (suseconds_t)(now_ns % 1000000000ull / 1000);
    return 0;
}
static OVERRIDE_UNUSED int override_clock_gettime(clockid_t clock, struct timespec *ts)
{
    uint64_t now_ns;

    if (!lil_current())
        return (clock_gettime)(clock, ts);
    now_ns = lil_now_ns(lil_current());
    ts->tv_sec = (time_t)(now_ns / 1000000000ull);
    ts->tv_nsec = (long)(now_ns % 1000000000ull);
    return 0;
}

/* --- the process ------------------------------------------------------------------------------ */
static OVERRIDE_UNUSED __attribute__((noreturn)) void override_exit(int status)
{
    if (lil_current())
        lil_exit(lil_current(), status); /* returns when the process cannot end by itself */
    (exit)(status);
}
static OVERRIDE_UNUSED pid_t override_getpid(void)
{
    return lil_current() ? lil_proc_pid(lil_current()) : (getpid)();
}
pid_t override_fork(void) __attribute__((
    error("there is no fork() on a lilliput process: run the real program with `lilliput run -- PROGRAM`")));

/* --- stdio ------------------------------------------------------------------------------------ */
struct override_stream {
    struct lil_proc *proc;
    int fd;
};
static OVERRIDE_UNUSED ssize_t override_stream_read(void *cookie, char *buffer, size_t size)
{
    struct override_stream *stream = cookie;

    return lil_read(stream->proc, stream->fd, buffer, size);
}
static OVERRIDE_UNUSED ssize_t override_stream_write(void *cookie, const char *buffer, size_t size)
{
    struct override_stream *stream = cookie;
    ssize_t n = lil_write(stream->proc, stream->fd, buffer, size);

    return n < 0 ? 0 : n; /* fopencookie(3) */
}
static OVERRIDE_UNUSED int override_stream_close(void *cookie)
{
    struct override_stream *stream = cookie;
    int result = lil_close(stream->proc, stream->fd);

    free(stream);
    return result;
}
static OVERRIDE_UNUSED FILE *override_fdopen(int fd, const char *mode)
{
    struct override_stream *stream;
    FILE *file;

    if (!override_is_lil(fd))
        return (fdopen)(fd, mode);
    stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    stream->proc = lil_current();
    stream->fd = fd;
    file =
        fopencookie(stream, mode,
                    (cookie_io_functions_t){override_stream_read, override_stream_write, NULL, override_stream_close});
    if (!file)
        free(stream);
    return file;
}

#ifndef LIL_OVERRIDE_NAMES_OFF
#define socket(...)        override_socket(__VA_ARGS__)
#define socketpair(...)    override_socketpair(__VA_ARGS__)
#define bind(...)          override_bind(__VA_ARGS__)
#define connect(...)       override_connect(__VA_ARGS__)
#define listen(...)        override_listen(__VA_ARGS__)
#define accept(...)        override_accept(__VA_ARGS__)
#define accept4(...)       override_accept4(__VA_ARGS__)
#define getsockname(...)   override_getsockname(__VA_ARGS__)
#define getpeername(...)   override_getpeername(__VA_ARGS__)
#define shutdown(...)      override_shutdown(__VA_ARGS__)
#define getsockopt(...)    override_getsockopt(__VA_ARGS__)
#define setsockopt(...)    override_setsockopt(__VA_ARGS__)
#define read(...)          override_read(__VA_ARGS__)
#define write(...)         override_write(__VA_ARGS__)
#define readv(...)         override_readv(__VA_ARGS__)
#define writev(...)        override_writev(__VA_ARGS__)
#define recv(...)          override_recv(__VA_ARGS__)
#define send(...)          override_send(__VA_ARGS__)
#define recvfrom(...)      override_recvfrom(__VA_ARGS__)
#define sendto(...)        override_sendto(__VA_ARGS__)
#define recvmsg(...)       override_recvmsg(__VA_ARGS__)
#define sendmsg(...)       override_sendmsg(__VA_ARGS__)
#define close(...)         override_close(__VA_ARGS__)
#define open(...)          override_open(__VA_ARGS__, 0)
#define dup(...)           override_dup(__VA_ARGS__)
#define dup2(...)          override_dup2(__VA_ARGS__)
#define pipe(fds)          override_pipe2(fds, 0)
#define pipe2(...)         override_pipe2(__VA_ARGS__)
#define fcntl(...)         override_fcntl(__VA_ARGS__, 0L)
#define ioctl(...)         override_ioctl(__VA_ARGS__, (void *)0)
#define poll(...)          override_poll(__VA_ARGS__)
#define select(...)        override_select(__VA_ARGS__)
#define epoll_create(size) override_epoll_create1(0)
#define epoll_create1(...) override_epoll_create1(__VA_ARGS__)
#define epoll_ctl(...)     override_epoll_ctl(__VA_ARGS__)
#define epoll_wait(...)    override_epoll_wait(__VA_ARGS__)
#define sleep(...)         override_sleep(__VA_ARGS__)
#define usleep(...)        override_usleep(__VA_ARGS__)
#define nanosleep(...)     override_nanosleep(__VA_ARGS__)
#define time(...)          override_time(__VA_ARGS__)
#define gettimeofday(...)  override_gettimeofday(__VA_ARGS__)
#define clock_gettime(...) override_clock_gettime(__VA_ARGS__)
#define exit(...)          override_exit(__VA_ARGS__)
#define getpid()           override_getpid()
#define fork()             override_fork()
#define vfork()            override_fork()
#define fdopen(...)        override_fdopen(__VA_ARGS__)
#ifdef LIL_PROGRAM
#define OVERRIDE_JOIN2(a, b) a##b
#define OVERRIDE_JOIN(a, b)  OVERRIDE_JOIN2(a, b)
#define main                 OVERRIDE_JOIN(LIL_PROGRAM, _main)
#endif
#endif

#endif
