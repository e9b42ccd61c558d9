/* wire.h: every header that Lilliput parses or emits, as a structure in host byte order. One .c file a header
 * (eth.c, arp.c, ipv4.c, ipv6.c, icmphdr.c, nd.c, udphdr.c, tcphdr.c). Each has
 *   int    X_parse(struct X *, const uint8_t *bytes, size_t available)   header length, or -EINVAL / -EMSGSIZE (truncated)
 *   size_t X_emit(const struct X *, uint8_t *bytes)                      header length; checksum field as given
 *   int    X_print(const struct X *, char *text, size_t size)            as snprintf
 * Nothing outside wire/ sees network byte order. Parsers never read past AVAILABLE. A `checksum` member alone is as it lies
 * in memory, which is what csum_fold gives: never swap it, never compare it with a number. */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H
#include "wire/addr.h"

enum { ETHERTYPE_V4 = 0x0800, ETHERTYPE_ARPP = 0x0806, ETHERTYPE_V6 = 0x86dd };
struct eth {
    struct mac dest, source;
    uint16_t type;
};
enum { ETH_LENGTH = 14 };
int eth_parse(struct eth *eth, const uint8_t *bytes, size_t available);
size_t eth_emit(const struct eth *eth, uint8_t *bytes);
int eth_print(const struct eth *eth, char *text, size_t size);

enum { ARP_REQUEST = 1, ARP_REPLY = 2, ARP_LENGTH = 28 };
struct arp { /* RFC 826, Ethernet and IPv4 only; others are -EINVAL */
    uint16_t operation;
    struct mac sender_mac, target_mac;
    struct addr sender, target;
};
int arp_parse(struct arp *arp, const uint8_t *bytes, size_t available);
size_t arp_emit(const struct arp *arp, uint8_t *bytes);
int arp_print(const struct arp *arp, char *text, size_t size);

/* What IPv4 and IPv6 headers have in common is one structure; options and extension headers are lengths to skip. */
struct ip {
    struct addr source, dest;
    uint8_t version;       /* 4 or 6 */
    uint8_t protocol;      /* upper layer, after extension headers */
    uint8_t ttl;           /* hop limit */
    uint8_t tos;           /* traffic class; ECN is its low two bits */
    uint32_t flow_label;   /* IPv6 */
    uint16_t header_length; /* options / extension headers included */
    uint32_t payload_length; /* bytes after header_length */
    uint32_t id;           /* fragment identification */
    uint32_t frag_offset;  /* bytes */
    bool more_fragments, dont_fragment, is_fragment;
    uint16_t frag_header_offset; /* IPv6: where the fragment header begins; 0: none */
    uint16_t next_header_offset; /* IPv6: offset of the next-header byte that names `protocol` or the fragment header */
    uint16_t problem_offset;     /* on -EPROTO: where ICMP parameter problem points ... */
    uint8_t problem_code;        /* ... and its code (RFC 4443 3.4; for IPv4 RFC 792) */
};
enum { IPV4_LENGTH = 20, IPV6_LENGTH = 40, IPV6_FRAGMENT_LENGTH = 8 };
/* Checks version, lengths and (v4) the header checksum. -EBADMSG: checksum. IPv4 options: source route -> see options.
 * IPv6: walks at most 8 extension headers within AVAILABLE; -EPROTO: unknown option that asks for ICMP. */
int ip_parse(struct ip *ip, const uint8_t *bytes, size_t available); /* by the version nibble */
int ipv4_parse(struct ip *ip, const uint8_t *bytes, size_t available);
int ipv6_parse(struct ip *ip, const uint8_t *bytes, size_t available);
/* The truncated packet that an ICMP error quotes: lengths may point past AVAILABLE, no checksum is asked. Header length, or -Exxx. */
int ip_parse_quote(struct ip *ip, const uint8_t *bytes, size_t available);
/* IPv4 options: 0, or the offset of a malformed one (RFC 792 parameter problem); tells whether a source route is among them. */
int ip_options_problem(const uint8_t *header, size_t header_length, bool *source_route);
size_t ip_header_size(const struct ip *ip); /* what ip_emit will write: 20 or 40 (+8 when is_fragment) */
size_t ip_emit(const struct ip *ip, uint8_t *bytes); /* v4 checksum filled */
int ip_print(const struct ip *ip, char *text, size_t size);
/* The 20 bytes of ip_emit(), with OPTIONS bytes behind them that payload_length counted: the header is so much longer. */
void ipv4_grow(uint8_t *bytes, size_t options);
/* Decrements TTL / hop limit in place and mends the v4 checksum (RFC 1624). */
void ip_decrement_ttl(uint8_t *bytes);
/* Sets TOS and TTL in place in a header of LENGTH bytes, and its checksum. */
void ip_set_tos_ttl(uint8_t *bytes, size_t length, uint8_t tos, uint8_t ttl);
/* Sets the ECN bits in place and mends the v4 checksum. */
void ip_set_ecn(uint8_t *bytes, uint8_t ecn);

struct icmp { /* ICMPv4 and ICMPv6 messages; the body follows */
    uint8_t type, code;
    uint16_t checksum;
    union {
        uint32_t rest;             /* the second word as a number */
        struct { uint16_t id, sequence; } echo;
        uint32_t mtu;              /* v4 3/4 (low 16 bits), v6 type 2 */
        uint32_t pointer;          /* v6 4; v4 12 uses the high byte of `rest` */
    };
};
enum { ICMP_LENGTH = 8 };
enum {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_QUENCH = 4,
    ICMP4_REDIRECT_ = 5,
    ICMP4_ECHO_REQUEST = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER = 12
};
enum {
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED_ = 3,
    ICMP6_PARAMETER = 4,
    ICMP6_ECHO_REQUEST_ = 128,
    ICMP6_ECHO_REPLY_ = 129,
    ICMP6_ROUTER_SOLICIT = 133,
    ICMP6_ROUTER_ADVERT = 134,
    ICMP6_NEIGHBOR_SOLICIT = 135,
    ICMP6_NEIGHBOR_ADVERT = 136
};
int icmp_parse(struct icmp *icmp, int version, const uint8_t *bytes, size_t available); /* checksum is verified by ip/icmp */
size_t icmp_emit(const struct icmp *icmp, int version, uint8_t *bytes);
int icmp_print(const struct icmp *icmp, int version, char *text, size_t size);

struct nd { /* RFC 4861 4.3, 4.4: the body of neighbour solicitation and advertisement */
    struct addr target;
    bool router, solicited, override_, has_mac;
    struct mac mac; /* source (NS) or target (NA) link-layer address option */
};
/* BODY: after the 8 ICMP bytes; flags come from icmp.rest via nd_flags */
int nd_parse(struct nd *nd, uint8_t type, const uint8_t *body, size_t available);
void nd_flags(struct nd *nd, uint32_t rest);
size_t nd_emit(const struct nd *nd, uint8_t type, uint8_t *icmp_message); /* whole ICMPv6 message, checksum 0 */

enum { ND_PREFIXES = 8, ND_ROUTER_LENGTH_MAX = 8 + 8 + 8 + 8 + ND_PREFIXES * 32, ND_FOREVER_S = 0xffffffff };
struct nd_prefix { /* RFC 4861 4.6.2; the address is the prefix, its other bits 0 */
    struct prefix prefix;
    bool on_link, autonomous;
    uint32_t valid_s, preferred_s;
};
struct nd_router { /* RFC 4861 4.1 (of which only the link-layer address), 4.2 */
    uint8_t hop_limit;
    bool managed, other, has_mac;
    uint16_t lifetime_s;
    uint32_t reachable_ms, retrans_ms, mtu; /* 0: not said */
    struct mac mac;
    struct nd_prefix prefixes[ND_PREFIXES];
    unsigned prefix_count;
};
int nd_router_parse(struct nd_router *router, uint8_t type, uint32_t rest /* icmp.rest */, const uint8_t *body, size_t available);
size_t nd_router_emit(const struct nd_router *router, uint8_t type, uint8_t *icmp_message); /* checksum 0 */

struct udphdr_ { /* RFC 768 */
    uint16_t source_port, dest_port, length, checksum;
};
enum { UDP_LENGTH = 8 };
int udphdr_parse(struct udphdr_ *udp, const uint8_t *bytes, size_t available);
size_t udphdr_emit(const struct udphdr_ *udp, uint8_t *bytes);
int udphdr_print(const struct udphdr_ *udp, char *text, size_t size);

struct lil_packet;
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64, TCP_CWR = 128, TCP_AE = 256 };
enum { TCP_SACK_BLOCKS = 4, TCP_LENGTH = 20, TCP_MAX_LENGTH = 60 };
struct tcp_options { /* RFC 9293 3.2, 7323, 2018, 7413, AccECN */
    bool has_mss, has_wscale, sack_permitted, has_timestamp, has_fastopen, fastopen_experimental, has_md5, has_accecn;
    uint16_t mss;
    uint8_t wscale;
    uint8_t sack_count, fastopen_length, accecn_fields, accecn_order; /* accecn_fields: 0..3 counters present; order 0 or 1 */
    bool md5_illegal; /* with has_md5: two of them, one of another length, or an illegal option where one may follow */
    uint32_t ts_value, ts_echo;
    struct { uint32_t start, end; } sack[TCP_SACK_BLOCKS];
    uint8_t fastopen[16], md5[16];
    uint32_t accecn[3]; /* e0b/e1b, ceb, e1b/e0b as on the wire, 24 bits */
};
struct tcphdr_ {
    uint16_t source_port, dest_port;
    uint32_t seq, ack;
    uint16_t flags;   /* TCP_* */
    uint16_t window;  /* as on the wire, unscaled */
    uint16_t checksum, urgent;
    uint8_t header_length;
    struct tcp_options options;
};
/* The first 8 bytes of a TCP header, as ICMP errors quote them. */
void tcphdr_parse_ports(const uint8_t bytes[8], uint16_t *source, uint16_t *dest, uint32_t *seq);
/* Bad options (length 0 or past the end) end the option list, as stacks do; a data offset below 5 is -EINVAL. */
int tcphdr_parse(struct tcphdr_ *tcp, const uint8_t *bytes, size_t available);
/* Writes MSS into the MSS option of a header, if it has one, and mends its checksum (RFC 1624). */
void tcphdr_set_mss(uint8_t *bytes, size_t available, uint16_t mss);
/* Emits options in Linux's order: SYN: mss,sackOK,TS,nop,wscale | mss,nop,nop,sackOK ...; else nop,nop,TS;
 * nop,nop,sack. ORDER chooses the profile's. */
enum tcp_option_order {
    TCP_ORDER_LINUX,
    TCP_ORDER_BSD, /* mss,nop,wscale,sackOK,TS */
    TCP_ORDER_WINDOWS /* mss,nop,wscale,nop,nop,sackOK */
};
/* padded; what emit will need */
size_t tcphdr_options_size(const struct tcp_options *options, uint16_t flags, enum tcp_option_order order);
size_t tcphdr_emit(const struct tcphdr_ *tcp, enum tcp_option_order order, uint8_t *bytes);
int tcphdr_print(const struct tcphdr_ *tcp, uint32_t payload, char *text, size_t size); /* "S 1000:1000(0) win 65535 <mss 1460>" */

/* RFC 2385 2: the digest of a segment from SOURCE to DEST: pseudo-header, header without options, checksum 0, text, key. A header
 * that was not parsed (header_length 0) is as long as tcphdr_emit will make it. PAYLOAD: NULL, none. */
void tcphdr_md5(const struct addr *source, const struct addr *dest, const struct tcphdr_ *tcp, const struct lil_packet *payload,
                const uint8_t *key, size_t key_length, uint8_t digest[16]);

/* The shape that nearly all segments have (plain.h): IPv4 without options, TCP with ACK, perhaps PSH, perhaps NOP NOP Timestamp. */
enum { PLAIN_LENGTH = IPV4_LENGTH + TCP_LENGTH, PLAIN_TIMESTAMP = 12, PLAIN_LENGTH_MAX = PLAIN_LENGTH + PLAIN_TIMESTAMP };
struct plain {
    uint32_t source, dest; /* as in a mapped address' u32[3] */
    uint16_t source_port, dest_port;
    uint32_t seq, ack, ts_value, ts_echo;
    uint16_t window;
    uint16_t length;       /* of the payload */
    uint8_t tos, ttl;
    bool push, has_timestamp, dont_fragment;
};

/* One line for a whole frame, as --show and hints use it: "192.0.2.1.1024 > 192.0.2.2.13: S 0:0(0) win 4096 <mss
 * 1460>". IP: frame begins at the IP header. */
int frame_print(const uint8_t *frame, size_t length, bool ip, char *text, size_t size);
/* Verifies a transport checksum over PACKET's first LENGTH bytes given the pseudo-header's fields. */
bool wire_csum_ok(const struct ip *ip, const struct lil_packet *transport);
/* Sets the checksum of a packet that begins at its transport header (TCP, UDP, ICMP by ip->protocol), the whole packet
 * being the transport segment: the field zero or anything. PARTIAL leaves the sum over the payload to egress. */
void wire_csum_set(const struct ip *ip, struct lil_packet *transport, bool partial);
/* Fills a partial checksum (csum_start, csum_offset) in place; no-op otherwise. */
void wire_csum_fill(struct lil_packet *packet);

#endif
