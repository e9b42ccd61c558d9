/* ip_params.h: what a profile says of IP, ICMP and neighbours. Times in milliseconds. */
#ifndef IP_IP_PARAMS_H
#define IP_IP_PARAMS_H
#include <stdbool.h>
#include <stdint.h>

enum neighbor_policy {
    NEIGHBOR_BSD42,  /* one request a packet sent, no timer; incomplete entries dropped after 3 min (4.2 to Reno) */
    NEIGHBOR_BSD44,  /* one a packet, at most one a second; after max_asks the entry rejects for hold_down_ms (4.4, FreeBSD) */
    NEIGHBOR_RFC4861 /* a timer of its own: max_asks requests retrans_ms apart, then the queue fails with EHOSTUNREACH (Linux) */
};
struct neighbor_params {
    uint8_t policy;
    uint8_t max_asks;        /* 5 BSD, 3 Linux */
    uint32_t retrans_ms;     /* 1,000 (+ jitter as measured: 1.02, 2.05, 3.07 s on Linux: 1,024) */
    uint32_t hold_down_ms;   /* 20,000 */
    uint32_t reachable_ms, incomplete_ms;
    uint32_t queue_packets;  /* RFC 1122 2.3.2.2: at least the latest */
    uint32_t cache_limit;
    int hold_down_error, hold_down_gateway_error; /* EHOSTDOWN, EHOSTUNREACH */
    bool fails_pending;      /* the queue's senders are told (Linux) */
    bool hold_down_restarts; /* a refused send starts the hold-down again */
};
struct ip_params {
    uint8_t ttl;
    bool forwarding, forward_icmp_errors;
    uint32_t frag_timeout_ms, frag_memory_bytes, frag_max_per_host, frag_max_pieces; /* frag_max_per_host: incomplete datagrams of one source */
    uint32_t icmp_rate_per_s, icmp_burst;  /* RFC 1812 4.3.2.8, RFC 4443 2.4 (f) */
    uint16_t icmp_quote_bytes;             /* 8 on BSD; 548 RFC 1812 */
    bool icmp_echo_ignore_broadcast;
    bool strong_host, source_route;
    uint32_t pmtu_expires_ms;
    uint32_t pmtu_min;
    bool send_redirects, accept_redirects;
    struct neighbor_params neighbor;       /* ARP */
    struct neighbor_params neighbor6;      /* ND */
    bool random_ip_id;
    int no_route_error;                    /* no route at all: ENETUNREACH, or EHOSTUNREACH (4.3 Reno to 4.4) */
    bool announce;                         /* a gratuitous ARP when an address is added (RFC 5227 2.3) */
};

#endif
