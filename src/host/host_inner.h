/* host_inner.h: what the files of host/ share: the host, its interfaces, the cache of ways. Read host.h first. */
#ifndef HOST_HOST_INNER_H
#define HOST_HOST_INNER_H
#include "base/buf.h"
#include "base/siphash.h"
#include "host/host.h"
#include "ip/frag.h"
#include "ip/icmp.h"
#include "ip/pmtu.h"
#include "ip/reass.h"
#include "ip/route.h"
#include "link/neighbor.h"

enum { HOST_LOOPBACK = 1, HOST_NAME = 32, HOST_WAYS = 64, HOST_KNOWN = 32, HOST_SYN_LIMIT = 1024, HOST_LOOPBACK_LIMIT = 65536 };
enum { MTU_LOOPBACK = 65536, HOST_HEADER_ROOM = IPV6_LENGTH + IPV6_FRAGMENT_LENGTH + ETH_LENGTH };

struct interface {
    struct lil_host *host;
    int ifindex;
    enum lil_interface_kind kind;
    bool csum_offload, accept_any, up, blocked;
    unsigned mtu, gso_max, queue_limit;
    lil_transmit_fn *transmit;
    void *ctx;
    struct packet_queue queue;
    uint64_t packets_in, packets_out, bytes_in, bytes_out;
    char name[16];
    struct mac mac;
    struct prefix *addresses;   /* as given: address with the prefix length */
    unsigned address_count, address_capacity;
    lil_syn_fn *on_syn;
    void *syn_ctx;
    struct autoconf *autoconf;  /* host_autoconf.c; NULL: every address is configured by hand, and good at once */
};

enum way_kind { WAY_ERROR, WAY_LOCAL, WAY_UNICAST, WAY_BROADCAST, WAY_MULTICAST };
/* How to reach one address now: a route looked up, a next hop, a neighbour. Cached by destination; valid while
 * generation is the host's (routes, addresses, interfaces, path MTUs and removed neighbours change it). */
struct way {
    struct addr remote;
    uint32_t generation;
    uint8_t kind;               /* enum way_kind */
    uint8_t drop;               /* WAY_ERROR: enum lil_drop */
    uint8_t icmp4_code, icmp6_code;
    int error;                  /* WAY_ERROR: a positive errno for local senders */
    bool is_gateway, is_connected;
    bool is_group;              /* a multicast or broadcast address, of whichever interface */
    struct interface *interface;
    struct neighbor *neighbor;  /* NULL: not looked up yet */
    struct addr next_hop, source;
    uint32_t mtu;
    const struct path_metrics *metrics; /* of the route; NULL: none */
    uint64_t expires_ns;        /* of a path MTU */
    struct tcp_path path;       /* what TCP asks of all this; not of a WAY_ERROR */
};

/* Source and destination of packets for us that were found good, so that the next of them needs a compare. */
struct known_pair {
    struct addr source, dest;
    uint32_t generation;
    int ifindex;
};

struct held_syn {               /* accept-any: a SYN until the embedder answers */
    struct list node;
    uint64_t id;
    struct flow flow;
    int ifindex;
    struct ip ip;
    uint8_t quote_length, quote[88]; /* its IP header and 8 bytes */
};

struct lil_host {
    uint64_t now_ns;
    struct tcp *tcp;
    struct udp *udp;
    bool router, due, in_poll;
    /* in tests, and where TCP may go in UDP: no short cut is taken (host_fast.c, host_bare.c), so that both ways can be
     * compared */
    bool long_ways;
    bool has_backlog;              /* a packet was queued, or an interface is blocked: seen to, and cleared, by a poll */
    bool any_accept_any;
    uint32_t generation;           /* of ways and what is known; never 0 */
    struct way *ways;              /* HOST_WAYS */
    struct known_pair *known;      /* HOST_KNOWN */
    uint64_t next_ns;              /* no timer of neighbour caches and reassembly is due before */
    struct pool *pool;
    struct profile *profile;
    lil_trace_fn *trace;
    void *trace_ctx;
    struct interface **interfaces; /* by ifindex - 1 */
    int interface_count;
    void (*due_hook)(void *ctx, struct lil_host *host);
    void *due_ctx;
    struct host_sockets sockets;

    char name[HOST_NAME];
    struct prng prng;
    struct siphash_key key;
    struct routes routes;
    struct pmtu pmtu;
    struct reass reass;
    struct neighbor_cache arp, nd;
    struct way scratch;            /* for bound interfaces: not cached */
    uint64_t local_filter;         /* a bit per hash of our addresses: most foreign ones are told by it */
    struct addr last_local;        /* the address of our own that a packet was last for */
    int last_local_ifindex;
    struct tunnels *tunnels;       /* tunnel.c; NULL: none */
    struct filter *filter;         /* packet_filter.c; NULL: there are no rules */
    bool is_judged;                /* the rules have let pass what is being sent */
    struct packet_queue failed;    /* neighbour failures, told after the cache's work (mark: errno) */
    struct icmp_rate icmp4_rate, icmp6_rate;
    uint16_t ip_id;

    struct list held_syns;
    uint32_t held_count;
    bool suppressing;              /* lil_syn_refuse: the RST of this flow is not sent */
    struct flow suppress;
    struct lil_packet *shadow;     /* traced: a copy of the frame being received, for its drop */
    const struct ip *input_ip;     /* the packet being given to TCP, for a held SYN's quote */
    const uint8_t *input_header;

    uint64_t drops[LIL_DROP_COUNT], drop_total;
    uint64_t counters[2][32];      /* IPv4's, IPv6's: enum host_counter */
    uint32_t icmp_types[2][2][64]; /* messages of IPv4's, IPv6's, in and out, by type: host_count_icmp() */
};

enum host_counter {
    CNT_IP_NO_ECT,
    CNT_IP_ECT1,
    CNT_IP_ECT0,
    CNT_IP_CE /* in the order of the ECN bits; with UNREAD: all that came */,
    CNT_IP_UNREAD,
    CNT_IP_IN_OCTETS,
    CNT_IP_OUT_OCTETS,
    CNT_IP_HDR_ERRORS,
    CNT_IP_ADDR_ERRORS,
    CNT_IP_FORWARDED,
    CNT_IP_UNKNOWN_PROTOS,
    CNT_IP_DELIVERED,
    CNT_IP_OUT,
    CNT_IP_NO_ROUTES,
    CNT_IP_REASM_REQS,
    CNT_IP_REASM_OKS,
    CNT_IP_FRAG_OKS,
    CNT_IP_FRAG_FAILS,
    CNT_IP_FRAG_CREATES,
    CNT_ICMP_IN,
    CNT_ICMP_IN_ERRORS,
    CNT_ICMP_OUT,
    CNT_ICMP_OUT_RATE,
    CNT_ARP_IN,
    CNT_ARP_OUT,
    CNT_ND_IN,
    CNT_ND_OUT,
    CNT_COUNT
};
_Static_assert(CNT_COUNT <= 32, "counters");

/* An ICMP message of TYPE: those of ICMPv6 that are no errors have the numbers from 128. */
static inline void host_count_icmp(struct lil_host *host, int version, bool is_out, uint8_t type)
{
    if ((type & 127) < 32) /* others have no counter by name */
        host->icmp_types[version == 6][is_out][(type & 31) + (type >= 128 ? 32 : 0)]++;
    host->counters[version == 6][is_out ? CNT_ICMP_OUT : CNT_ICMP_IN]++;
}

uint32_t host_flow_label(const struct lil_host *host, const struct flow *flow, uint8_t protocol, uint32_t want);

static inline struct interface *host_interface(const struct lil_host *host, int ifindex)
{
    return ifindex >= 1 && ifindex <= host->interface_count ? host->interfaces[ifindex - 1] : NULL;
}
static inline void host_changed(struct lil_host *host)
{
    host->last_local_ifindex = 0;
    if (!++host->generation)
        host->generation = 1;
}
static inline void host_tell(struct lil_host *host, enum host_change what, const void *it, int ifindex, bool is_gone)
{
    if (host->sockets.changed)
        host->sockets.changed(host->sockets.ctx, what, it, ifindex, is_gone);
}
/* PACKET (taken; NULL allowed) is dropped: counted once, traced. */
COLD void host_drop(struct lil_host *host, int ifindex, enum lil_drop reason, struct lil_packet *packet);
/* The same when the packet is gone or belongs to another: only counts and traces. */
COLD void host_note_drop(struct lil_host *host, int ifindex, enum lil_drop reason, const struct lil_packet *packet);
/* A drop of the frame that is being received: the trace shows it whole. */
COLD void host_drop_input(struct lil_host *host, const struct interface *interface, enum lil_drop reason, struct lil_packet *packet);
COLD void host_note_packet(struct lil_host *host, const struct interface *interface, enum lil_trace_kind kind,
                           const struct lil_packet *packet);

void host_route_told(void *ctx, const struct route *route, bool is_gone); /* host_view.c */

/* interface.c */
int interface_new(struct lil_host *host, const struct lil_interface_config *config);
void interface_free(struct interface *interface);
size_t interface_capacity(int count); /* of host->interfaces: a power of two */
/* Hands a whole frame down (taken): transmitted at once inside poll, else queued. */
void interface_send(struct interface *interface, struct lil_packet *packet);
void interface_flush(struct interface *interface);
bool interface_has_address(const struct interface *interface, const struct addr *addr);
bool interface_is_full(const struct interface *interface);
/* The address to speak with on INTERFACE to REMOTE; false: none. */
bool interface_source(const struct interface *interface, const struct addr *remote, struct addr *source);

/* host_address.c */
/* The interface that owns ADDR, NULL: none. */
struct interface *host_local_interface(struct lil_host *host, const struct addr *addr);
bool host_is_local(struct lil_host *host, const struct addr *addr);
bool host_is_broadcast(const struct lil_host *host, const struct addr *addr, const struct interface *interface /* NULL: any */);
bool host_source_for(struct lil_host *host, const struct interface *interface, const struct addr *remote, struct addr *source);

/* host_way.c */
struct way *host_way(struct lil_host *host, const struct addr *remote, uint32_t ifindex);

/* host_input.c */
void host_tcp_dropped(struct lil_host *host, const struct interface *interface, const struct tcp_in *in, enum lil_drop drop);
/* FRAME begins at its link header; taken. */
void host_input_frame(struct lil_host *host, struct interface *interface, struct lil_packet *packet);

/* host_fast.c */
bool host_try_plain(struct lil_host *host, struct interface *interface, struct lil_packet *packet); /* private to host_input_plain */
static inline bool host_input_plain(struct lil_host *host, struct interface *interface, struct lil_packet *packet) /* true: taken */
{
    return tcp_may_predict(host->tcp) && host_try_plain(host, interface, packet);
}
void host_send_plain(struct lil_host *host, struct tcp_plain *plain);
static inline uint8_t host_tcp_ttl(const struct lil_host *host, const struct way *way, bool is_v4, uint8_t own)
{
    return own ? own : way->metrics && way->metrics->hop_limit ? way->metrics->hop_limit : tcp_default_ttl(host->tcp, is_v4);
}
/* A packet with addresses like one before's needs no second look at them. */
bool host_is_known(struct lil_host *host, const struct interface *interface, const struct addr *source, const struct addr *dest);
void host_note_known(struct lil_host *host, const struct interface *interface, const struct addr *source, const struct addr *dest);
void host_confirm_neighbor(struct lil_host *host, const struct addr *remote, uint32_t scope);

/* host_bare.c */
bool host_input_bare(struct lil_host *host, struct interface *interface, struct lil_packet *packet); /* true: taken */
bool host_send_bare(struct lil_host *host, const struct tcp_segment *segment);                      /* true: sent */

/* host_forward.c */
void host_forward(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet);

/* host_icmp.c: PACKET positioned after the IP header; taken. */
void host_icmp_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet);
/* Sends an ICMP error about OFFENDER (borrowed, positioned at its IP header). */
COLD void host_icmp_error(struct lil_host *host, const struct icmp_error *error, const struct ip *ip, const struct lil_packet *offender);
/* As if ERROR had come from the network about our own packet OFFENDER (borrowed, at its IP header). */
void host_icmp_self(struct lil_host *host, const struct icmp_error *error, const struct ip *ip, const struct lil_packet *offender);
struct icmp_error host_unreachable(int version, uint8_t icmp4_code, uint8_t icmp6_code);
uint32_t host_icmp_rest_parameter(int version, uint32_t pointer);

/* host_output.c */
void host_emit_ether(struct lil_host *host, struct way *way, struct lil_packet *packet); /* private to host_emit */
/* Sends PACKET (taken), which begins at its IP header, by WAY: link header, neighbour, interface. */
static inline void host_emit(struct lil_host *host, struct way *way, struct lil_packet *packet)
{
    if (way->interface->kind == LIL_ETHERNET)
        host_emit_ether(host, way, packet);
    else
        interface_send(way->interface, packet);
}
/* Sends a transport message (taken) with a new IP header; fragments when it must and may. IP: source, dest, protocol, ttl, tos, version. */
void host_send_ip(struct lil_host *host, struct way *way, struct ip *ip, struct lil_packet *packet);
void host_send_tcp(struct lil_host *host, struct tcp_segment *segment);
void host_send_udp(struct lil_host *host, struct udp_sent *sent);
/* At least ROOM bytes of headroom (taken and returned); NULL: memory, it is dropped. Packets that an embedder copied have little. */
struct lil_packet *host_make_room(struct lil_host *host, struct lil_packet *packet, size_t room);
uint32_t host_next_ip_id(struct lil_host *host, int version);

/* host_neighbor.c */
void host_neighbor_init(struct lil_host *host);
void host_neighbor_failures(struct lil_host *host);
void host_arp_input(struct lil_host *host, struct interface *interface, struct lil_packet *packet /* taken, after the link header */);
/* Neighbour solicitation or advertisement; PACKET (taken) begins at the ICMPv6 header. */
void host_nd_input(struct lil_host *host, struct interface *interface, const struct ip *ip, const struct icmp *icmp,
                   struct lil_packet *packet);
/* An ICMPv6 message of LENGTH bytes, its checksum still 0, with hop limit 255. */
void host_nd_send(struct lil_host *host, struct interface *interface, const uint8_t *message, size_t length, const struct addr *source,
                  const struct addr *dest, const struct mac *mac);
void host_announce(struct lil_host *host, struct interface *interface, const struct addr *addr);
void host_ether_multicast(const struct addr *group, struct mac *mac);

/* host_autoconf.c */
uint64_t host_autoconf_timer(void *ctx, uint64_t now_ns);
void host_autoconf_free(struct interface *interface);
/* An address that is not ours before nobody else has claimed it (RFC 4862 5.4). */
COLD int host_autoconf_try(struct lil_host *host, struct interface *interface, const struct prefix *prefix);
COLD bool host_autoconf_is_tentative(const struct interface *interface, const struct addr *addr);
/* GROUP is the solicited-node group of a tentative address. */
COLD bool host_autoconf_hears(const struct interface *interface, const struct addr *group);
COLD bool host_autoconf_is_deprecated(const struct interface *interface, const struct addr *addr);
/* Somebody else has ADDR, or wants it; MAC says who. */
COLD void host_autoconf_conflict(struct lil_host *host, struct interface *interface, const struct addr *addr, const struct mac *mac);
/* Router solicitation or advertisement, with a good checksum; taken. */
COLD void host_router_input(struct lil_host *host, struct interface *interface, const struct ip *ip, const struct icmp *icmp,
                            struct lil_packet *packet);
/* The neighbour entry of a router failed (RFC 4861 6.3.6): another one takes its place. */
COLD void host_router_failed(struct lil_host *host, struct interface *interface, const struct addr *addr);

/* host_address.c */
int host_address_assign(struct lil_host *host, struct interface *interface, const struct prefix *prefix, bool connected);

/* accept_any.c */
bool host_stray_syn(void *ctx, const struct flow *flow, int ifindex, uint64_t id);
void host_held_fini(struct lil_host *host);

#endif
