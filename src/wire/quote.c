/* quote.c: the truncated packet inside an ICMP error: its lengths point past what is there, so ip_parse would refuse it.
 * Read RFC 792 and RFC 4443 2.4 (c) first. */
#include "base/buf.h"
#include "wire/wire.h"

static uint16_t get16(const uint8_t *b)
{
    return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static int quote4(struct ip *ip, const uint8_t *b, size_t available)
{
    if (available < IPV4_LENGTH)
        return -EMSGSIZE;
    unsigned header = (b[0] & 15u) * 4;
    if (header < IPV4_LENGTH || header > available || get16(b + 2) < header)
        return -EINVAL;
    memset(ip, 0, sizeof *ip);
    ip->version = 4;
    ip->tos = b[1];
    ip->header_length = (uint16_t)header;
    ip->payload_length = get16(b + 2) - header;
    ip->id = get16(b + 4);
    ip->dont_fragment = b[6] & 0x40;
    ip->more_fragments = b[6] & 0x20;
    ip->frag_offset = (get16(b + 6) & 0x1fffu) * 8;
    ip->is_fragment = ip->more_fragments || ip->frag_offset;
    ip->ttl = b[8];
    ip->protocol = b[9];
    ip->source = addr_v4(get32(b + 12));
    ip->dest = addr_v4(get32(b + 16));
    return (int)header;
}

int ip_parse_quote(struct ip *ip, const uint8_t *bytes, size_t available)
{
    if (!available)
        return -EMSGSIZE;
    if (bytes[0] >> 4 == 4)
        return quote4(ip, bytes, available);
    if (bytes[0] >> 4 != 6 || available < IPV6_LENGTH)
        return -EINVAL;
    uint8_t copy[IPV6_LENGTH + 256];
    size_t n = available < sizeof copy ? available : sizeof copy;
    memcpy(copy, bytes, n);
    copy[4] = (uint8_t)((n - IPV6_LENGTH) >> 8);
    copy[5] = (uint8_t)(n - IPV6_LENGTH);
    int length = ipv6_parse(ip, copy, n);
    if (length > 0)
        ip->payload_length = get16(bytes + 4) + IPV6_LENGTH - (uint32_t)length;
    return length;
}

void tcphdr_parse_ports(const uint8_t bytes[8], uint16_t *source, uint16_t *dest, uint32_t *seq)
{
    *source = get16(bytes);
    *dest = get16(bytes + 2);
    *seq = get32(bytes + 4);
}

/* RFC 9293 3.9.2 (MUST-50): an unknown option is passed over by its length. */
int ip_options_problem(const uint8_t *header, size_t header_length, bool *source_route)
{
    *source_route = false;
    for (size_t at = IPV4_LENGTH; at < header_length;) {
        uint8_t kind = header[at];
        if (kind == 0)
            return 0;
        if (kind == 1) {
            at++;
            continue;
        }
        if (at + 1 >= header_length || header[at + 1] < 2 || at + header[at + 1] > header_length)
            return (int)at;
        if (kind == 131 || kind == 137) { /* RFC 791: LSRR, SSRR */
            if (header[at + 1] < 3)
                return (int)at;
            *source_route = true;
        }
        at += header[at + 1];
    }
    return 0;
}
