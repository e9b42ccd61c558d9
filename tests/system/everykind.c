/* everykind.c: every call on every kind of descriptor, one line each with its result and errno. Nothing waits: the
 * descriptors are non-blocking. everykind.linux is what Linux 6.18 itself prints (gcc everykind.c && ./a.out); the lab,
 * in exact and virtual mode, prints the same, but for what test_anycalls.sh names. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

static struct sockaddr_in here = {.sin_family = AF_INET};
static const struct sockaddr_in6 here6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
static void *volatile nowhere;
static int spare[4], spares; /* what a kind needs beside it */

static int keep(int fd) { return spare[spares++] = fd; }

static int listener(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socklen_t length = sizeof here;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.sin_port = 0;
    bind(fd, (struct sockaddr *)&here, sizeof here);
    listen(fd, 3);
    getsockname(fd, (struct sockaddr *)&here, &length);
    return fd;
}

static int tcp4(void) { return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }
static int tcp6(void) { return socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0); }
static int udp4(void) { return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0); }
static int udp6(void) { return socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0); }
static int bound(void)
{
    int fd = tcp4();
    struct sockaddr_in any = {.sin_family = AF_INET};
    bind(fd, (struct sockaddr *)&any, sizeof any);
    return fd;
}
static int connected(void)
{
    int l = keep(listener()), fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, (struct sockaddr *)&here, sizeof here);
    keep(accept(l, NULL, NULL));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}
static int accepted(void)
{
    int l = keep(listener()), fd = keep(socket(AF_INET, SOCK_STREAM, 0));
    connect(fd, (struct sockaddr *)&here, sizeof here);
    struct pollfd ready = {.fd = l, .events = POLLIN};
    poll(&ready, 1, -1);
    return accept4(l, NULL, NULL, SOCK_NONBLOCK);
}
static int half_shut(void)
{
    int fd = connected();
    shutdown(fd, SHUT_WR);
    return fd;
}
static int with_data(void)
{
    int fd = connected();
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    send(spare[1], "hello", 5, 0);
    poll(&ready, 1, -1);
    return fd;
}
static int at_end(void)
{
    int fd = connected();
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    close(spare[1]);
    spare[1] = -1;
    poll(&ready, 1, -1);
    return fd;
}
static int refused(void)
{
    int fd = tcp4(), l = listener();
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    close(l);
    connect(fd, (struct sockaddr *)&here, sizeof here);
    poll(&ready, 1, -1);
    return fd;
}
static int udp_connected(void)
{
    int fd = udp4();
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connect(fd, (struct sockaddr *)&peer, sizeof peer);
    return fd;
}
static int udp_with_data(void)
{
    int fd = udp4();
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof self;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    bind(fd, (struct sockaddr *)&self, sizeof self);
    getsockname(fd, (struct sockaddr *)&self, &length);
    sendto(fd, "hello", 5, 0, (struct sockaddr *)&self, sizeof self);
    poll(&ready, 1, -1);
    return fd;
}
static int netlink(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE); }
static int unix_stream(void)
{
    int fds[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
    keep(fds[1]);
    return fds[0];
}
static int epoll(void) { return epoll_create1(0); }
static int pipe_end(void)
{
    int fds[2];
    if (pipe2(fds, O_NONBLOCK))
        return -1;
    keep(fds[1]);
    return fds[0];
}
static int timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK); }
static int none(void) { return 999; }

static const struct kind { const char *name; int (*make)(void); } kinds[] = {
    {"tcp4", tcp4}, {"tcp6", tcp6}, {"udp4", udp4}, {"udp6", udp6}, {"tcp bound", bound}, {"tcp listening", listener},
    {"tcp connected", connected}, {"tcp accepted", accepted}, {"tcp half shut", half_shut},
    {"tcp with data", with_data}, {"tcp at end", at_end}, {"tcp refused", refused}, {"udp connected", udp_connected},
    {"udp with data", udp_with_data}, {"netlink", netlink}, {"unix", unix_stream}, {"epoll", epoll}, {"pipe", pipe_end},
    {"timerfd", timer}, {"none", none}};

static char text[64];
static char *print_number(long value) { return snprintf(text, sizeof text, " %ld", value), text; }

/* --- calls; each returns the result, and may write to text -------------------------------------------------------- */
static long bind_any(int fd)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    return bind(fd, (struct sockaddr *)&any, sizeof any);
}
static long bind_short(int fd) { return bind(fd, (struct sockaddr *)&here, 4); }
static long bind_6(int fd) { return bind(fd, (const struct sockaddr *)&here6, sizeof here6); }
static long bind_foreign(int fd)
{
    struct sockaddr_in far = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc6336401)};
    return bind(fd, (struct sockaddr *)&far, sizeof far);
}
static long connect_unspec(int fd)
{
    struct sockaddr unspec = {.sa_family = AF_UNSPEC};
    return connect(fd, &unspec, sizeof unspec);
}
static long connect_short(int fd) { return connect(fd, (struct sockaddr *)&here, 4); }
static long connect_family(int fd)
{
    struct sockaddr odd = {.sa_family = 77};
    return connect(fd, &odd, sizeof odd);
}
static long connect_null(int fd) { return connect(fd, NULL, 16); }
static long listen_5(int fd) { return listen(fd, 5); }
static long accept_any(int fd) { return accept(fd, NULL, NULL) < 0 ? -1 : 0; }
static long accept_flags(int fd) { return accept4(fd, NULL, NULL, 12345) < 0 ? -1 : 0; }
static long own_name(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;
    int result = getsockname(fd, (struct sockaddr *)&name, &length);
    if (result == 0)
        snprintf(text, sizeof text, " family %d length %u", name.ss_family, length);
    return result;
}
static long peer_name(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t length = 3;
    int result = getpeername(fd, (struct sockaddr *)&name, &length);
    if (result == 0)
        print_number(length);
    return result;
}
static long name_null(int fd) { return getsockname(fd, NULL, NULL); }
static long shut_read(int fd) { return shutdown(fd, SHUT_RD); }
static long shut_write(int fd) { return shutdown(fd, SHUT_WR); }
static long shut_both(int fd) { return shutdown(fd, SHUT_RDWR); }
static long shut_odd(int fd) { return shutdown(fd, 7); }
static long send_1(int fd) { return send(fd, "x", 1, MSG_NOSIGNAL); }
static long send_0(int fd) { return send(fd, "x", 0, MSG_NOSIGNAL); }
static long send_null(int fd) { return send(fd, NULL, 1, MSG_NOSIGNAL); }
static long send_oob(int fd) { return send(fd, "x", 1, MSG_NOSIGNAL | MSG_OOB); }
static long sendto_null_name(int fd) { return sendto(fd, "x", 1, MSG_NOSIGNAL, NULL, 16); }
static long sendto_family(int fd)
{
    struct sockaddr odd = {.sa_family = 77};
    return sendto(fd, "x", 1, MSG_NOSIGNAL, &odd, sizeof odd);
}
static long recv_1(int fd) { char c; return recv(fd, &c, 1, 0); }
static long recv_0(int fd) { char c; return recv(fd, &c, 0, 0); }
static long recv_null(int fd) { return recv(fd, NULL, 1, 0); }
static long recv_peek(int fd) { char c[16]; return recv(fd, c, sizeof c, MSG_PEEK); }
static long recv_trunc(int fd) { char c; return recv(fd, &c, 1, MSG_TRUNC); }
static long recv_oob(int fd) { char c; return recv(fd, &c, 1, MSG_OOB); }
static long recv_errors(int fd) { char c; return recv(fd, &c, 1, MSG_ERRQUEUE); }
static long write_1(int fd) { return write(fd, "x", 1); }
static long write_0(int fd) { return write(fd, "x", 0); }
static long write_null(int fd) { return write(fd, nowhere, 1); }
static long read_1(int fd) { char c; return read(fd, &c, 1); }
static long read_0(int fd) { char c; return read(fd, &c, 0); }
static long read_null(int fd) { return read(fd, nowhere, 1); }
static long readv_2(int fd) { char a[2], b[8]; struct iovec v[] = {{a, 2}, {b, 8}}; return readv(fd, v, 2); }
static long writev_0(int fd) { return writev(fd, NULL, 0); }
static long readv_many(int fd) { return readv(fd, nowhere, 5000); }
static long pread_1(int fd) { char c; return pread(fd, &c, 1, 0); }
static long pwrite_1(int fd) { return pwrite(fd, "x", 1, 0); }
static long seek(int fd) { return lseek(fd, 0, SEEK_CUR); }
static long truncate_0(int fd) { return ftruncate(fd, 0); }
static long sync_1(int fd) { return fsync(fd); }
static long stat_mode(int fd)
{
    struct stat st;
    int result = fstat(fd, &st);
    if (result == 0)
        snprintf(text, sizeof text, " %o", st.st_mode & S_IFMT);
    return result;
}
static long sendmsg_empty(int fd) { struct msghdr m = {0}; return sendmsg(fd, &m, MSG_NOSIGNAL); }
static long sendmsg_null(int fd) { return sendmsg(fd, NULL, MSG_NOSIGNAL); }
static long recvmsg_many(int fd) { struct msghdr m = {.msg_iovlen = 5000}; return recvmsg(fd, &m, 0); }
static long recvmmsg_0(int fd) { return recvmmsg(fd, NULL, 0, 0, NULL); }
static long sendmmsg_1(int fd) { struct mmsghdr m = {.msg_hdr.msg_iovlen = 0}; return sendmmsg(fd, &m, 1, MSG_NOSIGNAL); }
static long get_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : (print_number(flags & (O_ACCMODE | O_NONBLOCK | O_APPEND | O_ASYNC)), 0);
}
static long set_flags(int fd) { return fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND); }
static long set_owner(int fd) { return fcntl(fd, F_SETOWN, getpid()); }
static long get_owner(int fd) { return fcntl(fd, F_GETOWN); }
static long pipe_size(int fd) { return fcntl(fd, F_GETPIPE_SZ); }
static long lock(int fd) { struct flock l = {.l_type = F_RDLCK}; return fcntl(fd, F_SETLK, &l); }
static long fionread(int fd) { int n = -1; long result = ioctl(fd, FIONREAD, &n); return result < 0 ? result : (print_number(n), result); }
static long fionbio(int fd) { int on = 1; return ioctl(fd, FIONBIO, &on); }
static long outq(int fd) { int n = -1; long result = ioctl(fd, SIOCOUTQ, &n); return result < 0 ? result : (print_number(n), result); }
static long outqnsd(int fd)
{
    int n = -1;
    long result = ioctl(fd, SIOCOUTQNSD, &n);
    return result < 0 ? result : (print_number(n), result);
}
static long atmark(int fd) { int n = -1; long result = ioctl(fd, SIOCATMARK, &n); return result < 0 ? result : (print_number(n), result); }
static long getpgrp_ioctl(int fd) { int n = -1; return ioctl(fd, SIOCGPGRP, &n); }
static long window_size(int fd) { char b[64]; return ioctl(fd, TIOCGWINSZ, b); }
static long odd_ioctl(int fd) { return ioctl(fd, 0x1234, NULL); }
static long fionread_null(int fd) { return ioctl(fd, FIONREAD, NULL); }
static long get_int(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    int result = getsockopt(fd, level, name, &value, &length);
    if (result == 0)
        snprintf(text, sizeof text, " %d length %u", value, length);
    return result;
}
static long so_type(int fd) { return get_int(fd, SOL_SOCKET, SO_TYPE); }
static long so_error(int fd) { return get_int(fd, SOL_SOCKET, SO_ERROR); }
static long so_domain(int fd) { return get_int(fd, SOL_SOCKET, SO_DOMAIN); }
static long so_protocol(int fd) { return get_int(fd, SOL_SOCKET, SO_PROTOCOL); }
static long so_accept(int fd) { return get_int(fd, SOL_SOCKET, SO_ACCEPTCONN); }
static long so_unknown(int fd) { return get_int(fd, SOL_SOCKET, 12345); }
static long level_unknown(int fd) { return get_int(fd, 12345, 1); }
static long nodelay(int fd) { return get_int(fd, IPPROTO_TCP, TCP_NODELAY); }
static long ip_tos(int fd) { return get_int(fd, IPPROTO_IP, IP_TOS); }
static long v6only(int fd) { return get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY); }
static long udp_cork(int fd) { return get_int(fd, IPPROTO_UDP, UDP_CORK); }
static long option_null(int fd) { return getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, NULL); }
static long set_int(int fd, int level, int name, int value, socklen_t length) { return setsockopt(fd, level, name, &value, length); }
static long set_reuse(int fd) { return set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1, 4); }
static long set_short(int fd) { return set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1, 1); }
static long set_keepalive(int fd) { return set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1, 4); }
static long set_nodelay(int fd) { return set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1, 4); }
static long set_v6only(int fd) { return set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, 4); }
static long set_ttl(int fd) { return set_int(fd, IPPROTO_IP, IP_TTL, 300, 4); }
static long set_unknown(int fd) { return set_int(fd, SOL_SOCKET, 12345, 1, 4); }
static long set_null(int fd) { return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, 4); }
static long poll_now(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
    int result = poll(&p, 1, 0);
    return print_number(p.revents), result;
}
static long epoll_add(int fd)
{
    int e = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP};
    int result = epoll_ctl(e, EPOLL_CTL_ADD, fd, &event), error = errno;
    if (result == 0)
        snprintf(text, sizeof text, " events 0x%x", epoll_wait(e, &event, 1, 0) == 1 ? event.events : 0);
    close(e);
    errno = error;
    return result;
}
static long epoll_of_it(int fd) { struct epoll_event event; return epoll_wait(fd, &event, 1, 0); }
static long sendfile_to(int fd)
{
    int from = memfd_create("y", 0);
    if (write(from, "abc", 3) != 3)
        return -9;
    off_t at = 0;
    long result = sendfile(fd, from, &at, 3);
    int error = errno;
    close(from);
    errno = error;
    return result;
}
static long splice_from(int fd)
{
    int fds[2];
    if (pipe2(fds, O_NONBLOCK))
        return -9;
    long result = splice(fd, NULL, fds[1], NULL, 100, SPLICE_F_NONBLOCK);
    int error = errno;
    close(fds[0]), close(fds[1]);
    errno = error;
    return result;
}
static long splice_to(int fd)
{
    int fds[2];
    if (pipe2(fds, O_NONBLOCK) || write(fds[1], "abc", 3) != 3)
        return -9;
    long result = splice(fds[0], NULL, fd, NULL, 3, SPLICE_F_NONBLOCK);
    int error = errno;
    close(fds[0]), close(fds[1]);
    errno = error;
    return result;
}
static long dup_it(int fd) { int copy = dup(fd); return copy < 0 ? -1 : close(copy); }
static long dup3_same(int fd) { return dup3(fd, fd, 0); }
static long close_twice(int fd) { return close(fd), close(fd); }

#define CALL(function) {#function, function}
static const struct entry { const char *name; long (*run)(int fd);
} calls[] = {CALL(bind_any),       CALL(bind_short),       CALL(bind_6),
             CALL(bind_foreign),   CALL(connect_unspec),   CALL(connect_short),
             CALL(connect_family), CALL(connect_null),     CALL(listen_5),
             CALL(accept_any),     CALL(accept_flags),     CALL(own_name),
             CALL(peer_name),      CALL(name_null),        CALL(shut_read),
             CALL(shut_write),     CALL(shut_both),        CALL(shut_odd),
             CALL(send_1),         CALL(send_0),           CALL(send_null),
             CALL(send_oob),       CALL(sendto_null_name), CALL(sendto_family),
             CALL(recv_1),         CALL(recv_0),           CALL(recv_null),
             CALL(recv_peek),      CALL(recv_trunc),       CALL(recv_oob),
             CALL(recv_errors),    CALL(write_1),          CALL(write_0),
             CALL(write_null),     CALL(read_1),           CALL(read_0),
             CALL(read_null),      CALL(readv_2),          CALL(writev_0),
             CALL(readv_many),     CALL(pread_1),          CALL(pwrite_1),
             CALL(seek),           CALL(truncate_0),       CALL(sync_1),
             CALL(stat_mode),      CALL(sendmsg_empty),    CALL(sendmsg_null),
             CALL(recvmsg_many),   CALL(recvmmsg_0),       CALL(sendmmsg_1),
             CALL(get_flags),      CALL(set_flags),        CALL(set_owner),
             CALL(get_owner),      CALL(pipe_size),        CALL(lock),
             CALL(fionread),       CALL(fionbio),          CALL(outq),
             CALL(outqnsd),        CALL(atmark),           CALL(getpgrp_ioctl),
             CALL(window_size),    CALL(odd_ioctl),        CALL(fionread_null),
             CALL(so_type),        CALL(so_error),         CALL(so_domain),
             CALL(so_protocol),    CALL(so_accept),        CALL(so_unknown),
             CALL(level_unknown),  CALL(nodelay),          CALL(ip_tos),
             CALL(v6only),         CALL(udp_cork),         CALL(option_null),
             CALL(set_reuse),      CALL(set_short),        CALL(set_keepalive),
             CALL(set_nodelay),    CALL(set_v6only),       CALL(set_ttl),
             CALL(set_unknown),    CALL(set_null),         CALL(poll_now),
             CALL(epoll_add),      CALL(epoll_of_it),      CALL(sendfile_to),
             CALL(splice_from),    CALL(splice_to),        CALL(dup_it),
             CALL(dup3_same),      CALL(close_twice)};

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
            int fd = kinds[k].make();
            text[0] = '\0';
            errno = 0;
            long result = calls[c].run(fd);
            int error = result < 0 ? errno : 0;
            printf("%-14s %-16s %ld%s %s\n", kinds[k].name, calls[c].name, result, text, error ? strerrorname_np(error) : "");
            close(fd);
            while (spares)
                close(spare[--spares]);
        }
    return 0;
}
