/* option_ip.c: the IPPROTO_IP level: TTL, TOS, path MTU, multicast (UNP 7.6, 7.8, chapter 21; ip(7)), and what IPv6's (option_ip6.c) has in
 * common with it. */
#include "socket/option_ip.h"

enum { RAW_ICMP_FILTER = 1, IP_PROTOCOL_OPTION = 52 };
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
/* RAW_ICMP_FILTER is of linux/icmp.h, which cannot be included beside netinet/in.h */

static int read_int(const void *value, socklen_t length, int *out)
{
    if (length >= sizeof *out)
        memcpy(out, value, sizeof *out);
    else if (length >= 1)
        *out = *(const unsigned char *)value;
    else
        return -EINVAL;
    return 0;
}

/* Linux's IP level takes nothing at all for 0, but for a few names (do_ip_setsockopt). */
static int read_ip_int(const struct sock *sock, int name, const void *value, socklen_t length, int *out)
{
    static const int strict[] = {IP_TTL,      IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MINTTL,
                                 IP_FREEBIND, IP_MULTICAST_ALL, IP_TRANSPARENT,    IP_HDRINCL};

    if (length == 0 && calls_are(&sock->file, CALLS_LINUX)) {
        for (unsigned i = 0; i < ARRAY_COUNT(strict); i++)
            if (strict[i] == name)
                return -EINVAL;
        *out = 0;
        return 0;
    }
    return read_int(value, length, out);
}

static int give_int(void *value, socklen_t *length, int number)
{
    unsigned char byte = (unsigned char)number;

    if (*length > 0 && *length < sizeof number && number >= 0 && number <= 255) /* ip(7): a short buffer gets a byte */
        return option_give(value, length, &byte, 1);
    return option_give(value, length, &number, sizeof number);
}

static void put_of_version(const struct sock *sock, uint8_t of_version[2], int level, uint8_t value)
{
    bool has_both = sock->file.family == AF_INET6 && calls_are(&sock->file, CALLS_LINUX);

    if (!has_both || level == IPPROTO_IP)
        of_version[0] = value;
    if (!has_both || level == IPPROTO_IPV6)
        of_version[1] = value;
}

/* RFC 9293 3.9.2 (MUST-49) for a stream. */
int ip_set_ttl(struct sock *sock, int level, int value)
{
    struct tcb_options *options;

    if (calls_are(&sock->file, CALLS_BSD) && sock->file.family == AF_INET) /* inp_ip_ttl is a byte */
        value = (uint8_t)value ? (uint8_t)value : -1;
    if (value != -1 && (value < 1 || value > 255))
        return -EINVAL;
    if (sock_is_stream(sock)) {
        options = stream_options(sock);
        if (!options)
            return -ENOBUFS;
        put_of_version(sock, options->ttl, level, value == -1 ? 0 : (uint8_t)value);
        stream_options_changed(sock);
        return 0;
    }
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->ttl = value == -1 ? 0 : (int16_t)value;
    return 0;
}

int ip_get_ttl(struct sock *sock, int level)
{
    const struct profile *profile = sock->file.sockets->profile;
    uint8_t own;

    if (sock_is_stream(sock)) {
        const struct tcb_options *options = stream_options_peek(sock);

        own = options ? options->ttl[level == IPPROTO_IPV6] : 0;
        if (!own && sock->file.family == AF_INET6 && calls_are(&sock->file, CALLS_BSD))
            return -1; /* in6p_hops: the kernel's default */
        return own ? own : profile->tcp.ttl ? profile->tcp.ttl : profile->ip.ttl;
    }
    own = sock->ext ? (uint8_t)sock->ext->ttl : 0;
    if (!own && sock->file.family == AF_INET6 && calls_are(&sock->file, CALLS_BSD))
        return -1;
    return own ? own : profile->udp.ttl ? profile->udp.ttl : profile->ip.ttl;
}

/* RFC 9293 3.9.1.9 (MUST-48) for a stream. */
int ip_set_tos(struct sock *sock, int level, int value)
{
    struct tcb_options *options;

    if (sock_is_stream(sock)) {
        options = stream_options(sock);
        if (!options)
            return -ENOBUFS;
        bool keeps_all = calls_are(&sock->file, CALLS_BSD) && sock->file.family == AF_INET6; /* ip6_output() */
        put_of_version(sock, options->tos, level, (uint8_t)(keeps_all ? value : value & ~3)); /* the ECN bits are TCP's (ip(7)) */
        stream_options_changed(sock);
        return 0;
    }
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->tos = (uint8_t)value;
    return 0;
}

/* IP_TOS; on Linux SO_PRIORITY follows, by the four bits of RFC 1349 (rt_tos2priority()). */
static int set_tos(struct sock *sock, int value)
{
    static const uint8_t priorities[] = {0, 2, 6, 4}; /* best effort, bulk, interactive, interactive bulk */
    int result = ip_set_tos(sock, IPPROTO_IP, value);
    uint8_t priority = priorities[value >> 3 & 3];

    if (result < 0 || !calls_are(&sock->file, CALLS_LINUX) || (!sock->ext && !priority))
        return result;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->priority = priority;
    return 0;
}

int ip_get_tos(struct sock *sock, int level)
{
    if (sock_is_stream(sock)) {
        const struct tcb *tcb = stream_tcb(sock);
        int tos = stream_options_peek(sock) ? stream_options_peek(sock)->tos[level == IPPROTO_IPV6] : 0;
        return tos | (tcb ? tcp_get_ecn(tcb) : 0);
    }
    return sock->ext ? sock->ext->tos : 0;
}

int ip_set_pmtudisc(struct sock *sock, int level, int value)
{
    if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT)
        return -EINVAL;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    bool is_v6 = level == IPPROTO_IPV6;
    sock->ext->pmtudisc[is_v6] = (uint8_t)(value + 1);
    if (!sock_is_stream(sock)) {
        udp_set_pmtudisc(sock->pcb, is_v6, value);
    } else if (stream_options(sock)) {
        stream_options(sock)->pmtudisc[is_v6] = (uint8_t)(value + 1);
        stream_options_changed(sock);
    }
    return 0;
}

/* IPV6_MTU_DISCOVER has the same values. */
int ip_get_pmtudisc(const struct sock *sock, int level)
{
    uint8_t pmtudisc = sock->ext ? sock->ext->pmtudisc[level == IPPROTO_IPV6] : 0;
    return pmtudisc ? pmtudisc - 1 : IP_PMTUDISC_WANT;
}

int ip_get_multicast_ttl(const struct sock *sock)
{
    return sock->ext && sock->ext->has_multicast_ttl ? sock->ext->multicast_ttl : 1;
}

int ip_get_mtu(struct sock *sock)
{
    struct tcb *tcb = sock_is_stream(sock) ? stream_tcb(sock) : NULL;
    const struct flow *flow =
        sock_is_stream(sock) ? (tcb ? tcp_get_flow(tcb) : NULL) : udp_get_flow(sock->pcb);
    const struct tcp_path *path;
    int result;

    if (!flow || !(sock->flags & (SF_CONNECTED | SF_CONNECTING)))
        return -ENOTCONN;
    result = host_path(sock->file.sockets->host, &flow->local, &flow->remote, &path);
    return result < 0 ? result : (int)path->mtu;
}

/* --- multicast -------------------------------------------------------------------------------- */
static struct addr addr_of_in(const struct in_addr *in)
{
    const uint8_t *b = (const uint8_t *)in;

    return addr_v4((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
}

static bool exists_visit(void *ctx, const struct host_interface_view *view)
{
    int *wanted = ctx;

    if (view->ifindex == *wanted)
        *wanted = 0;
    return *wanted != 0;
}

bool ip_interface_exists(struct sock *sock, int ifindex)
{
    host_each_interface(sock->file.sockets->host, exists_visit, &ifindex);
    return ifindex == 0;
}

/* IP_UNICAST_IF, IPV6_UNICAST_IF: kept. The index comes in network order. */
int ip_set_unicast_if(struct sock *sock, int level, int name, const void *value, socklen_t length)
{
    const uint8_t *b = value;
    int number, ifindex;

    if (length != sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    ifindex = (int)((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
    if (ifindex && !ip_interface_exists(sock, ifindex))
        return -EADDRNOTAVAIL;
    if (ifindex && sock->ext && sock->ext->bind_ifindex)
        return -EINVAL;
    return plain_option_put(sock, level, name, number);
}

struct owner { /* which interface has this address */
    const struct addr *addr;
    int ifindex;
};

static bool owner_visit(void *ctx, const struct host_interface_view *view)
{
    struct owner *owner = ctx;

    for (unsigned i = 0; i < view->address_count; i++)
        if (addr_equal(&view->addresses[i].addr, owner->addr))
            owner->ifindex = view->ifindex;
    return owner->ifindex == 0;
}

static int ifindex_of(struct sock *sock, const struct addr *addr)
{
    struct owner owner = {addr, 0};

    if (addr_is_any(addr))
        return 0;
    host_each_interface(sock->file.sockets->host, owner_visit, &owner);
    return owner.ifindex ? owner.ifindex : -ENODEV;
}

int ip_join(struct sock *sock, const struct addr *group, int ifindex, bool is_join)
{
    if (ifindex < 0)
        return ifindex;
    if (sock_is_stream(sock))
        return -EPROTO;
    if (!addr_is_multicast(group))
        return -EINVAL;
    if (ifindex && !ip_interface_exists(sock, ifindex))
        return -ENODEV;
    return udp_join(sock->pcb, group, (uint32_t)ifindex, is_join);
}

static int set_membership(struct sock *sock, const void *value, socklen_t length, bool is_join)
{
    struct ip_mreqn request = {0};
    struct addr group, local;

    if (sock_is_stream(sock) && calls_are(&sock->file, CALLS_LINUX))
        return -EPROTO;
    if (length < sizeof(struct ip_mreq))
        return -EINVAL;
    memcpy(&request, value, min_u64(length, sizeof request));
    group = addr_of_in(&request.imr_multiaddr);
    local = addr_of_in(&request.imr_address);
    return ip_join(sock, &group,
                length >= sizeof request && request.imr_ifindex ? request.imr_ifindex : ifindex_of(sock, &local),
                is_join);
}

/* RFC 3678's protocol-independent request. */
int ip_set_group(struct sock *sock, const void *value, socklen_t length, bool is_join)
{
    struct group_req request;
    struct addr group;
    uint16_t port;
    uint32_t scope;
    int result;

    if (length < sizeof request)
        return -EINVAL;
    memcpy(&request, value, sizeof request);
    result = addr_from_sockaddr((struct sockaddr *)&request.gr_group, sizeof request.gr_group, &group, &port, &scope);
    return result < 0 ? result : ip_join(sock, &group, (int)request.gr_interface, is_join);
}

static int set_multicast_if(struct sock *sock, const void *value, socklen_t length)
{
    struct ip_mreqn request = {0};
    struct addr local;
    int ifindex;

    if (length < sizeof(struct in_addr) || (sock_is_stream(sock) && calls_are(&sock->file, CALLS_LINUX)))
        return -EINVAL;
    if (length >= sizeof(struct ip_mreq))
        memcpy(&request, value, min_u64(length, sizeof request));
    else
        memcpy(&request.imr_address, value, sizeof request.imr_address);
    local = addr_of_in(&request.imr_address);
    ifindex = request.imr_ifindex ? request.imr_ifindex : ifindex_of(sock, &local);
    if (ifindex < 0 || (ifindex && !ip_interface_exists(sock, ifindex)))
        return -EADDRNOTAVAIL;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->multicast_ifindex = (uint32_t)ifindex;
    sock->ext->multicast_addr = local;
    return 0;
}

int ip_set_multicast_ttl(struct sock *sock, int value)
{
    if (value < -1 || value > 255)
        return -EINVAL;
    if (sock_is_stream(sock)) /* inp_setmoptions() */
        return calls_are(&sock->file, CALLS_BSD) ? -EOPNOTSUPP : -EINVAL;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->has_multicast_ttl = value >= 0;
    sock->ext->multicast_ttl = (int16_t)(value < 0 ? 1 : value);
    return 0;
}

void ip_set_loop(struct sock *sock, int on)
{
    sock->flags = on ? sock->flags & ~(uint32_t)SF_MULTICAST_LOOP_OFF : sock->flags | SF_MULTICAST_LOOP_OFF;
}

/* --- the levels ------------------------------------------------------------------------------- */
int ip_set_plain(struct sock *sock, int level, int name, int number)
{
    if (!calls_are(&sock->file, CALLS_LINUX)) /* the BSDs know them not, or ignore them */
        return plain_option_has(level, name) ? 0 : -ENOPROTOOPT;
    struct tcb_options *options = level == IPPROTO_IPV6 && name == IPV6_AUTOFLOWLABEL && sock_is_stream(sock)
                                      ? stream_options(sock)
                                      : NULL;
    if (options)
        options->auto_flow_label = number ? 2 : 1;
    return plain_option_has(level, name) ? plain_option_put(sock, level, name, number) : -ENOPROTOOPT;
}

/* RFC 5082: what is received must have come with this TTL at least. */
int ip_set_min_ttl(struct sock *sock, int level, int number)
{
    struct tcb_options *options = sock_is_stream(sock) ? stream_options(sock) : NULL;
    struct sock_ext *ext = options ? NULL : sock_need_ext(sock);

    if (!options && !ext)
        return -ENOBUFS;
    if (ext) { /* of datagrams: kept */
        ext->min_ttl[level == IPPROTO_IPV6] = (uint8_t)number;
        return 0;
    }
    options->min_ttl[level == IPPROTO_IPV6] = (uint8_t)number;
    stream_options_changed(sock);
    return 0;
}

int ip_get_min_ttl(const struct sock *sock, int level)
{
    const struct tcb_options *options = sock_is_stream(sock) ? stream_options_peek(sock) : NULL;

    const uint8_t *least = options ? options->min_ttl : sock->ext ? sock->ext->min_ttl : NULL;

    return least ? least[level == IPPROTO_IPV6] : 0;
}

/* IP_LOCAL_PORT_RANGE (ip(7)): low and high in the halves of a word; 0: as the host has it. */
static int set_port_range(struct sock *sock, uint32_t range)
{
    uint16_t low = (uint16_t)range, high = (uint16_t)(range >> 16);

    if (low && high && low > high)
        return -EINVAL;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    sock->ext->port_low = low;
    sock->ext->port_high = high;
    return 0;
}

int option_set_ip(struct sock *sock, int name, const void *value, socklen_t length)
{
    int number = 0, result;

    switch (name) {
    case IP_ADD_MEMBERSHIP:
    case IP_DROP_MEMBERSHIP:
        if (calls_are(&sock->file, CALLS_LINUX) && sock_is_stream(sock))
            return -EPROTO;
        return set_membership(sock, value, length, name == IP_ADD_MEMBERSHIP);
    case MCAST_JOIN_GROUP:
    case MCAST_LEAVE_GROUP:
        return ip_set_group(sock, value, length, name == MCAST_JOIN_GROUP);
    case IP_BLOCK_SOURCE:
    case IP_UNBLOCK_SOURCE:
    case IP_ADD_SOURCE_MEMBERSHIP:
    case IP_DROP_SOURCE_MEMBERSHIP:
        return length != sizeof(struct ip_mreq_source) ? -EINVAL : -ENOPROTOOPT;
    case MCAST_BLOCK_SOURCE:
    case MCAST_UNBLOCK_SOURCE:
    case MCAST_JOIN_SOURCE_GROUP:
    case MCAST_LEAVE_SOURCE_GROUP:
        return length != sizeof(struct group_source_req) ? -EINVAL : -ENOPROTOOPT;
    case IP_MULTICAST_IF:
        return set_multicast_if(sock, value, length);
    case IP_OPTIONS:
        return calls_are(&sock->file, CALLS_LINUX) ? extra_set_options(sock, value, length) : length == 0 ? 0 : -ENOPROTOOPT;
    case IP_UNICAST_IF:
        if (calls_are(&sock->file, CALLS_LINUX))
            return ip_set_unicast_if(sock, IPPROTO_IP, name, value, length);
        break;
    default:
        break;
    }
    result = read_ip_int(sock, name, value, length, &number);
    if (result < 0)
        return result;
    switch (name) {
    case IP_TTL:
        return ip_set_ttl(sock, IPPROTO_IP, number);
    case IP_TOS:
        return !calls_are(&sock->file, CALLS_LINUX) && !calls_are(&sock->file, CALLS_BSD) && (number < 0 || number > 255)
                   ? -EINVAL
                   : set_tos(sock, number);
    case IP_MTU_DISCOVER:
        return ip_set_pmtudisc(sock, IPPROTO_IP, number);
    case IP_MULTICAST_TTL:
        return ip_set_multicast_ttl(sock, number);
    case IP_MULTICAST_LOOP:
        ip_set_loop(sock, number);
        return 0;
    case IP_MINTTL:
        if (number < 0 || number > 255)
            return -EINVAL;
        return ip_set_min_ttl(sock, IPPROTO_IP, number);
    case IP_LOCAL_PORT_RANGE:
        return length == sizeof number ? set_port_range(sock, (uint32_t)number) : -EINVAL;
    default:
        return ip_set_plain(sock, IPPROTO_IP, name, number);
    }
}

static int number_of(struct sock *sock)
{
    struct sockaddr_storage name;
    struct addr addr;
    uint16_t port = 0;
    uint32_t scope;
    int size = sock->file.ops->name(&sock->file, NAME_OWN, &name);

    if (sock->file.type == SOCK_RAW || !calls_are(&sock->file, CALLS_LINUX))
        return sock->file.protocol;
    return sock_is_over(sock) || size < 0 ||
                   addr_from_sockaddr((struct sockaddr *)&name, (socklen_t)size, &addr, &port, &scope) < 0
               ? 0
               : port;
}

int option_get_ip(struct sock *sock, int name, void *value, socklen_t *length)
{
    int mtu;

    switch (name) {
    case IP_TTL:
        return give_int(value, length, ip_get_ttl(sock, IPPROTO_IP));
    case IP_TOS:
        return give_int(value, length, ip_get_tos(sock, IPPROTO_IP));
    case IP_MTU_DISCOVER:
        return give_int(value, length, ip_get_pmtudisc(sock, IPPROTO_IP));
    case IP_MTU:
        mtu = ip_get_mtu(sock);
        return mtu < 0 ? mtu : give_int(value, length, mtu);
    case IP_MULTICAST_TTL:
        return give_int(value, length, ip_get_multicast_ttl(sock));
    case IP_MULTICAST_LOOP:
        return give_int(value, length, !(sock->flags & SF_MULTICAST_LOOP_OFF));
    case IP_MULTICAST_IF: {
        struct sockaddr_storage storage;
        struct addr addr = sock->ext ? sock->ext->multicast_addr : addr_any(AF_INET);

        addr_to_sockaddr(addr_is_v4(&addr) ? &addr : &(struct addr){0}, 0, 0, AF_INET, &storage);
        return option_give(value, length, &((struct sockaddr_in *)&storage)->sin_addr, sizeof(struct in_addr));
    }
    case IP_MSFILTER:
    case MCAST_MSFILTER:
        return calls_are(&sock->file, CALLS_LINUX) && *length < sizeof(struct ip_msfilter) - 4 ? -EINVAL : -ENOPROTOOPT;
    case IP_OPTIONS:
        return extra_get_options(sock, value, length);
    case IP_PKTOPTIONS: /* what came with a stream's SYN: nothing that anybody asked for */
        if (!calls_are(&sock->file, CALLS_LINUX) || !sock_is_stream(sock))
            return -ENOPROTOOPT;
        *length = 0;
        return 0;
    case IP_PROTOCOL_OPTION: /* Linux tells inet_num: a raw socket's protocol, another's port */
        return give_int(value, length, number_of(sock));
    case IP_MINTTL:
        return give_int(value, length, ip_get_min_ttl(sock, IPPROTO_IP));
    case IP_LOCAL_PORT_RANGE:
        return give_int(value, length, sock->ext ? (int)((uint32_t)sock->ext->port_high << 16 | sock->ext->port_low) : 0);
    default:
        if (!calls_are(&sock->file, CALLS_LINUX) || !plain_option_has(IPPROTO_IP, name))
            return -ENOPROTOOPT;
        return give_int(value, length, plain_option_value(sock, IPPROTO_IP, name));
    }
}

/* Raw ICMP sockets' filters: 32 types for IPv4, 256 for IPv6; a set bit blocks in both (linux/icmp.h, linux/icmpv6.h).
 */
int option_set_other(struct sock *sock, int level, int name, const void *value, socklen_t length)
{
    bool is_v4 = level == SOL_RAW && sock->file.protocol == IPPROTO_ICMP;
    bool is_v6 = level == IPPROTO_ICMPV6 && sock->file.protocol == IPPROTO_ICMPV6;

    if (sock->file.type != SOCK_RAW || !(is_v4 || is_v6) || name != RAW_ICMP_FILTER)
        return -ENOPROTOOPT;
    if (length < sizeof(uint32_t))
        return -EINVAL;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    memcpy(sock->ext->icmp_filter, value, min_u64(length, is_v4 ? sizeof(uint32_t) : sizeof sock->ext->icmp_filter));
    return 0;
}
