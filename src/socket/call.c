/* call.c: the calls of lilliput/socket.h that make, name and end sockets, and descriptors' own. Each looks its
 * descriptor up, asks the file's operation, tells the observer and turns the result into POSIX's. Data calls are in
 * transfer.c. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include "socket/call_border.h"
#include "socket/pipe.h"

static int find(const struct lil_proc *proc, int fd, struct file **file)
{
    *file = proc_file(proc, fd);
    if (!*file)
        return -EBADF;
    return (*file)->ops->is_socket ? 0 : -ENOTSOCK;
}

/* A value-result name: as much as fits, and its whole length (UNP 3.3). */
static void give_name(const struct sockaddr_storage *name, socklen_t actual, struct sockaddr *address,
                      socklen_t *length)
{
    memcpy(address, name, *length < actual ? *length : actual);
    *length = actual;
}

static int create(struct lil_proc *proc, int domain, int type, int protocol)
{
    struct file *file;
    int result, fd;

    result = socket_create(proc, domain, type, protocol, &file);
    if (result < 0)
        return result;
    fd = proc_next(proc, 0);
    if (fd < 0) {
        file_unref(file);
        return fd;
    }
    proc_put(proc, fd, file, type & SOCK_CLOEXEC);
    return fd;
}

int lil_socket(struct lil_proc *proc, int domain, int type, int protocol)
{
    int result = create(proc, domain, type, protocol);

    if (call_is_traced(proc)) {
        char family[CALL_TEXT], kind[CALL_TEXT], name[CALL_TEXT];

        call_trace(proc, result, "socket(%s, %s, %s)", call_family(domain, family), call_type(type, kind),
                   call_protocol(protocol, name));
    }
    return (int)call_result(result);
}

int lil_socketpair(struct lil_proc *proc, int domain, int type, int protocol, int fds[2])
{
    const struct socket_params *params = &proc->sockets->profile->socket;
    int result = -EOPNOTSUPP; /* of the Internet families none has pairs; AF_UNIX follows in its own issue */

    (void)type, (void)protocol, (void)fds;
    if (domain != AF_INET && domain != AF_INET6)
        result = params->error_unknown_family ? -params->error_unknown_family : -EAFNOSUPPORT;
    if (call_is_traced(proc)) {
        char family[CALL_TEXT], kind[CALL_TEXT];

        call_trace(proc, result, "socketpair(%s, %s, %d)", call_family(domain, family), call_type(type, kind),
                   protocol);
    }
    return (int)call_result(result);
}

int lil_bind(struct lil_proc *proc, int fd, const struct sockaddr *address, socklen_t length)
{
    struct file *file;
    int result = find(proc, fd, &file);

    if (result == 0)
        result = length && call_is_wild(address) ? -EFAULT : file->ops->bind ? file->ops->bind(proc, file, address, length) : -EOPNOTSUPP;
    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "bind(%d, %s, %u)", fd, call_sockaddr(address, length, text), length);
    }
    return (int)call_result(result);
}

int lil_connect(struct lil_proc *proc, int fd, const struct sockaddr *address, socklen_t length)
{
    struct file *file;
    int result = find(proc, fd, &file);

    if (result == 0)
        result = length && call_is_wild(address) ? -EFAULT
                 : file->ops->connect            ? file->ops->connect(proc, file, address, length)
                                                 : -EOPNOTSUPP;
    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "connect(%d, %s, %u)", fd, call_sockaddr(address, length, text), length);
    }
    return (int)call_result(result);
}

int lil_listen(struct lil_proc *proc, int fd, int backlog)
{
    struct file *file;
    int result = find(proc, fd, &file);

    if (result == 0)
        result = file->ops->listen ? file->ops->listen(proc, file, backlog) : -EOPNOTSUPP;
    if (call_is_traced(proc))
        call_trace(proc, result, "listen(%d, %d)", fd, backlog);
    return (int)call_result(result);
}

static int accept_one(struct lil_proc *proc, int fd, struct sockaddr *address, socklen_t *length, int flags, bool inherits)
{
    struct sockaddr_storage name;
    struct file *file, *new;
    int result, new_fd;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    result = find(proc, fd, &file);
    if (result < 0)
        return result;
    if (!file->ops->accept) /* FreeBSD: no socket but a listener can accept */
        return file->ops->is_socket && calls_are(file, CALLS_BSD) ? -EINVAL : -EOPNOTSUPP;
    bool is_wild = address && (call_is_wild(address) || call_is_wild(length));
    if (address && (is_wild || (int)*length < 0) && calls_are(file, CALLS_BSD))
        return is_wild ? -EFAULT : -EINVAL;
    new_fd = proc_next(proc, 0); /* before the connection is taken: EMFILE leaves it in the queue */
    if (new_fd < 0)
        return new_fd;
    result = file->ops->accept(proc, file, &new);
    if (result < 0)
        return result;
    if (address && (is_wild || (int)*length < 0)) { /* Linux: the name's place is looked at last, and the connection is gone */
        proc_put(proc, new_fd, new, false);
        (void)proc_close(proc, new_fd, false);
        return is_wild ? -EFAULT : -EINVAL;
    }
    if (!inherits) /* accept4() says what it wants */
        new->flags &= ~(unsigned)FILE_NONBLOCK;
    if (flags & SOCK_NONBLOCK)
        new->flags |= FILE_NONBLOCK;
    if (address) {
        result = new->ops->name(new, NAME_ACCEPTED, &name);
        if (result < 0) {
            struct addr any = addr_any(new->family); /* it came and went: the peer is not known any more */

            result = (int)addr_to_sockaddr(&any, 0, 0, new->family, &name);
        }
        give_name(&name, (socklen_t)result, address, length);
    }
    proc_put(proc, new_fd, new, flags & SOCK_CLOEXEC);
    return new_fd;
}

static void trace_accept(struct lil_proc *proc, int result, const char *call, int fd, const struct sockaddr *address,
                         const socklen_t *length)
{
    char text[CALL_TEXT];

    if (result < 0 || !address)
        call_trace(proc, result, "%s(%d, %s)", call, fd, address ? "{...}" : "NULL, NULL");
    else
        call_trace(proc, result, "%s(%d, %s, [%u])", call, fd, call_sockaddr(address, *length, text), *length);
}

int lil_accept(struct lil_proc *proc, int fd, struct sockaddr *address, socklen_t *length)
{
    int result = accept_one(proc, fd, address, length, 0, true);

    if (call_is_traced(proc))
        trace_accept(proc, result, "accept", fd, address, length);
    return (int)call_result(result);
}

int lil_accept4(struct lil_proc *proc, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int result = accept_one(proc, fd, address, length, flags, false);

    if (call_is_traced(proc))
        trace_accept(proc, result, "accept4", fd, address, length);
    return (int)call_result(result);
}

static int get_name(struct lil_proc *proc, const char *call, enum file_name which, int fd, struct sockaddr *address,
                    socklen_t *length)
{
    struct sockaddr_storage name;
    struct file *file;
    int result = find(proc, fd, &file);

    if (result == 0 && (call_is_wild(length) || call_is_wild(address)))
        result = -EFAULT;
    if (result == 0 && (int)*length < 0)
        result = -EINVAL;
    if (result == 0)
        result = file->ops->name(file, which, &name);
    if (result > 0) {
        give_name(&name, (socklen_t)result, address, length);
        result = 0;
    }
    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "%s(%d, %s)", call, fd, result < 0 ? "..." : call_sockaddr(address, *length, text));
    }
    return result;
}

int lil_getsockname(struct lil_proc *proc, int fd, struct sockaddr *address, socklen_t *length)
{
    return (int)call_result(get_name(proc, "getsockname", NAME_OWN, fd, address, length));
}

int lil_getpeername(struct lil_proc *proc, int fd, struct sockaddr *address, socklen_t *length)
{
    return (int)call_result(get_name(proc, "getpeername", NAME_PEER, fd, address, length));
}

int lil_shutdown(struct lil_proc *proc, int fd, int how)
{
    static const char *const words[] = {"SHUT_RD", "SHUT_WR", "SHUT_RDWR"};
    struct file *file;
    int result = find(proc, fd, &file);

    if (result == 0 && !file->ops->shutdown)
        result = -EOPNOTSUPP;
    if (result == 0 && (how < SHUT_RD || how > SHUT_RDWR))
        result = -EINVAL;
    if (result == 0)
        result = file->ops->shutdown(proc, file, how);
    if (call_is_traced(proc))
        call_trace(proc, result, "shutdown(%d, %s)", fd, how >= 0 && how <= 2 ? words[how] : "?");
    return (int)call_result(result);
}

int lil_close(struct lil_proc *proc, int fd)
{
    int result = proc_close(proc, fd, true);

    if (call_is_traced(proc))
        call_trace(proc, result, "close(%d)", fd);
    return (int)call_result(result);
}

/* --- descriptors ------------------------------------------------------------------------------ */
static int duplicate(struct lil_proc *proc, int fd, int from, bool cloexec)
{
    struct file *file = proc_file(proc, fd);
    int to;

    if (!file)
        return -EBADF;
    if (from < 0 || (uint32_t)from >= proc->limit)
        return -EINVAL;
    to = proc_next(proc, from);
    if (to < 0)
        return to;
    file_ref(file);
    proc_put(proc, to, file, cloexec);
    return to;
}

int lil_dup(struct lil_proc *proc, int fd)
{
    int result = duplicate(proc, fd, 0, false);

    if (call_is_traced(proc))
        call_trace(proc, result, "dup(%d)", fd);
    return (int)call_result(result);
}

static int duplicate_to(struct lil_proc *proc, int fd, int to)
{
    struct file *file = proc_file(proc, fd);
    int result;

    if (!file)
        return -EBADF;
    result = proc_at(proc, to);
    if (result < 0 || fd == to)
        return result < 0 ? result : to;
    file_ref(file);
    (void)proc_close(proc, to, false);
    proc_put(proc, to, file, false);
    return to;
}

int lil_dup2(struct lil_proc *proc, int fd, int to)
{
    int result = duplicate_to(proc, fd, to);

    if (call_is_traced(proc))
        call_trace(proc, result, "dup2(%d, %d)", fd, to);
    return (int)call_result(result);
}

static int control_file(struct lil_proc *proc, int fd, int command, long argument)
{
    struct file *file = proc_file(proc, fd);

    if (!file)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(proc, fd, argument < 0 || argument > INT32_MAX ? -1 : (int)argument,
                         command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return proc_get_cloexec(proc, fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
        proc_set_cloexec(proc, fd, argument & FD_CLOEXEC);
        return 0;
    case F_GETFL:
        return O_RDWR | (file->flags & FILE_NONBLOCK ? O_NONBLOCK : 0) | (file->flags & FILE_ASYNC ? O_ASYNC : 0);
    case F_SETFL:
        file->flags = (uint8_t)((file->flags & ~(FILE_NONBLOCK | FILE_ASYNC)) |
                                (argument & O_NONBLOCK ? FILE_NONBLOCK : 0) | (argument & O_ASYNC ? FILE_ASYNC : 0));
        return 0;
    case F_SETOWN:
    case F_GETOWN:
    case F_SETSIG:
    case F_GETSIG:
        return sock_owner(file, command, argument);
    default:
        return -EINVAL;
    }
}

int lil_fcntl(struct lil_proc *proc, int fd, int command, long argument)
{
    int result = control_file(proc, fd, command, argument);

    if (call_is_traced(proc)) {
        const char *name = command == F_GETFL   ? "F_GETFL"
                           : command == F_SETFL ? "F_SETFL"
                           : command == F_GETFD ? "F_GETFD"
                           : command == F_SETFD ? "F_SETFD"
                           : command == F_DUPFD ? "F_DUPFD"
                                                : "?";

        if (command == F_SETFL)
            call_trace(proc, result, "fcntl(%d, %s, O_RDWR%s)", fd, name, argument & O_NONBLOCK ? "|O_NONBLOCK" : "");
        else
            call_trace(proc, result, "fcntl(%d, %s, %ld)", fd, name, argument);
    }
    return (int)call_result(result);
}

int lil_pipe2(struct lil_proc *proc, int fds[2], int flags)
{
    int result = pipe_create(proc, fds, flags);

    if (call_is_traced(proc))
        call_trace(proc, result, "pipe2([%d, %d], %#x)", result < 0 ? -1 : fds[0], result < 0 ? -1 : fds[1],
                   (unsigned)flags);
    return (int)call_result(result);
}

/* --- options ---------------------------------------------------------------------------------- */
static int get_option(struct lil_proc *proc, struct file *file, int level, int name, void *value, socklen_t *length)
{
    return (file->ops->getopt ? file->ops->getopt : sock_getopt)(proc, file, level, name, value, length);
}

/* Linux looks for the place of the value when it has one. */
static int get_nowhere(struct lil_proc *proc, struct file *file, int level, int name, socklen_t *length)
{
    char value[512] = "";
    socklen_t size = *length < sizeof value ? *length : (socklen_t)sizeof value;
    int result = calls_are(file, CALLS_LINUX) ? get_option(proc, file, level, name, value, &size) : -EFAULT;

    if (result == 0)
        *length = size;
    return result == 0 && size ? -EFAULT : result;
}

int lil_getsockopt(struct lil_proc *proc, int fd, int level, int name, void *value, socklen_t *length)
{
    struct file *file;
    int result = find(proc, fd, &file);

    if (result == 0)
        result = call_is_wild(length)                               ? -EFAULT
                 : call_is_wild(value) && (*length || !value) ? get_nowhere(proc, file, level, name, length)
                                                              : get_option(proc, file, level, name, value, length);
    if (call_is_traced(proc)) {
        char a[CALL_TEXT], b[CALL_TEXT];
        int number = 0;

        if (result == 0 && *length >= sizeof number)
            memcpy(&number, value, sizeof number);
        call_trace(proc, result, "getsockopt(%d, %s, %s, [%d])", fd, call_level(level, a), call_option(level, name, b),
                   number);
    }
    return (int)call_result(result);
}

/* Linux looks at the length of an int before it looks for the int (sk_setsockopt(), do_tcp_setsockopt()); below them it knows the
 * names first, and IPv6 takes no place at all for 0 (do_ipv6_setsockopt()). */
static int set_from_nowhere(struct lil_proc *proc, struct file *file, int level, int name, const void *value, socklen_t length)
{
    static const int none;
    bool takes_text = level == SOL_SOCKET ? name == SO_BINDTODEVICE : name == TCP_CONGESTION || name == TCP_ULP;
    socklen_t size = sizeof none;

    if (!calls_are(file, CALLS_LINUX))
        return -EFAULT;
    if (level == IPPROTO_TCP && file->ops == &dgram_ops)
        return -ENOPROTOOPT;
    if (level == SOL_SOCKET || level == IPPROTO_TCP)
        return length < sizeof none && !takes_text ? -EINVAL : -EFAULT;
    if (level == IPPROTO_IPV6 && !value && length >= sizeof none)
        return (file->ops->setopt ? file->ops->setopt : sock_setopt)(proc, file, level, name, &none, sizeof none);
    int known = get_nowhere(proc, file, level, name, &size);
    return known == -ENOPROTOOPT || known == -EOPNOTSUPP ? -ENOPROTOOPT : -EFAULT;
}

int lil_setsockopt(struct lil_proc *proc, int fd, int level, int name, const void *value, socklen_t length)
{
    struct file *file;
    int result = find(proc, fd, &file);

    if (result == 0)
        result = length && call_is_wild(value)
                     ? set_from_nowhere(proc, file, level, name, value, length)
                     : (file->ops->setopt ? file->ops->setopt : sock_setopt)(proc, file, level, name, value, length);
    if (call_is_traced(proc)) {
        char a[CALL_TEXT], b[CALL_TEXT];
        int number = 0;

        if (value && length >= sizeof number)
            memcpy(&number, value, sizeof number);
        call_trace(proc, result, "setsockopt(%d, %s, %s, [%d], %u)", fd, call_level(level, a),
                   call_option(level, name, b), number, length);
    }
    return (int)call_result(result);
}

/* --- figures ---------------------------------------------------------------------------------- */
const char *lil_tcp_state(struct lil_proc *proc, int fd)
{
    struct file *file = proc_file(proc, fd);
    struct tcb *tcb;

    if (!file || file->ops != &stream_ops)
        return NULL;
    if (sock_of(file)->flags & SF_LISTENING)
        return tcp_state_name(TCPS_LISTEN);
    tcb = stream_tcb(sock_of(file));
    return tcp_state_name(tcb ? tcp_get_state(tcb) : TCPS_CLOSED);
}

int lil_listen_queues(struct lil_proc *proc, int fd, unsigned *incomplete, unsigned *complete, unsigned *backlog)
{
    struct file *file = proc_file(proc, fd);
    unsigned queues[3];

    if (!file || file->ops != &stream_ops || !(sock_of(file)->flags & SF_LISTENING))
        return -EINVAL;
    tcp_listener_queues(sock_of(file)->listener, &queues[0], &queues[1], &queues[2]);
    if (incomplete)
        *incomplete = queues[0];
    if (complete)
        *complete = queues[1];
    if (backlog)
        *backlog = queues[2];
    return 0;
}
