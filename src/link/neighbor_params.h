/* neighbor_params.h: what a profile says of neighbours: once for ARP, once for neighbour discovery. Times in milliseconds. */
#ifndef LINK_NEIGHBOR_PARAMS_H
#define LINK_NEIGHBOR_PARAMS_H
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

#endif
