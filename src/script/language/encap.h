/* encap.h: headers in front of a packet: "ipv4 1.1.1.1 > 2.2.2.2: gre, flags [key present], sum 0, off 0, key 5, seq 0: mpls (label
 * 16, tc 0, [S], ttl 64): S 0:0(0)": IP in IP (RFC 2003, RFC 2473, RFC 4213), GRE (RFC 2784, RFC 2890), MPLS (RFC 3032). */
#ifndef SCRIPT_LANGUAGE_ENCAP_H
#define SCRIPT_LANGUAGE_ENCAP_H
#include <stddef.h>
#include "wire/wire.h"

enum encap_kind { ENCAP_IPV4, ENCAP_IPV6, ENCAP_GRE, ENCAP_MPLS };
enum { ENCAP_LABELS = 16, ENCAP_ROOM = 400 };
enum { GRE_CHECKSUM = 0x8000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000 };
struct spec_encap {
    struct spec_encap *next;       /* the header behind it */
    enum encap_kind kind;
    struct addr source, dest;      /* of IP */
    int ecn;                       /* enum spec_ecn */
    uint8_t tos, ttl;              /* 0: as usual; any */
    uint16_t flags;                /* of GRE */
    uint8_t count;                 /* of words: GRE's behind its first, or labels */
    uint32_t words[ENCAP_LABELS];
};
struct scan;
struct spec_packet;
/* Takes what stands there of encapsulations, and the IP part before and behind each; ITEM reads "[ect0, ttl 5]" into a packet. */
bool scan_encap(struct scan *scan, struct spec_packet *packet, void (*ip_part)(struct scan *scan, struct spec_packet *packet));
/* Puts SPEC's headers in front of the IP packet of LENGTH bytes, which moves; how long all is then. ENCAP_ROOM more bytes are there. */
size_t encap_wrap(const struct spec_packet *spec, uint8_t *bytes, size_t length, int ip_version);
/* Where the innermost IP header begins: 0, when it is the first. */
size_t encap_offset(const uint8_t *bytes, size_t length);
/* The headers before OFFSET are not those of SPEC: what differs first; false: they are. */
bool encap_differs(const struct spec_packet *spec, const uint8_t *bytes, size_t length, size_t offset, char *what, size_t size);
/* In the language's words; "" without any. */
void encap_print(const uint8_t *bytes, size_t length, size_t offset, char *text, size_t size);
void encap_print_spec(const struct spec_packet *spec, char *text, size_t size);

#endif
