/* frame.c: a whole frame as one line of text, and transport checksums over packets. */
#include "base/buf.h"
#include "base/csum.h"
#include "wire/bytes.h"
#include "wire/wire.h"

enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58 };

/* --- checksums -------------------------------------------------------------------------------- */

static bool has_pseudo_header(uint8_t protocol)
{
    return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_ICMP6;
}

static int csum_place(uint8_t protocol)
{
    switch (protocol) {
    case PROTOCOL_TCP:
        return 16;
    case PROTOCOL_UDP:
        return 6;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMP6:
        return 2;
    default:
        return -1;
    }
}

static uint32_t pseudo_sum(const struct ip *ip, const struct lil_packet *transport)
{
    if (!has_pseudo_header(ip->protocol))
        return 0;
    return addr_pseudo_sum(&ip->source, &ip->dest, ip->protocol, transport->length);
}

/* RFC 9293 3.1 (MUST-3). */
bool wire_csum_ok(const struct ip *ip, const struct lil_packet *transport)
{
    /* A partial sum never crossed a wire: it comes from a host in this process. */
    if (transport->csum == CSUM_VOUCHED || transport->csum == CSUM_PARTIAL)
        return true;
    if (ip->protocol == PROTOCOL_UDP) {
        uint16_t field;
        if (packet_read(transport, 6, &field, 2) < 2)
            return false;
        if (!field) /* RFC 768: none was made; RFC 8200 8.1: IPv6 requires one */
            return ip->version == 4;
    }
    return csum_fold(csum_add(pseudo_sum(ip, transport), csum_packet_bytes(transport, 0))) == 0xffff;
}

/* RFC 9293 3.1 (MUST-2). */
void wire_csum_set(const struct ip *ip, struct lil_packet *transport, bool partial)
{
    int place = csum_place(ip->protocol);
    assert(place >= 0 && transport->head_len >= place + 2);
    uint8_t *field = transport->head + transport->head_off + place;
    transport->csum_start = 0;
    transport->csum_offset = (uint16_t)place;
    if (partial) {
        put_csum(field, csum_fold(pseudo_sum(ip, transport)));
        transport->csum = CSUM_PARTIAL;
        return;
    }
    /* What the field holds now is taken off the sum, not zeroed: a load would wait for that store. */
    uint32_t sum = csum_add(pseudo_sum(ip, transport), csum_packet(transport, 0));
    uint16_t value = (uint16_t)~csum_fold(csum_add(sum, (uint16_t)~get_csum(field)));
    if (ip->protocol == PROTOCOL_UDP && !value)
        value = 0xffff; /* RFC 768: a checksum of zero is sent as all ones */
    put_csum(field, value);
    transport->csum = CSUM_COMPUTED;
}

void wire_csum_fill(struct lil_packet *packet)
{
    packet_fill_csum(packet);
}

/* --- text --------------------------------------------------------------------------------------- */

struct view {
    const uint8_t *bytes;
    size_t length;
};

static void endpoints(struct text *t, const struct ip *ip, int source_port, int dest_port)
{
    char address[ADDR_TEXT];
    text_add(t, "%s", addr_print(&ip->source, address));
    if (source_port >= 0)
        text_add(t, ".%d", source_port);
    text_add(t, " > %s", addr_print(&ip->dest, address));
    if (dest_port >= 0)
        text_add(t, ".%d", dest_port);
    text_add(t, ": ");
}

/* The printers take a buffer; this one is what is left of T's. */
#define TEXT_PRINT(t, call)                                                                          \
    do {                                                                                             \
        char *out = (t)->length < (t)->size ? (t)->out + (t)->length : NULL;                         \
        size_t room = (t)->length < (t)->size ? (t)->size - (t)->length : 0;                         \
        int printed = (call);                                                                        \
        (t)->length += printed > 0 ? (size_t)printed : 0;                                            \
    } while (0)

static void tcp_text(struct text *t, const struct ip *ip, struct view v, uint32_t length)
{
    struct tcphdr_ tcp;
    int header = tcphdr_parse(&tcp, v.bytes, v.length);
    if (header < 0) {
        endpoints(t, ip, -1, -1);
        text_add(t, "tcp [bad header]");
        return;
    }
    endpoints(t, ip, tcp.source_port, tcp.dest_port);
    uint32_t payload = length > (uint32_t)header ? length - (uint32_t)header : 0;
    TEXT_PRINT(t, tcphdr_print(&tcp, payload, out, room));
}

static void udp_text(struct text *t, const struct ip *ip, struct view v)
{
    struct udphdr_ udp;
    if (udphdr_parse(&udp, v.bytes, v.length) < 0) {
        endpoints(t, ip, -1, -1);
        text_add(t, "udp [bad header]");
        return;
    }
    endpoints(t, ip, udp.source_port, udp.dest_port);
    TEXT_PRINT(t, udphdr_print(&udp, out, room));
}

/* The packet that an ICMP error quotes: its destination says what was unreachable. */
static void quote_text(struct text *t, struct view v)
{
    struct ip ip;
    char address[ADDR_TEXT];
    int header = ip_parse(&ip, v.bytes, v.length);
    if (header < 0)
        return;
    text_add(t, " (for %s", addr_print(&ip.dest, address));
    bool ports = ip.protocol == PROTOCOL_TCP || ip.protocol == PROTOCOL_UDP;
    if (ports && !ip.frag_offset && v.length >= (size_t)header + 4)
        text_add(t, " %s port %u", ip.protocol == PROTOCOL_TCP ? "tcp" : "udp", get16(v.bytes + header + 2));
    text_add(t, ")");
}

static bool icmp_quotes(const struct icmp *icmp, int version)
{
    if (version == 6)
        return icmp->type < 128;
    return icmp->type == ICMP4_UNREACHABLE || icmp->type == ICMP4_QUENCH || icmp->type == ICMP4_REDIRECT_ ||
           icmp->type == ICMP4_TIME_EXCEEDED || icmp->type == ICMP4_PARAMETER;
}

static void icmp_text(struct text *t, const struct ip *ip, struct view v)
{
    struct icmp icmp;
    endpoints(t, ip, -1, -1);
    if (icmp_parse(&icmp, ip->version, v.bytes, v.length) < 0) {
        text_add(t, "icmp [bad header]");
        return;
    }
    TEXT_PRINT(t, icmp_print(&icmp, ip->version, out, room));
    struct view body = {v.bytes + ICMP_LENGTH, v.length - ICMP_LENGTH};
    struct nd nd;
    char address[ADDR_TEXT];
    if (icmp_quotes(&icmp, ip->version))
        quote_text(t, body);
    else if (ip->version == 6 && nd_parse(&nd, icmp.type, body.bytes, body.length) >= 0)
        text_add(t, " %s %s", icmp.type == ICMP6_NEIGHBOR_SOLICIT ? "who has" : "tgt is",
                 addr_print(&nd.target, address));
}

static void ip_text(struct text *t, struct view v)
{
    struct ip ip;
    int header = ip_parse(&ip, v.bytes, v.length);
    if (header < 0) {
        text_add(t, "ip [%s]", header == -EBADMSG ? "bad checksum" : header == -EPROTO ? "bad option" : "bad header");
        return;
    }
    struct view upper = {v.bytes + header, min_u64(v.length - (size_t)header, ip.payload_length)};
    if (ip.is_fragment && ip.frag_offset) {
        endpoints(t, &ip, -1, -1);
        text_add(t, "protocol %u", ip.protocol);
    } else if (ip.protocol == PROTOCOL_TCP) {
        tcp_text(t, &ip, upper, ip.payload_length);
    } else if (ip.protocol == PROTOCOL_UDP) {
        udp_text(t, &ip, upper);
    } else if (ip.protocol == (ip.version == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6)) {
        icmp_text(t, &ip, upper);
    } else {
        endpoints(t, &ip, -1, -1);
        text_add(t, "protocol %u length %u", ip.protocol, ip.payload_length);
    }
    if (ip.is_fragment)
        text_add(t, " (frag %u:%u@%u%s)", ip.id, ip.payload_length, ip.frag_offset, ip.more_fragments ? "+" : "");
}

int frame_print(const uint8_t *frame, size_t length, bool ip, char *text, size_t size)
{
    struct text t = {text, size, 0};
    struct view v = {frame, length};
    if (size)
        text[0] = 0;
    struct eth eth = {.type = ETHERTYPE_V4};
    if (!ip) {
        if (eth_parse(&eth, frame, length) < 0) {
            text_add(&t, "[truncated frame]");
            return (int)t.length;
        }
        v = (struct view){frame + ETH_LENGTH, length - ETH_LENGTH};
    }
    struct arp arp;
    if (eth.type == ETHERTYPE_V4 || eth.type == ETHERTYPE_V6)
        ip_text(&t, v);
    else if (eth.type == ETHERTYPE_ARPP && arp_parse(&arp, v.bytes, v.length) >= 0)
        TEXT_PRINT(&t, arp_print(&arp, out, room));
    else
        TEXT_PRINT(&t, eth_print(&eth, out, room));
    return (int)t.length;
}
