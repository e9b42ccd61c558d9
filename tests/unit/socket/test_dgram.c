/* test_dgram.c: UDP sockets (UNP chapters 8 and 22): names, connected and not, errors, control data; ping and raw
 * sockets. */
#include <fcntl.h>
#include <time.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include "socket_pair.h"

static int datagram(struct lil_proc *p)
{
    int fd = lil_socket(p, AF_INET, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    return fd;
}

static ssize_t send_to(struct lil_proc *p, int fd, const char *bytes, const char *text, unsigned port)
{
    union name name;
    socklen_t length = name_of(&name, text, port);
    ssize_t n = lil_sendto(p, fd, bytes, strlen(bytes), 0, &name.sa, length);

    return n < 0 ? -errno : n;
}

static void test_echo(void **state)
{
    struct pair pair;
    int server, client;
    char buffer[16];
    union name from;
    socklen_t length = sizeof from;
    unsigned port;

    (void)state;
    pair_init(&pair, "linux", "4.4bsd");
    server = datagram(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "0.0.0.0", 7), 0);
    client = datagram(pair.pa);
    assert_fails(lil_recv(pair.pa, client, buffer, sizeof buffer, 0), EAGAIN);
    assert_int_equal(send_to(pair.pa, client, "hello", B4, 7), 5);
    assert_string_equal(local_text(pair.pa, client, &port),
                        "0.0.0.0"); /* the port is chosen, the address is not (FACTS 6) */
    assert_int_not_equal(port, 0);
    pair_run(&pair, 50);
    assert_int_equal(lil_recvfrom(pair.pb, server, buffer, sizeof buffer, 0, &from.sa, &length), 5);
    assert_memory_equal(buffer, "hello", 5);
    assert_int_equal(lil_sendto(pair.pb, server, buffer, 5, 0, &from.sa, length), 5);
    pair_run(&pair, 50);
    length = sizeof from;
    assert_int_equal(lil_recvfrom(pair.pa, client, buffer, sizeof buffer, MSG_PEEK, &from.sa, &length), 5);
    assert_int_equal(lil_recvfrom(pair.pa, client, buffer, 3, MSG_TRUNC, &from.sa, &length), 5); /* the rest is lost */
    assert_string_equal(name_text(&from, &port), B4);
    assert_int_equal(port, 7);
    assert_fails(lil_recv(pair.pa, client, buffer, sizeof buffer, 0), EAGAIN);
    pair_fini(&pair);
}

static void test_connected(void **state)
{
    struct sockaddr unspec = {.sa_family = AF_UNSPEC};
    struct pair pair;
    int server, other, client;
    char buffer[16];
    union name name;
    socklen_t length = sizeof name;
    unsigned port;

    (void)state;
    pair_init(&pair, "linux", "linux");
    server = datagram(pair.pb);
    other = datagram(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "0.0.0.0", 7), 0);
    assert_int_equal(bind_to(pair.pb, other, "0.0.0.0", 8), 0);
    client = datagram(pair.pa);
    assert_fails(lil_send(pair.pa, client, "x", 1, 0), EDESTADDRREQ);
    assert_fails(lil_getpeername(pair.pa, client, &name.sa, &length), ENOTCONN);
    assert_int_equal(connect_to(pair.pa, client, B4, 7), 0);
    assert_string_equal(local_text(pair.pa, client, &port), A4); /* UDP connect fixes it */
    assert_string_equal(peer_text(pair.pa, client, &port), B4);
    assert_int_equal(lil_send(pair.pa, client, "one", 3, 0), 3);
    pair_run(&pair, 50);
    assert_int_equal(lil_recvfrom(pair.pb, server, buffer, sizeof buffer, 0, &name.sa, &length), 3);
    assert_int_equal(lil_sendto(pair.pb, other, "bad", 3, 0, &name.sa, length),
                     3); /* not from the peer: not delivered */
    assert_int_equal(lil_sendto(pair.pb, server, "good", 4, 0, &name.sa, length), 4);
    pair_run(&pair, 50);
    assert_int_equal(lil_recv(pair.pa, client, buffer, sizeof buffer, 0), 4);
    assert_fails(lil_recv(pair.pa, client, buffer, sizeof buffer, 0), EAGAIN);
    assert_int_equal(connect_to(pair.pa, client, B4, 8), 0); /* again */
    assert_string_equal(peer_text(pair.pa, client, &port), B4);
    assert_int_equal(port, 8);
    assert_int_equal(connect_to(pair.pa, client, "198.51.100.1", 9), -ENETUNREACH); /* the old peer stays */
    assert_string_equal(peer_text(pair.pa, client, &port), B4);
    assert_int_equal(connect_to(pair.pa, client, "127.0.0.1", 9), 0); /* another address of its own */
    assert_string_equal(local_text(pair.pa, client, &port), "127.0.0.1");
    assert_int_equal(lil_connect(pair.pa, client, &unspec, sizeof unspec), 0);
    assert_string_equal(local_text(pair.pa, client, &port), "0.0.0.0");
    assert_fails(lil_getpeername(pair.pa, client, &name.sa, &length), ENOTCONN);
    pair_fini(&pair);
}

/* A connected socket is told of ICMP errors, once; an unconnected one is not (UNP 8.9, 8.11), but IP_RECVERR asks. */
static void test_errors(void **state)
{
    struct pair pair;
    int client;
    char buffer[64], control[256];
    struct iovec iov = {buffer, sizeof buffer};
    union name name;
    struct msghdr message = {.msg_name = &name,
                             .msg_namelen = sizeof name,
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *cmsg;
    struct sock_extended_err error;
    unsigned port;

    (void)state;
    pair_init(&pair, "linux", "linux");
    client = datagram(pair.pa);
    assert_int_equal(send_to(pair.pa, client, "x", B4, 7), 1);
    pair_run(&pair, 50);
    assert_fails(lil_recv(pair.pa, client, buffer, sizeof buffer, 0), EAGAIN);
    assert_int_equal(connect_to(pair.pa, client, B4, 7), 0);
    assert_int_equal(lil_send(pair.pa, client, "x", 1, 0), 1);
    pair_run(&pair, 50);
    assert_fails(lil_recv(pair.pa, client, buffer, sizeof buffer, 0), ECONNREFUSED);
    assert_fails(lil_recv(pair.pa, client, buffer, sizeof buffer, 0), EAGAIN);
    lil_close(pair.pa, client);
    client = datagram(pair.pa);
    assert_int_equal(set_int(pair.pa, client, IPPROTO_IP, IP_RECVERR, 1), 0);
    assert_int_equal(send_to(pair.pa, client, "lost", B4, 7), 4);
    pair_run(&pair, 50);
    assert_int_equal(get_int(pair.pa, client, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(lil_recvmsg(pair.pa, client, &message, MSG_ERRQUEUE), 4);
    assert_memory_equal(buffer, "lost", 4);
    assert_true(message.msg_flags & MSG_ERRQUEUE);
    assert_string_equal(name_text(&name, &port), B4);
    assert_int_equal(port, 7);
    cmsg = CMSG_FIRSTHDR(&message);
    assert_non_null(cmsg);
    assert_int_equal(cmsg->cmsg_type, IP_RECVERR);
    memcpy(&error, CMSG_DATA(cmsg), sizeof error);
    assert_int_equal(error.ee_errno, ECONNREFUSED);
    assert_int_equal(error.ee_origin, SO_EE_ORIGIN_ICMP);
    assert_int_equal(error.ee_type, 3);
    assert_int_equal(error.ee_code, 3);
    pair_fini(&pair);
}

static void test_limits(void **state)
{
    static char big[65536];
    struct pair pair;
    int fd;

    (void)state;
    pair_init(&pair, "linux", "linux");
    fd = datagram(pair.pa);
    assert_int_equal(connect_to(pair.pa, fd, B4, 7), 0);
    assert_fails(lil_send(pair.pa, fd, big, 65508, 0), EMSGSIZE);
    assert_int_equal(lil_send(pair.pa, fd, big, 65507, 0), 65507);
    pair_run(&pair, 50);
    (void)get_int(pair.pa, fd, SOL_SOCKET, SO_ERROR);
    assert_fails(lil_send(pair.pa, fd, big, 1, MSG_OOB), EOPNOTSUPP);
    assert_int_equal(send_to(pair.pa, fd, "x", "192.0.2.255", 7), -EACCES); /* no SO_BROADCAST */
    assert_int_equal(set_int(pair.pa, fd, SOL_SOCKET, SO_BROADCAST, 1), 0);
    assert_int_equal(send_to(pair.pa, fd, "x", "192.0.2.255", 7), 1);
    assert_int_equal(send_to(pair.pa, fd, "x", "198.51.100.1", 7), -ENETUNREACH);
    assert_int_equal(send_to(pair.pa, fd, "x", B4, 0), -EINVAL);
    assert_fails(lil_listen(pair.pa, fd, 5), EOPNOTSUPP);
    assert_fails(lil_accept(pair.pa, fd, NULL, NULL), EOPNOTSUPP);
    assert_int_equal(lil_shutdown(pair.pa, fd, SHUT_WR), 0);
    assert_fails(lil_send(pair.pa, fd, big, 1, 0), EPIPE);
    pair_fini(&pair);
}

/* SO_SNDBUF: a full socket takes nothing until the host has sent; BSD refuses what is larger than the buffer. */
static void test_sndbuf(void **state)
{
    static char big[8000];
    struct pair pair;
    struct pollfd pollfd = {.events = POLLOUT};
    int fd, sent = 0, unsent;

    (void)state;
    pair_init(&pair, "linux", "4.4bsd");
    fd = pollfd.fd = datagram(pair.pa);
    assert_int_equal(lil_fcntl(pair.pa, fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(connect_to(pair.pa, fd, B4, 7), 0);
    assert_int_equal(set_int(pair.pa, fd, SOL_SOCKET, SO_SNDBUF, 10000), 0);
    assert_int_equal(get_int(pair.pa, fd, SOL_SOCKET, SO_SNDBUF), 20000); /* Linux doubles it */
    while (lil_send(pair.pa, fd, big, sizeof big, 0) == sizeof big)
        sent++;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(sent, 3); /* two leave room, the third fills it */
    assert_int_equal(lil_poll(pair.pa, &pollfd, 1, 0), 0);
    assert_int_equal(lil_ioctl(pair.pa, fd, SIOCOUTQ, &unsent), 0);
    assert_true(unsent >= 3 * (int)sizeof big);
    pair_run(&pair, 50);
    (void)get_int(pair.pa, fd, SOL_SOCKET, SO_ERROR); /* nobody listens there */
    assert_int_equal(lil_poll(pair.pa, &pollfd, 1, 0), 1);
    assert_int_equal(lil_ioctl(pair.pa, fd, SIOCOUTQ, &unsent), 0);
    assert_int_equal(unsent, 0);
    assert_int_equal(lil_send(pair.pa, fd, big, sizeof big, 0), sizeof big);
    fd = datagram(pair.pb);
    assert_int_equal(set_int(pair.pb, fd, SOL_SOCKET, SO_SNDBUF, 4000), 0);
    assert_int_equal(connect_to(pair.pb, fd, A4, 7), 0);
    assert_fails(lil_send(pair.pb, fd, big, 4001, 0), EMSGSIZE);
    assert_int_equal(lil_send(pair.pb, fd, big, 4000, 0), 4000);
    pair_fini(&pair);
}

/* An empty datagram is a datagram. */
static void test_empty(void **state)
{
    struct pair pair;
    struct pollfd pollfd;
    int server, client;
    char byte;

    (void)state;
    pair_init(&pair, "linux", "linux");
    server = datagram(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "0.0.0.0", 7), 0);
    client = datagram(pair.pa);
    pollfd = (struct pollfd){.fd = server, .events = POLLIN | POLLOUT};
    assert_int_equal(lil_poll(pair.pb, &pollfd, 1, 0), 1);
    assert_int_equal(pollfd.revents, POLLOUT);
    assert_int_equal(send_to(pair.pa, client, "", B4, 7), 0);
    pair_run(&pair, 50);
    assert_int_equal(lil_poll(pair.pb, &pollfd, 1, 0), 1);
    assert_int_equal(pollfd.revents, POLLIN | POLLOUT);
    assert_int_equal(lil_recv(pair.pb, server, &byte, 1, 0), 0);
    assert_fails(lil_recv(pair.pb, server, &byte, 1, 0), EAGAIN);
    pair_fini(&pair);
}

static void test_pktinfo(void **state)
{
    struct pair pair;
    int server, client, found = 0;
    char buffer[16], control[256];
    struct iovec iov = {buffer, sizeof buffer};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

    (void)state;
    pair_init(&pair, "linux", "linux");
    server = datagram(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "0.0.0.0", 7), 0);
    assert_int_equal(set_int(pair.pb, server, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(set_int(pair.pb, server, IPPROTO_IP, IP_RECVTTL, 1), 0);
    assert_int_equal(set_int(pair.pb, server, IPPROTO_IP, IP_RECVTOS, 1), 0);
    assert_int_equal(set_int(pair.pb, server, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
    client = datagram(pair.pa);
    assert_int_equal(set_int(pair.pa, client, IPPROTO_IP, IP_TTL, 9), 0);
    assert_int_equal(set_int(pair.pa, client, IPPROTO_IP, IP_TOS, 0x10), 0);
    assert_int_equal(send_to(pair.pa, client, "hello", B4, 7), 5);
    pair_run(&pair, 50);
    assert_int_equal(lil_recvmsg(pair.pb, server, &message, 0), 5);
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message); cmsg; cmsg = CMSG_NXTHDR(&message, cmsg)) {
        struct in_pktinfo info;
        int ttl;

        if (cmsg->cmsg_level == SOL_SOCKET) {
            assert_int_equal(cmsg->cmsg_type, SO_TIMESTAMPNS);
        } else if (cmsg->cmsg_type == IP_PKTINFO) {
            memcpy(&info, CMSG_DATA(cmsg), sizeof info);
            assert_int_equal(info.ipi_addr.s_addr, inet_addr(B4));
            assert_int_equal(info.ipi_ifindex, lil_interface_index(pair.b, "eth0"));
        } else if (cmsg->cmsg_type == IP_TTL) {
            memcpy(&ttl, CMSG_DATA(cmsg), sizeof ttl);
            assert_int_equal(ttl, 9);
        } else {
            assert_int_equal(cmsg->cmsg_type, IP_TOS);
            assert_int_equal(*CMSG_DATA(cmsg), 0x10);
        }
        found++;
    }
    assert_int_equal(found, 4);
    /* too small a buffer: MSG_CTRUNC */
    assert_int_equal(send_to(pair.pa, client, "hello", B4, 7), 5);
    pair_run(&pair, 50);
    message.msg_controllen = 8;
    assert_int_equal(lil_recvmsg(pair.pb, server, &message, 0), 5);
    assert_true(message.msg_flags & MSG_CTRUNC);
    pair_fini(&pair);
}

/* sendmsg() gathers, and may say the source. */
static void test_sendmsg(void **state)
{
    struct pair pair;
    int server, client;
    char a[] = "hel", b[] = "lo, ", buffer[2000], big[1500], control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
    struct iovec iov[3] = {{a, 3}, {b, 4}, {big, sizeof big}};
    union name name;
    struct msghdr message = {
        .msg_name = &name, .msg_iov = iov, .msg_iovlen = 3, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = inet_addr("192.0.2.77")};
    union name from;
    socklen_t length = sizeof from;
    unsigned port;

    (void)state;
    memset(big, 'x', sizeof big);
    pair_init(&pair, "linux", "linux");
    assert_int_equal(lil_address_add(pair.a, lil_interface_index(pair.a, "eth0"), "192.0.2.77/24"), 0);
    server = datagram(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "0.0.0.0", 7), 0);
    client = datagram(pair.pa);
    message.msg_namelen = name_of(&name, B4, 7);
    *cmsg = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    memcpy(CMSG_DATA(cmsg), &info, sizeof info);
    assert_int_equal(lil_sendmsg(pair.pa, client, &message, 0), 7 + sizeof big);
    pair_run(&pair, 50);
    assert_int_equal(lil_recvfrom(pair.pb, server, buffer, sizeof buffer, 0, &from.sa, &length), 7 + sizeof big);
    assert_memory_equal(buffer, "hello, xxx", 10);
    assert_string_equal(name_text(&from, &port), "192.0.2.77");
    pair_fini(&pair);
}

/* Echo by a ping socket: the kernel gives the identifier and the checksum. */
static void test_ping(void **state)
{
    struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.sequence = htons(3)}, reply;
    struct pair pair;
    union name name;
    socklen_t length;
    int fd;

    (void)state;
    pair_init(&pair, "linux", "4.4bsd");
    fd = lil_socket(pair.pa, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    length = name_of(&name, B4, 0);
    assert_int_equal(lil_sendto(pair.pa, fd, &echo, sizeof echo, 0, &name.sa, length), sizeof echo);
    pair_run(&pair, 50);
    length = sizeof name;
    assert_int_equal(lil_recvfrom(pair.pa, fd, &reply, sizeof reply, 0, &name.sa, &length), sizeof reply);
    assert_int_equal(reply.type, ICMP_ECHOREPLY);
    assert_int_equal(ntohs(reply.un.echo.sequence), 3);
    assert_int_equal(ntohs(reply.un.echo.id), local_port(pair.pa, fd));
    echo.type = ICMP_TIMESTAMP;
    length = name_of(&name, B4, 0);
    assert_fails(lil_sendto(pair.pa, fd, &echo, sizeof echo, 0, &name.sa, length), EINVAL);
    pair_fini(&pair);
}

static void test_raw(void **state)
{
    struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.id = htons(77)};
    struct pair pair;
    union name name;
    socklen_t length;
    unsigned char buffer[64];
    uint16_t sum = (uint16_t) ~((ICMP_ECHO) + htons(77));
    int fd;

    (void)state;
    pair_init(&pair, "linux", "linux");
    fd = lil_socket(pair.pa, AF_INET, SOCK_RAW, IPPROTO_ICMP);
    assert_true(fd >= 0);
    echo.checksum = sum;
    length = name_of(&name, B4, 0);
    assert_int_equal(lil_sendto(pair.pa, fd, &echo, sizeof echo, 0, &name.sa, length), sizeof echo);
    pair_run(&pair, 50);
    assert_int_equal(lil_recv(pair.pa, fd, buffer, sizeof buffer, 0), 28); /* with its IPv4 header */
    assert_int_equal(buffer[0], 0x45);
    assert_int_equal(buffer[20], ICMP_ECHOREPLY);
    pair_fini(&pair);
}

/* IP_HDRINCL: the program's own header; the kernel fills in length, checksum and an empty source (raw(7)). */
static void test_header_included(void **state)
{
    struct {
        struct iphdr ip;
        struct udphdr udp;
        char text[5];
    } __attribute__((packed)) packet = {
        .ip = {.version = 4, .ihl = 5, .ttl = 3, .protocol = IPPROTO_UDP, .daddr = inet_addr(B4), .tot_len = htons(33)},
        .udp = {.source = htons(99), .dest = htons(7), .len = htons(13)},
        .text = "hello",
    };
    struct pair pair;
    union name name;
    socklen_t length;
    char buffer[16];
    unsigned port;
    int fd, server;

    (void)state;
    pair_init(&pair, "linux", "linux");
    server = datagram(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "0.0.0.0", 7), 0);
    fd = lil_socket(pair.pa, AF_INET, SOCK_RAW, IPPROTO_RAW);
    assert_int_equal(set_int(pair.pa, fd, IPPROTO_IP, IP_HDRINCL, 1), 0);
    length = name_of(&name, B4, 0);
    assert_int_equal(lil_sendto(pair.pa, fd, &packet, sizeof packet, 0, &name.sa, length), sizeof packet);
    pair_run(&pair, 50);
    length = sizeof name;
    assert_int_equal(lil_recvfrom(pair.pb, server, buffer, sizeof buffer, 0, &name.sa, &length), 5);
    assert_memory_equal(buffer, "hello", 5);
    assert_string_equal(name_text(&name, &port), A4);
    assert_int_equal(port, 99);
    pair_fini(&pair);
}

/* ICMPv6: the kernel computes the checksum of raw sockets too (RFC 3542 3.1); no IPv6 header comes with what is read.
 */
static void test_raw6(void **state)
{
    struct icmphdr echo = {.type = 128, .un.echo.id = htons(77), .un.echo.sequence = htons(1)}, reply;
    struct pair pair;
    union name name;
    socklen_t length;
    int fds[2];

    (void)state;
    pair_init(&pair, "linux", "linux");
    fds[0] = lil_socket(pair.pa, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    fds[1] = lil_socket(pair.pa, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
    for (int i = 0; i < 2; i++) {
        ssize_t n;

        length = name_of(&name, B6, 0);
        assert_int_equal(lil_sendto(pair.pa, fds[i], &echo, sizeof echo, 0, &name.sa, length), sizeof echo);
        pair_run(&pair, 50);
        do /* the raw socket sees neighbour discovery too */
            n = lil_recv(pair.pa, fds[i], &reply, sizeof reply, 0);
        while (n > 0 && reply.type != 129);
        assert_int_equal(n, sizeof reply);
        assert_int_equal(ntohs(reply.un.echo.id), i ? local_port(pair.pa, fds[1]) : 77);
    }
    pair_fini(&pair);
}

/* ICMP_FILTER: echo replies are not wanted: nothing is readable. */
static void test_icmp_filter(void **state)
{
    struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.id = htons(77)};
    uint32_t filter = 1u << ICMP_ECHOREPLY;
    struct pollfd pollfd = {.events = POLLIN};
    struct pair pair;
    union name name;
    socklen_t length;

    (void)state;
    pair_init(&pair, "linux", "linux");
    pollfd.fd = lil_socket(pair.pa, AF_INET, SOCK_RAW, IPPROTO_ICMP);
    echo.checksum = (uint16_t) ~(ICMP_ECHO + htons(77));
    for (int i = 0; i < 2; i++) {
        length = name_of(&name, B4, 0);
        assert_int_equal(lil_sendto(pair.pa, pollfd.fd, &echo, sizeof echo, 0, &name.sa, length), sizeof echo);
        pair_run(&pair, 50);
        assert_int_equal(lil_poll(pair.pa, &pollfd, 1, 0), i == 0);
        assert_int_equal(lil_setsockopt(pair.pa, pollfd.fd, SOL_RAW, 1 /* ICMP_FILTER */, &filter, sizeof filter), 0);
    }
    pair_fini(&pair);
}

/* --- IPv6 and multicast ------------------------------------------------------------------------- */
static int datagram6(struct lil_proc *p)
{
    int fd = lil_socket(p, AF_INET6, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    return fd;
}

/* A dual-stack server hears both and answers each; V6ONLY hears one. */
static void test_dual_stack(void **state)
{
    struct pair pair;
    union name from;
    socklen_t length;
    char buffer[16];
    unsigned port;
    int server, old, new;

    (void)state;
    pair_init(&pair, "linux", "linux");
    server = datagram6(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "::", 7), 0);
    old = datagram(pair.pa);
    new = datagram6(pair.pa);
    assert_int_equal(send_to(pair.pa, old, "four", B4, 7), 4);
    assert_int_equal(send_to(pair.pa, new, "six666", B6, 7), 6);
    pair_run(&pair, 50);
    for (int i = 0; i < 2; i++) {
        length = sizeof from;
        ssize_t n = lil_recvfrom(pair.pb, server, buffer, sizeof buffer, 0, &from.sa, &length);

        assert_true(n == 4 || n == 6);
        assert_string_equal(name_text(&from, &port), n == 4 ? "::ffff:" A4 : A6);
        assert_int_equal(lil_sendto(pair.pb, server, buffer, (size_t)n, 0, &from.sa, length), n);
    }
    pair_run(&pair, 50);
    assert_int_equal(lil_recv(pair.pa, old, buffer, sizeof buffer, 0), 4);
    assert_int_equal(lil_recv(pair.pa, new, buffer, sizeof buffer, 0), 6);
    assert_int_equal(send_to(pair.pa, new, "mapped", "::ffff:" B4, 7), 6);
    pair_run(&pair, 50);
    assert_int_equal(lil_recv(pair.pb, server, buffer, sizeof buffer, 0), 6);
    lil_close(pair.pb, server);
    server = datagram6(pair.pb);
    assert_int_equal(set_int(pair.pb, server, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    assert_int_equal(bind_to(pair.pb, server, "::", 7), 0);
    assert_int_equal(send_to(pair.pa, old, "four", B4, 7), 4);
    pair_run(&pair, 50);
    assert_fails(lil_recv(pair.pb, server, buffer, sizeof buffer, 0), EAGAIN);
    pair_fini(&pair);
}

static void test_pktinfo6(void **state)
{
    struct pair pair;
    int server, client, found = 0;
    char buffer[16], control[256];
    struct iovec iov = {buffer, sizeof buffer};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

    (void)state;
    pair_init(&pair, "linux", "linux");
    server = datagram6(pair.pb);
    assert_int_equal(bind_to(pair.pb, server, "::", 7), 0);
    assert_int_equal(set_int(pair.pb, server, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
    assert_int_equal(set_int(pair.pb, server, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
    client = datagram6(pair.pa);
    assert_int_equal(set_int(pair.pa, client, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9), 0);
    assert_int_equal(send_to(pair.pa, client, "hello", B6, 7), 5);
    pair_run(&pair, 50);
    assert_int_equal(lil_recvmsg(pair.pb, server, &message, 0), 5);
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message); cmsg; cmsg = CMSG_NXTHDR(&message, cmsg)) {
        struct in6_pktinfo info;
        char text[INET6_ADDRSTRLEN];
        int hops;

        if (cmsg->cmsg_type == IPV6_PKTINFO) {
            memcpy(&info, CMSG_DATA(cmsg), sizeof info);
            assert_string_equal(inet_ntop(AF_INET6, &info.ipi6_addr, text, sizeof text), B6);
        } else {
            assert_int_equal(cmsg->cmsg_type, IPV6_HOPLIMIT);
            memcpy(&hops, CMSG_DATA(cmsg), sizeof hops);
            assert_int_equal(hops, 9);
        }
        found++;
    }
    assert_int_equal(found, 2);
    pair_fini(&pair);
}

/* UNP chapter 21: join, TTL 1, the loop and its off switch, leave. */
static void test_multicast(void **state)
{
    struct ip_mreq request = {.imr_multiaddr.s_addr = inet_addr("224.1.2.3"), .imr_interface.s_addr = inet_addr(B4)};
    struct ip_mreq own = {.imr_multiaddr.s_addr = inet_addr("224.1.2.3"), .imr_interface.s_addr = inet_addr(A4)};
    struct in_addr from = {.s_addr = inet_addr(A4)};
    struct pair pair;
    char buffer[16];
    int receiver, sender;

    (void)state;
    pair_init(&pair, "linux", "linux");
    receiver = datagram(pair.pb);
    sender = datagram(pair.pa);
    assert_int_equal(bind_to(pair.pb, receiver, "0.0.0.0", 2000), 0);
    assert_int_equal(bind_to(pair.pa, sender, "0.0.0.0", 2000), 0);
    assert_int_equal(lil_setsockopt(pair.pb, receiver, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), 0);
    assert_int_equal(lil_setsockopt(pair.pa, sender, IPPROTO_IP, IP_ADD_MEMBERSHIP, &own, sizeof own), 0);
    assert_int_equal(lil_setsockopt(pair.pa, sender, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from), 0);
    assert_int_equal(send_to(pair.pa, sender, "all", "224.1.2.3", 2000), 3);
    pair_run(&pair, 50);
    assert_int_equal(lil_recv(pair.pb, receiver, buffer, sizeof buffer, 0), 3);
    assert_int_equal(lil_recv(pair.pa, sender, buffer, sizeof buffer, 0), 3); /* its own, looped back */
    assert_int_equal(set_int(pair.pa, sender, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
    assert_int_equal(send_to(pair.pa, sender, "all", "224.1.2.3", 2000), 3);
    pair_run(&pair, 50);
    assert_int_equal(lil_recv(pair.pb, receiver, buffer, sizeof buffer, 0), 3);
    assert_fails(lil_recv(pair.pa, sender, buffer, sizeof buffer, 0), EAGAIN);
    assert_int_equal(lil_setsockopt(pair.pb, receiver, IPPROTO_IP, IP_DROP_MEMBERSHIP, &request, sizeof request), 0);
    assert_int_equal(send_to(pair.pa, sender, "all", "224.1.2.3", 2000), 3);
    pair_run(&pair, 50);
    assert_fails(lil_recv(pair.pb, receiver, buffer, sizeof buffer, 0), EAGAIN);
    request.imr_multiaddr.s_addr = inet_addr(B4);
    assert_fails(lil_setsockopt(pair.pb, receiver, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), EINVAL);
    pair_fini(&pair);
}

/* SO_REUSEADDR on UDP: each of two sockets on one group gets its copy; a broadcast goes to both too. */
static void test_two_receivers(void **state)
{
    struct pair pair;
    char buffer[16];
    int fds[2], sender;

    (void)state;
    pair_init(&pair, "linux", "linux");
    for (int i = 0; i < 2; i++) {
        fds[i] = datagram(pair.pb);
        assert_int_equal(set_int(pair.pb, fds[i], SOL_SOCKET, SO_REUSEADDR, 1), 0);
        assert_int_equal(bind_to(pair.pb, fds[i], "0.0.0.0", 2000), 0);
    }
    sender = datagram(pair.pa);
    assert_int_equal(set_int(pair.pa, sender, SOL_SOCKET, SO_BROADCAST, 1), 0);
    assert_int_equal(send_to(pair.pa, sender, "all", "192.0.2.255", 2000), 3);
    pair_run(&pair, 50);
    for (int i = 0; i < 2; i++)
        assert_int_equal(lil_recv(pair.pb, fds[i], buffer, sizeof buffer, 0), 3);
    pair_fini(&pair);
}

/* The reply's source when bound to the wildcard is the interface's address; a bound server address is a filter
 * (UNP 4.4). */
static void test_bound_server(void **state)
{
    struct pair pair;
    union name from;
    socklen_t length = sizeof from;
    char buffer[16];
    unsigned port;
    int wildcard, server, client;

    (void)state;
    pair_init(&pair, "linux", "4.4bsd");
    assert_int_equal(lil_address_add(pair.b, lil_interface_index(pair.b, "eth0"), "192.0.2.77/24"), 0);
    wildcard = datagram(pair.pb);
    server = datagram(pair.pb);
    assert_int_equal(bind_to(pair.pb, wildcard, "0.0.0.0", 2000), 0);
    assert_int_equal(set_int(pair.pb, server, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_int_equal(bind_to(pair.pb, server, B4, 2000), 0);
    client = datagram(pair.pa);
    assert_int_equal(send_to(pair.pa, client, "to 77", "192.0.2.77", 2000), 5);
    assert_int_equal(send_to(pair.pa, client, "to 2", B4, 2000), 4);
    pair_run(&pair, 50);
    assert_int_equal(lil_recv(pair.pb, server, buffer, sizeof buffer, 0), 4);
    assert_int_equal(lil_recvfrom(pair.pb, wildcard, buffer, sizeof buffer, 0, &from.sa, &length), 5);
    assert_int_equal(lil_sendto(pair.pb, wildcard, buffer, 5, 0, &from.sa, length), 5);
    pair_run(&pair, 50);
    length = sizeof from;
    assert_int_equal(lil_recvfrom(pair.pa, client, buffer, sizeof buffer, 0, &from.sa, &length), 5);
    assert_string_equal(name_text(&from, &port), B4); /* not .77: the primary address */
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_connected),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_sndbuf),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_pktinfo),
        cmocka_unit_test(test_sendmsg),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_icmp_filter),
        cmocka_unit_test(test_header_included),
        cmocka_unit_test(test_raw6),
        cmocka_unit_test(test_dual_stack),
        cmocka_unit_test(test_pktinfo6),
        cmocka_unit_test(test_multicast),
        cmocka_unit_test(test_two_receivers),
        cmocka_unit_test(test_bound_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
