/* ip_extra.h: what a socket adds to the IP headers of its packets: IPv4 options (RFC 791 3.1; ip(7) IP_OPTIONS) or IPv6 extension headers
 * (RFC 8200 4, RFC 3542). Made once, shared by reference, pushed in front of each packet. */
#ifndef WIRE_IP_EXTRA_H
#define WIRE_IP_EXTRA_H
#include "base/buf.h"
#include "wire/wire.h"

enum { IP_OPTIONS_MAX = 40, IP_EXTRA_MAX = 128, IP_EXTRA_HEADERS = 4 };
struct ip_extra {
    uint32_t refs;
    uint8_t version;
    uint8_t length;          /* of bytes: a multiple of 4, or 8 */
    uint8_t route, record, stamp;                   /* IPv4: such an option's place in bytes, plus 1; 0: none */
    bool record_address, stamp_address, stamp_time; /* that are ours to fill in; the option's pointer is behind them already */
    struct addr first_hop;                          /* of a source route: its last place is the final destination's */
    uint8_t first, last;                            /* IPv6: the first header's type; where the last one names what follows */
    uint8_t bytes[];
};

/* IPv4 options as setsockopt() has them (at most 40 bytes; padded here). PRIVILEGED: kinds that are nobody's may pass. *OUT NULL for none.
 * 0, -EINVAL, -ENOMEM. */
int ip_extra_options(struct pool *pool, const uint8_t *bytes, size_t length, bool privileged, struct ip_extra **out) MUST_CHECK;
/* The options as they were given, IP_OPTIONS_MAX bytes at most; how many. EXTRA may be NULL. */
size_t ip_extra_told(const struct ip_extra *extra, uint8_t *bytes);
/* IPv6: HEADERS in the order of RFC 8200 4.1 (hop-by-hop, destination, routing, destination), LENGTHS in bytes, 0: none. */
int ip_extra_chain(struct pool *pool, const uint8_t *const headers[IP_EXTRA_HEADERS], const uint16_t lengths[IP_EXTRA_HEADERS],
                   struct ip_extra **out) MUST_CHECK;
struct ip_extra *ip_extra_ref(struct ip_extra *extra);
void ip_extra_unref(struct pool *pool, struct ip_extra *extra);
/* Writes EXTRA in front of PACKET, which has room, and what IP's own header must say of it into IP (destination, payload, protocol).
 * SOURCE: our address on this way. DAY_MS: since midnight. After ip_emit(), ipv4_grow() makes the header as long as it is. */
void ip_extra_push(const struct ip_extra *extra, struct ip *ip, struct lil_packet *packet, const struct addr *source, uint32_t day_ms);

#endif
