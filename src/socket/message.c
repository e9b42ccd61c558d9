/* message.c: control data of sendmsg() and recvmsg() (UNP 14.6, 22.2; ip(7), ipv6(7), RFC 3542): packet information,
 * TTL, TOS, timestamps, and the error queue of IP_RECVERR. */
#include <time.h>
#include <linux/errqueue.h>
#include "socket/sock.h"
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif

enum { IP_PROTOCOL_CMSG = 52, FLOWINFO_CMSG = 11 /* IPV6_FLOWINFO */ };

static struct addr addr_of_in(const struct in_addr *in)
{
    const uint8_t *b = (const uint8_t *)in;

    return addr_v4((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
}

static struct in_addr in_of_addr(const struct addr *addr)
{
    struct in_addr in = {0};

    if (addr_is_v4(addr))
        memcpy(&in, addr->b + 12, sizeof in);
    return in;
}

/* An int from LEAST to 255. */
static int cmsg_int(const struct cmsghdr *cmsg, int least, int *value)
{
    if (cmsg->cmsg_len != CMSG_LEN(sizeof *value))
        return -EINVAL;
    memcpy(value, CMSG_DATA(cmsg), sizeof *value);
    return *value < least || *value > 255 ? -EINVAL : 0;
}

/* ip(7): a TOS may be one byte as well. */
static int cmsg_tos(const struct cmsghdr *cmsg, int *value)
{
    if (cmsg->cmsg_len != CMSG_LEN(1))
        return cmsg_int(cmsg, 0, value);
    *value = *CMSG_DATA(cmsg);
    return 0;
}

/* RFC 3542 6.3, 6.5: -1 is the default. */
static int cmsg_or_default(const struct cmsghdr *cmsg, int *value, bool *has_value)
{
    int result = cmsg_int(cmsg, -1, value);
    *has_value = *value >= 0;
    return result;
}

/* IP_RETOPTS (ip(7)): options of this datagram's own. */
static int parse_options(const struct sock *sock, const struct cmsghdr *cmsg, struct control *control)
{
    struct pool *pool = sock->file.sockets->pool;

    ip_extra_unref(pool, control->extra);
    return ip_extra_options(pool, CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0), true, &control->extra);
}

static int parse_ip(const struct sock *sock, const struct cmsghdr *cmsg, struct control *control)
{
    struct in_pktinfo info;
    int protocol;

    switch (cmsg->cmsg_type) {
    case IP_PKTINFO:
        if (cmsg->cmsg_len < CMSG_LEN(sizeof info))
            return -EINVAL;
        memcpy(&info, CMSG_DATA(cmsg), sizeof info);
        control->has_pktinfo = true;
        control->source = addr_of_in(&info.ipi_spec_dst);
        control->ifindex = (uint32_t)info.ipi_ifindex;
        return 0;
    case IP_TTL:
        control->has_ttl = true;
        return cmsg_int(cmsg, 1, &control->ttl);
    case IP_TOS:
        control->has_tos = true;
        return cmsg_tos(cmsg, &control->tos);
    case IP_RETOPTS:
        return parse_options(sock, cmsg, control);
    case IP_PROTOCOL_CMSG: /* of raw sockets; another's own protocol stays */
        return cmsg_int(cmsg, 1, &protocol);
    default:
        return -EINVAL;
    }
}

static int parse_ipv6(const struct cmsghdr *cmsg, struct control *control)
{
    struct in6_pktinfo info;

    switch (cmsg->cmsg_type) {
    case IPV6_PKTINFO:
        if (cmsg->cmsg_len < CMSG_LEN(sizeof info))
            return -EINVAL;
        memcpy(&info, CMSG_DATA(cmsg), sizeof info);
        control->has_pktinfo = true;
        memcpy(control->source.b, &info.ipi6_addr, 16);
        control->ifindex = info.ipi6_ifindex;
        return 0;
    case IPV6_HOPLIMIT:
        return cmsg_or_default(cmsg, &control->ttl, &control->has_ttl);
    case IPV6_TCLASS:
        return cmsg_or_default(cmsg, &control->tos, &control->has_tos);
    default:
        return -EINVAL;
    }
}

int control_parse(const struct sock *sock, const struct msghdr *message, struct control *control)
{
    struct msghdr copy = *message;
    int error = dgram_is_linux_udp(&sock->file) ? stamp_check_control(sock, message) : 0;

    for (struct cmsghdr *cmsg = error ? NULL : CMSG_FIRSTHDR(&copy); cmsg; cmsg = CMSG_NXTHDR(&copy, cmsg)) {
        int result = 0;

        if (cmsg->cmsg_len < sizeof *cmsg ||
            (size_t)((char *)cmsg - (char *)copy.msg_control) + cmsg->cmsg_len > copy.msg_controllen)
            return -EINVAL;
        if (cmsg->cmsg_level == IPPROTO_IP)
            result = parse_ip(sock, cmsg, control);
        else if (cmsg->cmsg_level == IPPROTO_IPV6 && sock->file.family == AF_INET6)
            result = parse_ipv6(cmsg, control);
        else if (cmsg->cmsg_level == IPPROTO_UDP && cmsg->cmsg_type == 103 /* UDP_SEGMENT */ && dgram_is_linux_udp(&sock->file)) {
            if (cmsg->cmsg_len != CMSG_LEN(sizeof control->segment))
                return -EINVAL;
            memcpy(&control->segment, CMSG_DATA(cmsg), sizeof control->segment);
        }
        if (result < 0)
            return result;
    }
    if (control->has_pktinfo && addr_is_any(&control->source))
        control->source = addr_any(sock->file.family);
    return error;
}

struct printer {
    struct msghdr *message;
    size_t size, used;
};

static void put(struct printer *printer, int level, int type, const void *data, size_t length)
{
    struct cmsghdr cmsg = {.cmsg_len = CMSG_LEN(length), .cmsg_level = level, .cmsg_type = type};
    size_t room = printer->size - printer->used;
    char *to;

    if (room < cmsg.cmsg_len)
        printer->message->msg_flags |= MSG_CTRUNC;
    if (room < sizeof cmsg)
        return;
    if (room < cmsg.cmsg_len) /* as much as there is room for, as on Linux */
        cmsg.cmsg_len = room;
    to = (char *)printer->message->msg_control + printer->used;
    memcpy(to, &cmsg, sizeof cmsg);
    memcpy(to + CMSG_LEN(0), data, cmsg.cmsg_len - CMSG_LEN(0));
    printer->used += CMSG_SPACE(length);
    if (printer->used > printer->size)
        printer->used = printer->size;
}

void control_put(struct msghdr *message, size_t room, int level, int type, const void *data, size_t length)
{
    struct printer printer = {message, room, message->msg_controllen};

    put(&printer, level, type, data, length);
    message->msg_controllen = printer.used;
}

void control_put_error(const struct sock *sock, struct msghdr *message, size_t room, const struct sock_extended_err *error,
                       const struct addr *offender)
{
    bool v4 = sock->file.family == AF_INET;
    struct {
        struct sock_extended_err error;
        struct sockaddr_storage offender;
    } data = {.error = *error};

    if (offender)
        (void)addr_to_sockaddr(offender, 0, 0, v4 ? AF_INET : AF_INET6, &data.offender);
    control_put(message, room, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &data,
                sizeof data.error + (v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)));
}

void message_put_name(struct msghdr *message, const struct sockaddr_storage *name, socklen_t length)
{
    if (!message->msg_name)
        return;
    memcpy(message->msg_name, name, message->msg_namelen < length ? message->msg_namelen : length);
    message->msg_namelen = length;
}

size_t message_put_text(struct msghdr *message, const void *bytes, size_t size)
{
    size_t taken = 0;

    for (size_t i = 0; i < message->msg_iovlen && taken < size; i++) {
        size_t n = message->msg_iov[i].iov_len < size - taken ? message->msg_iov[i].iov_len : size - taken;

        if (n && bytes)
            memcpy(message->msg_iov[i].iov_base, (const char *)bytes + taken, n);
        else if (n)
            memset(message->msg_iov[i].iov_base, 0, n);
        taken += n;
    }
    return taken;
}

/* SO_TIMESTAMP and its kin (stamp.c). */
static void put_times(struct printer *printer, const struct sock *sock, uint64_t time_ns)
{
    printer->message->msg_controllen = printer->used;
    stamp_print_arrival(sock, printer->message, printer->size, time_ns);
    printer->used = printer->message->msg_controllen;
}

static bool wants(const struct sock *sock, int level, int name)
{
    return plain_option_has(level, name) && plain_option_value(sock, level, name);
}

/* socket(7): when it came, what was lost before it, its mark and priority (no device here gives it any). */
static void put_socket_level(struct printer *printer, const struct sock *sock, const struct udp_info *info)
{
    static const uint32_t none;

    put_times(printer, sock, info->time_ns);
    if (!calls_are(&sock->file, CALLS_LINUX))
        return;
    if (info->drops && wants(sock, SOL_SOCKET, SO_RXQ_OVFL))
        put(printer, SOL_SOCKET, SO_RXQ_OVFL, &info->drops, sizeof info->drops);
    if (wants(sock, SOL_SOCKET, SO_RCVMARK))
        put(printer, SOL_SOCKET, SO_MARK, &none, sizeof none);
    if (wants(sock, SOL_SOCKET, SO_RCVPRIORITY))
        put(printer, SOL_SOCKET, SO_PRIORITY, &none, sizeof none);
}

/* Linux notes it of a datagram for those who had asked when it came, and of an ICMP message, whose local address it does not tell. */
static bool has_way(const struct sock *sock, const struct udp_info *info)
{
    return info->has_way || !calls_are(&sock->file, CALLS_LINUX) || !info->protocol;
}

/* ip(7): of IPv4 packets, to an AF_INET6 socket, too. */
static void put_v4(struct printer *printer, const struct sock *sock, const struct udp_info *info)
{
    int ttl = info->ttl;

    if (sock->flags & SF_PKTINFO) {
        struct in_pktinfo pktinfo = {.ipi_ifindex = has_way(sock, info) ? info->ifindex : 0, .ipi_addr = in_of_addr(&info->flow.local)};

        if (info->has_way)
            pktinfo.ipi_spec_dst = pktinfo.ipi_addr;
        put(printer, IPPROTO_IP, IP_PKTINFO, &pktinfo, sizeof pktinfo);
    }
    if (sock->flags & SF_RECVTTL)
        put(printer, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    if (sock->flags & SF_RECVTOS)
        put(printer, IPPROTO_IP, IP_TOS, &info->tos, sizeof info->tos);
}

static void put_v6(struct printer *printer, const struct sock *sock, const struct udp_info *info)
{
    int ttl = info->ttl, tos = info->tos;
    uint32_t label = info->flow_label;
    uint8_t flow_info[4] = {info->tos >> 4, (uint8_t)(info->tos << 4 | label >> 16), (uint8_t)(label >> 8), (uint8_t)label};

    if (sock->flags & SF_V6_RECVTTL)
        put(printer, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof ttl);
    if (sock->flags & SF_V6_RECVTOS)
        put(printer, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
    if ((info->tos || label) && wants(sock, IPPROTO_IPV6, FLOWINFO_CMSG))
        put(printer, IPPROTO_IPV6, FLOWINFO_CMSG, flow_info, sizeof flow_info);
    if (wants(sock, IPPROTO_IPV6, IPV6_2292HOPLIMIT)) /* tracepath asks so */
        put(printer, IPPROTO_IPV6, IPV6_2292HOPLIMIT, &ttl, sizeof ttl);
}

/* RFC 3542 6.1: also of an IPv4 packet, whose addresses are mapped. */
static void put_pktinfo6(struct printer *printer, const struct sock *sock, const struct udp_info *info)
{
    struct in6_pktinfo pktinfo = {.ipi6_ifindex = info->version == 6 || has_way(sock, info) ? info->ifindex : 0};

    memcpy(&pktinfo.ipi6_addr, info->flow.local.b, 16);
    if (sock->flags & SF_V6_PKTINFO)
        put(printer, IPPROTO_IPV6, IPV6_PKTINFO, &pktinfo, sizeof pktinfo);
    if (wants(sock, IPPROTO_IPV6, IPV6_2292PKTINFO))
        put(printer, IPPROTO_IPV6, IPV6_2292PKTINFO, &pktinfo, sizeof pktinfo);
}

/* What both a datagram and an ICMP error tell of how they came. */
static void put_arrival(struct printer *printer, const struct sock *sock, const struct udp_info *info)
{
    if (sock->file.family == AF_INET6)
        put_pktinfo6(printer, sock, info);
    if (info->version == 4)
        put_v4(printer, sock, info);
    else
        put_v6(printer, sock, info);
}

void control_put_arrival(const struct sock *sock, const struct udp_info *info, struct msghdr *message, size_t room)
{
    struct printer printer = {message, room, message->msg_controllen};

    put_arrival(&printer, sock, info);
    message->msg_controllen = printer.used;
}

/* IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR: where the datagram was sent to, as an address. */
static void put_destination(struct printer *printer, const struct sock *sock, const struct udp_info *info)
{
    int level = info->version == 4 ? IPPROTO_IP : IPPROTO_IPV6, name = info->version == 4 ? IP_RECVORIGDSTADDR : IPV6_RECVORIGDSTADDR;
    struct sockaddr_storage to;
    socklen_t length;

    if (!wants(sock, level, name))
        return;
    length = addr_to_sockaddr(&info->flow.local, info->flow.local_port, 0, info->version == 4 ? AF_INET : AF_INET6, &to);
    put(printer, level, name, &to, length);
}

void control_print(const struct sock *sock, const struct udp_info *info, struct msghdr *message)
{
    struct printer printer = {message, message->msg_control ? message->msg_controllen : 0, 0};

    put_socket_level(&printer, sock, info);
    put_arrival(&printer, sock, info);
    put_destination(&printer, sock, info);
    message->msg_controllen = printer.used;
}

/* MSG_ERRQUEUE: the datagram that failed, its destination as the name, who said so and why as control data (ip(7)). */
ssize_t control_receive_error(struct sock *sock, struct msghdr *message, int flags)
{
    struct udp_icmp icmp;
    struct printer printer = {message, message->msg_control ? message->msg_controllen : 0, 0};
    struct lil_packet *packet;
    struct sockaddr_storage name;
    size_t done = 0;

    (void)flags;
    packet = udp_receive_error(sock->file.sockets->udp, sock->pcb, &icmp);
    if (!packet)
        return -EAGAIN;
    for (size_t i = 0; i < message->msg_iovlen && done < packet->length; i++)
        done += packet_read(packet, done, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    message->msg_flags = MSG_ERRQUEUE | (done < packet->length ? MSG_TRUNC : 0);
    message_put_name(message, &name, sock_print(sock, &icmp.flow.remote, icmp.flow.remote_port, 0, &name));
    const struct sock_extended_err error = {
        .ee_errno = (uint32_t)icmp.error,
        .ee_origin = icmp.version == 6 ? SO_EE_ORIGIN_ICMP6 : icmp.version ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_LOCAL,
        .ee_type = icmp.type,
        .ee_code = icmp.code,
        .ee_info = icmp.info};
    if (icmp.version) {
        put_times(&printer, sock, icmp.arrival.time_ns);
        put_arrival(&printer, sock, &icmp.arrival);
    }
    message->msg_controllen = printer.used;
    control_put_error(sock, message, printer.size, &error, icmp.version ? &icmp.arrival.flow.remote : NULL);
    packet_free(packet);
    return (ssize_t)done;
}
