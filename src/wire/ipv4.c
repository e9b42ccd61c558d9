/* ipv4.c: the IPv4 header, RFC 791, and what both versions share: dispatch and changes in place. */
#include "base/csum.h"
#include "wire/bytes.h"
#include "wire/wire.h"

enum { FRAG_DF = 0x4000, FRAG_MF = 0x2000, FRAG_OFFSET = 0x1fff };

/* The folded sum of a header; most have no options. */
static uint16_t header_sum(const uint8_t *bytes, size_t length)
{
    if (length != IPV4_LENGTH)
        return csum_fold(csum_partial(bytes, length, 0));
    uint32_t w[5];
    memcpy(w, bytes, sizeof(w));
    uint64_t sum = (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4];
    sum = (sum & 0xffffffff) + (sum >> 32);
    return csum_fold((uint32_t)(sum + (sum >> 32)));
}

int ipv4_parse(struct ip *ip, const uint8_t *bytes, size_t available)
{
    if (available < IPV4_LENGTH)
        return -EMSGSIZE;
    unsigned header = (bytes[0] & 15u) * 4, total = get16(bytes + 2), frag = get16(bytes + 6);
    if (bytes[0] >> 4 != 4 || header < IPV4_LENGTH || total < header)
        return -EINVAL;
    if (available < header)
        return -EMSGSIZE;
    if (header_sum(bytes, header) != 0xffff)
        return -EBADMSG;
    *ip = (struct ip){
        .version = 4,
        .protocol = bytes[9],
        .ttl = bytes[8],
        .tos = bytes[1],
        .header_length = (uint16_t)header,
        .payload_length = total - header,
        .id = get16(bytes + 4),
        .frag_offset = (frag & FRAG_OFFSET) * 8,
        .more_fragments = frag & FRAG_MF,
        .dont_fragment = frag & FRAG_DF,
        .is_fragment = frag & (FRAG_MF | FRAG_OFFSET),
        .next_header_offset = 9,
    };
    ip->source = addr_v4(get32(bytes + 12));
    ip->dest = addr_v4(get32(bytes + 16));
    return (int)header;
}

static size_t ipv4_emit(const struct ip *ip, uint8_t *bytes)
{
    uint32_t total = IPV4_LENGTH + ip->payload_length;
    if (total > 0xffff)
        total = 0; /* a GSO segment above 64 KiB has no length until it is cut */
    uint32_t frag = (ip->dont_fragment ? FRAG_DF : 0) | (ip->more_fragments ? FRAG_MF : 0) | ip->frag_offset / 8;
    /* Summed as words, not as bytes just written: the loads would wait for the stores. */
    uint32_t a = htonl(0x45u << 24 | (uint32_t)ip->tos << 16 | total);
    uint32_t b = htonl((ip->id & 0xffff) << 16 | (frag & 0xffff));
    uint32_t c = htonl((uint32_t)ip->ttl << 24 | (uint32_t)ip->protocol << 16);
    uint32_t source = ip->source.u32[3], dest = ip->dest.u32[3];
    uint64_t sum = (uint64_t)a + b + c + source + dest;
    sum = (sum & 0xffffffff) + (sum >> 32);
    memcpy(bytes, &a, 4);
    memcpy(bytes + 4, &b, 4);
    memcpy(bytes + 8, &c, 4);
    memcpy(bytes + 12, &source, 4);
    memcpy(bytes + 16, &dest, 4);
    put_csum(bytes + 10, (uint16_t)~csum_fold((uint32_t)(sum + (sum >> 32))));
    return IPV4_LENGTH;
}

void ipv4_grow(uint8_t *bytes, size_t options)
{
    size_t length = IPV4_LENGTH + options;
    bytes[0] = (uint8_t)(0x40 | length / 4);
    put_csum(bytes + 10, 0);
    put_csum(bytes + 10, (uint16_t)~header_sum(bytes, length));
}

int ip_parse(struct ip *ip, const uint8_t *bytes, size_t available)
{
    if (!available)
        return -EMSGSIZE;
    if (bytes[0] >> 4 == 4)
        return ipv4_parse(ip, bytes, available);
    if (bytes[0] >> 4 == 6)
        return ipv6_parse(ip, bytes, available);
    return -EINVAL;
}

size_t ip_header_size(const struct ip *ip)
{
    if (ip->version == 4)
        return IPV4_LENGTH;
    return IPV6_LENGTH + (ip->is_fragment ? IPV6_FRAGMENT_LENGTH : 0);
}

size_t ipv6_emit(const struct ip *ip, uint8_t *bytes); /* ipv6.c */

size_t ip_emit(const struct ip *ip, uint8_t *bytes)
{
    return ip->version == 4 ? ipv4_emit(ip, bytes) : ipv6_emit(ip, bytes);
}

int ip_print(const struct ip *ip, char *text, size_t size)
{
    char address[ADDR_TEXT];
    struct text t = {text, size, 0};
    text_add(&t, "%s > ", addr_print(&ip->source, address));
    text_add(&t, "%s: ", addr_print(&ip->dest, address));
    text_add(&t, "ip%u protocol %u length %u %s %u", ip->version, ip->protocol, ip->payload_length,
             ip->version == 4 ? "ttl" : "hlim", ip->ttl);
    if (ip->is_fragment)
        text_add(&t, " (frag %u:%u@%u%s)", ip->id, ip->payload_length, ip->frag_offset, ip->more_fragments ? "+" : "");
    return (int)t.length;
}

/* RFC 1624: HC' = ~(~HC + ~m + m'). The 16-bit word at OFFSET changes from what it was to what it is now. */
static void csum_mend(uint8_t *bytes, uint16_t was, size_t offset)
{
    uint32_t sum = (uint16_t)~get_csum(bytes + 10) + (uint32_t)(uint16_t)~was + get_csum(bytes + offset);
    put_csum(bytes + 10, (uint16_t)~csum_fold(sum));
}

void ip_decrement_ttl(uint8_t *bytes)
{
    if (bytes[0] >> 4 == 6) {
        bytes[7]--;
        return;
    }
    uint16_t was = get_csum(bytes + 8);
    bytes[8]--;
    csum_mend(bytes, was, 8);
}

void ip_set_tos_ttl(uint8_t *bytes, size_t length, uint8_t tos, uint8_t ttl)
{
    if (bytes[0] >> 4 == 6) {
        bytes[0] = (uint8_t)(0x60 | tos >> 4);
        bytes[1] = (uint8_t)((bytes[1] & 0x0f) | tos << 4);
        bytes[7] = ttl;
        return;
    }
    bytes[1] = tos;
    bytes[8] = ttl;
    put_csum(bytes + 10, 0);
    put_csum(bytes + 10, (uint16_t)~header_sum(bytes, length));
}

void ip_set_ecn(uint8_t *bytes, uint8_t ecn)
{
    if (bytes[0] >> 4 == 6) {
        bytes[1] = (uint8_t)((bytes[1] & ~0x30) | (ecn & 3) << 4);
        return;
    }
    uint16_t was = get_csum(bytes);
    bytes[1] = (uint8_t)((bytes[1] & ~3) | (ecn & 3));
    csum_mend(bytes, was, 0);
}
