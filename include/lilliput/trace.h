/* trace.h: what an observer of a host may be told: packets with the reason when dropped, TCP states, queues, calls.
 * Observers must not call back into the host. */
#ifndef LILLIPUT_TRACE_H
#define LILLIPUT_TRACE_H
#include <stddef.h>
#include <stdint.h>
#include "lilliput/packet.h"

/* Why a packet was dropped. Each dropped packet is counted under exactly one. lil_drop_name gives the word. */
#define LIL_DROPS(X)                                                                                                   \
    X(NONE, "none")                                                                                                    \
    X(ETH_TRUNCATED, "eth-truncated") X(ETH_NOT_MINE, "eth-not-mine") X(ETH_TYPE, "eth-type")                          \
    X(ARP_MALFORMED, "arp-malformed")                                                                                  \
    X(IP_TRUNCATED, "ip-truncated") X(IP_VERSION, "ip-version") X(IP_HEADER, "ip-header") X(IP_CHECKSUM, "ip-checksum") \
    X(IP_LENGTH, "ip-length") X(IP_SOURCE, "ip-source") X(IP_NOT_MINE, "ip-not-mine") X(IP_OPTION, "ip-option")         \
    X(IP_EXTENSION, "ip-extension") X(IP_PROTOCOL, "ip-protocol") X(IP_TTL, "ip-ttl") X(IP_TOO_BIG, "ip-too-big")       \
    X(IP_MARTIAN, "ip-martian") X(NO_ROUTE, "no-route") X(ROUTE_UNREACHABLE, "route-unreachable")                      \
    X(ROUTE_PROHIBIT, "route-prohibit") X(ROUTE_BLACKHOLE, "route-blackhole")                                          \
    X(FRAG_MALFORMED, "frag-malformed") X(FRAG_OVERLAP, "frag-overlap") X(FRAG_TIMEOUT, "frag-timeout") X(FRAG_LIMIT, "frag-limit") \
    X(NEIGHBOR_FAILED, "neighbor-failed") X(NEIGHBOR_QUEUE, "neighbor-queue") X(ND_MALFORMED, "nd-malformed")           \
    X(ICMP_TRUNCATED, "icmp-truncated") X(ICMP_CHECKSUM, "icmp-checksum") X(ICMP_TYPE, "icmp-type")                    \
    X(ICMP_QUOTE, "icmp-quote") X(ICMP_RATE, "icmp-rate")                                                              \
    X(UDP_TRUNCATED, "udp-truncated") X(UDP_CHECKSUM, "udp-checksum") X(UDP_NO_PORT, "udp-no-port")                    \
    X(UDP_BUFFER, "udp-buffer") X(UDP_CONNECTED, "udp-connected")                                                      \
    X(TCP_TRUNCATED, "tcp-truncated") X(TCP_HEADER, "tcp-header") X(TCP_CHECKSUM, "tcp-checksum") X(TCP_NO_PORT, "tcp-no-port") \
    X(TCP_RESET_CLOSED, "tcp-reset-closed") X(TCP_BAD_ACK, "tcp-bad-ack") X(TCP_BAD_SEQ, "tcp-bad-seq") X(TCP_PAWS, "tcp-paws") \
    X(TCP_BAD_FLAGS, "tcp-bad-flags") X(TCP_SIGNATURE, "tcp-signature") X(TCP_TTL, "tcp-ttl")                          \
    X(TCP_BACKLOG, "tcp-backlog") X(TCP_SYN_QUEUE, "tcp-syn-queue") X(TCP_ACCEPT_QUEUE, "tcp-accept-queue")            \
    X(TCP_DUPLICATE, "tcp-duplicate") X(TCP_WINDOW, "tcp-window") X(TCP_MEMORY, "tcp-memory")                          \
    X(TCP_AFTER_CLOSE, "tcp-after-close") X(TCP_LIMIT, "tcp-limit")                                                    \
    X(TCP_MARTIAN, "tcp-martian") X(MEMORY, "memory") X(INTERFACE_DOWN, "interface-down") X(INTERFACE_QUEUE, "interface-queue") \
    X(RAW_BUFFER, "raw-buffer") X(TUNNEL, "tunnel") \
    X(FILTER, "filter") X(LINK_LOSS, "link-loss") X(LINK_QUEUE, "link-queue") X(LINK_CORRUPT, "link-corrupt")  \
    X(LINK_MTU, "link-mtu") X(LINK_DOWN, "link-down")
enum lil_drop {
#define X(name, word) LIL_DROP_##name,
    LIL_DROPS(X)
#undef X
    LIL_DROP_COUNT
};

LIL_API const char *lil_drop_name(enum lil_drop drop);

enum lil_trace_kind {
    LIL_TRACE_PACKET_IN,  /* packet, ifindex */
    LIL_TRACE_PACKET_OUT, /* packet, ifindex */
    LIL_TRACE_DROP,       /* drop; packet when there still is one */
    LIL_TRACE_STATE,      /* flow, old_state, new_state (names as in RFC 9293, with underscores: "SYN_SENT") */
    LIL_TRACE_QUEUES,     /* flow.local: incomplete, complete, backlog */
    LIL_TRACE_CALL,       /* text: call with its arguments and result as strace prints it */
    LIL_TRACE_HINT,       /* text: e.g. "byte-swapped 13; htons() missing?" */
    LIL_TRACE_TCP         /* text: name of a TCP event ("retransmit", "rto", "fast-recovery") with flow and numbers */
};
struct lil_trace {
    enum lil_trace_kind kind;
    uint64_t now_ns;
    const char *host;      /* the host's name */
    int ifindex;
    const struct lil_packet *packet; /* whole frame; borrowed for the call */
    enum lil_drop drop;
    uint8_t local[16], remote[16];   /* IPv4 mapped */
    uint16_t local_port, remote_port;
    const char *old_state, *new_state;
    unsigned incomplete, complete, backlog;
    int pid;
    const char *text;
    uint32_t numbers[8];             /* LIL_TRACE_TCP: snd_una, snd_nxt, snd_wnd, cwnd, ssthresh, srtt_us, rto_ms, in_flight */
};
typedef void lil_trace_fn(void *ctx, const struct lil_trace *event);

#endif
