/* icmp.c: ICMP error messages: when, how fast, and with how much of the offender. Read icmp.h first. */
#include "ip/icmp.h"
#include "base/csum.h"

bool icmp_rate_take(struct icmp_rate *rate, uint32_t per_s, uint32_t burst, uint64_t now_ns)
{
    if (!per_s)
        return true;
    uint64_t cost = NS_PER_S / per_s, most = cost * max_u32(burst, 1);
    if (!rate->started) {
        rate->started = true;
        rate->tokens = most;
    } else {
        rate->tokens = min_u64(most, rate->tokens + (now_ns - rate->last_ns));
    }
    rate->last_ns = now_ns;
    if (rate->tokens < cost)
        return false;
    rate->tokens -= cost;
    return true;
}

bool icmp_is_error(int version, uint8_t type)
{
    if (version == 6)
        return type < 128 || type == 137; /* RFC 4443 2.1; a redirect is answered like an error (2.4 e.2) */
    return type == ICMP4_UNREACHABLE || type == ICMP4_QUENCH || type == ICMP4_REDIRECT_ || type == ICMP4_TIME_EXCEEDED ||
           type == ICMP4_PARAMETER;
}

bool icmp_may_answer(const struct ip *ip, const struct lil_packet *offender, const struct icmp_error *error)
{
    if (ip->frag_offset) /* RFC 1812 4.3.2.7: not the first fragment */
        return false;
    /* RFC 4443 2.4 (e.3): too big, and parameter problem code 2, may be about multicast */
    bool multicast_ok = ip->version == 6 && (error->type == ICMP6_TOO_BIG || (error->type == ICMP6_PARAMETER && error->code == 2));
    if (!multicast_ok && (addr_is_multicast(&ip->dest) || addr_is_limited_broadcast(&ip->dest) ||
                          (offender->flags & (PACKET_BROADCAST | PACKET_MULTICAST))))
        return false;
    if (addr_is_any(&ip->source) || addr_is_multicast(&ip->source) || addr_is_limited_broadcast(&ip->source))
        return false;
    if (addr_is_loopback(&ip->source) && !(offender->flags & PACKET_LOOPBACK))
        return false;
    if (ip->protocol == (ip->version == 4 ? ICMP_PROTOCOL4 : ICMP_PROTOCOL6)) {
        uint8_t type;
        if (packet_read(offender, ip->header_length, &type, 1) != 1 || icmp_is_error(ip->version, type))
            return false;
    }
    return true;
}

void icmp_fill_csum(struct lil_packet *packet, int version, const struct addr *source, const struct addr *dest)
{
    uint8_t *bytes = (uint8_t *)packet_pull(packet, ICMP_LENGTH);
    uint16_t field = 0;
    memcpy(bytes + 2, &field, 2);
    uint32_t sum = version == 6 ? addr_pseudo_sum(source, dest, ICMP_PROTOCOL6, packet->length) : 0;
    field = (uint16_t)~csum_fold(csum_add(sum, csum_packet(packet, 0)));
    memcpy(bytes + 2, &field, 2);
}

struct lil_packet *icmp_error_new(struct pool *pool, const struct icmp_error *error, const struct ip *ip,
                                  const struct lil_packet *offender, uint16_t quote_bytes, const struct addr *source)
{
    /* RFC 4443 2.4 (c): as much as fits in 1,280; RFC 1812 4.3.2.3: at most 576 in all */
    size_t most = error->version == 6 ? 1280 - IPV6_LENGTH - ICMP_LENGTH
                                      : min_u32(ip->header_length + quote_bytes, 576 - IPV4_LENGTH - ICMP_LENGTH);
    uint8_t quote[1280];
    size_t length = packet_read(offender, 0, quote, min_u64(most, ip->header_length + ip->payload_length));
    struct lil_packet *packet = packet_new(pool);
    if (!packet)
        return NULL;
    if (!packet_append(packet, quote, length)) {
        packet_free(packet);
        return NULL;
    }
    struct icmp icmp = {.type = error->type, .code = error->code, .rest = error->rest};
    icmp_emit(&icmp, error->version, packet_push(packet, ICMP_LENGTH));
    icmp_fill_csum(packet, error->version, source, &ip->source);
    return packet;
}

int icmp_quote_parse(struct icmp_quote *quote, int version, const uint8_t *body, size_t available)
{
    memset(quote, 0, sizeof *quote);
    int length = ip_parse_quote(&quote->ip, body, available);
    if (length < 0 || quote->ip.version != version || quote->ip.frag_offset)
        return -EINVAL;
    const uint8_t *transport = body + length;
    size_t left = available - (size_t)length;
    quote->flow.local = quote->ip.source;
    quote->flow.remote = quote->ip.dest;
    quote->header_bytes = (uint32_t)length;
    if (left < 8)
        return -EINVAL; /* RFC 792: at least 64 bits */
    struct udphdr_ ports;
    struct icmp echo;
    switch (quote->ip.protocol) {
    case IPPROTO_TCP:
        tcphdr_parse_ports(transport, &quote->flow.local_port, &quote->flow.remote_port, &quote->seq);
        break;
    case IPPROTO_UDP:
        if (udphdr_parse(&ports, transport, left) < 0)
            return -EINVAL;
        quote->flow.local_port = ports.source_port;
        quote->flow.remote_port = ports.dest_port;
        quote->header_bytes += UDP_LENGTH;
        break;
    case ICMP_PROTOCOL4:
    case ICMP_PROTOCOL6:
        if (icmp_parse(&echo, version, transport, left) < 0)
            return -EINVAL;
        quote->ping_id = echo.echo.id;
        quote->header_bytes += ICMP_LENGTH;
        break;
    default:
        break;
    }
    return 0;
}
