/* host_output.c: the way down: route (host_way.c), resolve (link/neighbor.c), emit. Headers are written straight into the packet's
 * headroom; payloads move by reference and their sums were made when they were copied in. */
#include "host/packet_filter.h"
#include "host/host_inner.h"
#include "base/csum.h"

_Static_assert(ETH_LENGTH + IPV6_LENGTH + 60 <= PACKET_HEADROOM, "SACK with timestamps over IPv6 needs every byte of it");

uint32_t host_next_ip_id(struct lil_host *host, int version)
{
    if (version == 6 || host->profile->ip.random_ip_id) /* RFC 7739 */
        return (uint32_t)prng_next(&host->prng) & (version == 6 ? 0xffffffffu : 0xffffu);
    return ++host->ip_id;
}

struct lil_packet *host_make_room(struct lil_host *host, struct lil_packet *packet, size_t room)
{
    if (packet->head_off >= room)
        return packet;
    if (packet->head_len + room <= PACKET_HEAD) {
        size_t off = PACKET_HEAD - packet->head_len;
        memmove(packet->head + off, packet->head + packet->head_off, packet->head_len);
        packet->head_off = (uint16_t)off;
        return packet;
    }
    struct lil_packet *copy = packet_new(host->pool);
    packet_fill_csum(packet);
    if (copy)
        copy->head_off = PACKET_HEAD; /* all that there is */
    if (!copy || packet_join_take(copy, packet) != 0) {
        packet_free(copy);
        host_drop(host, 0, LIL_DROP_MEMORY, packet);
        return NULL;
    }
    return copy;
}

/* --- link ------------------------------------------------------------------------------------------------------------------ */

void host_ether_multicast(const struct addr *group, struct mac *mac)
{
    if (addr_is_v4(group)) /* RFC 1112 6.4 */
        *mac = (struct mac){{1, 0, 0x5e, group->b[13] & 0x7f, group->b[14], group->b[15]}};
    else /* RFC 2464 7 */
        *mac = (struct mac){{0x33, 0x33, group->b[12], group->b[13], group->b[14], group->b[15]}};
}

/* A packet of ours or of another's that the neighbour cache refuses at once (BSD's hold-down). PACKET is taken. */
COLD static void neighbor_refused(struct lil_host *host, struct way *way, struct lil_packet *packet, int error)
{
    struct ip ip;
    if (ip_parse(&ip, packet->head + packet->head_off, packet->head_len) > 0) {
        struct icmp_error unreachable = host_unreachable(ip.version, 1, 3);
        struct icmp_quote quote;
        if (packet->flags & PACKET_FORWARDED)
            host_icmp_error(host, &unreachable, &ip, packet);
        else if (ip.protocol == IPPROTO_TCP && icmp_quote_parse(&quote, ip.version, packet->head + packet->head_off, packet->head_len) == 0)
            tcp_on_send_error(host->tcp, &quote.flow, quote.seq, error, host->now_ns);
        else
            host_icmp_self(host, &unreachable, &ip, packet);
    }
    host_drop(host, way->interface->ifindex, LIL_DROP_NEIGHBOR_FAILED, packet);
}

static void ether_send(struct interface *interface, const struct mac *dest, uint16_t type, struct lil_packet *packet)
{
    struct eth eth = {.dest = *dest, .source = interface->mac, .type = type};
    eth_emit(&eth, packet_push(packet, ETH_LENGTH));
    interface_send(interface, packet);
}

static void ether_unicast(struct lil_host *host, struct way *way, uint16_t type, struct lil_packet *packet)
{
    struct neighbor_cache *cache = type == ETHERTYPE_V4 ? &host->arp : &host->nd;
    struct neighbor *neighbor = way->neighbor;
    if (!neighbor) {
        /* making an entry may push another out and so change the generation; the way is still good */
        neighbor = neighbor_get(cache, &way->next_hop, way->interface->ifindex, host->now_ns);
        if (!neighbor) {
            host_drop(host, way->interface->ifindex, LIL_DROP_MEMORY, packet);
            return;
        }
        neighbor->is_gateway = way->is_gateway;
        way->neighbor = neighbor;
        way->generation = host->generation;
    }
    if (host->now_ns >= neighbor->fresh_until_ns) {
        host_mark_due(host);
        int verdict = neighbor_resolve(cache, neighbor, packet, host->now_ns);
        if (verdict > 0)
            return;
        if (verdict < 0) {
            neighbor_refused(host, way, packet, -verdict);
            return;
        }
    }
    ether_send(way->interface, &neighbor->mac, type, packet);
}

void host_emit_ether(struct lil_host *host, struct way *way, struct lil_packet *packet)
{
    struct interface *interface = way->interface;
    uint16_t type = addr_is_v4(&way->next_hop) ? ETHERTYPE_V4 : ETHERTYPE_V6;
    struct mac mac = {{255, 255, 255, 255, 255, 255}};
    switch (way->kind) {
    case WAY_MULTICAST:
        host_ether_multicast(&way->next_hop, &mac);
        /* fall through */
    case WAY_BROADCAST:
        ether_send(interface, &mac, type, packet);
        return;
    default:
        ether_unicast(host, way, type, packet);
    }
}

/* --- ip -------------------------------------------------------------------------------------------------------------------- */

COLD static void drop_output(struct lil_host *host, const struct way *way, enum lil_drop drop, struct lil_packet *packet)
{
    host->counters[!addr_is_v4(&way->remote)][CNT_IP_NO_ROUTES] += drop == LIL_DROP_NO_ROUTE;
    host_drop(host, way->interface ? way->interface->ifindex : 0, drop, packet);
}

COLD static void send_fragments(struct lil_host *host, struct way *way, struct ip *ip, struct lil_packet *packet)
{
    struct frag frag;
    packet_fill_csum(packet);
    ip->id = host_next_ip_id(host, ip->version);
    frag_init_take(&frag, ip, packet, way->mtu);
    struct lil_packet *piece;
    while ((piece = frag_next(&frag))) {
        host->counters[ip->version == 6][CNT_IP_FRAG_CREATES]++;
        host->counters[ip->version == 6][CNT_IP_OUT_OCTETS] += piece->length;
        piece->csum = CSUM_COMPUTED;
        host_emit(host, way, piece);
    }
    host->counters[ip->version == 6][frag.failed ? CNT_IP_FRAG_FAILS : CNT_IP_FRAG_OKS]++;
}

/* The rules say that PACKET, from its IP header on, must not leave. */
static inline bool is_refused(struct lil_host *host, const struct way *way, struct lil_packet *packet)
{
    return __builtin_expect(host->filter != NULL, 0) && !host->is_judged && !filter_output(host, way->interface, packet);
}

void host_send_ip(struct lil_host *host, struct way *way, struct ip *ip, struct lil_packet *packet)
{
    host->counters[ip->version == 6][CNT_IP_OUT]++;
    if (way->kind == WAY_ERROR) {
        drop_output(host, way, way->drop, packet);
        return;
    }
    if (!ip->ttl)
        ip->ttl = host->profile->ip.ttl;
    packet = host_make_room(host, packet, HOST_HEADER_ROOM);
    if (!packet)
        return;
    ip->payload_length = packet->length;
    uint32_t header = ip->version == 4 ? IPV4_LENGTH : IPV6_LENGTH;
    if (packet->length + header > way->mtu && !packet->gso_size) {
        if (ip->version == 4 && ip->dont_fragment) {
            host->counters[ip->version == 6][CNT_IP_FRAG_FAILS]++;
            drop_output(host, way, LIL_DROP_IP_TOO_BIG, packet);
            return;
        }
        send_fragments(host, way, ip, packet);
        return;
    }
    ip->id = ip->dont_fragment ? 0 : host_next_ip_id(host, ip->version); /* RFC 6864 4: atomic datagrams need none */
    ip_emit(ip, packet_push(packet, header));
    if (is_refused(host, way, packet)) {
        drop_output(host, way, LIL_DROP_FILTER, packet);
        return;
    }
    host->counters[ip->version == 6][CNT_IP_OUT_OCTETS] += packet->length;
    host_emit(host, way, packet);
}

/* --- tcp ------------------------------------------------------------------------------------------------------------------- */

COLD static void tcp_too_big(struct lil_host *host, struct way *way, const struct tcp_segment *segment, int version,
                             struct lil_packet *packet)
{
    const struct tcp_icmp icmp = {.version = (uint8_t)version,
                                  .type = version == 4 ? ICMP4_UNREACHABLE : ICMP6_TOO_BIG,
                                  .code = version == 4 ? 4 : 0,
                                  .mtu = way->mtu};
    drop_output(host, way, LIL_DROP_IP_TOO_BIG, packet);
    tcp_on_icmp(host->tcp, &segment->flow, segment->header.seq, &icmp, host->now_ns);
}

/* lil_syn_refuse with an ICMP answer or silence: the RST that TCP made for it is the one not to send. */
COLD static bool is_suppressed(struct lil_host *host, const struct tcp_segment *segment)
{
    if (!(segment->header.flags & TCP_RST) || memcmp(&segment->flow, &host->suppress, offsetof(struct flow, scope)))
        return false;
    host->suppressing = false;
    packet_free(segment->packet);
    return true;
}

/* The UDP header of a segment that goes in a datagram: TCP's own checksum stays 0. */
COLD static size_t push_tunnel(struct lil_host *host, const struct flow *flow, struct lil_packet *packet)
{
    struct udphdr_ header = {.source_port = (uint16_t)host->profile->tcp.udp_tunneling_port, .dest_port = flow->encaps_port,
                             .length = (uint16_t)(packet->length + UDP_LENGTH)};
    udphdr_emit(&header, packet_push(packet, UDP_LENGTH));
    return UDP_LENGTH;
}

/* A socket's own IP options or extension headers in front of PACKET, whose checksum is made; IP says what goes before them. */
COLD static void send_extra(struct lil_host *host, const struct ip_extra *extra, struct way *way, struct ip *ip, struct lil_packet *packet)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    packet = host_make_room(host, packet, extra->length + HOST_HEADER_ROOM);
    if (!packet)
        return;
    ip_extra_push(extra, ip, packet, &way->source, (uint32_t)(host->now_ns / NS_PER_MS % DAY_MS));
    if (extra->route)
        way = host_way(host, &ip->dest, 0);
    uint32_t header = ip->version == 4 ? IPV4_LENGTH : IPV6_LENGTH;
    if (way->kind == WAY_ERROR || packet->length + header > way->mtu) {
        drop_output(host, way, way->kind == WAY_ERROR ? way->drop : LIL_DROP_IP_TOO_BIG, packet);
        return;
    }
    ip->id = ip->dont_fragment ? 0 : host_next_ip_id(host, ip->version);
    ip_emit(ip, packet_push(packet, header));
    if (ip->version == 4)
        ipv4_grow(packet->head + packet->head_off, extra->length);
    host->counters[ip->version == 6][CNT_IP_OUT_OCTETS] += packet->length;
    host_emit(host, way, packet);
}

/* RFC 6437 3: WANT, if it is a label; else one that this flow's packets have in common (FLOW_LABEL_*). IPv6 alone. */
uint32_t host_flow_label(const struct lil_host *host, const struct flow *flow, uint8_t protocol, uint32_t want)
{
    uint8_t rule = host->profile->ip.auto_flow_labels;
    bool is_on = want & FLOW_LABEL_ON || (rule != 2 && !(want & FLOW_LABEL_OFF));
    if (want & FLOW_LABEL_BITS || rule == 0 || (!is_on && rule != 3))
        return want & FLOW_LABEL_BITS;
    uint64_t mix = host->key.k0 ^ flow->local.u64[1] ^ (uint64_t)flow->local_port << 48 ^ (uint64_t)flow->remote_port << 32 ^ protocol;
    mix = (mix ^ flow->remote.u64[1] >> 3 ^ flow->remote.u64[0]) * 0x9e3779b97f4a7c15ull;
    mix = (mix ^ mix >> 29 ^ want >> FLOW_LABEL_PATH_SHIFT) * 0xbf58476d1ce4e5b9ull;
    uint32_t label = (uint32_t)(mix >> 40) & FLOW_LABEL_BITS;
    return label ? label : 1;
}

/* RFC 9293 3.9.1.1 (MUST-45): the source is the connection's local address, whatever the way is now. */
void host_send_tcp(struct lil_host *host, struct tcp_segment *segment)
{
    if (host->suppressing && is_suppressed(host, segment))
        return;
    if (!segment->packet && !segment->extra && host_send_bare(host, segment))
        return;
    struct lil_packet *packet = segment->packet ? segment->packet : packet_new(host->pool);
    if (!packet) {
        host_note_drop(host, 0, LIL_DROP_MEMORY, NULL);
        return;
    }
    const struct flow *flow = &segment->flow;
    struct way *way = host_way(host, &flow->remote, flow->scope);
    size_t size = TCP_LENGTH + tcphdr_options_size(&segment->header.options, segment->header.flags, segment->option_order);
    size_t text = packet->length;
    if (flow->encaps_port && (packet = host_make_room(host, packet, size + UDP_LENGTH + HOST_HEADER_ROOM)) == NULL)
        return;
    uint8_t *bytes = packet_push(packet, size);
    tcphdr_emit(&segment->header, segment->option_order, bytes);
    if (flow->encaps_port)
        size += push_tunnel(host, flow, packet);
    if (way->kind == WAY_ERROR) {
        int error = way->error;
        drop_output(host, way, way->drop, packet);
        tcp_on_send_error(host->tcp, flow, segment->header.seq, error, host->now_ns);
        return;
    }
    struct ip ip;
    ip.version = addr_is_v4(&flow->remote) ? 4 : 6;
    ip.source = flow->local;
    ip.dest = flow->remote;
    ip.protocol = flow->encaps_port ? IPPROTO_UDP : IPPROTO_TCP;
    ip.ttl = host_tcp_ttl(host, way, ip.version == 4, segment->ttl);
    ip.tos = segment->tos;
    ip.flow_label = ip.version == 6 ? host_flow_label(host, flow, IPPROTO_TCP, segment->flow_label) : 0;
    ip.payload_length = packet->length;
    ip.frag_offset = 0;
    ip.more_fragments = ip.is_fragment = false;
    ip.dont_fragment = segment->dont_fragment && (!flow->encaps_port || text < host->profile->tcp.min_snd_mss); /* tcp_default_output() */
    packet->gso_size = segment->gso_size;
    bool partial = segment->gso_size || way->interface->csum_offload;
    wire_csum_set(&ip, packet, partial);
    if (!partial)
        packet->csum = CSUM_COMPUTED;
    uint32_t header = ip.version == 4 ? IPV4_LENGTH : IPV6_LENGTH;
    uint32_t wire_length = header + (segment->gso_size ? (uint32_t)size + segment->gso_size : packet->length);
    host->counters[ip.version == 6][CNT_IP_OUT]++;
    if (__builtin_expect(segment->extra != NULL, 0)) {
        send_extra(host, segment->extra, way, &ip, packet);
        return;
    }
    if (wire_length > way->mtu) {
        if (ip.dont_fragment || ip.version == 6 || segment->gso_size)
            tcp_too_big(host, way, segment, ip.version, packet);
        else
            send_fragments(host, way, &ip, packet);
        return;
    }
    ip.id = ip.dont_fragment ? 0 : host_next_ip_id(host, ip.version);
    ip_emit(&ip, packet_push(packet, header));
    if (is_refused(host, way, packet)) { /* Linux: EPERM, and TCP has not sent it */
        drop_output(host, way, LIL_DROP_FILTER, packet);
        tcp_on_refused(host->tcp, segment, host->now_ns);
        return;
    }
    host->counters[ip.version == 6][CNT_IP_OUT_OCTETS] += packet->length;
    host_emit(host, way, packet);
}

/* --- udp, ping, raw -------------------------------------------------------------------------------------------------------- */

/* A datagram to a group or to all is also for this host's own listeners (IP_MULTICAST_LOOP; Linux: broadcasts too). */
static void loop_copy(struct lil_host *host, const struct way *way, struct ip *ip, const struct lil_packet *packet)
{
    if (way->kind == WAY_MULTICAST && !udp_has_group(host->udp, &ip->dest, 0))
        return;
    struct lil_packet *copy = packet_clone(packet);
    if (!copy)
        return;
    ip->payload_length = copy->length;
    ip_emit(ip, packet_push(copy, ip_header_size(ip)));
    copy->mark = (uint32_t)way->interface->ifindex; /* memberships are of an interface */
    interface_send(host->interfaces[HOST_LOOPBACK - 1], copy);
}

/* IP_HDRINCL: the caller's header, with what the kernel fills in (raw(7)). False: nonsense, PACKET is dropped. */
static bool header_included(struct lil_host *host, const struct way *way, struct ip *ip, struct lil_packet *packet)
{
    const uint8_t *bytes = packet_pull(packet, IPV4_LENGTH);
    int length = bytes ? ip_parse_quote(ip, bytes, packet->head_len) : -EINVAL;
    if (length != IPV4_LENGTH || ip->version != 4) {
        drop_output(host, way, LIL_DROP_IP_HEADER, packet);
        return false;
    }
    if (addr_is_any(&ip->source))
        ip->source = way->source;
    packet_trim_front(packet, IPV4_LENGTH);
    return true;
}

static void send_icmp_header(struct udp_sent *sent, const struct ip *ip)
{
    struct icmp icmp;
    const uint8_t *bytes = packet_pull(sent->packet, ICMP_LENGTH);
    if (!bytes || icmp_parse(&icmp, ip->version, bytes, ICMP_LENGTH) < 0)
        return;
    if (sent->kind == UDP_KIND_PING) {
        icmp.echo.id = sent->flow.local_port;
        packet_trim_front(sent->packet, ICMP_LENGTH);
        icmp_emit(&icmp, ip->version, packet_push(sent->packet, ICMP_LENGTH));
    }
    icmp_fill_csum(sent->packet, ip->version, &ip->source, &ip->dest);
}

static void send_transport(struct lil_host *host, struct way *way, struct udp_sent *sent, struct ip *ip)
{
    struct lil_packet *packet = sent->packet;
    if (sent->kind == UDP_KIND_UDP) {
        struct udphdr_ header = {.source_port = sent->flow.local_port, .dest_port = sent->flow.remote_port,
                                 .length = (uint16_t)(packet->length + UDP_LENGTH)};
        udphdr_emit(&header, packet_push(packet, UDP_LENGTH));
        bool off = ip->version == 4 && (sent->csum_off || !host->profile->udp.csum);
        if (!off)
            wire_csum_set(ip, packet, way->interface->csum_offload && packet->length + IPV6_LENGTH <= way->mtu);
        packet->csum = off ? CSUM_NONE : packet->csum == CSUM_PARTIAL ? CSUM_PARTIAL : CSUM_COMPUTED;
    } else if (sent->kind == UDP_KIND_PING || (ip->version == 6 && ip->protocol == ICMP_PROTOCOL6)) {
        send_icmp_header(sent, ip);
    }
}

void host_send_udp(struct lil_host *host, struct udp_sent *sent)
{
    struct lil_packet *packet = sent->packet;
    const struct flow *flow = &sent->flow;
    uint32_t ifindex = sent->ifindex ? sent->ifindex : addr_is_link_local(&flow->remote) && !addr_is_v4(&flow->remote) ? flow->scope : 0;
    if (ifindex && host_is_local(host, &flow->remote))
        ifindex = 0;
    struct way *way = host_way(host, &flow->remote, ifindex);
    if (way->kind == WAY_ERROR) {
        drop_output(host, way, way->drop, packet);
        return;
    }
    if (way->kind == WAY_BROADCAST && !sent->broadcast_allowed) {
        drop_output(host, way, LIL_DROP_IP_NOT_MINE, packet);
        return;
    }
    struct ip ip = {
        .version = addr_is_v4(&flow->remote) ? 4 : 6,
        .source = addr_is_any(&flow->local) ? way->source : flow->local, .dest = flow->remote, .protocol = sent->protocol,
        .ttl = sent->ttl ? sent->ttl : way->kind == WAY_MULTICAST ? host->profile->udp.multicast_ttl : host->profile->udp.ttl,
        .tos = sent->tos, .flow_label = sent->flow_label, .dont_fragment = sent->dont_fragment,
    };
    if (sent->kind == UDP_KIND_UDP)
        ip.protocol = IPPROTO_UDP;
    if (ip.version == 6)
        ip.flow_label = host_flow_label(host, flow, ip.protocol, sent->flow_label);
    packet = sent->packet = host_make_room(host, packet, UDP_LENGTH + HOST_HEADER_ROOM);
    if (!packet || (sent->header_included && !header_included(host, way, &ip, packet)))
        return;
    if (!sent->header_included)
        send_transport(host, way, sent, &ip);
    struct way whole = *way;
    if (sent->ignores_pmtu) {
        whole.mtu = min_u32(way->interface->mtu, UINT16_MAX);
        way = &whole;
    }
    if ((way->kind == WAY_MULTICAST && !sent->no_loop) || way->kind == WAY_BROADCAST)
        loop_copy(host, way, &ip, packet);
    if (sent->extra && (sent->extra->version == ip.version) && !sent->header_included) {
        host->counters[ip.version == 6][CNT_IP_OUT]++;
        ip.ttl = ip.ttl ? ip.ttl : host->profile->ip.ttl;
        ip.payload_length = packet->length;
        send_extra(host, sent->extra, way, &ip, packet);
        return;
    }
    host->is_judged = sent->is_judged;
    host_send_ip(host, way, &ip, packet);
    host->is_judged = false;
}

/* The datagram as it would leave, headers and all. */
COLD static bool judge(struct lil_host *host, struct udp_sent *sent)
{
    const struct flow *flow = &sent->flow;
    struct way *way = host_way(host, &flow->remote, sent->ifindex);
    struct lil_packet *copy = way->kind == WAY_ERROR ? NULL : packet_clone(sent->packet);
    copy = copy ? host_make_room(host, copy, UDP_LENGTH + HOST_HEADER_ROOM) : NULL;
    if (!copy)
        return true;
    struct udphdr_ udp = {.source_port = flow->local_port, .dest_port = flow->remote_port, .length = (uint16_t)(copy->length + UDP_LENGTH)};
    if (sent->kind == UDP_KIND_UDP)
        udphdr_emit(&udp, packet_push(copy, UDP_LENGTH));
    struct ip ip = {.version = addr_is_v4(&flow->remote) ? 4 : 6, .dest = flow->remote,
                    .source = addr_is_any(&flow->local) ? way->source : flow->local, .tos = sent->tos,
                    .protocol = sent->kind == UDP_KIND_UDP ? IPPROTO_UDP : sent->protocol, .payload_length = copy->length,
                    .ttl = sent->ttl ? sent->ttl : host->profile->udp.ttl};
    if (!sent->header_included)
        ip_emit(&ip, packet_push(copy, ip_header_size(&ip)));
    bool passes = filter_output(host, way->interface, copy);
    packet_free(copy);
    return passes;
}

bool host_may_send(struct lil_host *host, struct udp_sent *sent)
{
    sent->is_judged = host->filter != NULL;
    return !host->filter || judge(host, sent);
}
