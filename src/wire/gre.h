/* gre.h: what goes between an outer and an inner header: GRE (RFC 2784, RFC 2890), MPLS labels (RFC 3032), the tunnel encapsulation
 * limit of IPv6 (RFC 2473 4.1.1), and the ECN field of both (RFC 6040). */
#ifndef WIRE_GRE_H
#define WIRE_GRE_H
#include "wire/wire.h"

enum { ETHERTYPE_MPLS = 0x8847, PROTOCOL_IPV4 = 4, PROTOCOL_IPV6 = 41, PROTOCOL_GRE = 47, PROTOCOL_MPLS = 137 };
struct gre {
    bool has_checksum, has_key, has_sequence;
    uint16_t type;          /* of what is behind it: an Ethernet type */
    uint32_t key, sequence;
};
int gre_parse(struct gre *gre, const uint8_t *bytes, size_t available); /* -EINVAL: another version, or source routes */
size_t gre_length(const struct gre *gre);
size_t gre_emit(const struct gre *gre, uint8_t *bytes);          /* its checksum is 0 */
void gre_set_checksum(uint8_t *bytes, uint16_t checksum);

enum { MPLS_LENGTH = 4, MPLS_IPV4_NULL = 0, MPLS_IPV6_NULL = 2, MPLS_LABEL_MAX = 0xfffff };
struct mpls {
    uint32_t label;
    uint8_t traffic_class, ttl;
    bool is_last;
};
int mpls_parse(struct mpls *mpls, const uint8_t *bytes, size_t available);
size_t mpls_emit(const struct mpls *mpls, uint8_t *bytes);

enum { ENCAP_LIMIT_LENGTH = 8, PROTOCOL_DEST_OPTIONS = 60 };
size_t encap_limit_emit(uint8_t next_header, uint8_t limit, uint8_t *bytes); /* a destination options header */
/* Where the limit stands in an IPv6 packet of which the first LENGTH bytes are given; 0: it has none. */
size_t encap_limit_find(const uint8_t *bytes, size_t length);

/* The outer TOS for a packet of INNER's: TOS's class, INNER's ECN; congestion is not told on (RFC 6040, compatibility mode). */
uint8_t ecn_encapsulate(uint8_t tos, uint8_t inner);
/* What INNER's ECN becomes; -1: a packet that does not know of ECN met congestion, and is to be dropped. */
int ecn_decapsulate(uint8_t outer, uint8_t inner);

#endif
