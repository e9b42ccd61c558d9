/* ipv6.c: the IPv6 header and its extension headers, RFC 8200. The walk ends at the upper layer, or at the header of a
 * real fragment, behind which nothing can be judged before reassembly. */
#include "wire/bytes.h"
#include "wire/wire.h"

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60, WALK_MAX = 8 };

/* RFC 4443 3.4: the code and the place that an ICMP parameter problem names. */
static int problem(struct ip *ip, uint8_t code, size_t offset)
{
    ip->problem_code = code;
    ip->problem_offset = (uint16_t)offset;
    return -EPROTO;
}

/* RFC 8200 4.2: options in [AT, END). The two high bits of an unknown one say what to do. */
static int options_walk(struct ip *ip, const uint8_t *bytes, size_t at, size_t end)
{
    while (at < end) {
        uint8_t type = bytes[at];
        if (type == 0) { /* Pad1 */
            at++;
            continue;
        }
        if (at + 2 > end || at + 2 + bytes[at + 1] > end)
            return -EINVAL;
        if (type == 0xc2) /* jumbo payload (RFC 2675): no link here carries one */
            return problem(ip, 2, at);
        bool known = type == 1 || type == 5; /* PadN, router alert */
        if (!known && type >> 6 == 1)
            return -EINVAL;
        if (!known && (type >> 6 == 2 || (type >> 6 == 3 && !addr_is_multicast(&ip->dest))))
            return problem(ip, 2, at);
        if (!known && type >> 6 == 3)
            return -EINVAL;
        at += 2u + bytes[at + 1];
    }
    return 0;
}

static int fragment_parse(struct ip *ip, const uint8_t *bytes, size_t at)
{
    unsigned field = get16(bytes + at + 2);
    ip->frag_header_offset = (uint16_t)at;
    ip->frag_offset = field & 0xfff8;
    ip->more_fragments = field & 1;
    ip->id = get32(bytes + at + 4);
    /* RFC 6946: an "atomic" fragment is a whole packet. */
    ip->is_fragment = ip->frag_offset || ip->more_fragments;
    return 0;
}

/* One extension header of type NEXT at AT; its length, or an error. */
static int extension_parse(struct ip *ip, const uint8_t *bytes, size_t at, size_t available, uint8_t next)
{
    if (at + 8 > available)
        return -EMSGSIZE;
    size_t length = next == FRAGMENT ? 8 : next == AUTHENTICATION ? (bytes[at + 1] + 2u) * 4 : (bytes[at + 1] + 1u) * 8;
    if (at + length > available)
        return -EMSGSIZE;
    int error = 0;
    if (next == HOP_BY_HOP || next == DESTINATION)
        error = options_walk(ip, bytes, at + 2, at + length);
    else if (next == FRAGMENT)
        error = fragment_parse(ip, bytes, at);
    else if (next == ROUTING && bytes[at + 3]) /* segments left: RFC 8200 4.4, RFC 5095 */
        error = problem(ip, 0, at + 2);
    return error ? error : (int)length;
}

static bool is_extension(uint8_t next)
{
    return next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT || next == AUTHENTICATION || next == DESTINATION;
}

int ipv6_parse(struct ip *ip, const uint8_t *bytes, size_t available)
{
    if (available < IPV6_LENGTH)
        return -EMSGSIZE;
    if (bytes[0] >> 4 != 6)
        return -EINVAL;
    uint32_t first = get32(bytes), payload = get16(bytes + 4);
    *ip = (struct ip){
        .version = 6,
        .ttl = bytes[7],
        .tos = (uint8_t)(first >> 20),
        .flow_label = first & 0xfffff,
        .dont_fragment = true,
        .next_header_offset = 6,
    };
    memcpy(ip->source.b, bytes + 8, 16);
    memcpy(ip->dest.b, bytes + 24, 16);
    size_t at = IPV6_LENGTH;
    uint8_t next = bytes[6];
    for (int walked = 0; is_extension(next) && !ip->is_fragment; walked++) {
        if (next == HOP_BY_HOP && at != IPV6_LENGTH)
            return problem(ip, 1, ip->next_header_offset);
        if (walked == WALK_MAX)
            return -EINVAL;
        int length = extension_parse(ip, bytes, at, available, next);
        if (length < 0)
            return length;
        if (at + (size_t)length > IPV6_LENGTH + payload)
            return -EINVAL;
        if (next == FRAGMENT && !ip->is_fragment)
            ip->frag_header_offset = 0;
        if (!(next == FRAGMENT && ip->is_fragment))
            ip->next_header_offset = (uint16_t)at;
        next = bytes[at];
        at += (size_t)length;
    }
    ip->protocol = next;
    ip->header_length = (uint16_t)at;
    ip->payload_length = payload - (uint32_t)(at - IPV6_LENGTH);
    return (int)at;
}

size_t ipv6_emit(const struct ip *ip, uint8_t *bytes)
{
    uint32_t payload = ip->payload_length + (ip->is_fragment ? IPV6_FRAGMENT_LENGTH : 0);
    put32(bytes, 6u << 28 | (uint32_t)ip->tos << 20 | (ip->flow_label & 0xfffff));
    put16(bytes + 4, payload <= 0xffff ? payload : 0);
    bytes[6] = ip->is_fragment ? FRAGMENT : ip->protocol;
    bytes[7] = ip->ttl;
    memcpy(bytes + 8, ip->source.b, 16);
    memcpy(bytes + 24, ip->dest.b, 16);
    if (!ip->is_fragment)
        return IPV6_LENGTH;
    bytes[40] = ip->protocol;
    bytes[41] = 0;
    put16(bytes + 42, (ip->frag_offset & 0xfff8) | ip->more_fragments);
    put32(bytes + 44, ip->id);
    return IPV6_LENGTH + IPV6_FRAGMENT_LENGTH;
}
