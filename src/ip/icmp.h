/* icmp.h: ICMP and ICMPv6 messages as pure functions: which errors may be sent (RFC 1122 3.2.2, RFC 1812 4.3.2, RFC 4443 2.4),
 * how they quote, how fast; what a received error quotes. host/host_icmp.c routes them. */
#ifndef IP_ICMP_H
#define IP_ICMP_H
#include "base/buf.h"
#include "ip/ip_params.h"
#include "wire/wire.h"

enum { ICMP_PROTOCOL4 = 1, ICMP_PROTOCOL6 = 58 };
struct icmp_rate { /* a token bucket */
    uint64_t tokens;      /* in nanoseconds of credit */
    uint64_t last_ns;
    bool started;
};
bool icmp_rate_take(struct icmp_rate *rate, uint32_t per_s, uint32_t burst, uint64_t now_ns);

struct icmp_error {
    uint8_t version, type, code;
    uint32_t rest; /* mtu, pointer << 24 (v4), pointer (v6), gateway */
};
/* May an error be sent about the packet at OFFENDER (positioned at its IP header IP)? */
bool icmp_may_answer(const struct ip *ip, const struct lil_packet *offender, const struct icmp_error *error);
/* The ICMP message (no IP header) quoting OFFENDER, checksum filled; SOURCE is ours. NULL: memory. */
struct lil_packet *icmp_error_new(struct pool *pool, const struct icmp_error *error, const struct ip *ip,
                                  const struct lil_packet *offender, uint16_t quote_bytes, const struct addr *source);
/* Fills the checksum of an ICMP message held in PACKET. */
void icmp_fill_csum(struct lil_packet *packet, int version, const struct addr *source, const struct addr *dest);

struct icmp_quote { /* what an error says of the packet that caused it, as we sent it */
    struct ip ip;
    struct flow flow;     /* local = source */
    uint32_t seq;         /* TCP */
    uint16_t ping_id;
    uint32_t header_bytes; /* of IP and transport, in the quote */
};
/* BODY: after the 8 ICMP bytes. -EINVAL: too short or nonsense. */
int icmp_quote_parse(struct icmp_quote *quote, int version, const uint8_t *body, size_t available) MUST_CHECK;
bool icmp_is_error(int version, uint8_t type);

#endif
