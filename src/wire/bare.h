/* bare.h: segments without text over IPv4 (SYN, ACK, FIN, RST: what makes, acknowledges and ends connections): both headers are the whole
 * packet, so that one look tells the shape and one pass each makes and verifies the checksums. What looks different (IP options,
 * fragments, padding, text) is ip_parse's and wire_csum_ok's. Used by host_bare.c alone; plain.h has the established connection's shape. */
#ifndef WIRE_BARE_H
#define WIRE_BARE_H
#include "base/csum.h"
#include "wire/tcphdr.h"

struct bare { /* the IP header's part */
    uint32_t source, dest; /* as in a mapped address' u32[3] */
    uint8_t tos, ttl;
    bool dont_fragment;
};

static inline struct addr bare_addr(uint32_t address) /* of a struct bare */
{
    return addr_v4(ntohl(address));
}

/* The sum of a header, 20 bytes at least. In words of four bytes: they have just been written so, and a wider load would wait for them. */
static inline uint64_t bare_words(const uint8_t *bytes, size_t length)
{
    uint64_t sum = (uint64_t)get_word(bytes) + get_word(bytes + 4) + get_word(bytes + 8) + get_word(bytes + 12) + get_word(bytes + 16);
    if (length == 32) /* with a timestamp */
        return sum + get_word(bytes + 20) + get_word(bytes + 24) + get_word(bytes + 28);
    for (const uint8_t *end = bytes + length, *at = bytes + 20; at < end; at += 4) {
        sum += get_word(at);
        __asm__("" : "+r"(sum)); /* not vectorised, for the same reason */
    }
    return sum;
}

/* The sum of pseudo-header and TCP segment (RFC 9293 3.1): 0xffff when the field in it is right. */
static inline uint16_t bare_tcp_sum(const struct bare *bare, const uint8_t *tcp, size_t length)
{
    return csum_fold64(bare_words(tcp, length) + bare->source + bare->dest + htonl(IPPROTO_TCP) + htonl((uint32_t)length));
}

/* Is a packet of these LENGTH bytes one? Its TCP header is parsed, no checksum of TCP's is looked at. */
static inline bool bare_parse(struct bare *bare, struct tcphdr_ *tcp, const uint8_t *bytes, size_t length)
{
    if (length < IPV4_LENGTH + TCP_LENGTH)
        return false;
    uint32_t first = get_word(bytes), second = get_word(bytes + 4), third = get_word(bytes + 8);
    bare->source = get_word(bytes + 12);
    bare->dest = get_word(bytes + 16);
    if ((ntohl(first) & 0xff00ffff) != (0x45000000 | length) || (second & htonl(0xbfff)) ||
        (third & htonl(0xff0000)) != htonl(IPPROTO_TCP << 16) ||
        (size_t)(bytes[IPV4_LENGTH + 12] >> 4) * 4 != length - IPV4_LENGTH)
        return false;
    if (csum_fold64((uint64_t)first + second + third + bare->source + bare->dest) != 0xffff)
        return false;
    bare->tos = bytes[1];
    bare->ttl = bytes[8];
    bare->dont_fragment = second & htonl(0x4000);
    tcphdr_parse_whole(tcp, bytes + IPV4_LENGTH, (unsigned)(length - IPV4_LENGTH));
    return true;
}

static inline void bare_put(uint8_t *bytes, uint32_t word)
{
    put_word(bytes, word);
    __asm__("" ::: "memory"); /* not joined with its neighbours: the parts would go by way of the stack, and a load wait for them */
}

/* The options of a usual segment in words: none, NOP NOP Timestamp, or those of Linux's SYN. Returns how many; BARE_OTHER: not usual. */
enum { BARE_OPTIONS = 5, BARE_OTHER = 0xff };
static inline unsigned bare_options(const struct tcphdr_ *tcp, enum tcp_option_order order, uint32_t words[BARE_OPTIONS])
{
    const struct tcp_options *o = &tcp->options;
    unsigned n = 0;
    if (o->sack_count || o->has_fastopen || o->has_accecn || o->has_md5)
        return BARE_OTHER;
    if (tcp->flags & TCP_SYN) {
        if (order != TCP_ORDER_LINUX)
            return BARE_OTHER;
        if (o->has_mss)
            words[n++] = htonl(0x02040000u | o->mss);
        if (o->has_timestamp) {
            words[n++] = htonl(o->sack_permitted ? 0x0402080a : 0x0101080a);
            words[n++] = htonl(o->ts_value);
            words[n++] = htonl(o->ts_echo);
        } else if (o->sack_permitted) {
            words[n++] = htonl(0x01010402);
        }
        if (o->has_wscale)
            words[n++] = htonl(0x01030300u | o->wscale);
    } else if (o->has_timestamp) {
        words[0] = htonl(0x0101080a);
        words[1] = htonl(o->ts_value);
        words[2] = htonl(o->ts_echo);
        n = 3;
    }
    return n;
}

/* Writes both headers with their checksums: IPV4_LENGTH + TCP_LENGTH and COUNT option words; IP_ID as in struct ip. What is written is
 * summed as it is made, not read back. */
static inline void bare_emit(const struct bare *bare, const struct tcphdr_ *tcp, const uint32_t *options, unsigned count, uint32_t ip_id,
                             uint8_t *bytes)
{
    uint32_t length = IPV4_LENGTH + TCP_LENGTH + 4 * count;
    uint32_t first = htonl(0x45u << 24 | (uint32_t)bare->tos << 16 | length);
    uint32_t second = htonl((ip_id & 0xffff) << 16 | (bare->dont_fragment ? 0x4000u : 0));
    uint32_t third = htonl((uint32_t)bare->ttl << 24 | IPPROTO_TCP << 16);
    uint64_t addresses = (uint64_t)bare->source + bare->dest;
    third |= word_of_halves(0, (uint16_t)~csum_fold64(addresses + first + second + third));
    bare_put(bytes, first);
    bare_put(bytes + 4, second);
    bare_put(bytes + 8, third);
    bare_put(bytes + 12, bare->source);
    bare_put(bytes + 16, bare->dest);
    uint32_t flags = (TCP_LENGTH / 4 + count) << 12 | (tcp->flags & 0x1ff), urgent = htonl(tcp->urgent);
    uint32_t ports = htonl((uint32_t)tcp->source_port << 16 | tcp->dest_port), seq = htonl(tcp->seq), ack = htonl(tcp->ack);
    uint32_t shape = htonl(flags << 16 | tcp->window);
    uint64_t sum = addresses + htonl(IPPROTO_TCP) + htonl(length - IPV4_LENGTH) + ports + seq + ack + shape + urgent;
    bytes += IPV4_LENGTH;
    for (unsigned i = 0; i < count; i++) {
        sum += options[i];
        bare_put(bytes + TCP_LENGTH + 4 * (size_t)i, options[i]);
    }
    bare_put(bytes, ports);
    bare_put(bytes + 4, seq);
    bare_put(bytes + 8, ack);
    bare_put(bytes + 12, shape);
    bare_put(bytes + 16, urgent | word_of_halves((uint16_t)~csum_fold64(sum), 0));
}

#endif
