/* bare.h: segments without text over IPv4 (SYN, ACK, FIN, RST: what makes, acknowledges and ends connections): both headers are the whole
 * packet, so that one look tells the shape and one pass each makes and verifies the checksums. What looks different (IP options,
 * fragments, padding, text) is ip_parse's and wire_csum_ok's. Used by host_bare.c alone; plain.h has the established connection's shape. */
#ifndef WIRE_BARE_H
#define WIRE_BARE_H
#include "base/csum.h"
#include "wire/bytes.h"
#include "wire/wire.h"

struct bare { /* the IP header's part */
    uint32_t source, dest; /* as in a mapped address' u32[3] */
    uint8_t tos, ttl;
    bool dont_fragment;
};

static inline struct addr bare_addr(uint32_t address) /* of a struct bare */
{
    return addr_v4(ntohl(address));
}

static inline uint64_t bare_word(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* The sum of a header, 20 bytes at least. In words of four bytes: they have just been written so, and a wider load would wait for them. */
static inline uint64_t bare_words(const uint8_t *bytes, size_t length)
{
    uint64_t sum = bare_word(bytes) + bare_word(bytes + 4) + bare_word(bytes + 8) + bare_word(bytes + 12) + bare_word(bytes + 16);
    for (const uint8_t *end = bytes + length, *at = bytes + 20; at < end; at += 4) {
        sum += bare_word(at);
        __asm__("" : "+r"(sum)); /* not vectorised, for the same reason */
    }
    return sum;
}

static inline uint16_t bare_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    return csum_fold((uint32_t)(sum + (sum >> 32)));
}

/* The sum of pseudo-header and TCP segment (RFC 9293 3.1): 0xffff when the field in it is right. */
static inline uint16_t bare_tcp_sum(const struct bare *bare, const uint8_t *tcp, size_t length)
{
    return bare_fold(bare_words(tcp, length) + bare->source + bare->dest + htonl(IPPROTO_TCP) + htonl((uint32_t)length));
}

/* Is a packet of these LENGTH bytes one? Its TCP header is parsed, no checksum of TCP's is looked at. */
static inline bool bare_parse(struct bare *bare, struct tcphdr_ *tcp, const uint8_t *bytes, size_t length)
{
    if (length < IPV4_LENGTH + TCP_LENGTH || bytes[0] != 0x45 || get16(bytes + 2) != length || get16(bytes + 6) & 0xbfff ||
        bytes[9] != IPPROTO_TCP || (size_t)(bytes[IPV4_LENGTH + 12] >> 4) * 4 != length - IPV4_LENGTH)
        return false;
    if (bare_fold(bare_words(bytes, IPV4_LENGTH)) != 0xffff)
        return false;
    memcpy(&bare->source, bytes + 12, 4);
    memcpy(&bare->dest, bytes + 16, 4);
    bare->tos = bytes[1];
    bare->ttl = bytes[8];
    bare->dont_fragment = get16(bytes + 6) & 0x4000;
    return tcphdr_parse(tcp, bytes + IPV4_LENGTH, length - IPV4_LENGTH) == (int)(length - IPV4_LENGTH);
}

/* Writes both headers with their checksums; LENGTH is IPV4_LENGTH + TCP_LENGTH + tcphdr_options_size(); IP_ID as in struct ip. */
static inline void bare_emit(const struct bare *bare, const struct tcphdr_ *tcp, enum tcp_option_order order, uint32_t ip_id, size_t length,
                             uint8_t *bytes)
{
    uint32_t words[3] = {htonl(0x45u << 24 | (uint32_t)bare->tos << 16 | (uint32_t)length),
                         htonl((ip_id & 0xffff) << 16 | (bare->dont_fragment ? 0x4000u : 0)),
                         htonl((uint32_t)bare->ttl << 24 | IPPROTO_TCP << 16)};
    uint32_t last = htonl(tcp->urgent), third = words[2];
    uint16_t field = (uint16_t)~bare_fold((uint64_t)words[0] + words[1] + words[2] + bare->source + bare->dest);
    memcpy((uint8_t *)&third + 2, &field, 2);
    memcpy(bytes, words, 8);
    memcpy(bytes + 8, &third, 4);
    memcpy(bytes + 12, &bare->source, 4);
    memcpy(bytes + 16, &bare->dest, 4);
    tcphdr_emit(tcp, order, bytes + IPV4_LENGTH);
    field = (uint16_t)~bare_tcp_sum(bare, bytes + IPV4_LENGTH, length - IPV4_LENGTH);
    memcpy(&last, &field, 2);
    memcpy(bytes + IPV4_LENGTH + 16, &last, 4);
}

#endif
