/* option_ip6.c: the IPPROTO_IPV6 level (ipv6(7), RFC 3493 5, RFC 3542). Linux asks for an int's length option by option, and knows of
 * names before lengths. */
#include "socket/option_ip.h"

enum {
    PKTOPTIONS_2292 = 6, ROUTER_ALERT_6 = 22, JOIN_ANYCAST = 27, LEAVE_ANYCAST = 28, FLOWLABEL_MGR = 32, MSFILTER = 48,
    FLOWLABEL_SIZE = 32, MSFILTER_SIZE = 144, PREFERENCES = 72, UNICAST_IF_6 = 76,
    PREFER_TMP = 1, PREFER_PUBLIC = 2, PREFER_COA = 4, PREFER_CGA = 8, PREFER_DEFAULT = 0x100, PREFER_HOME = 0x400, PREFER_NONCGA = 0x800
};

static int set_membership(struct sock *sock, const void *value, socklen_t length, bool is_join)
{
    struct ipv6_mreq request;
    struct addr group;

    if (length < sizeof request)
        return -EINVAL;
    memcpy(&request, value, sizeof request);
    memcpy(group.b, &request.ipv6mr_multiaddr, 16);
    return ip_join(sock, &group, (int)request.ipv6mr_interface, is_join);
}

/* RFC 3542 6.7: what datagrams go with unless a control message says otherwise. */
static int set_pktinfo(struct sock *sock, const void *value, socklen_t length)
{
    struct in6_pktinfo info;

    if (length < sizeof info)
        return -EINVAL;
    memcpy(&info, value, sizeof info);
    if (sock->ext && sock->ext->bind_ifindex && info.ipi6_ifindex && info.ipi6_ifindex != sock->ext->bind_ifindex)
        return -EINVAL;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->sticky_ifindex = info.ipi6_ifindex;
    memcpy(sock->ext->sticky_source.b, &info.ipi6_addr, 16);
    return 0;
}

/* One choice at most of each kind (RFC 5014 5.1). Linux forgets all that was chosen before. */
static int set_preferences(struct sock *sock, int number)
{
    int lifetime = number & (PREFER_TMP | PREFER_PUBLIC | PREFER_DEFAULT), home = number & (PREFER_COA | PREFER_HOME),
        cga = number & (PREFER_CGA | PREFER_NONCGA);

    if (lifetime & (lifetime - 1) || home & (home - 1) || cga & (cga - 1))
        return -EINVAL;
    return plain_option_put(sock, IPPROTO_IPV6, PREFERENCES, (lifetime ? lifetime : PREFER_DEFAULT) | (home ? home : PREFER_HOME));
}

/* IPV6_ADDRFORM: a socket that is connected to a mapped address becomes one of AF_INET (RFC 2553 has it last). */
static int set_form(struct sock *sock, int family)
{
    const struct flow *flow;

    if (family != AF_INET)
        return -EINVAL;
    if (!(sock->flags & SF_CONNECTED) || (sock_is_stream(sock) && (!stream_tcb(sock) || sock_is_over(sock))))
        return -ENOTCONN;
    flow = sock_is_stream(sock) ? tcp_get_flow(stream_tcb(sock)) : udp_get_flow(sock->pcb);
    if (sock->flags & SF_V6ONLY || !addr_is_v4(&flow->remote))
        return -EADDRNOTAVAIL;
    sock->file.family = AF_INET;
    return 0;
}

static int set_structure(struct sock *sock, int name, const void *value, socklen_t length)
{
    switch (name) {
    case IPV6_JOIN_GROUP:
    case IPV6_LEAVE_GROUP:
        return set_membership(sock, value, length, name == IPV6_JOIN_GROUP);
    case MCAST_JOIN_GROUP:
    case MCAST_LEAVE_GROUP:
        return ip_set_group(sock, value, length, name == MCAST_JOIN_GROUP);
    case MCAST_BLOCK_SOURCE:
    case MCAST_UNBLOCK_SOURCE:
    case MCAST_JOIN_SOURCE_GROUP:
    case MCAST_LEAVE_SOURCE_GROUP:
        return length < sizeof(struct group_source_req) ? -EINVAL : -ENOPROTOOPT;
    default:
        break;
    }
    if (!calls_are(&sock->file, CALLS_LINUX))
        return -EAGAIN;
    if (extra_is_header(name))
        return extra_set_header(sock, name, value, length);
    switch (name) {
    case IPV6_PKTINFO:
        return set_pktinfo(sock, value, length);
    case PKTOPTIONS_2292:
        return length < sizeof(struct cmsghdr) ? 0 : -EINVAL;
    case UNICAST_IF_6:
        return ip_set_unicast_if(sock, IPPROTO_IPV6, name, value, length);
    case JOIN_ANYCAST:
    case LEAVE_ANYCAST:
        return length < sizeof(struct ipv6_mreq) ? -EINVAL : -ENOPROTOOPT;
    case ROUTER_ALERT_6: /* of raw sockets */
        return length < sizeof(int) ? -EINVAL : -ENOPROTOOPT;
    case FLOWLABEL_MGR:
        return length < FLOWLABEL_SIZE ? -EINVAL : -ENOPROTOOPT;
    case MSFILTER:
        return length < MSFILTER_SIZE ? -EINVAL : -ENOPROTOOPT;
    default:
        return -EAGAIN;
    }
}

/* -EAGAIN: no number that has to do with more than being kept. */
static int set_number(struct sock *sock, int name, int number)
{
    bool is_linux = calls_are(&sock->file, CALLS_LINUX), is_stream = sock_is_stream(sock);

    switch (name) {
    case IPV6_UNICAST_HOPS:
        return ip_set_ttl(sock, IPPROTO_IPV6, number);
    case IPV6_TCLASS:
        return number < -1 || number > 255 ? -EINVAL : ip_set_tos(sock, IPPROTO_IPV6, number == -1 ? 0 : number);
    case IPV6_MTU_DISCOVER:
        return ip_set_pmtudisc(sock, IPPROTO_IPV6, number);
    case IPV6_MULTICAST_HOPS:
        return is_linux && is_stream ? -ENOPROTOOPT : ip_set_multicast_ttl(sock, number);
    case IPV6_MULTICAST_LOOP:
        if (is_linux && (number < 0 || number > 1))
            return -EINVAL;
        ip_set_loop(sock, number);
        return 0;
    case IPV6_MULTICAST_IF:
        if (is_linux && is_stream)
            return -ENOPROTOOPT;
        if (is_linux && number && !ip_interface_exists(sock, number))
            return -ENODEV;
        if (!sock_need_ext(sock))
            return -ENOBUFS;
        sock->ext->multicast_ifindex = (uint32_t)number;
        return 0;
    case IPV6_MINHOPCOUNT:
        return number < 0 || number > 255 ? -EINVAL : ip_set_min_ttl(sock, IPPROTO_IPV6, number);
    case IPV6_MTU:
        return number && number < 1280 ? -EINVAL : 0;
    case IPV6_ADDRFORM:
        return is_linux ? set_form(sock, number) : -ENOPROTOOPT;
    case PREFERENCES:
        return is_linux ? set_preferences(sock, number) : -ENOPROTOOPT;
    default:
        return -EAGAIN;
    }
}

static bool is_number(const struct sock *sock, int name)
{
    static const int numbers[] = {IPV6_UNICAST_HOPS, IPV6_TCLASS,      IPV6_MTU_DISCOVER, IPV6_MULTICAST_LOOP,
                                  IPV6_MINHOPCOUNT,  IPV6_MTU,         IPV6_ADDRFORM,     PREFERENCES};

    if (name == IPV6_MULTICAST_HOPS || name == IPV6_MULTICAST_IF)
        return !sock_is_stream(sock);
    for (unsigned i = 0; i < ARRAY_COUNT(numbers); i++)
        if (numbers[i] == name)
            return true;
    return plain_option_has(IPPROTO_IPV6, name);
}

int option_set_ipv6(struct sock *sock, int name, const void *value, socklen_t length)
{
    bool is_linux = calls_are(&sock->file, CALLS_LINUX);
    int number = 0, result = set_structure(sock, name, value, length);

    if (result != -EAGAIN)
        return result;
    if (is_linux && !is_number(sock, name))
        return -ENOPROTOOPT;
    if (length >= sizeof number)
        memcpy(&number, value, sizeof number);
    else if (!is_linux || (name != IPV6_DONTFRAG && name != IPV6_AUTOFLOWLABEL && name != IPV6_RECVFRAGSIZE))
        return -EINVAL;
    result = set_number(sock, name, number);
    return result == -EAGAIN ? ip_set_plain(sock, IPPROTO_IPV6, name, number) : result;
}

/* RFC 3542 11.4: struct ip6_mtuinfo. */
static int get_path_mtu(struct sock *sock, void *value, socklen_t *length)
{
    struct { struct sockaddr_in6 address; uint32_t mtu; } info = {0};
    int mtu = ip_get_mtu(sock);

    if (*length < sizeof info)
        return -EINVAL;
    info.mtu = (uint32_t)mtu;
    return mtu < 0 ? mtu : option_give(value, length, &info, sizeof info);
}

/* The interface that a stream of a listener's came by serves its groups, too (Linux: inet6_iif() of the SYN). */
static int get_multicast_if(const struct sock *sock)
{
    struct tcb *tcb = sock_is_stream(sock) ? stream_tcb(sock) : NULL;
    const struct tcp_path *path;
    const struct flow *flow;

    if (sock->ext && sock->ext->multicast_ifindex)
        return (int)sock->ext->multicast_ifindex;
    if (!tcb || !tcp_is_passive(tcb) || !calls_are(&sock->file, CALLS_LINUX))
        return 0;
    flow = tcp_get_flow(tcb);
    return host_path(sock->file.sockets->host, &flow->local, &flow->remote, &path) < 0 ? 0 : path->ifindex;
}

static int get_of_linux(struct sock *sock, int name, void *value, socklen_t *length)
{
    switch (name) {
    case PKTOPTIONS_2292:
        if (!sock_is_stream(sock))
            return -ENOPROTOOPT;
        *length = 0;
        return 0;
    case IPV6_ADDRFORM:
        return sock->flags & SF_CONNECTED && !sock_is_over(sock) &&
                       (!sock_is_stream(sock) || tcp_get_state(stream_tcb(sock)) == TCPS_ESTABLISHED)
                   ? option_give_int(value, length, sock->file.family)
                   : -ENOTCONN;
    case IPV6_PATHMTU:
        return get_path_mtu(sock, value, length);
    case FLOWLABEL_MGR:
        return *length < FLOWLABEL_SIZE ? -EINVAL : -ENOPROTOOPT;
    case MSFILTER:
        return *length < MSFILTER_SIZE ? -EINVAL : -ENOPROTOOPT;
    case ROUTER_ALERT_6:
        return option_give_int(value, length, 0);
    default:
        if (extra_is_header(name))
            return extra_get_header(sock, name, value, length);
        return plain_option_has(IPPROTO_IPV6, name) ? option_give_int(value, length, plain_option_value(sock, IPPROTO_IPV6, name))
                                                   : -ENOPROTOOPT;
    }
}

int option_get_ipv6(struct sock *sock, int name, void *value, socklen_t *length)
{
    int mtu;

    switch (name) {
    case IPV6_UNICAST_HOPS:
        return option_give_int(value, length, ip_get_ttl(sock, IPPROTO_IPV6));
    case IPV6_TCLASS:
        return option_give_int(value, length, ip_get_tos(sock, IPPROTO_IPV6));
    case IPV6_MTU_DISCOVER:
        return option_give_int(value, length, ip_get_pmtudisc(sock, IPPROTO_IPV6));
    case IPV6_MTU:
        mtu = ip_get_mtu(sock);
        return mtu < 0 ? mtu : option_give_int(value, length, mtu);
    case IPV6_MULTICAST_HOPS:
        return option_give_int(value, length, ip_get_multicast_ttl(sock));
    case IPV6_MULTICAST_LOOP:
        return option_give_int(value, length, !(sock->flags & SF_MULTICAST_LOOP_OFF));
    case IPV6_MULTICAST_IF:
        return option_give_int(value, length, get_multicast_if(sock));
    case IPV6_MINHOPCOUNT:
        return option_give_int(value, length, ip_get_min_ttl(sock, IPPROTO_IPV6));
    default:
        return calls_are(&sock->file, CALLS_LINUX) ? get_of_linux(sock, name, value, length) : -ENOPROTOOPT;
    }
}
