/* plain.h: the one shape that nearly all segments have: IPv4 without options (RFC 791), no fragment; TCP with ACK and perhaps PSH and
 * no other flag, without options or with NOP NOP Timestamp (RFC 7323 appendix A). Its forty or fifty-two bytes are read and written
 * here in one go, in words; whatever looks different is ip_parse's and tcphdr_parse's. Used by host_fast.c alone. */
#ifndef WIRE_PLAIN_H
#define WIRE_PLAIN_H
#include "base/csum.h"
#include "wire/bytes.h"
#include "wire/wire.h"

static inline uint32_t plain_word(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline size_t plain_header_length(const struct plain *plain)
{
    return PLAIN_LENGTH + (plain->has_timestamp ? PLAIN_TIMESTAMP : 0);
}

/* A packet of LENGTH bytes begins with the AVAILABLE ones here. False: it is not plain, or its IP header's checksum is wrong. */
static inline bool plain_parse(struct plain *plain, const uint8_t *bytes, size_t available, uint32_t length)
{
    if (available < PLAIN_LENGTH)
        return false;
    uint32_t w[5];
    memcpy(w, bytes, sizeof w);
    if (bytes[0] != 0x45 || get16(bytes + 2) != length || (ntohl(w[1]) & 0xbfff) || bytes[9] != IPPROTO_TCP)
        return false;
    uint64_t sum = (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4];
    sum = (sum & 0xffffffff) + (sum >> 32);
    if (csum_fold((uint32_t)(sum + (sum >> 32))) != 0xffff)
        return false;
    uint32_t shape = ntohl(plain_word(bytes + IPV4_LENGTH + 12)), flags = shape >> 16 & (0xf1ff & ~(uint32_t)TCP_PSH);
    plain->has_timestamp = flags == (8u << 12 | TCP_ACK);
    if (plain->has_timestamp) {
        if (available < PLAIN_LENGTH_MAX || plain_word(bytes + PLAIN_LENGTH) != htonl(0x0101080a))
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
    plain->source = w[3];
    plain->dest = w[4];
    plain->source_port = get16(bytes + IPV4_LENGTH);
    plain->dest_port = get16(bytes + IPV4_LENGTH + 2);
    plain->seq = get32(bytes + IPV4_LENGTH + 4);
    plain->ack = get32(bytes + IPV4_LENGTH + 8);
    plain->length = (uint16_t)(length - plain_header_length(plain));
    plain->tos = bytes[1];
    plain->ttl = bytes[8];
    plain->dont_fragment = ntohl(w[1]) & 0x4000;
    return true;
}

/* The sum of pseudo-header, TCP header and a payload whose sum is PAYLOAD_SUM (RFC 9293 3.1, MUST-3): 0xffff when it is right. */
static inline uint16_t plain_csum(const struct plain *plain, const uint8_t *bytes, uint32_t payload_sum)
{
    const uint8_t *tcp = bytes + IPV4_LENGTH;
    uint64_t sum = (uint64_t)plain->source + plain->dest + htonl(IPPROTO_TCP) + payload_sum;
    sum += htonl((uint32_t)(plain_header_length(plain) - IPV4_LENGTH) + plain->length);
    for (int i = 0; i < TCP_LENGTH; i += 4)
        sum += plain_word(tcp + i);
    if (plain->has_timestamp)
        for (int i = TCP_LENGTH; i < TCP_LENGTH + PLAIN_TIMESTAMP; i += 4)
            sum += plain_word(tcp + i);
    sum = (sum & 0xffffffff) + (sum >> 32);
    return csum_fold((uint32_t)(sum + (sum >> 32)));
}

/* Both headers, both checksums (MUST-2); IP_ID as in struct ip. The words are summed as they are made, not read back. */
static inline void plain_emit(const struct plain *plain, uint32_t ip_id, uint32_t payload_sum, uint8_t *bytes)
{
    uint32_t header = (uint32_t)plain_header_length(plain), total = header + plain->length;
    uint32_t ip[5] = {htonl(0x45u << 24 | (uint32_t)plain->tos << 16 | total),
                      htonl((ip_id & 0xffff) << 16 | (plain->dont_fragment ? 0x4000u : 0)),
                      htonl((uint32_t)plain->ttl << 24 | IPPROTO_TCP << 16), plain->source, plain->dest};
    uint64_t addresses = (uint64_t)plain->source + plain->dest, sum = addresses + ip[0] + ip[1] + ip[2];
    sum = (sum & 0xffffffff) + (sum >> 32);
    memcpy(bytes, ip, 8);
    memcpy(bytes + 12, ip + 3, 8);
    uint16_t field = (uint16_t)~csum_fold((uint32_t)(sum + (sum >> 32)));
    uint32_t third = ip[2], filler = 0;
    memcpy((uint8_t *)&filler + 2, &field, 2);
    third |= filler;
    memcpy(bytes + 8, &third, 4);
    uint32_t flags = (header - IPV4_LENGTH) / 4 << 12 | TCP_ACK | (plain->push ? TCP_PSH : 0);
    uint32_t tcp[4] = {htonl((uint32_t)plain->source_port << 16 | plain->dest_port), htonl(plain->seq), htonl(plain->ack),
                       htonl(flags << 16 | plain->window)};
    sum = addresses + htonl(IPPROTO_TCP) + htonl(total - IPV4_LENGTH) + payload_sum;
    sum += (uint64_t)tcp[0] + tcp[1] + tcp[2] + tcp[3];
    memcpy(bytes + IPV4_LENGTH, tcp, sizeof tcp);
    if (plain->has_timestamp) {
        uint32_t options[3] = {htonl(0x0101080a), htonl(plain->ts_value), htonl(plain->ts_echo)};
        sum += (uint64_t)options[0] + options[1] + options[2];
        memcpy(bytes + PLAIN_LENGTH, options, sizeof options);
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    field = (uint16_t)~csum_fold((uint32_t)(sum + (sum >> 32)));
    filler = 0;
    memcpy(&filler, &field, 2); /* the urgent pointer behind it is zero */
    memcpy(bytes + IPV4_LENGTH + 16, &filler, 4);
}

#endif
