/* syscall_socket.c: socket, bind, listen, accept, connect, close, shutdown, names, fcntl, ioctl. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include "script/call/syscall.h"
#include "script/call/disk_file.h"
#include "script/language/symbols.h"

static void do_socket(struct call *call)
{
    struct run *run = call->run;
    int domain = call_is_ellipsis(call, 0) ? (run->config.ip == SCRIPT_IPV4 ? AF_INET : AF_INET6) : (int)call_integer(call, 0);
    int type = (int)call_integer(call, 1), protocol = (int)call_integer(call, 2), bare = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (protocol == IPPROTO_SCTP || protocol == 136 /* UDPLITE */ || protocol == 262 /* MPTCP */)
        call_skip(call, "protocol %d is not supported", protocol);
    call_set(call, lil_socket(run->proc, domain, type, protocol));
    call->makes_fd = true;
    if (call->result < 0)
        return;
    if (run->config.ip == SCRIPT_IPV4_MAPPED && call_is_ellipsis(call, 0) && run_is_freebsd(run)) /* as packetdrill does there */
        (void)lil_setsockopt(run->proc, (int)call->result, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    call->conn = conn_new(run, bare == SOCK_DGRAM ? SPEC_UDP : SPEC_TCP);
    call->conn->live_fd = (int)call->result;
    if (bare == SOCK_DGRAM)
        call->conn->remote_port = run->config.connect_port;
    run->under_test = call->conn;
}

static void do_bind(struct call *call)
{
    struct sockaddr_storage address;
    int fd = call_live_fd(call, 0);
    socklen_t length = call_address(call, call_argument(call, 1), &call->run->local, call->run->config.bind_port, &address);
    if (!call_is_ellipsis(call, 2))
        length = (socklen_t)call_integer(call, 2);
    call_set(call, lil_bind(call->run->proc, fd, call_pointer(call, call_argument(call, 1), &address), length));
}

static void do_listen(struct call *call)
{
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    call_set(call, lil_listen(call->run->proc, call_live_fd(call, 0), (int)call_integer(call, 1)));
    if (call->result == 0 && fd && fd->conn) {
        fd->conn->state = CONN_LISTENING;
        call->run->under_test = fd->conn;
    }
}

/* Whose the accepted descriptor is: the peer's port tells. */
static struct conn *accepted_conn(struct run *run, int live_fd, const struct sockaddr_storage *peer, socklen_t length)
{
    struct addr addr;
    uint16_t port;
    uint32_t scope;
    if (addr_from_sockaddr((const struct sockaddr *)peer, length, &addr, &port, &scope) < 0)
        return NULL;
    for (struct conn *conn = run->conns; conn; conn = conn->next) {
        if (conn->state == CONN_PASSIVE && conn->live_fd < 0 && conn->remote_port == port && addr_equal(&conn->remote, &addr)) {
            conn->live_fd = live_fd;
            return conn;
        }
    }
    return NULL;
}

static void accept_with(struct call *call, bool is_accept4)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    struct run *run = call->run;
    const struct expr *name = call_argument(call, 1), *size = call_argument(call, 2);
    bool is_wild = call_pointer(call, name, NULL) ||
                   (call_pointer(call, size, &length) != &length && call_pointer(call, name, &peer) == &peer);
    void *place = is_wild ? call_pointer(call, name, &peer) : (void *)&peer;
    socklen_t *room = is_wild ? call_pointer(call, size, &length) : &length;
    call_set(call, is_accept4 ? lil_accept4(run->proc, call_live_fd(call, 0), place, room, (int)call_integer(call, 3))
                              : lil_accept(run->proc, call_live_fd(call, 0), place, room));
    call->makes_fd = true;
    if (call->result < 0)
        return;
    call->conn = accepted_conn(run, (int)call->result, &peer, length);
    call_check_address(call, call_argument(call, 1), &peer, length);
}

static void do_accept(struct call *call)
{
    accept_with(call, false);
}

static void do_accept4(struct call *call)
{
    accept_with(call, true);
}

/* A socket whose connection is over begins another: its port and its numbers are to be learned. */
static void begin_again(struct run *run, struct fd_entry *fd)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    struct conn *old = fd->conn;
    if (old->protocol != SPEC_TCP || old->state == CONN_IDLE || old->state == CONN_LISTENING ||
        lil_getsockopt(run->proc, fd->live_fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 || info.tcpi_state != TCP_CLOSE)
        return;
    struct conn *conn = conn_new(run, SPEC_TCP);
    conn->live_fd = old->live_fd;
    old->live_fd = -1;
    for (struct fd_entry *other = run->fds; other; other = other->next)
        if (other->conn == old)
            other->conn = conn;
}

static void do_connect(struct call *call)
{
    struct run *run = call->run;
    struct sockaddr_storage address;
    struct fd_entry *fd = fd_find(run, (int)call_integer(call, 0));
    socklen_t length = call_address(call, call_argument(call, 1), &run->remote, run->config.connect_port, &address);
    if (!call_is_ellipsis(call, 2))
        length = (socklen_t)call_integer(call, 2);
    struct conn before = {0};
    if (fd && fd->conn && address.ss_family != AF_UNSPEC)
        begin_again(run, fd);
    if (fd && fd->conn)
        before = *fd->conn;
    if (fd && fd->conn && address.ss_family != AF_UNSPEC) {
        uint32_t scope;
        struct addr remote;
        if (addr_from_sockaddr((struct sockaddr *)&address, length, &remote, &fd->conn->remote_port, &scope) == 0 && !addr_is_any(&remote))
            fd->conn->remote = remote;
        if (fd->conn->state == CONN_IDLE)
            fd->conn->state = CONN_CONNECTING; /* before: its SYN goes out while the call waits */
        run->under_test = fd->conn;
    }
    call_set(call, lil_connect(run->proc, call_live_fd(call, 0), call_pointer(call, call_argument(call, 1), &address), length));
    /* no new connection: the old one's peer */
    if (call->result < 0 && call->error != EINPROGRESS && before.state != CONN_IDLE && fd && fd->conn) {
        fd->conn->remote = before.remote;
        fd->conn->remote_port = before.remote_port;
    }
}

static void do_close(struct call *call)
{
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    if (fd && fd->conn)
        conn_refresh(call->run, fd->conn); /* its FIN is still to come */
    if (fd && fd->kind == FD_FILE)
        call_set(call, file_close(call->run, fd->live_fd));
    else
        call_set(call, lil_close(call->run->proc, call_live_fd(call, 0)));
    if (call->result == 0 && fd) {
        struct conn *conn = fd->conn;
        fd_remove(call->run, fd->script_fd);
        if (conn)
            conn->live_fd = -1;
        for (struct fd_entry *other = call->run->fds; other && conn; other = other->next)
            if (other->conn == conn) /* a duplicate lives on */
                conn->live_fd = other->live_fd;
    }
}

static void do_shutdown(struct call *call)
{
    call_set(call, lil_shutdown(call->run->proc, call_live_fd(call, 0), (int)call_integer(call, 1)));
}

static void name_with(struct call *call, int (*name)(struct lil_proc *, int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    call_set(call, name(call->run->proc, call_live_fd(call, 0), call_pointer(call, call_argument(call, 1), &address),
                        call_pointer(call, call_argument(call, 2), &length)));
    if (call->result == 0)
        call_check_address(call, call_argument(call, 1), &address, length);
}

static void do_getsockname(struct call *call)
{
    name_with(call, lil_getsockname);
}

static void do_getpeername(struct call *call)
{
    name_with(call, lil_getpeername);
}

/* A script that tells FreeBSD's flags by number means FreeBSD's numbers (fcntl.h). */
static int flags_of_freebsd(int flags)
{
    return (flags & O_ACCMODE) | (flags & O_NONBLOCK ? 4 : 0) | (flags & O_APPEND ? 8 : 0) | (flags & O_ASYNC ? 0x40 : 0);
}

static void do_fcntl(struct call *call)
{
    long argument = call->spec->count > 2 && !call_is_ellipsis(call, 2) ? (long)call_integer(call, 2) : 0;
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    int command = (int)call_integer(call, 1);
    if (fd && fd->kind == FD_FILE)
        call_set(call, command == F_GETFL ? O_RDWR : 0);
    else
        call_set(call, lil_fcntl(call->run->proc, call_live_fd(call, 0), command, argument));
    if (command == F_GETFL && call->result >= 0 && call->spec->result->kind == EXPR_NUMBER && run_is_freebsd(call->run))
        call->result = flags_of_freebsd((int)call->result);
    if (command == F_DUPFD && fd) {
        call->makes_fd = true;
        call->kind = fd->kind;
    }
}

static void do_ioctl(struct call *call)
{
    unsigned long request = (unsigned long)call_integer(call, 1);
    const struct expr *argument = call->spec->count > 2 ? call_argument(call, 2) : NULL;
    int value = 0;
    if (request == SYMBOL_FIONSPACE) { /* FreeBSD: the send buffer's room */
        int buffer = 0;
        socklen_t length = sizeof buffer;
        call_set(call, lil_ioctl(call->run->proc, call_live_fd(call, 0), SIOCOUTQ, &value));
        if (call->result == 0 && lil_getsockopt(call->run->proc, call_live_fd(call, 0), SOL_SOCKET, SO_SNDBUF, &buffer, &length) == 0)
            call_check_number(call, "the value", argument, buffer - value);
        return;
    }
    bool gives = request == FIONBIO || request == FIOASYNC;
    if (gives && argument && argument->kind != EXPR_ELLIPSIS)
        value = (int)call_number(call, argument);
    call_set(call, lil_ioctl(call->run->proc, call_live_fd(call, 0), request, &value));
    if (call->result == 0 && !gives)
        run_say(call->run, "    value %d", value);
    if (call->result == 0 && !gives)
        call_check_number(call, "the value", argument, value);
}

static void do_dup(struct call *call)
{
    struct fd_entry *fd = call_fd(call, 0);
    call_set(call, lil_dup(call->run->proc, fd->live_fd));
    call->makes_fd = true;
    call->kind = fd->kind;
    call->conn = fd->conn;
}

/* dup2 and dup3: the script's number is free at once, whatever was open there. */
static void do_dup2(struct call *call)
{
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    int to = (int)call_integer(call, 1);
    struct fd_entry *old = fd_find(call->run, to);
    if (!fd) {
        errno = EBADF;
        call_set(call, -1);
        return;
    }
    struct fd_entry copy = *fd;
    call_set(call, old == fd ? to : lil_dup(call->run->proc, fd->live_fd));
    if (call->result < 0 || old == fd)
        return;
    if (old)
        lil_close(call->run->proc, old->live_fd);
    fd_add(call->run, to, (int)call->result, copy.kind, copy.conn);
    call_set(call, to);
}

static void do_usleep(struct call *call)
{
    (void)coroutine_wait(call->run->coroutine, call->run->now_ns + (uint64_t)call_integer(call, 0) * NS_PER_US);
    call_set(call, 0);
}

/* cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR): a virtual process has all rights of the net, or none. */
static void do_cap_set(struct call *call)
{
    int64_t set = call_integer(call, 0), capability = call_integer(call, 1), is_on = call_integer(call, 2);
    enum { EFFECTIVE = 0, NET_BIND_SERVICE = 10, NET_RAW = 13, NOBODY = 65534 };
    if (set == EFFECTIVE && capability >= NET_BIND_SERVICE && capability <= NET_RAW)
        lil_proc_set_uid(call->run->proc, is_on ? 0 : NOBODY);
    call_set(call, 0);
}

static void do_nothing(struct call *call) /* setrlimit ...: nothing here is bounded by them */
{
    call_set(call, 0);
}

const struct call_entry call_socket_entries[] = {
    {"socket", 3, 3, do_socket}, {"bind", 3, 3, do_bind}, {"listen", 2, 2, do_listen}, {"accept", 3, 3, do_accept},
    {"accept4", 4, 4, do_accept4}, {"connect", 3, 3, do_connect}, {"close", 1, 1, do_close},
    {"shutdown", 2, 2, do_shutdown}, {"getsockname", 3, 3, do_getsockname}, {"getpeername", 3, 3, do_getpeername},
    {"fcntl", 2, 3, do_fcntl}, {"ioctl", 2, 3, do_ioctl}, {"dup", 1, 1, do_dup}, {"dup2", 2, 2, do_dup2},
    {"dup3", 3, 3, do_dup2}, {"cap_set", 3, 3, do_cap_set}, {"usleep", 1, 1, do_usleep},
    {"sched_yield", 0, 0, do_nothing}, {"setrlimit", 2, 2, do_nothing}, {NULL, 0, 0, NULL}};
