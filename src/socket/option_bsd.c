/* option_bsd.c: socket options that only FreeBSD has (sosetopt(), ip_ctloutput(), tcp_default_ctloutput();
 * setsockopt(2), ip(4), tcp(4)) and that this host keeps and tells; a few have an effect. GENERIC kernels have black
 * box logging and kernel TLS, but neither STATS nor PCAP. */
#include "socket/sock.h"

enum { IPV6_MIN_MTU = 1280 };
enum how { KEPT, SET_ONLY, TOLD /* a constant, never set */, REFUSED };
static const struct bsd_option {
    int level, name;
    enum how how;
    int told; /* KEPT: what a flag that is set is told as, 0: the number; TOLD: the answer; REFUSED: the errno of setsockopt() */
    int error; /* REFUSED: the errno of getsockopt(), 0: the answer is 0 */
} options[] = {
    {SOL_SOCKET, BSD_SO_NOSIGPIPE, KEPT, BSD_SO_NOSIGPIPE, 0},
    {SOL_SOCKET, BSD_SO_BINTIME, KEPT, BSD_SO_BINTIME, 0},
    {SOL_SOCKET, BSD_SO_NO_OFFLOAD, KEPT, BSD_SO_NO_OFFLOAD, 0},
    {SOL_SOCKET, BSD_SO_NO_DDP, KEPT, BSD_SO_NO_DDP, 0},
    {SOL_SOCKET, BSD_SO_RERROR, KEPT, BSD_SO_RERROR, 0},
    {SOL_SOCKET, BSD_SO_USELOOPBACK, KEPT, 0x40, 0},
    {SOL_SOCKET, BSD_SO_TS_CLOCK, KEPT, 0, 0},
    {SOL_SOCKET, BSD_SO_USER_COOKIE, SET_ONLY, 0, 0},
    {SOL_SOCKET, BSD_SO_SETFIB, SET_ONLY, 0, 0},
    {IPPROTO_IP, IP_RECVOPTS, KEPT, 1, 0},
    {IPPROTO_IP, IP_RECVORIGDSTADDR, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_RECVRETOPTS, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_RECVDSTADDR, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_PORTRANGE, KEPT, 0, 0},
    {IPPROTO_IP, BSD_IP_RECVIF, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_ONESBCAST, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_BINDANY, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_ORIGDSTADDR, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_DONTFRAG, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_VLAN_PCP, KEPT, 0, 0},
    {IPPROTO_IP, BSD_IP_RECVFLOWID, KEPT, 1, 0},
    {IPPROTO_IP, BSD_IP_FLOWID, TOLD, 0, 0},
    {IPPROTO_IP, BSD_IP_FLOWTYPE, TOLD, 0, 0},
    {IPPROTO_IPV6, BSD_IPV6_PORTRANGE, KEPT, 0, 0},
    {IPPROTO_IPV6, BSD_IPV6_BINDANY, KEPT, 1, 0},
    {IPPROTO_IPV6, IPV6_RECVHOPOPTS, KEPT, 1, 0},
    {IPPROTO_IPV6, IPV6_RECVDSTOPTS, KEPT, 1, 0},
    {IPPROTO_IPV6, IPV6_RECVRTHDR, KEPT, 1, 0},
    {IPPROTO_IPV6, IPV6_RECVPATHMTU, KEPT, 1, 0},
    {IPPROTO_IPV6, IPV6_DONTFRAG, KEPT, 1, 0},
    {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, KEPT, 1, 0},
    {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, SET_ONLY, 1, 0},
    {IPPROTO_IPV6, BSD_IPV6_RECVRTHDRDSTOPTS, KEPT, 1, 0},
    {IPPROTO_IPV6, BSD_IPV6_USE_MIN_MTU, KEPT, 0, 0},
    {IPPROTO_IPV6, BSD_IPV6_PREFER_TEMPADDR, KEPT, 0, 0},
    {IPPROTO_IPV6, BSD_IPV6_RECVFLOWID, KEPT, 1, 0},
    {IPPROTO_IPV6, BSD_IPV6_VLAN_PCP, KEPT, 0, 0},
    {IPPROTO_IPV6, BSD_IPV6_FLOWID, TOLD, 0, 0},
    {IPPROTO_IPV6, BSD_IPV6_FLOWTYPE, TOLD, 0, 0},
    {IPPROTO_TCP, BSD_TCP_LOG, KEPT, 0, 0},
    {IPPROTO_TCP, BSD_TCP_LOGID, SET_ONLY, 0, 0},
    {IPPROTO_TCP, BSD_TCP_LOGDUMP, SET_ONLY, 0, EINVAL},
    {IPPROTO_TCP, BSD_TCP_LOGDUMPID, SET_ONLY, 0, EINVAL},
    {IPPROTO_TCP, BSD_TCP_LOGBUF, REFUSED, EINVAL, EINVAL},
    {IPPROTO_TCP, BSD_TCP_TXTLS_ENABLE, REFUSED, EINVAL, ENOPROTOOPT},
    {IPPROTO_TCP, BSD_TCP_RXTLS_ENABLE, REFUSED, EINVAL, ENOPROTOOPT},
    {IPPROTO_TCP, BSD_TCP_TXTLS_MODE, REFUSED, EINVAL, 0},
    {IPPROTO_TCP, BSD_TCP_RXTLS_MODE, REFUSED, ENOPROTOOPT, 0},
    {IPPROTO_TCP, BSD_TCP_REUSPORT_LB_NUMA, REFUSED, EINVAL, ENOPROTOOPT},
    {IPPROTO_TCP, BSD_TCP_STATS, REFUSED, EOPNOTSUPP, EOPNOTSUPP},
};

static const struct bsd_option *find(const struct sock *sock, int level, int name)
{
    if (level == IPPROTO_TCP && !sock_is_stream(sock))
        return NULL;
    for (unsigned i = 0; i < ARRAY_COUNT(options); i++)
        if (options[i].name == name && options[i].level == level)
            return &options[i];
    return NULL;
}

static bool has_level(const struct sock *sock, int level)
{
    if (level == SOL_SOCKET || sock->file.type == SOCK_RAW)
        return true;
    if (level == IPPROTO_TCP || level == IPPROTO_UDP)
        return sock->file.type == (level == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM);
    return level == (sock->file.family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP);
}

/* IP_PORTRANGE: the kernel's choice comes from net.inet.ip.portrange.hifirst to hilast, or lowfirst down to lowlast. */
static int set_port_range(struct sock *sock, int range)
{
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->port_low = range == 1 ? 49152 : range == 2 ? 600 : 0;
    sock->ext->port_high = range == 1 ? 65535 : range == 2 ? 1023 : 0;
    return 0;
}

/* tcp6_use_min_mtu(): whatever the number, a connection to be says so in its SYN; one that is keeps to it if the number is 1. */
static int use_min_mtu(struct sock *sock, int number)
{
    bool is_new = !(sock->flags & (SF_CONNECTED | SF_CONNECTING));
    struct tcb_options *options = sock_is_stream(sock) && (is_new || number == 1) ? stream_options(sock) : NULL;

    if (!options)
        return 0;
    options->most_mtu6 = IPV6_MIN_MTU;
    stream_options_changed(sock);
    return 0;
}

/* What a stream has no use for (ip6_setpktopt(), ip6_ctloutput()). */
static bool is_ignored(const struct sock *sock, int level, int name)
{
    return sock_is_stream(sock) && level == IPPROTO_IPV6 && (name == IPV6_DONTFRAG || name == IPV6_RECVPATHMTU);
}

static int take_effect(struct sock *sock, int level, int name, int number)
{
    switch (name) {
    case BSD_IPV6_USE_MIN_MTU: return use_min_mtu(sock, number);
    case BSD_IP_PORTRANGE:
    case BSD_IPV6_PORTRANGE:
        return set_port_range(sock, number);
    case BSD_IP_BINDANY:
    case BSD_IPV6_BINDANY:
        sock->flags = number ? sock->flags | SF_FREEBIND : sock->flags & ~(uint32_t)SF_FREEBIND;
        return 0;
    case BSD_IP_DONTFRAG: /* of datagrams: udp_output() */
        if (sock_is_stream(sock))
            return 0;
        if (!sock_need_ext(sock))
            return -ENOBUFS;
        sock->ext->pmtudisc[level == IPPROTO_IPV6] = (uint8_t)((number ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT) + 1);
        return 0;
    case BSD_SO_SETFIB: return number ? -EINVAL : 0; /* there is one routing table */
    default: return 0;
    }
}

int bsd_option_set(struct sock *sock, int level, int name, const void *value, socklen_t length)
{
    const struct bsd_option *option = find(sock, level, name);
    int number = 0, result;

    if (!has_level(sock, level)) /* tcp_ctloutput_set(): what IP said of these two is forgotten */
        return level == IPPROTO_IP && (name == IP_TOS || name == IP_TTL) && sock_is_stream(sock) ? 0 : -EINVAL;
    if (level == SOL_SOCKET && name == BSD_SO_REUSEPORT_LB) {
        result = sock_setopt(NULL, &sock->file, SOL_SOCKET, SO_REUSEPORT, value, length);
        if (!sock_need_ext(sock))
            return -ENOBUFS;
        sock->ext->reuseport_lb = sock->flags & SF_REUSEPORT;
        return result;
    }
    if (!option)
        return -EAGAIN;
    if (option->how == REFUSED || option->how == TOLD)
        return option->how == TOLD ? -ENOPROTOOPT : -option->told;
    if (name == BSD_TCP_LOGID || name == BSD_TCP_LOGDUMP || name == BSD_TCP_LOGDUMPID) /* names */
        return 0;
    if (length < sizeof number || (level == IPPROTO_IPV6 && length != sizeof number && name != BSD_IPV6_PORTRANGE))
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    result = option->how == KEPT && !is_ignored(sock, level, name) ? plain_option_put(sock, level, name, number) : 0;
    return result < 0 ? result : take_effect(sock, level, name, number);
}

int bsd_option_get(const struct sock *sock, int level, int name, void *value, socklen_t *length)
{
    const struct bsd_option *option = find(sock, level, name);
    int number = 0;

    if (!has_level(sock, level))
        return -EINVAL;
    if (level == SOL_SOCKET && name == BSD_SO_REUSEPORT_LB) {
        number = sock->flags & SF_REUSEPORT ? BSD_SO_REUSEPORT_LB : 0;
        return option_give(value, length, &number, sizeof number);
    }
    if (!option)
        return -EAGAIN;
    switch (option->how) {
    case SET_ONLY:
        if (name == BSD_TCP_LOGID) /* the name that was given, with its end */
            return option_give(value, length, "", 1);
        return -(option->error ? option->error : ENOPROTOOPT);
    case REFUSED:
        if (option->error)
            return -option->error;
        break;
    case TOLD:
        number = option->told;
        break;
    case KEPT:
        number = plain_option_value(sock, level, name);
        if (option->told)
            number = number ? option->told : 0;
        break;
    }
    return option_give(value, length, &number, sizeof number);
}
