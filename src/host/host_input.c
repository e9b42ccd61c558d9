/* host_input.c: a received frame's way up: link -> ip -> icmp | udp | tcp. All that can be checked is checked before anything
 * changes state; each frame ends delivered, forwarded, kept for reassembly, or dropped under one reason. RFC 1122 3.2.1,
 * RFC 1812 5.2, RFC 8200. */
#include "host/packet_filter.h"
#include "host/host_inner.h"
#include "host/tunnel.h"
#include "wire/gre.h"

COLD static void parameter_problem(struct lil_host *host, struct ip *ip, struct lil_packet *packet, uint8_t code, uint32_t pointer)
{
    struct icmp_error error = {.version = ip->version, .type = ip->version == 4 ? ICMP4_PARAMETER : ICMP6_PARAMETER, .code = code,
                               .rest = host_icmp_rest_parameter(ip->version, pointer)};
    host_icmp_error(host, &error, ip, packet);
}

/* --- transports: PACKET is positioned behind the IP header ------------------------------------------------------------ */

void host_tcp_dropped(struct lil_host *host, const struct interface *interface, const struct tcp_in *in, enum lil_drop drop)
{
    host_note_drop(host, interface->ifindex, drop, host->shadow);
    if (drop == LIL_DROP_TCP_NO_PORT && (in->header.flags & TCP_SYN) && host->sockets.tcp_no_port)
        host->sockets.tcp_no_port(host->sockets.ctx, &in->flow);
}

/* IN is checked, PACKET (taken) is its payload. */
static void host_give_tcp(struct lil_host *host, struct interface *interface, const struct tcp_in *in, struct lil_packet *packet)
{
    enum lil_drop drop = tcp_input(host->tcp, in, packet, host->now_ns);
    if (drop) {
        host_tcp_dropped(host, interface, in, drop);
    } else if ((in->header.flags & TCP_ACK) && interface->kind == LIL_ETHERNET) {
        host_confirm_neighbor(host, &in->flow.remote, in->flow.scope);
    }
    host_mark_due(host);
}

/* Where the sender is. What went round our loopback came from the interface that has its address. */
static uint16_t scope_of(struct lil_host *host, const struct interface *interface, const struct ip *ip)
{
    if (ip->version != 6 || !addr_is_link_local(&ip->source))
        return 0;
    return interface->kind == LIL_LOOPBACK ? host_scope(host, &ip->source) : (uint16_t)interface->ifindex;
}

/* ENCAPS_PORT: the peer's UDP port of a segment that came in a datagram, whose checksum was good; 0: it came bare. */
static void tcp_deliver(struct lil_host *host, struct interface *interface, struct ip *ip, uint16_t encaps_port, struct lil_packet *packet)
{
    struct tcp_in in;
    if (packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST)) { /* RFC 9293 3.9.2.3 (MUST-57): silently discarded */
        host_drop_input(host, interface, LIL_DROP_TCP_MARTIAN, packet);
        return;
    }
    int length = tcphdr_parse(&in.header, packet->head + packet->head_off, packet->head_len);
    if (length == -EMSGSIZE && packet->length > packet->head_len) {
        const uint8_t *bytes = packet_pull(packet, min_u32(packet->length, TCP_MAX_LENGTH));
        length = bytes ? tcphdr_parse(&in.header, bytes, packet->head_len) : -EMSGSIZE;
    }
    if (length < 0) {
        host_drop_input(host, interface, length == -EMSGSIZE ? LIL_DROP_TCP_TRUNCATED : LIL_DROP_TCP_HEADER, packet);
        return;
    }
    if (!encaps_port && !wire_csum_ok(ip, packet)) {
        host_drop_input(host, interface, LIL_DROP_TCP_CHECKSUM, packet);
        return;
    }
    host->input_ip = ip;
    host->input_header = packet->head + packet->head_off;
    packet_trim_front(packet, (size_t)length);
    in.flow.local = ip->dest;
    in.flow.remote = ip->source;
    in.flow.local_port = in.header.dest_port;
    in.flow.remote_port = in.header.source_port;
    in.ip_length = encaps_port ? 0 : (uint16_t)ip->header_length;
    in.flow.scope = scope_of(host, interface, ip);
    in.flow.encaps_port = encaps_port;
    in.payload = packet->length;
    in.gso_size = packet->gso_size;
    in.ecn = ip->tos & 3;
    in.ttl = ip->ttl;
    in.tos = ip->tos;
    in.flow_label = ip->flow_label;
    in.ifindex = (uint16_t)interface->ifindex;
    in.accept_any = interface->accept_any;
    host_give_tcp(host, interface, &in, packet);
    host->input_ip = NULL;
}

static struct udp_info info_of(struct lil_host *host, const struct interface *interface, const struct ip *ip,
                               const struct lil_packet *packet)
{
    bool to_group = packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST);
    uint32_t ifindex = (uint32_t)interface->ifindex;
    if (interface->kind == LIL_LOOPBACK && to_group && host_interface(host, (int)packet->mark))
        ifindex = packet->mark; /* our own copy of what went out there */
    return (struct udp_info){
        .flow = {.local = ip->dest, .remote = ip->source, .scope = scope_of(host, interface, ip)},
        .ttl = ip->ttl, .tos = ip->tos, .flow_label = ip->flow_label,
        .protocol = ip->protocol, .version = ip->version, .ifindex = (uint16_t)ifindex,
        .multicast = addr_is_multicast(&ip->dest), .broadcast = packet->flags & PACKET_BROADCAST, .csum_ok = true,
        .time_ns = host->now_ns,
    };
}

static void udp_deliver(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    struct udphdr_ header;
    const uint8_t *bytes = packet_pull(packet, UDP_LENGTH);
    if (!bytes || udphdr_parse(&header, bytes, packet->head_len) < 0 || header.length < UDP_LENGTH || header.length > packet->length) {
        host_drop_input(host, interface, LIL_DROP_UDP_TRUNCATED, packet);
        return;
    }
    packet_trim_to(packet, header.length);
    if (!wire_csum_ok(ip, packet)) {
        udp_count_bad_csum(host->udp, ip->version);
        host_drop_input(host, interface, LIL_DROP_UDP_CHECKSUM, packet);
        return;
    }
    if (header.dest_port == host->profile->tcp.udp_tunneling_port && header.dest_port && header.source_port) {
        packet_trim_front(packet, UDP_LENGTH);
        tcp_deliver(host, interface, ip, header.source_port, packet);
        return;
    }
    struct udp_info info = info_of(host, interface, ip, packet);
    info.flow.local_port = header.dest_port;
    info.flow.remote_port = header.source_port;
    packet_trim_front(packet, UDP_LENGTH);
    enum lil_drop drop = udp_input(host->udp, &info, packet);
    if (drop == LIL_DROP_UDP_NO_PORT) { /* RFC 1122 4.1.3.1: port unreachable */
        packet_push(packet, UDP_LENGTH + ip->header_length);
        struct icmp_error error = host_unreachable(ip->version, 3, 4);
        if (!host->profile->udp.blackhole)
            host_icmp_error(host, &error, ip, packet);
        host_drop_input(host, interface, drop, packet);
    } else if (drop) {
        host_note_drop(host, interface->ifindex, drop, host->shadow);
    }
}

static void host_deliver(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    if (__builtin_expect(host->filter != NULL, 0) && !filter_input(host, interface, ip, packet))
        return;
    host->counters[ip->version == 6][CNT_IP_DELIVERED]++;
    bool raw = false;
    if (udp_has_raw(host->udp, ip->protocol)) {
        /* raw sockets see the IPv4 header, and an IPv6 payload without it (RFC 3542 3) */
        struct udp_info info = info_of(host, interface, ip, packet);
        raw = true;
        packet_fill_csum(packet);
        if (ip->version == 4)
            packet_push(packet, ip->header_length);
        udp_input_raw(host->udp, &info, packet);
        if (ip->version == 4)
            packet_trim_front(packet, ip->header_length);
    }
    switch (ip->protocol) {
    case IPPROTO_TCP:
        tcp_deliver(host, interface, ip, 0, packet);
        return;
    case IPPROTO_UDP:
        udp_deliver(host, interface, ip, packet);
        return;
    case ICMP_PROTOCOL4:
        if (ip->version == 4) {
            host_icmp_input(host, interface, ip, packet);
            return;
        }
        break;
    case ICMP_PROTOCOL6:
        if (ip->version == 6) {
            host_icmp_input(host, interface, ip, packet);
            return;
        }
        break;
    case IPPROTO_NONE:
        packet_free(packet); /* RFC 8200 4.7 */
        return;
    case PROTOCOL_IPV4:
    case PROTOCOL_IPV6:
    case PROTOCOL_GRE:
    case PROTOCOL_MPLS:
        if (host->tunnels && tunnel_input(host, interface, ip, packet))
            return;
        break;
    default:
        break;
    }
    if (raw) {
        packet_free(packet);
        return;
    }
    host->counters[ip->version == 6][CNT_IP_UNKNOWN_PROTOS]++;
    packet_push(packet, ip->header_length);
    if (ip->version == 4) {
        struct icmp_error error = host_unreachable(4, 2, 0);
        host_icmp_error(host, &error, ip, packet);
    } else {
        parameter_problem(host, ip, packet, 1, ip->next_header_offset); /* RFC 8200 4 */
    }
    host_drop_input(host, interface, LIL_DROP_IP_PROTOCOL, packet);
}

/* --- ip ------------------------------------------------------------------------------------------------------------------ */

/* Sources and destinations that no honest packet on a wire has (RFC 1122 3.2.1.3, RFC 1812 5.3.7; LAND). */
static enum lil_drop martian(struct lil_host *host, const struct interface *interface, const struct ip *ip, const struct lil_packet *packet)
{
    if (addr_is_multicast(&ip->source) || addr_is_limited_broadcast(&ip->source))
        return LIL_DROP_IP_SOURCE;
    if (interface->kind == LIL_LOOPBACK)
        return LIL_DROP_NONE;
    if (addr_is_loopback(&ip->source) || addr_is_loopback(&ip->dest))
        return LIL_DROP_IP_MARTIAN;
    if (addr_is_any(&ip->source)) /* a host that is asking for its address */
        return packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST) || addr_is_multicast(&ip->dest) ? LIL_DROP_NONE : LIL_DROP_IP_SOURCE;
    if (addr_is_any(&ip->dest))
        return LIL_DROP_IP_MARTIAN;
    if (!interface->accept_any && host_is_local(host, &ip->source))
        return LIL_DROP_IP_MARTIAN;
    if (host_is_broadcast(host, &ip->source, interface))
        return LIL_DROP_IP_SOURCE;
    return LIL_DROP_NONE;
}

COLD static bool is_solicited_node(const struct interface *interface, const struct addr *group)
{
    static const uint8_t start[13] = {0xff, 2, [11] = 1, [12] = 0xff}; /* RFC 4291 2.7.1 */
    if (memcmp(group->b, start, sizeof start))
        return false;
    for (unsigned i = 0; i < interface->address_count; i++)
        if (!memcmp(interface->addresses[i].addr.b + 13, group->b + 13, 3))
            return true;
    return interface->accept_any || (interface->autoconf && host_autoconf_hears(interface, group));
}

static bool is_member(const struct lil_host *host, const struct interface *interface, const struct addr *group)
{
    if (addr_is_v4(group) && addr_to_v4(group) == 0xe0000001u) /* RFC 1112: all hosts */
        return true;
    static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1}, all_nodes_1[16] = {0xff, 1, [15] = 1}, all_routers[16] = {0xff, 2, [15] = 2};
    if (!memcmp(group->b, all_nodes, 16) || !memcmp(group->b, all_nodes_1, 16) ||
        (host->profile->ip.forwarding && !memcmp(group->b, all_routers, 16)))
        return true;
    return is_solicited_node(interface, group) ||
           udp_has_group(host->udp, group, interface->kind == LIL_LOOPBACK ? 0 : (uint32_t)interface->ifindex);
}

enum destination { FOR_US, TO_FORWARD, NOT_OURS };
static enum destination destination_of(struct lil_host *host, struct interface *interface, const struct ip *ip, struct lil_packet *packet)
{
    const struct interface *owner = host_local_interface(host, &ip->dest);
    if (owner) {
        bool elsewhere = owner != interface && interface->kind != LIL_LOOPBACK && !interface->accept_any;
        if (elsewhere && (host->profile->ip.strong_host || (ip->version == 6 && addr_is_link_local(&ip->dest))) &&
            !interface_has_address(interface, &ip->dest))
            return NOT_OURS;
        return FOR_US;
    }
    if (addr_is_multicast(&ip->dest)) {
        packet->flags |= PACKET_MULTICAST;
        return is_member(host, interface, &ip->dest) ? FOR_US : NOT_OURS;
    }
    if (host_is_broadcast(host, &ip->dest, interface->kind == LIL_LOOPBACK ? NULL : interface)) {
        packet->flags |= PACKET_BROADCAST;
        return FOR_US;
    }
    if (interface->accept_any)
        return FOR_US;
    return host->profile->ip.forwarding ? TO_FORWARD : NOT_OURS;
}

COLD static enum lil_drop parse_drop(int error, const struct lil_packet *packet, int version)
{
    (void)packet;
    switch (error) {
    case -EMSGSIZE:
        return LIL_DROP_IP_TRUNCATED;
    case -EBADMSG:
        return LIL_DROP_IP_CHECKSUM;
    case -EPROTO:
        return LIL_DROP_IP_EXTENSION;
    default:
        return version == 4 ? LIL_DROP_IP_HEADER : version == 6 ? LIL_DROP_IP_EXTENSION : LIL_DROP_IP_VERSION;
    }
}

static int parse(struct ip *ip, struct lil_packet *packet)
{
    int length = ip_parse(ip, packet->head + packet->head_off, packet->head_len);
    if (length == -EMSGSIZE && packet->length > packet->head_len) {
        size_t more = min_u32(packet->length, PACKET_HEAD - 64); /* extension headers beyond that are refused */
        const uint8_t *bytes = packet_pull(packet, more);
        length = bytes ? ip_parse(ip, bytes, more) : -EMSGSIZE;
    }
    return length;
}

/* RFC 791 3.1, RFC 1122 3.2.1.8; source routes are refused as all stacks do today (RFC 7126). */
COLD static enum lil_drop options_check(struct lil_host *host, struct ip *ip, struct lil_packet *packet)
{
    bool source_route;
    const uint8_t *bytes = packet_pull(packet, ip->header_length);
    if (!bytes)
        return LIL_DROP_IP_TRUNCATED;
    int at = ip_options_problem(bytes, ip->header_length, &source_route);
    if (at) {
        parameter_problem(host, ip, packet, 0, (uint32_t)at);
        return LIL_DROP_IP_OPTION;
    }
    return source_route && !host->profile->ip.source_route ? LIL_DROP_IP_OPTION : LIL_DROP_NONE;
}

/* A fragment for us; when it completes its datagram that is delivered with a fresh header in front. */
COLD static void fragment_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    host->counters[ip->version == 6][CNT_IP_REASM_REQS]++;
    packet_fill_csum(packet);
    packet = reass_input_take(&host->reass, ip, packet, host->now_ns);
    host_mark_due(host);
    if (!packet)
        return;
    host->counters[ip->version == 6][CNT_IP_REASM_OKS]++;
    packet->csum = CSUM_COMPUTED;
    if (packet->head_off < ip->header_length) {
        host_drop_input(host, interface, LIL_DROP_IP_LENGTH, packet);
        return;
    }
    ip_emit(ip, packet_push(packet, ip->header_length));
    packet_trim_front(packet, ip->header_length);
    host_deliver(host, interface, ip, packet);
}

static void deliver_plain(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    if (!packet_pull(packet, ip->header_length)) {
        host_drop_input(host, interface, LIL_DROP_IP_TRUNCATED, packet);
        return;
    }
    packet_trim_front(packet, ip->header_length);
    host_deliver(host, interface, ip, packet);
}

static __attribute__((noinline)) void ip_input(struct lil_host *host, struct interface *interface, struct lil_packet *packet)
{
    struct ip ip;
    if (interface->kind == LIL_ETHERNET && host_input_bare(host, interface, packet)) /* others: host_input_frame */
        return;
    int length = parse(&ip, packet);
    if (length < 0) {
        uint8_t first = 0;
        packet_read(packet, 0, &first, 1);
        host->counters[first >> 4 == 6][CNT_IP_UNREAD]++;
        host->counters[first >> 4 == 6][CNT_IP_IN_OCTETS] += packet->length;
        host->counters[first >> 4 == 6][CNT_IP_HDR_ERRORS]++;
        if (length == -EPROTO && host_is_local(host, &ip.dest)) {
            ip.header_length = IPV6_LENGTH;
            ip.payload_length = packet->length > IPV6_LENGTH ? packet->length - IPV6_LENGTH : 0;
            parameter_problem(host, &ip, packet, ip.problem_code, ip.problem_offset);
        }
        host_drop_input(host, interface, parse_drop(length, packet, first >> 4), packet);
        return;
    }
    host->counters[ip.version == 6][CNT_IP_NO_ECT + (ip.tos & 3)]++;
    host->counters[ip.version == 6][CNT_IP_IN_OCTETS] += packet->length;
    uint32_t total = ip.header_length + ip.payload_length;
    if (total <= packet->length && !ip.is_fragment && !(packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST)) &&
        (ip.version == 6 || ip.header_length == IPV4_LENGTH) && host_is_known(host, interface, &ip.source, &ip.dest)) {
        if (total < packet->length)
            packet_trim_to(packet, total);
        packet->ecn = ip.tos & 3;
        deliver_plain(host, interface, &ip, packet);
        return;
    }
    enum lil_drop drop = total > packet->length ? LIL_DROP_IP_LENGTH : martian(host, interface, &ip, packet);
    if (drop) {
        host->counters[ip.version == 6][drop == LIL_DROP_IP_LENGTH ? CNT_IP_HDR_ERRORS : CNT_IP_ADDR_ERRORS]++;
        host_drop_input(host, interface, drop, packet);
        return;
    }
    if (total < packet->length)
        packet_trim_to(packet, total); /* Ethernet's padding */
    packet->ecn = ip.tos & 3;
    enum destination where = destination_of(host, interface, &ip, packet);
    if (where != NOT_OURS && ip.version == 4 && ip.header_length > IPV4_LENGTH) {
        drop = options_check(host, &ip, packet);
        if (drop) {
            host_drop_input(host, interface, drop, packet);
            return;
        }
    }
    switch (where) {
    case TO_FORWARD:
        host_forward(host, interface, &ip, packet);
        return;
    case NOT_OURS:
        host->counters[ip.version == 6][CNT_IP_ADDR_ERRORS]++;
        host_drop_input(host, interface, LIL_DROP_IP_NOT_MINE, packet);
        return;
    case FOR_US:
        break;
    }
    if (ip.is_fragment) {
        fragment_input(host, interface, &ip, packet);
        return;
    }
    if (!(packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST)))
        host_note_known(host, interface, &ip.source, &ip.dest);
    deliver_plain(host, interface, &ip, packet);
}

/* --- link ------------------------------------------------------------------------------------------------------------------ */

static void ethernet_input(struct lil_host *host, struct interface *interface, struct lil_packet *packet)
{
    struct eth eth;
    const uint8_t *bytes = packet_pull(packet, ETH_LENGTH);
    if (!bytes || eth_parse(&eth, bytes, ETH_LENGTH) < 0) {
        host_drop_input(host, interface, LIL_DROP_ETH_TRUNCATED, packet);
        return;
    }
    if (eth.dest.b[0] & 1) {
        static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
        packet->flags |= memcmp(eth.dest.b, all, 6) ? PACKET_MULTICAST : PACKET_BROADCAST;
    } else if (memcmp(eth.dest.b, interface->mac.b, 6)) {
        host_drop_input(host, interface, LIL_DROP_ETH_NOT_MINE, packet);
        return;
    }
    packet_trim_front(packet, ETH_LENGTH);
    switch (eth.type) {
    case ETHERTYPE_V4:
    case ETHERTYPE_V6:
        if (!host_input_plain(host, interface, packet))
            ip_input(host, interface, packet);
        return;
    case ETHERTYPE_ARPP:
        host_arp_input(host, interface, packet);
        return;
    default:
        host_drop_input(host, interface, LIL_DROP_ETH_TYPE, packet);
    }
}

/* What no short way takes. By itself, so that what comes the short ways saves no registers for it. */
static __attribute__((noinline)) void input_in_full(struct lil_host *host, struct interface *interface, struct lil_packet *packet)
{
    struct lil_packet *outer = host->shadow;
    if (host->trace) {
        host_note_packet(host, interface, LIL_TRACE_PACKET_IN, packet);
        host->shadow = packet_clone(packet);
    }
    if (!interface->up)
        host_drop_input(host, interface, LIL_DROP_INTERFACE_DOWN, packet);
    else if (interface->kind == LIL_ETHERNET)
        ethernet_input(host, interface, packet);
    else
        ip_input(host, interface, packet);
    if (host->trace) {
        packet_free(host->shadow);
        host->shadow = outer;
    }
}

void host_input_frame(struct lil_host *host, struct interface *interface, struct lil_packet *packet)
{
    interface->packets_in++;
    interface->bytes_in += packet->length;
    packet->ifindex = (uint16_t)interface->ifindex;
    packet->flags &= PACKET_HAS_SUM;
    if (interface->kind == LIL_LOOPBACK)
        packet->flags |= PACKET_LOOPBACK;
    if (interface->kind == LIL_ETHERNET || !interface->up ||
        (!host_input_plain(host, interface, packet) && !host_input_bare(host, interface, packet)))
        input_in_full(host, interface, packet);
}

int lil_host_input(struct lil_host *host, int ifindex, struct lil_packet *packet, uint64_t now_ns)
{
    struct interface *interface = host_interface(host, ifindex);
    if (now_ns > host->now_ns)
        host->now_ns = now_ns;
    if (!packet)
        return -EINVAL;
    if (!interface) {
        packet_free(packet);
        return -ENODEV;
    }
    host_input_frame(host, interface, packet);
    return 0;
}
