/* path.h: what a route says of the connections over it (ip-route(8)'s metrics); 0: nothing. */
#ifndef BASE_PATH_H
#define BASE_PATH_H
#include <stdbool.h>
#include <stdint.h>

struct path_metrics {
    uint32_t mtu, advmss;        /* bytes */
    uint32_t initcwnd, initrwnd; /* segments */
    uint32_t window;             /* the most that we advertise, bytes */
    uint32_t rto_min_ms;
    uint8_t hop_limit;
    bool mtu_lock;               /* no path MTU discovery: DF is clear, ICMP is not heeded */
    bool quickack, ecn, fastopen_no_cookie;
    bool cc_lock;                /* TCP_CONGESTION may not change it */
    char cc[16];                 /* congestion control by name; "": the socket's own */
};
#endif
