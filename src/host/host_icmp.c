/* host_icmp.c: ICMP and ICMPv6 at a host: echo, received errors to their transports, our own errors to the network. The
 * rules of when and how are in ip/icmp.c. RFC 792, RFC 1122 3.2.2, RFC 4443, RFC 5927 (blind attacks: TCP checks seq). */
#include "host/host_inner.h"

struct icmp_error host_unreachable(int version, uint8_t icmp4_code, uint8_t icmp6_code)
{
    if (version == 4)
        return (struct icmp_error){.version = 4, .type = ICMP4_UNREACHABLE, .code = icmp4_code};
    return (struct icmp_error){.version = 6, .type = ICMP6_UNREACHABLE, .code = icmp6_code};
}

uint32_t host_icmp_rest_parameter(int version, uint32_t pointer)
{
    return version == 4 ? pointer << 24 : pointer;
}

static bool is_too_big(int version, uint8_t type, uint8_t code)
{
    return version == 4 ? type == ICMP4_UNREACHABLE && code == 4 : type == ICMP6_TOO_BIG;
}

/* The source of an error: the address it was sent to if ours, else that of the interface it came in by (RFC 1812 4.3.2.4). */
static bool error_source(struct lil_host *host, const struct ip *ip, const struct lil_packet *offender, struct addr *source)
{
    if (host_is_local(host, &ip->dest)) {
        *source = ip->dest;
        return true;
    }
    struct interface *in = host_interface(host, offender->ifindex);
    if (in && in->accept_any) {
        *source = ip->dest;
        return true;
    }
    return host_source_for(host, in, &ip->source, source);
}

void host_icmp_error(struct lil_host *host, const struct icmp_error *error, const struct ip *ip, const struct lil_packet *offender)
{
    struct addr source;
    if (!icmp_may_answer(ip, offender, error))
        return;
    if (offender->ifindex != HOST_LOOPBACK && host_is_broadcast(host, &ip->dest, NULL))
        return;
    struct icmp_rate *rate = ip->version == 4 ? &host->icmp4_rate : &host->icmp6_rate;
    if (!icmp_rate_take(rate, host->profile->ip.icmp_rate_per_s, host->profile->ip.icmp_burst, host->now_ns)) {
        host->counters[ip->version == 6][CNT_ICMP_OUT_RATE]++;
        return;
    }
    if (!error_source(host, ip, offender, &source))
        return;
    struct lil_packet *packet = icmp_error_new(host->pool, error, ip, offender, host->profile->ip.icmp_quote_bytes, &source);
    if (!packet)
        return;
    host_count_icmp(host, ip->version, true, error->type);
    struct ip header = {.version = ip->version, .source = source, .dest = ip->source,
                        .protocol = ip->version == 4 ? ICMP_PROTOCOL4 : ICMP_PROTOCOL6,
                        .tos = ip->version == 4 ? 0xc0 : 0 /* RFC 1812 4.3.2.5: internetwork control */};
    uint32_t scope = addr_is_link_local(&ip->source) ? offender->ifindex : 0;
    host_send_ip(host, host_way(host, &ip->source, scope), &header, packet);
}

/* --- what errors mean ---------------------------------------------------------------------------------------------------- */

static bool is_nonsense(const struct lil_host *host, const struct icmp_error *error)
{
    return error->version == 6 && error->rest < 1280 && host->profile->socket.call_policy != CALLS_BSD;
}

/* ip-route(8) mtu lock: nothing is learnt of this route. */
static bool is_locked(struct lil_host *host, const struct flow *flow)
{
    const struct way *way = host_way(host, &flow->remote, flow->scope);
    return way->metrics && way->metrics->mtu_lock;
}

/* ip_no_pmtu_disc 2 and 3: a forger may say "too big", too; TCP finds its own segment in the quote (RFC 5927). */
static bool is_read(const struct lil_host *host, const struct icmp_error *error, const struct icmp_quote *quote)
{
    uint8_t trust = host->profile->ip.pmtu_trust;
    return error->version == 6 || !(trust == PMTU_UNREAD || (trust == PMTU_OF_TCP && quote->ip.protocol != IPPROTO_TCP));
}

/* RFC 1191 6.3: never below the floor; RFC 8201 4: less than IPv6's least MTU is not to be believed (BSD: eight bytes less than
 * that, room for a fragment header); never for a segment that is not in flight (RFC 5927 4.1, 7). */
static void note_mtu(struct lil_host *host, const struct icmp_error *error, const struct icmp_quote *quote, struct tcp_icmp *icmp)
{
    uint32_t floor = error->version == 4 ? max_u32(host->profile->ip.pmtu_min, 68) : 1280;
    uint32_t length = quote->ip.payload_length + quote->ip.header_length;
    uint8_t trust = host->profile->ip.pmtu_trust;
    icmp->mtu = trust == PMTU_BELIEVED || trust == PMTU_OF_TCP ? error->rest & 0xffff : 0;
    if (error->version == 6)
        icmp->mtu = error->rest;
    else if (!icmp->mtu)
        icmp->mtu = host->profile->ip.pmtu_plateaus ? pmtu_plateau(length) : floor;
    if (is_nonsense(host, error))
        return;
    icmp->mtu = icmp->mtu >= floor ? icmp->mtu : error->version == 4 ? floor : floor - 8;
    if (quote->ip.protocol == IPPROTO_TCP && !tcp_is_quoted(host->tcp, &quote->flow, quote->seq, icmp))
        return;
    if (quote->ip.protocol == IPPROTO_UDP && !udp_learns_mtu(host->udp, &quote->flow))
        return;
    uint64_t expires_ns = host->now_ns + host->profile->ip.pmtu_expires_ms * NS_PER_MS;
    if (pmtu_note(&host->pmtu, &quote->flow.remote, icmp->mtu, expires_ns, host->now_ns))
        host_changed(host);
}

static void note_quoted(struct lil_host *host, const struct icmp_error *error, const struct icmp_quote *quote,
                        const struct udp_info *arrival, const struct lil_packet *quoted_payload)
{
    struct tcp_icmp of_tcp = {.version = error->version, .type = error->type, .code = error->code, .ttl = arrival->ttl, .tos = arrival->tos,
                              .guard_ttl = error->version == 4 ? quote->ip.ttl : arrival->ttl, .ifindex = arrival->ifindex};
    bool too_big = is_too_big(error->version, error->type, error->code);
    if (too_big && !is_read(host, error, quote))
        return;
    if (too_big)
        note_mtu(host, error, quote, &of_tcp);
    if (quote->ip.protocol == IPPROTO_TCP) {
        if (too_big && (is_nonsense(host, error) || is_locked(host, &quote->flow)))
            return;
        tcp_on_icmp(host->tcp, &quote->flow, quote->seq, &of_tcp, host->now_ns);
        host_mark_due(host);
        return;
    }
    const struct tcp_icmp_row *row = tcp_icmp_row(&host->profile->tcp, error->version, error->type, error->code);
    /* source quench, a fragment missing: nobody's */
    if (error->version == 4 && (error->type == 4 || (error->type == 11 && error->code == 1)))
        return;
    bool ping = quote->ip.protocol == (error->version == 4 ? ICMP_PROTOCOL4 : ICMP_PROTOCOL6);
    struct udp_icmp icmp = {
        .flow = quote->flow, .version = error->version, .type = error->type, .code = error->code, .info = of_tcp.mtu,
        .error = too_big ? EMSGSIZE : row->action != TCP_ICMP_IGNORE ? row->error : 0,
        .arrival = *arrival, .protocol = quote->ip.protocol, .ping_id = quote->ping_id,
        .kind = quote->ip.protocol == IPPROTO_UDP ? UDP_KIND_UDP : ping ? UDP_KIND_PING : UDP_KIND_RAW,
    };
    if (!icmp.error)
        return;
    udp_on_icmp(host->udp, &icmp, quoted_payload);
    if (icmp.kind == UDP_KIND_PING) {
        icmp.kind = UDP_KIND_RAW;
        udp_on_icmp(host->udp, &icmp, quoted_payload);
    }
}

void host_icmp_self(struct lil_host *host, const struct icmp_error *error, const struct ip *ip, const struct lil_packet *offender)
{
    uint8_t bytes[128];
    struct icmp_quote quote;
    size_t length = packet_read(offender, 0, bytes, sizeof bytes);
    if (icmp_quote_parse(&quote, ip->version, bytes, length) == 0) {
        struct udp_info arrival = {.flow = {.local = ip->source, .remote = ip->source}, .ttl = host->profile->ip.ttl,
                                   .version = ip->version, .ifindex = HOST_LOOPBACK, .time_ns = host->now_ns};
        note_quoted(host, error, &quote, &arrival, NULL);
    }
}

/* --- received --------------------------------------------------------------------------------------------------------------- */

static void echo_reply(struct lil_host *host, struct interface *interface, struct ip *ip, struct icmp *icmp, struct lil_packet *packet)
{
    bool to_group = packet->flags & (PACKET_BROADCAST | PACKET_MULTICAST);
    bool silent = ip->version == 4 ? host->profile->ip.icmp_echo_ignore_all : host->profile->ip.icmp6_echo_ignore_all;
    if (silent || (to_group && ip->version == 4 && host->profile->ip.icmp_echo_ignore_broadcast) || addr_is_any(&ip->source)) {
        host_drop_input(host, interface, LIL_DROP_ICMP_TYPE, packet); /* RFC 1122 3.2.2.6: may be silent */
        return;
    }
    struct ip header = {.version = ip->version, .source = ip->dest, .dest = ip->source, .protocol = ip->protocol, .tos = ip->tos};
    if (host->profile->tcp.flow_label_reflect & FLOW_LABEL_ECHO)
        header.flow_label = ip->flow_label;
    if (ip->version == 6)
        header.flow_label = host_flow_label(host, &(struct flow){.local = ip->dest, .remote = ip->source}, ip->protocol, header.flow_label);
    if (to_group && !host_source_for(host, interface, &ip->source, &header.source)) {
        host_drop_input(host, interface, LIL_DROP_NO_ROUTE, packet);
        return;
    }
    packet_fill_csum(packet);
    packet_trim_front(packet, ICMP_LENGTH);
    icmp->type = ip->version == 4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY_;
    icmp_emit(icmp, ip->version, packet_push(packet, ICMP_LENGTH));
    icmp_fill_csum(packet, ip->version, &header.source, &header.dest);
    packet->csum = CSUM_COMPUTED;
    packet->flags &= PACKET_HAS_SUM;
    host_count_icmp(host, ip->version, true, icmp->type);
    uint32_t scope = addr_is_link_local(&ip->source) ? (uint32_t)interface->ifindex : 0;
    host_send_ip(host, host_way(host, &ip->source, scope), &header, packet);
}

/* The quoted datagram carried a segment of ours (tcp_ctlinput_viaudp()). */
static void unwrap_quote(const struct lil_host *host, struct icmp_quote *quote, const uint8_t *bytes, size_t length)
{
    uint32_t port = host->profile->tcp.udp_tunneling_port;
    if (!port || quote->ip.protocol != IPPROTO_UDP || quote->flow.local_port != port || length < quote->header_bytes + 8)
        return;
    quote->flow.encaps_port = quote->flow.remote_port;
    quote->ip.protocol = IPPROTO_TCP;
    tcphdr_parse_ports(bytes + quote->header_bytes, &quote->flow.local_port, &quote->flow.remote_port, &quote->seq);
}

static void error_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct icmp *icmp, struct lil_packet *packet)
{
    uint8_t bytes[160];
    struct icmp_quote quote;
    size_t length = packet_read(packet, ICMP_LENGTH, bytes, sizeof bytes);
    if (icmp_quote_parse(&quote, ip->version, bytes, length) != 0 ||
        !(host_is_local(host, &quote.flow.local) || interface->accept_any)) { /* RFC 1122 3.2.2: not about a packet of ours */
        host->counters[ip->version == 6][CNT_ICMP_IN_ERRORS]++;
        host_drop_input(host, interface, LIL_DROP_ICMP_QUOTE, packet);
        return;
    }
    unwrap_quote(host, &quote, bytes, length);
    if (addr_is_link_local(&quote.flow.remote))
        quote.flow.scope = (uint16_t)interface->ifindex;
    struct icmp_error error = {.version = ip->version, .type = icmp->type, .code = icmp->code, .rest = icmp->rest};
    if (is_too_big(ip->version, icmp->type, icmp->code))
        error.rest = icmp->mtu;
    size_t skip = ICMP_LENGTH + min_u32(quote.header_bytes, packet->length - ICMP_LENGTH);
    packet_trim_front(packet, skip);
    struct udp_info arrival = {.flow = {.local = ip->dest, .remote = ip->source}, .ttl = ip->ttl, .tos = ip->tos,
                               .version = ip->version, .ifindex = (uint16_t)interface->ifindex, .time_ns = host->now_ns};
    note_quoted(host, &error, &quote, &arrival, packet);
    packet_free(packet);
}

/* RFC 1122 3.2.2.2: taken only from the gateway in use, for a way that is a gateway's, towards a neighbour. */
static void redirect_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct icmp *icmp, struct lil_packet *packet)
{
    uint8_t bytes[160];
    struct icmp_quote quote;
    size_t length = packet_read(packet, ICMP_LENGTH, bytes, sizeof bytes);
    struct addr gateway = addr_v4(icmp->rest), mine;
    struct way *way = NULL;
    bool ok = host->profile->ip.accept_redirects && !host->profile->ip.forwarding &&
              icmp_quote_parse(&quote, 4, bytes, length) == 0 && host_is_local(host, &quote.flow.local);
    if (ok)
        way = host_way(host, &quote.flow.remote, 0);
    ok = ok && way->kind == WAY_UNICAST && way->is_gateway && way->interface == interface && addr_equal(&way->next_hop, &ip->source) &&
         !host_is_local(host, &gateway) && interface_source(interface, &gateway, &mine);
    const struct route *direct = ok ? routes_find(&host->routes, &gateway, interface->ifindex) : NULL;
    if (!direct || direct->has_gateway || host->routes.count >= 1024) {
        host_drop_input(host, interface, LIL_DROP_ICMP_TYPE, packet);
        return;
    }
    struct route route = {.prefix = {quote.flow.remote, 128}, .has_gateway = !addr_equal(&gateway, &quote.flow.remote),
                          .gateway = gateway, .ifindex = interface->ifindex, .redirect = true};
    if (routes_add(&host->routes, &route) == 0)
        host_changed(host);
    packet_free(packet);
}

static void ping_input(struct lil_host *host, struct interface *interface, struct ip *ip, const struct icmp *icmp,
                       struct lil_packet *packet)
{
    struct udp_info info = {
        .flow = {.local = ip->dest, .remote = ip->source, .local_port = icmp->echo.id}, .ttl = ip->ttl, .tos = ip->tos,
        .protocol = ip->protocol, .version = ip->version, .ifindex = (uint16_t)interface->ifindex, .csum_ok = true,
        .time_ns = host->now_ns,
    };
    enum lil_drop drop = udp_input(host->udp, &info, packet);
    if (drop == LIL_DROP_UDP_NO_PORT) /* nobody pings (or a raw socket has had its copy) */
        packet_free(packet);
    else if (drop)
        host_note_drop(host, interface->ifindex, drop, host->shadow);
}

void host_icmp_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    struct icmp icmp = {0};
    const uint8_t *bytes = packet_pull(packet, ICMP_LENGTH);
    if (!bytes || icmp_parse(&icmp, ip->version, bytes, ICMP_LENGTH) < 0) {
        host->counters[ip->version == 6][CNT_ICMP_IN]++;
        host->counters[ip->version == 6][CNT_ICMP_IN_ERRORS]++;
        host_drop_input(host, interface, LIL_DROP_ICMP_TRUNCATED, packet);
        return;
    }
    if (!wire_csum_ok(ip, packet)) {
        host->counters[ip->version == 6][CNT_ICMP_IN]++;
        host->counters[ip->version == 6][CNT_ICMP_IN_ERRORS]++;
        host_drop_input(host, interface, LIL_DROP_ICMP_CHECKSUM, packet);
        return;
    }
    host_count_icmp(host, ip->version, false, icmp.type);
    bool v4 = ip->version == 4;
    if (icmp.type == (v4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST_))
        echo_reply(host, interface, ip, &icmp, packet);
    else if (icmp.type == (v4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY_))
        ping_input(host, interface, ip, &icmp, packet);
    else if (v4 && icmp.type == ICMP4_REDIRECT_)
        redirect_input(host, interface, ip, &icmp, packet);
    else if (!v4 && (icmp.type == ICMP6_NEIGHBOR_SOLICIT || icmp.type == ICMP6_NEIGHBOR_ADVERT))
        host_nd_input(host, interface, ip, &icmp, packet);
    else if (!v4 && interface->autoconf && (icmp.type == ICMP6_ROUTER_SOLICIT || icmp.type == ICMP6_ROUTER_ADVERT))
        host_router_input(host, interface, ip, &icmp, packet);
    else if (icmp_is_error(ip->version, icmp.type) && icmp.type != 137)
        error_input(host, interface, ip, &icmp, packet);
    else
        host_drop_input(host, interface, LIL_DROP_ICMP_TYPE, packet);
}
