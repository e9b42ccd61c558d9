/* tcphdr.h: a TCP header (RFC 9293 3.1) read in one go by who knows that it is whole: tcphdr_parse and bare.h. */
#ifndef WIRE_TCPHDR_H
#define WIRE_TCPHDR_H
#include "wire/bytes.h"
#include "wire/wire.h"

enum { TIMESTAMP_ALIGNED = 12, TIMESTAMP_HEADER = 0x0101080a /* NOP NOP, kind, length (RFC 7323 appendix A) */ };

void tcphdr_parse_options(struct tcp_options *o, const uint8_t *p, const uint8_t *end); /* O is empty */

/* All HEADER bytes are there, TCP_LENGTH at least. RFC 9293 3.1 (MUST-1): the window is unsigned. */
static inline void tcphdr_parse_whole(struct tcphdr_ *tcp, const uint8_t *bytes, unsigned header)
{
    tcp->source_port = get16(bytes);
    tcp->dest_port = get16(bytes + 2);
    tcp->seq = get32(bytes + 4);
    tcp->ack = get32(bytes + 8);
    tcp->flags = get16(bytes + 12) & 0x1ff;
    tcp->window = get16(bytes + 14);
    tcp->checksum = get_csum(bytes + 16);
    tcp->urgent = get16(bytes + 18);
    tcp->header_length = (uint8_t)header;
    struct tcp_options *o = &tcp->options;
    memset(o, 0, offsetof(struct tcp_options, sack)); /* the arrays behind are valid by their counts */
    if (header == TCP_LENGTH + TIMESTAMP_ALIGNED && get32(bytes + TCP_LENGTH) == TIMESTAMP_HEADER) {
        o->has_timestamp = true;
        o->ts_value = get32(bytes + TCP_LENGTH + 4);
        o->ts_echo = get32(bytes + TCP_LENGTH + 8);
    } else if (header > TCP_LENGTH) {
        tcphdr_parse_options(o, bytes + TCP_LENGTH, bytes + header);
    }
}

#endif
