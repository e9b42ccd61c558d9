/* udp.h: UDP endpoints (RFC 768), and the same kind of endpoint for ICMP echo ("ping") and raw sockets: demultiplexing,
 * receive queues with limits, an output queue that host/ drains. No routes, no I/O. */
#ifndef UDP_UDP_H
#define UDP_UDP_H
#include <sys/uio.h>
#include "base/list.h"
#include "base/buf.h"
#include "base/prng.h"
#include "lilliput/trace.h"
#include "wire/ip_extra.h"
#include "wire/wire.h"

struct udp;     /* all datagram endpoints of a host */
struct udp_pcb;

struct udp_params {
    uint32_t rcvbuf, sndbuf;      /* bytes */
    uint16_t port_first, port_last;
    uint8_t ttl, multicast_ttl;
    bool blackhole;               /* FreeBSD: nobody is told that a port has no socket */
    bool connect_icmp_errors;     /* ICMP errors reach connected sockets (all); Linux: unconnected ones with IP_RECVERR */
    bool csum;                    /* 4.2BSD and 4.3BSD: UDP checksums off */
    uint16_t icmp4_hard;          /* a bit a code of type 3 that a connected socket is told of without IP_RECVERR */
    uint16_t icmp6_hard;          /* the same for ICMPv6 type 1 */
    bool icmp_time_exceeded;      /* and of a message that ran out of hops */
    bool truesize;                /* rcvbuf counts buffers as Linux does (base/truesize.h), not blocks */
};
enum udp_kind { UDP_KIND_UDP, UDP_KIND_PING, UDP_KIND_RAW };
struct udp_hooks {
    void *ctx;
    void (*event)(void *ctx, void *user, struct udp_pcb *pcb, unsigned events /* POLLIN | POLLOUT | POLLERR */);
    void (*due)(void *ctx);
};
struct udp *udp_new(const struct udp_params *params, struct pool *pool, const struct udp_hooks *hooks);
void udp_free(struct udp *udp);
struct udp_params *udp_get_params(struct udp *udp);

struct udp_pcb *udp_open(struct udp *udp, enum udp_kind kind, int family, uint8_t protocol, void *user);
void udp_close(struct udp *udp, struct udp_pcb *pcb);
void udp_bind(struct udp *udp, struct udp_pcb *pcb, const struct addr *local, uint16_t port, bool any_family, uint32_t ifindex);
void udp_connect(struct udp *udp, struct udp_pcb *pcb, const struct flow *flow); /* NULL: disconnect */
const struct flow *udp_get_flow(const struct udp_pcb *pcb);
bool udp_is_connected(const struct udp_pcb *pcb);
int udp_error(struct udp_pcb *pcb, bool clear);
bool udp_has_error(const struct udp_pcb *pcb); /* udp_receive_error has one */

/* What is known of a received datagram besides its bytes. */
struct udp_info {
    struct flow flow;       /* local = destination, remote = sender */
    uint8_t ttl, tos, protocol, version;
    uint16_t ifindex;
    bool multicast, broadcast, csum_ok;
    bool has_way;           /* the endpoint asked for its way in when it came (IP_PKTINFO) */
    uint32_t flow_label;
    uint32_t drops;         /* what the endpoint had lost for want of room when this came (SO_RXQ_OVFL) */
    uint64_t time_ns;
};
/* Takes PACKET (payload of UDP; for ping, with info->protocol ICMP, the message; flow.local_port is its identifier). Delivers to each
 * matching endpoint (multicast: copies). LIL_DROP_NONE, or why not; with LIL_DROP_UDP_NO_PORT PACKET stays the caller's
 * (host/ answers with ICMP quoting it). */
enum lil_drop udp_input(struct udp *udp, const struct udp_info *info, struct lil_packet *packet);
void udp_count_bad_csum(struct udp *udp, int version); /* a datagram that host/ has dropped for its checksum */
/* Raw and ping endpoints that also want this packet (borrowed: copies are made). */
bool udp_has_raw(const struct udp *udp, uint8_t protocol); /* is udp_input_raw worth calling? */
bool udp_has_group(const struct udp *udp, const struct addr *group, uint32_t ifindex); /* has anyone joined? */
void udp_input_raw(struct udp *udp, const struct udp_info *info, const struct lil_packet *packet);
struct udp_sent { /* one datagram on its way out; host/ owns packet when it pulls it */
    struct flow flow;       /* local may be unspecified: host chooses by route */
    struct lil_packet *packet; /* UDP payload (header is prepended by host_output), or the whole message for ping and raw */
    uint8_t kind, protocol, ttl, tos;
    bool is_judged;         /* host_may_send() has let it through */
    bool ignores_pmtu;      /* as long as the interface takes it */
    bool dont_fragment, header_included, broadcast_allowed, csum_off, no_loop /* IP_MULTICAST_LOOP is off */;
    uint32_t ifindex;       /* 0: by route */
    uint32_t flow_label;    /* IPv6 */
    struct ip_extra *extra; /* IP options or extension headers to go with it, a reference; NULL: none */
};
int udp_send_take(struct udp *udp, struct udp_pcb *pcb, struct udp_sent *sent); /* queues; -EAGAIN, -ENOBUFS */
bool udp_output_next(struct udp *udp, struct udp_sent *sent); /* host pulls */
bool udp_is_due(const struct udp *udp);
/* The next datagram, NULL: none. The caller frees it. INFO is filled. PEEK leaves it queued (borrowed). */
struct lil_packet *udp_receive(struct udp *udp, struct udp_pcb *pcb, bool peek, struct udp_info *info);
/* SO_PEEK_OFF: the datagram in which byte *OFFSET of all that waits lies (borrowed), *OFFSET counted from its beginning. NULL: none. */
const struct lil_packet *udp_peek_at(struct udp_pcb *pcb, size_t *offset, struct udp_info *info);
size_t udp_readable(const struct udp_pcb *pcb);  /* length of the first datagram (FIONREAD); 0: none or empty */
bool udp_has_datagram(const struct udp_pcb *pcb);
void udp_set_rcvbuf(struct udp_pcb *pcb, uint32_t bytes);
void udp_set_sndbuf(struct udp_pcb *pcb, uint32_t bytes);
uint32_t udp_get_sndbuf(const struct udp_pcb *pcb);
bool udp_is_writable(const struct udp_pcb *pcb);
uint32_t udp_unsent(const struct udp_pcb *pcb); /* bytes that host/ has not pulled yet (SIOCOUTQ), overhead included */
/* An ICMP error quoting a datagram of FLOW (local = source): ERROR as errno. RECVERR queue entries too (IP_RECVERR). */
struct udp_icmp {
    struct flow flow;
    uint8_t version, type, code;
    uint32_t info;          /* MTU */
    int error;
    struct udp_info arrival; /* of the ICMP message itself; flow.remote: who says so */
    uint8_t kind, protocol;
    uint16_t ping_id;
};
void udp_on_icmp(struct udp *udp, const struct udp_icmp *icmp, const struct lil_packet *quoted_payload /* may be NULL; borrowed */);
void udp_want_way(struct udp_pcb *pcb, bool on); /* what comes from now on has_way */
void udp_set_recverr(struct udp_pcb *pcb, int version, bool on); /* IP_RECVERR, IPV6_RECVERR: each of its own version's errors */
void udp_set_pmtudisc(struct udp_pcb *pcb, bool is_v6, int policy); /* IP_PMTUDISC_*: with DONT "too big" is no error of a send's */
bool udp_learns_mtu(const struct udp *udp, const struct flow *flow); /* false: FLOW's endpoint says INTERFACE or OMIT */
/* An error of our own about a datagram to TO's remote end, for the queue of IP_RECVERR alone: its version is 0. */
void udp_local_error(struct udp *udp, struct udp_pcb *pcb, const struct flow *to, int error, uint32_t info);
/* IP_RECVERR: the next error with the payload it quotes; the caller frees the packet. NULL: none. */
struct lil_packet *udp_receive_error(struct udp *udp, struct udp_pcb *pcb, struct udp_icmp *icmp);
/* 0, -EADDRINUSE (a member already), -EADDRNOTAVAIL (none), -ENOBUFS (of too many) */
int udp_join(struct udp_pcb *pcb, const struct addr *group, uint32_t ifindex, bool join);
void udp_each_counter(const struct udp *udp, void (*visit)(void *ctx, const char *name, uint64_t value), void *ctx);

#endif
