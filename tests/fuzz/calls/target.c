/* target.c: whatever calls two hosts' programs make, with whatever arguments, and whatever the way between them and the sysctls do
 * meanwhile, nothing crashes, leaks, stands still, or touches what is not the caller's: each buffer is a block of its own. An input's
 * bytes are the choices; behind their end a generator that is seeded from them goes on, so that a short input is a seed.
 * FUZZ_CALLS_SHOW=1 prints the calls. */
#include "../fuzz.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "transit.h"

enum { CALLS = 400, SYSCTLS_MAX = 1024, NAME_MAX_ = 96 };
static const uint64_t ms_ns = 1000000;

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

struct names {
    char text[SYSCTLS_MAX][NAME_MAX_];
    unsigned count;
};
static struct names names; /* the sysctls of the input's profile */

static void note_name(void *ctx, const char *name, const char *value)
{
    struct names *all = ctx;
    (void)value;
    if (all->count < SYSCTLS_MAX)
        snprintf(all->text[all->count++], NAME_MAX_, "%s", name);
}

/* --- addresses and messages ------------------------------------------------------------------------------------------ */

static socklen_t draw_address(struct choices *c, struct sockaddr_storage *out)
{
    static const char *const v4[] = {"10.0.0.1",   "10.0.0.2",        "0.0.0.0",     "127.0.0.1",
                                     "10.0.0.255", "255.255.255.255", "224.0.0.251", "192.0.2.1"},
                             *const v6[] = {"fd00::1",         "fd00::2", "::",      "::1",
                                            "::ffff:10.0.0.2", "ff02::1", "fe80::1", "2001:db8::9"};
    unsigned which = choose(c, 4) ? choose(c, 2) : choose(c, 8);
    uint16_t port = (uint16_t)(choose(c, 8) ? 7000 + choose(c, 3) : choose(c, 65536));
    memset(out, 0, sizeof *out);
    if (choose(c, 2)) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        inet_pton(AF_INET, v4[which], &in->sin_addr);
    } else {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)out;
        *in = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = choose(c, 3)};
        inet_pton(AF_INET6, v6[which], &in->sin6_addr);
    }
    if (choose(c, 32) == 0)
        out->ss_family = (sa_family_t)choose(c, 65536);
    socklen_t whole = out->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return choose(c, 16) ? whole : choose(c, sizeof *out + 1);
}

/* Control data: a few records of levels and types that mean something, of any length. */
static size_t draw_control(struct choices *c, uint8_t *bytes, size_t size)
{
    static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, IPPROTO_TCP};
    size_t at = 0;
    for (unsigned n = choose(c, 4); n && at + CMSG_SPACE(64) <= size; n--) {
        struct cmsghdr header = {.cmsg_level = levels[choose(c, 5)], .cmsg_type = (int)choose(c, 110)};
        size_t length = choose(c, 3) ? 4u * choose(c, 10) : choose(c, 65);
        header.cmsg_len = choose(c, 32) ? CMSG_LEN(length) : choose(c, 200);
        memcpy(bytes + at, &header, sizeof header);
        draw_bytes(c, bytes + at + CMSG_LEN(0), length);
        at += CMSG_SPACE(length);
    }
    return choose(c, 32) ? at : min_size(at, choose(c, 64));
}

static int draw_flags(struct choices *c)
{
    static const int flags[] = {MSG_PEEK,     MSG_OOB,       MSG_WAITALL,  MSG_DONTWAIT, MSG_TRUNC,
                                MSG_MORE,     MSG_ERRQUEUE,  MSG_NOSIGNAL, MSG_EOR,      MSG_ZEROCOPY,
                                MSG_FASTOPEN, MSG_DONTROUTE, MSG_CONFIRM,  MSG_CTRUNC,   MSG_CMSG_CLOEXEC};
    int result = choose(c, 16) ? MSG_DONTWAIT : 0;
    while (choose(c, 3) == 0)
        result |= flags[choose(c, sizeof flags / sizeof *flags)];
    return result;
}

static size_t draw_size(struct choices *c)
{
    static const unsigned limits[] = {3, 200, 3000, 70000};
    return choose(c, limits[choose(c, 4)]);
}

static void transfer(struct choices *c, struct lil_proc *proc, int fd, bool send)
{
    struct sockaddr_storage address;
    struct iovec iov[4];
    size_t count = choose(c, 4), room = send ? 256 : choose(c, 257);
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = count, .msg_control = malloc(room), .msg_controllen = room};
    for (size_t i = 0; i < count; i++) {
        size_t size = draw_size(c);
        iov[i] = (struct iovec){calloc(1, size + (size == 0)), size};
    }
    if (choose(c, 2)) {
        message.msg_namelen = draw_address(c, &address);
        message.msg_name = malloc(message.msg_namelen + 1u);
        memcpy(message.msg_name, &address, message.msg_namelen);
    }
    if (send)
        message.msg_controllen = choose(c, 2) ? draw_control(c, message.msg_control, room) : 0;
    int flags = draw_flags(c);
    ssize_t n = send ? lil_sendmsg(proc, fd, &message, flags) : lil_recvmsg(proc, fd, &message, flags);
    show(c, "%s(%d, %zu pieces, %#x) = %zd", send ? "sendmsg" : "recvmsg", fd, count, (unsigned)flags, n);
    free(message.msg_control);
    free(message.msg_name);
    for (size_t i = 0; i < count; i++)
        free(iov[i].iov_base);
}

/* --- calls ----------------------------------------------------------------------------------------------------------- */

static int new_socket(struct choices *c, struct lil_proc *proc)
{
    static const int types[] = {SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW},
                     protocols[] = {0, 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
    int family = choose(c, 2) ? AF_INET : AF_INET6, type = types[choose(c, 4)],
        protocol = choose(c, 4) ? 0 : protocols[choose(c, 6)];
    int fd = lil_socket(proc, family, type | SOCK_NONBLOCK, protocol);
    show(c, "socket(%d, %d, %d) = %d", family, type, protocol, fd);
    return fd;
}

static void option(struct choices *c, struct lil_proc *proc, int fd, bool set)
{
    static const int levels[] = {SOL_SOCKET,  IPPROTO_IP,  IPPROTO_IPV6,  IPPROTO_TCP,
                                 IPPROTO_UDP, IPPROTO_RAW, IPPROTO_ICMPV6};
    static const socklen_t lengths[] = {4, 4, 4, 0, 1, 8, 16, 40, 132, 255};
    int level = levels[choose(c, 8) ? choose(c, 4) : choose(c, 7)], name = (int)choose(c, 100);
    socklen_t length = choose(c, 4) ? lengths[choose(c, 10)] : choose(c, 300), told = length;
    uint8_t *value = malloc(length + 1);
    int number = (int)(choose(c, 2) ? choose(c, 3) : draw_size(c)) - (choose(c, 16) == 0);
    draw_bytes(c, value, length);
    if (choose(c, 4))
        memcpy(value, &number, min_size(length, sizeof number));
    value = realloc(value, length ? length : 1);
    int result = set ? lil_setsockopt(proc, fd, level, name, value, length)
                     : lil_getsockopt(proc, fd, level, name, value, &told);
    if (!set && result == 0 && told > length &&
        level != IPPROTO_TCP) /* TCP_SAVED_SYN and its kin tell what they want */
        abort();
    show(c, "%csockopt(%d, %d, %d, %u) = %d", set ? 's' : 'g', fd, level, name, length, result);
    free(value);
}

static void control(struct choices *c, struct lil_proc *proc, int fd)
{
    static const unsigned long requests[] = {FIONREAD,
                                             0x5411 /* SIOCOUTQ */,
                                             0x894B /* SIOCOUTQNSD */,
                                             0x8905 /* SIOCATMARK */,
                                             0x8906 /* SIOCGSTAMP */,
                                             FIONBIO,
                                             FIOASYNC,
                                             0x8912 /* SIOCGIFCONF */,
                                             0x8913,
                                             0x8915,
                                             0x8921,
                                             0x8927};
    struct {
        int length, pad;
        void *buffer;
        char rest[112];
    } argument = {64, 0, NULL, {0}};
    unsigned long request = requests[choose(c, 12)];
    char list[64];
    if (request == 0x8912)
        argument.buffer = list;
    else
        snprintf((char *)&argument, 16, "%s", choose(c, 2) ? "lo" : "eth0");
    if (request == FIONBIO)
        argument.length = 1;
    int result = lil_ioctl(proc, fd, request, &argument);
    show(c, "ioctl(%d, %#lx) = %d", fd, request, result);
}

static void watch(struct choices *c, struct lil_proc *proc, int fd)
{
    int other = draw_fd(c, proc);
    struct epoll_event events[4] = {{.events = choose(c, 65536) | (choose(c, 2) ? EPOLLET : 0), .data.fd = fd}};
    struct pollfd polled[2] = {{fd, (short)choose(c, 65536), 0}, {other, POLLIN, 0}};
    switch (choose(c, 4)) {
    case 0:
        show(c, "poll() = %d", lil_poll(proc, polled, 2, 0));
        break;
    case 1:
        show(c, "epoll_create() = %d", lil_epoll_create1(proc, 0));
        break;
    case 2:
        show(c, "epoll_ctl(%d, %d) = %d", fd, other, lil_epoll_ctl(proc, fd, 1 + (int)choose(c, 3), other, events));
        break;
    default:
        show(c, "epoll_wait(%d) = %d", fd, lil_epoll_wait(proc, fd, events, 1 + (int)choose(c, 4), 0));
    }
}

/* What makes names and ends them. */
static void handle(struct choices *c, struct lil_proc *proc, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = draw_address(c, &address), told = choose(c, sizeof address + 1);
    int how = (int)choose(c, 4), pair[2];
    switch (choose(c, 10)) {
    case 0:
        show(c, "bind(%d) = %d", fd, lil_bind(proc, fd, (struct sockaddr *)&address, length));
        break;
    case 1:
    case 2:
        show(c, "connect(%d) = %d", fd, lil_connect(proc, fd, (struct sockaddr *)&address, length));
        break;
    case 3:
        show(c, "listen(%d) = %d", fd, lil_listen(proc, fd, how - 1));
        break;
    case 4:
        show(c, "accept(%d) = %d", fd,
             lil_accept4(proc, fd, choose(c, 2) ? (struct sockaddr *)&address : NULL, &told, SOCK_NONBLOCK));
        break;
    case 5:
        show(c, "shutdown(%d, %d) = %d", fd, how, lil_shutdown(proc, fd, how));
        break;
    case 6:
        show(c, "close(%d) = %d", fd, lil_close(proc, fd));
        break;
    case 7:
        show(c, "names(%d) = %d %d", fd, lil_getsockname(proc, fd, (struct sockaddr *)&address, &told),
             lil_getpeername(proc, fd, (struct sockaddr *)&address, &told));
        break;
    case 8:
        show(c, "dup2(%d) = %d", fd, choose(c, 2) ? lil_dup(proc, fd) : lil_dup2(proc, fd, draw_fd(c, proc)));
        break;
    default:
        show(c, "pipe() = %d",
             choose(c, 2) ? lil_pipe2(proc, pair, O_NONBLOCK)
                          : lil_socketpair(proc, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    }
}

/* A connection, or two datagram sockets, between the hosts: by chance alone there would be few. */
static void meet(struct choices *c, struct stage *stage)
{
    int family = choose(c, 2) ? AF_INET : AF_INET6, type = choose(c, 4) ? SOCK_STREAM : SOCK_DGRAM;
    int server = lil_socket(stage->procs[1], family, type | SOCK_NONBLOCK, 0),
        client = lil_socket(stage->procs[0], family, type | SOCK_NONBLOCK, 0);
    struct sockaddr_storage name = {0};
    uint16_t port = htons((uint16_t)(7100 + stage->meetings++));
    if (family == AF_INET)
        *(struct sockaddr_in *)&name =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(0x0a000002)};
    else
        *(struct sockaddr_in6 *)&name =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr.s6_addr = {0xfd, [15] = 2}};
    while (choose(c, 2))
        option(c, stage->procs[1], server, true);
    while (choose(c, 2))
        option(c, stage->procs[0], client, true);
    (void)lil_bind(stage->procs[1], server, (struct sockaddr *)&name, sizeof name);
    (void)lil_listen(stage->procs[1], server, (int)choose(c, 4));
    int result = lil_connect(stage->procs[0], client, (struct sockaddr *)&name, sizeof name);
    stage_run(stage, 100 * ms_ns);
    show(c, "meet: client %d, server %d, connect %d, accept %d", client, server, result,
         lil_accept4(stage->procs[1], server, NULL, NULL, SOCK_NONBLOCK));
}

/* --- what happens to them -------------------------------------------------------------------------------------------- */

static void trouble(struct choices *c, struct stage *stage)
{
    static const char *const values[] = {"0",     "1",    "2",    "3",     "-1",
                                         "7",     "100",  "1000", "65535", "2147483647",
                                         "cubic", "reno", "bbr",  "1 2 3", "4096 16384 60000",
                                         ""};
    struct way *way = &stage->way;
    unsigned side = choose(c, 2);
    struct lil_host *host = stage->hosts[side];
    switch (choose(c, 8)) {
    case 0:
        way->loss = choose(c, 3) ? 0 : choose(c, 40);
        way->delay_ns = choose(c, 50) * ms_ns;
        way->mtu = choose(c, 5) ? 0 : 600 + choose(c, 900);
        way->down = choose(c, 12) == 0;
        break;
    case 1:
    case 2: {
        const char *name = names.text[choose(c, names.count)], *value = values[choose(c, 16)];
        show(c, "sysctl %s=%s: %d", name, value, lil_sysctl_set(host, name, value));
        break;
    }
    case 3:
        (void)lil_interface_set_mtu(host, 2, 60 + choose(c, 2000));
        break;
    case 4:
        (void)lil_interface_set_up(host, 2, choose(c, 4) != 0);
        break;
    case 5:
        (void)(choose(c, 3) ? lil_address_add(host, 2, side ? "10.0.0.2/24" : "10.0.0.1/24")
                            : lil_address_delete(host, 2, side ? "10.0.0.2" : "10.0.0.1"));
        break;
    case 6:
        lil_neighbor_flush(host);
        break;
    default:
        (void)(choose(c, 2) ? lil_route_add(host, "0.0.0.0/0", "10.0.0.2") : lil_route_delete(host, "0.0.0.0/0"));
    }
}

static void call(struct choices *c, struct stage *stage)
{
    struct lil_proc *proc = stage->procs[choose(c, 2)];
    int fd = draw_fd(c, proc);
    switch (choose(c, 16)) {
    case 0:
        new_socket(c, proc);
        break;
    case 1:
        meet(c, stage);
        break;
    case 2:
    case 3:
        handle(c, proc, fd);
        break;
    case 4:
    case 5:
    case 6:
        transfer(c, proc, fd, true);
        break;
    case 7:
    case 8:
        transfer(c, proc, fd, false);
        break;
    case 9:
        option(c, proc, fd, true);
        break;
    case 10:
        option(c, proc, fd, false);
        break;
    case 11:
        control(c, proc, fd);
        break;
    case 12:
        watch(c, proc, fd);
        break;
    case 13:
        trouble(c, stage);
        break;
    default:
        stage_run(stage, choose(c, 8) ? (1 + choose(c, 100)) * ms_ns : choose(c, 200) * 1000 * ms_ns);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices choices = choices_of(data, size), *c = &choices;
    const char *const *profiles = lil_profile_names();
    unsigned count = 0;
    while (profiles[count])
        count++;
    const char *profile = choose(c, 2) ? "linux" : profiles[choose(c, count)];
    struct stage stage;
    show(c, "profile %s", profile);
    stage_begin(&stage, c, profile);
    names.count = 0;
    lil_sysctl_each(stage.hosts[0], note_name, &names);
    for (unsigned i = 0; i < CALLS; i++)
        call(c, &stage);
    stage_end(&stage);
    return 0;
}
