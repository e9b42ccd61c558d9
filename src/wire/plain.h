/* plain.h: the one shape that nearly all segments have: IPv4 without options (RFC 791), no fragment; TCP with ACK and perhaps PSH and
 * no other flag, without options or with NOP NOP Timestamp (RFC 7323 appendix A). Its forty or fifty-two bytes are read and written
 * here in one go, in words; whatever looks different is ip_parse's and tcphdr_parse's. Used by host_fast.c alone. */
#ifndef WIRE_PLAIN_H
#define WIRE_PLAIN_H
#include "base/csum.h"
#include "wire/bytes.h"
#include "wire/wire.h"

static inline size_t plain_header_length(const struct plain *plain)
{
    return PLAIN_LENGTH + (plain->has_timestamp ? PLAIN_TIMESTAMP : 0);
}

/* A packet of LENGTH bytes begins with the AVAILABLE ones here. False: it is not plain, or its IP header's checksum is wrong. */
static inline bool plain_parse(struct plain *plain, const uint8_t *bytes, size_t available, uint32_t length)
{
    if (available < PLAIN_LENGTH)
        return false;
    uint32_t first = get_word(bytes), second = get_word(bytes + 4), third = get_word(bytes + 8);
    plain->source = get_word(bytes + 12);
    plain->dest = get_word(bytes + 16);
    if ((ntohl(first) & 0xff03ffff) != (0x45000000 | length) || (second & htonl(0xbfff)) ||
        (third & htonl(0xff0000)) != htonl(IPPROTO_TCP << 16))
        return false;
    if (csum_fold64((uint64_t)first + second + third + plain->source + plain->dest) != 0xffff)
        return false;
    uint32_t shape = ntohl(get_word(bytes + IPV4_LENGTH + 12)), flags = shape >> 16 & (0xf1ff & ~(uint32_t)TCP_PSH);
    plain->has_timestamp = flags == (8u << 12 | TCP_ACK);
    if (plain->has_timestamp) {
        if (available < PLAIN_LENGTH_MAX || get_word(bytes + PLAIN_LENGTH) != htonl(0x0101080a))
            return false;
        plain->ts_value = get32(bytes + PLAIN_LENGTH + 4);
        plain->ts_echo = get32(bytes + PLAIN_LENGTH + 8);
    } else {
        if (flags != (5u << 12 | TCP_ACK))
            return false;
        plain->ts_value = plain->ts_echo = 0;
    }
    if (length < plain_header_length(plain))
        return false;
    plain->push = shape >> 16 & TCP_PSH;
    plain->window = (uint16_t)shape;
    uint32_t ports = ntohl(get_word(bytes + IPV4_LENGTH));
    plain->source_port = (uint16_t)(ports >> 16);
    plain->dest_port = (uint16_t)ports;
    plain->seq = get32(bytes + IPV4_LENGTH + 4);
    plain->ack = get32(bytes + IPV4_LENGTH + 8);
    plain->length = (uint16_t)(length - plain_header_length(plain));
    plain->tos = bytes[1];
    plain->ttl = bytes[8];
    plain->dont_fragment = second & htonl(0x4000);
    return true;
}

/* The sum of pseudo-header, TCP header and a payload whose sum is PAYLOAD_SUM (RFC 9293 3.1, MUST-3): 0xffff when it is right. */
static inline uint16_t plain_csum(const struct plain *plain, const uint8_t *bytes, uint32_t payload_sum)
{
    const uint8_t *tcp = bytes + IPV4_LENGTH;
    uint64_t sum = (uint64_t)plain->source + plain->dest + htonl(IPPROTO_TCP) + payload_sum;
    sum += htonl((uint32_t)(plain_header_length(plain) - IPV4_LENGTH) + plain->length);
    /* word by word: a wider load would wait for the stores that have just made them */
    sum += (uint64_t)get_word(tcp) + get_word(tcp + 4) + get_word(tcp + 8) + get_word(tcp + 12) + get_word(tcp + 16);
    if (plain->has_timestamp)
        sum += (uint64_t)get_word(tcp + 20) + get_word(tcp + 24) + get_word(tcp + 28);
    return csum_fold64(sum);
}

/* Both headers, both checksums (MUST-2); IP_ID as in struct ip. The words are summed as they are made, not read back. */
static inline void plain_emit(const struct plain *plain, uint32_t ip_id, uint32_t payload_sum, uint8_t *bytes)
{
    uint32_t header = (uint32_t)plain_header_length(plain), total = header + plain->length;
    uint32_t first = htonl(0x45u << 24 | (uint32_t)plain->tos << 16 | total);
    uint32_t second = htonl((ip_id & 0xffff) << 16 | (plain->dont_fragment ? 0x4000u : 0));
    uint32_t third = htonl((uint32_t)plain->ttl << 24 | IPPROTO_TCP << 16);
    uint64_t addresses = (uint64_t)plain->source + plain->dest;
    put_word(bytes, first);
    put_word(bytes + 4, second);
    put_word(bytes + 8, third | word_of_halves(0, (uint16_t)~csum_fold64(addresses + first + second + third)));
    put_word(bytes + 12, plain->source);
    put_word(bytes + 16, plain->dest);
    uint8_t *tcp = bytes + IPV4_LENGTH;
    uint32_t flags = (header - IPV4_LENGTH) / 4 << 12 | TCP_ACK | (plain->push ? TCP_PSH : 0);
    uint32_t ports = htonl((uint32_t)plain->source_port << 16 | plain->dest_port), seq = htonl(plain->seq), ack = htonl(plain->ack);
    uint32_t shape = htonl(flags << 16 | plain->window);
    uint64_t sum = addresses + htonl(IPPROTO_TCP) + htonl(total - IPV4_LENGTH) + payload_sum + ports + seq + ack + shape;
    put_word(tcp, ports);
    put_word(tcp + 4, seq);
    put_word(tcp + 8, ack);
    put_word(tcp + 12, shape);
    if (plain->has_timestamp) {
        uint32_t kind = htonl(0x0101080a), value = htonl(plain->ts_value), echo = htonl(plain->ts_echo);
        sum += (uint64_t)kind + value + echo;
        put_word(tcp + 20, kind);
        put_word(tcp + 24, value);
        put_word(tcp + 28, echo);
    }
    put_word(tcp + 16, word_of_halves((uint16_t)~csum_fold64(sum), 0)); /* the urgent pointer behind it is zero */
}

#endif
