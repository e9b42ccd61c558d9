/* ip_params.h: what a profile says of IP and ICMP. Times in milliseconds. */
#ifndef IP_IP_PARAMS_H
#define IP_IP_PARAMS_H
#include <stdbool.h>
#include <stdint.h>

enum pmtu_trust { PMTU_BELIEVED, PMTU_UNKNOWN /* its MTU is not believed */, PMTU_UNREAD, PMTU_OF_TCP /* others' is not read */ };

struct ip_params {
    uint8_t ttl;
    bool forwarding, forward_icmp_errors;
    /* frag_max_per_host: incomplete datagrams of one source */
    uint32_t frag_timeout_ms, frag_memory_bytes, frag_max_per_host, frag_max_pieces;
    uint32_t icmp_rate_per_s, icmp_burst;  /* RFC 1812 4.3.2.8, RFC 4443 2.4 (f) */
    uint16_t icmp_quote_bytes;             /* 8 on BSD; 548 RFC 1812 */
    bool icmp_echo_ignore_broadcast, icmp_echo_ignore_all, icmp6_echo_ignore_all;
    bool strong_host, source_route;
    uint32_t pmtu_expires_ms;
    uint32_t pmtu_min;
    uint8_t pmtu_trust;           /* of IPv4's "too big" (Linux: ip_no_pmtu_disc) */
    bool pmtu_plateaus;           /* a message without an MTU: the next lower usual one (RFC 1191 7.1); else pmtu_min */
    bool send_redirects, accept_redirects;
    bool random_ip_id;
    uint8_t auto_flow_labels;              /* RFC 6437 3: 0 none, 1 unless a socket says no, 2 if it says so, 3 all (Linux) */
    int no_route_error;                    /* no route at all: ENETUNREACH, or EHOSTUNREACH (4.3 Reno to 4.4) */
    bool announce;                         /* a gratuitous ARP when an address is added (RFC 5227 2.3) */
    bool promote_secondaries;              /* the first IPv4 address of a net goes: the others stay (BSD), or go with it (Linux) */
    uint8_t dad_transmits;                 /* IPv6: probes before an address is ours (RFC 4862 5.1: 1); 0: it is at once */
};

#endif
