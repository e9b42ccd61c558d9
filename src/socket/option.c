/* option.c: getsockopt() and setsockopt() (UNP chapter 7; socket(7), ip(7), ipv6(7), tcp(7)). What TCP itself needs is
 * kept by TCP (struct tcb_options, tcp_getopt, tcp_setopt); plain flags in the socket; the rest in its extension. Here are flags, the level
 * IPPROTO_TCP and the way to the other levels (option_socket.c, option_ip.c, option_ip6.c; what a stack alone has: option_bsd.c,
 * option_plain.c). */
#include <netinet/tcp.h>
#include "socket/sock.h"

static int get_int(const void *value, socklen_t length, int *out)
{
    if (length < sizeof *out) {
        if (length < 1)
            return -EINVAL;
        *out = *(const unsigned char *)value; /* some options are read as a byte too (ip(7)) */
        return 0;
    }
    memcpy(out, value, sizeof *out);
    return 0;
}

static void set_flag(struct sock *sock, uint32_t flag, int on)
{
    sock->flags = on ? sock->flags | flag : sock->flags & ~flag;
}

int option_give(void *value, socklen_t *length, const void *from, socklen_t size)
{
    if ((int)*length < 0)
        return -EINVAL;
    if (*length > size)
        *length = size;
    if (*length)
        memcpy(value, from, *length);
    return 0;
}

int option_give_int(void *value, socklen_t *length, int number)
{
    return option_give(value, length, &number, sizeof number);
}

/* --- flags: one table for both directions ----------------------------------------------------- */
static const struct flag_option {
    int level, name;
    uint32_t flag;
} flag_options[] = {
    {SOL_SOCKET, SO_REUSEADDR, SF_REUSEADDR},
    {SOL_SOCKET, SO_REUSEPORT, SF_REUSEPORT},
    {SOL_SOCKET, SO_BROADCAST, SF_BROADCAST},
    {SOL_SOCKET, SO_DONTROUTE, SF_DONTROUTE},
    {SOL_SOCKET, SO_TIMESTAMP, SF_TIMESTAMP},
    {SOL_SOCKET, SO_TIMESTAMPNS, SF_TIMESTAMPNS},
    {SOL_SOCKET, SO_TIMESTAMP_NEW, SF_TIMESTAMP},
    {SOL_SOCKET, SO_TIMESTAMPNS_NEW, SF_TIMESTAMPNS},
    {SOL_SOCKET, SO_DEBUG, SF_DEBUG},
    {IPPROTO_IP, IP_RECVERR, SF_RECVERR},
    {IPPROTO_IP, IP_PKTINFO, SF_PKTINFO},
    {IPPROTO_IP, IP_RECVTTL, SF_RECVTTL},
    {IPPROTO_IP, IP_RECVTOS, SF_RECVTOS},
    {IPPROTO_IP, IP_HDRINCL, SF_HDRINCL},
    {IPPROTO_IP, IP_FREEBIND, SF_FREEBIND},
    {IPPROTO_IPV6, IPV6_FREEBIND, SF_FREEBIND},
    {IPPROTO_IPV6, IPV6_V6ONLY, SF_V6ONLY},
    {IPPROTO_IPV6, IPV6_RECVERR, SF_V6_RECVERR},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, SF_V6_PKTINFO},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, SF_V6_RECVTTL},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, SF_V6_RECVTOS},
};

/* FreeBSD: so_options & SO_x is the answer, so its bit is told; 0: a flag that is told as 1. */
int option_told_bit(int name)
{
    static const struct { int name, bit; } bits[] = {
        {SO_DEBUG, 1}, {SO_ACCEPTCONN, 2}, {SO_REUSEADDR, 4}, {SO_KEEPALIVE, 8}, {SO_DONTROUTE, 0x10},
        {SO_BROADCAST, 0x20}, {SO_LINGER, 0x80}, {SO_OOBINLINE, 0x100}, {SO_REUSEPORT, 0x200}, {SO_TIMESTAMP, 0x400}};

    for (unsigned i = 0; i < ARRAY_COUNT(bits); i++)
        if (bits[i].name == name)
            return bits[i].bit;
    return 1;
}

int option_give_flag(const struct sock *sock, int level, int name, void *value, socklen_t *length, bool on)
{
    int bit = level == SOL_SOCKET && calls_are(&sock->file, CALLS_BSD) ? option_told_bit(name) : 1;

    if (level == IPPROTO_IP && *length > 1 && *length < sizeof bit && calls_are(&sock->file, CALLS_LINUX))
        *length = 1; /* ip(7): a short buffer gets a byte */
    return option_give_int(value, length, on ? bit : 0);
}

static const struct flag_option *find_flag(int level, int name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(flag_options); i++)
        if (flag_options[i].level == level && flag_options[i].name == name)
            return &flag_options[i];
    return NULL;
}

static bool is_new_stamp(const struct flag_option *option)
{
    return option->level == SOL_SOCKET && (option->name == SO_TIMESTAMP_NEW || option->name == SO_TIMESTAMPNS_NEW);
}

static int set_flag_option(struct sock *sock, const struct flag_option *option, const void *value, socklen_t length)
{
    bool is_linux = calls_are(&sock->file, CALLS_LINUX);
    int on = 0, result = 0;

    if (length < sizeof on && (option->level == SOL_SOCKET || (option->level == IPPROTO_IPV6 && is_linux)))
        result = -EINVAL;
    else if (length || option->level != IPPROTO_IP || !is_linux || option->name == IP_FREEBIND) /* ip(7): nothing is 0 */
        result = get_int(value, length, &on);

    if (result < 0)
        return result;
    if (option->name == SO_REUSEPORT && option->level == SOL_SOCKET && !sock_params(&sock->file)->has_reuseport)
        return -ENOPROTOOPT;
    if (is_new_stamp(option) && !is_linux)
        return -ENOPROTOOPT;
    if (option->flag == SF_HDRINCL && sock->file.type != SOCK_RAW)
        return -ENOPROTOOPT;
    if (option->flag == SF_V6ONLY && !sock_is_over(sock) && (sock->binding || sock->flags & (SF_CONNECTED | SF_CONNECTING | SF_LISTENING)))
        return -EINVAL;
    set_flag(sock, option->flag, on);
    if (option->flag & (SF_PKTINFO | SF_V6_PKTINFO) && !sock_is_stream(sock))
        udp_want_way(sock->pcb, sock->flags & (SF_PKTINFO | SF_V6_PKTINFO));
    if (option->flag & (SF_TIMESTAMP | SF_TIMESTAMPNS)) { /* the last one asked for; or none */
        set_flag(sock, option->flag ^ (SF_TIMESTAMP | SF_TIMESTAMPNS), 0);
        if (on)
            set_flag(sock, SF_STAMPS_NEW, is_new_stamp(option));
    }
    if (option->flag & (SF_REUSEADDR | SF_REUSEPORT) && sock_is_stream(sock)) {
        struct tcb *tcb = stream_tcb(sock);

        if (tcb)
            tcp_set_reuse(tcb, sock->flags & SF_REUSEADDR, sock->flags & SF_REUSEPORT);
    }
    if (option->flag & (SF_RECVERR | SF_V6_RECVERR)) {
        bool is_v4 = option->flag == SF_RECVERR;

        if (!sock_is_stream(sock))
            udp_set_recverr(sock->pcb, is_v4 ? 4 : 6, on);
        else if (stream_options(sock))
            *(is_v4 ? &stream_options(sock)->recverr : &stream_options(sock)->recverr6) = on;
    }
    return 0;
}

/* --- IPPROTO_TCP ------------------------------------------------------------------------------ */
static int set_tcp(struct sock *sock, int name, const void *value, socklen_t length)
{
    struct tcp *tcp = sock->file.sockets->tcp;
    struct tcb *tcb;

    if (!sock_is_stream(sock))
        return -ENOPROTOOPT;
    if ((name == TCP_MD5SIG || name == TCP_MD5SIG_EXT) && length >= sizeof(sa_family_t) &&
        !calls_are(&sock->file, CALLS_BSD)) { /* a peer of the socket's family */
        sa_family_t family;

        memcpy(&family, value, sizeof family);
        if (family != sock->file.family)
            return -EINVAL;
    }
    if (name == TCP_FASTOPEN_CONNECT && sock->flags & SF_DEFERRED) /* connecting already, as Linux sees it */
        return -EINVAL;
    if (sock->flags & SF_LISTENING)
        return tcp_listener_setopt(tcp, sock->listener, name, value, length);
    tcb = stream_tcb(sock);
    if (!tcb)
        return -EINVAL;
    int result = tcp_setopt(tcp, tcb, name, value, length, sock_now(&sock->file));
    if (result == 0 && name == TCP_NOTSENT_LOWAT)
        option_tell_of_room(sock);
    return result;
}

/* Linux: do_ip_getsockopt, or ipv6_getsockopt, has the last word on levels that are nobody's. */
static int unknown_level(const struct sock *sock, int level)
{
    bool is_own = level == IPPROTO_UDP && sock->file.type == SOCK_DGRAM;

    return sock->file.family == AF_INET && calls_are(&sock->file, CALLS_LINUX) && !is_own ? -EOPNOTSUPP : -ENOPROTOOPT;
}

static int get_tcp(struct sock *sock, int name, void *value, socklen_t *length)
{
    struct tcp *tcp = sock->file.sockets->tcp;
    unsigned size = *length;
    struct tcb *tcb;
    int result;

    if (!sock_is_stream(sock))
        return unknown_level(sock, IPPROTO_TCP);
    if (sock->flags & SF_LISTENING) {
        result = tcp_listener_getopt(tcp, sock->listener, name, value, &size, sock_now(&sock->file));
    } else {
        tcb = stream_tcb(sock);
        result = tcb ? tcp_getopt(tcp, tcb, name, value, &size, sock_now(&sock->file)) : -EINVAL;
        if (name == TCP_INFO && result == 0 && size && sock->flags & SF_DEFERRED)
            *(uint8_t *)value = TCP_SYN_SENT; /* tcpi_state; TCP_FASTOPEN_CONNECT: for the program it has begun */
    }
    *length = size;
    return result;
}

bool sock_is_gone(const struct sock *sock)
{
    struct tcb *tcb = sock_is_stream(sock) && calls_are(&sock->file, CALLS_BSD) ? stream_tcb(sock) : NULL;

    return tcb && tcp_is_over(tcp_of(sock), tcb) && sock->flags & (SF_CONNECTED | SF_CONNECTING | SF_FAILED);
}

/* What Linux lets a process set that may change the net (CAP_NET_ADMIN, CAP_NET_RAW), and only to switch it on. */
static int may_set(const struct lil_proc *proc, const struct sock *sock, int level, int name, const void *value, socklen_t length)
{
    static const struct {
        int level, name, error;
        bool only_on;
    } rights[] = {{SOL_SOCKET, SO_DEBUG, EACCES, true},      {SOL_SOCKET, SO_MARK, EPERM, false},
                  {IPPROTO_TCP, TCP_REPAIR, EPERM, false},   {IPPROTO_TCP, TCP_REPAIR_WINDOW, EPERM, false},
                  {IPPROTO_IP, IP_TRANSPARENT, EPERM, true}, {IPPROTO_IPV6, IPV6_TRANSPARENT, EPERM, true}};
    int number = 0;
    if (!calls_are(&sock->file, CALLS_LINUX) || proc_is_privileged(proc))
        return 0;
    memcpy(&number, value, length < sizeof number ? length : sizeof number);
    for (size_t i = 0; i < ARRAY_COUNT(rights); i++)
        if (rights[i].level == level && rights[i].name == name && (number || !rights[i].only_on))
            return -rights[i].error;
    return 0;
}

static int set_option(struct lil_proc *proc, struct sock *sock, int level, int name, const void *value, socklen_t length)
{
    struct file *file = &sock->file;
    const struct flag_option *flag = find_flag(level, name);

    if (calls_are(file, CALLS_BSD)) {
        int result = bsd_option_set(sock, level, name, value, length);

        if (result != -EAGAIN)
            return result;
    }
    if (flag && (level != IPPROTO_IPV6 || file->family == AF_INET6))
        return set_flag_option(sock, flag, value, length);
    switch (level) {
    case SOL_SOCKET:
        return option_set_socket(proc, sock, name, value, length);
    case IPPROTO_TCP:
        return set_tcp(sock, name, value, length);
    case IPPROTO_IP:
        return option_set_ip(sock, name, value, length);
    case IPPROTO_IPV6:
        return file->family == AF_INET6 ? option_set_ipv6(sock, name, value, length) : -ENOPROTOOPT;
    case IPPROTO_UDP:
        if (dgram_is_linux_udp(file))
            return cork_set_option(sock, name, value, length);
        return option_set_other(sock, level, name, value, length);
    default:
        return option_set_other(sock, level, name, value, length);
    }
}

/* FreeBSD (tcp_ctloutput_set()): what TCP is told of, too, has no error but TCP's. */
static bool loses_error(const struct file *file, int level, int name)
{
    if (file->type != SOCK_STREAM || !calls_are(file, CALLS_BSD))
        return false;
    if (level == IPPROTO_IP)
        return name == IP_TOS || name == IP_TTL;
    return level == IPPROTO_IPV6 && file->family == AF_INET6 && (name == IPV6_TCLASS || name == BSD_IPV6_USE_MIN_MTU);
}

int sock_setopt(struct lil_proc *proc, struct file *file, int level, int name, const void *value, socklen_t length)
{
    struct sock *sock = sock_of(file);

    if ((int)length < 0)
        return -EINVAL;
    if (level != SOL_SOCKET && sock_is_gone(sock))
        return -ECONNRESET;
    int refused = value ? may_set(proc, sock, level, name, value, length) : 0;
    if (refused)
        return refused;
    int result = set_option(proc, sock, level, name, value, length);
    return result < 0 && value && loses_error(file, level, name) ? 0 : result;
}

int sock_getopt(struct lil_proc *proc, struct file *file, int level, int name, void *value, socklen_t *length)
{
    struct sock *sock = sock_of(file);
    const struct flag_option *flag = find_flag(level, name);

    (void)proc;
    if ((int)*length < 0)
        return -EINVAL;
    if (level != SOL_SOCKET && sock_is_gone(sock))
        return -ECONNRESET;
    if (calls_are(file, CALLS_BSD)) {
        int result = bsd_option_get(sock, level, name, value, length);

        if (result != -EAGAIN)
            return result;
    }
    if (flag && (level != IPPROTO_IPV6 || file->family == AF_INET6)) {
        if (flag->flag == SF_REUSEPORT && !sock_params(file)->has_reuseport)
            return -ENOPROTOOPT;
        if (flag->flag & (SF_TIMESTAMP | SF_TIMESTAMPNS) && !(sock->flags & SF_STAMPS_NEW) == is_new_stamp(flag))
            return calls_are(file, CALLS_LINUX) || !is_new_stamp(flag) ? option_give_int(value, length, 0) : -ENOPROTOOPT;
        return option_give_flag(sock, level, name, value, length, sock->flags & flag->flag);
    }
    switch (level) {
    case SOL_SOCKET:
        return option_get_socket(sock, name, value, length);
    case IPPROTO_TCP:
        return get_tcp(sock, name, value, length);
    case IPPROTO_IP:
        return option_get_ip(sock, name, value, length);
    case IPPROTO_IPV6:
        return file->family == AF_INET6 ? option_get_ipv6(sock, name, value, length) : unknown_level(sock, level);
    case IPPROTO_UDP: {
        int number = 0, error = dgram_is_linux_udp(file) ? cork_get_option(sock, name, &number) : unknown_level(sock, level);

        return error < 0 ? error : option_give_int(value, length, number);
    }
    default:
        return unknown_level(sock, level);
    }
}
