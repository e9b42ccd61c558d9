/* udp_inner.h: what the files of udp/ share: the endpoint and its queues. Read udp.h first. */
#ifndef UDP_UDP_INNER_H
#define UDP_UDP_INNER_H
#include <poll.h>
#include "udp/udp.h"

enum {
    UDP_BUCKETS = 256,
    UDP_GROUPS = 20, /* Linux igmp_max_memberships */
    RECVERR_4 = 1, RECVERR_6 = 2,
    UDP_NODE_CHARGE = 256 /* Linux charges skb overhead: many empty datagrams are not free */
};

struct udp_node { /* a queued datagram or error */
    struct udp_node *next;
    struct lil_packet *packet;
    struct udp_pcb *pcb;     /* output: who may be told of room; NULL: closed meanwhile */
    uint32_t charge;         /* of its queue's bytes */
    bool peeked;             /* an empty one that MSG_PEEK has told of */
    union {
        struct udp_info info;
        struct udp_sent sent;
        struct udp_icmp icmp;
    };
};
struct udp_queue {
    struct udp_node *first, *last;
    uint32_t count, bytes;
};
struct udp_group {
    struct addr addr;
    uint32_t ifindex;
};
struct udp_pcb {
    struct list node;        /* UDP and ping: a bucket by local port; raw: udp->raw */
    struct udp *udp;
    void *user;
    struct flow flow;
    uint32_t ifindex;        /* bound to it; 0: any */
    int error;
    uint32_t rcvbuf, sndbuf, out_bytes;
    uint8_t kind, protocol, group_count;
    uint16_t family;
    uint8_t recverr;         /* RECVERR_* */
    bool wants_way, bound, connected, any_family, keeps_mtu[2] /* IPv4's, IPv6's: no error of a send's */, learns_no_mtu[2];
    uint32_t drops;
    struct udp_queue in, errors;
    struct udp_group *groups;
};
struct udp {
    struct udp_params params;
    struct pool *pool;
    struct udp_hooks hooks;
    struct list buckets[UDP_BUCKETS];
    struct list raw, unbound;
    uint32_t raw_count, ping_count, group_count, count;
    struct udp_queue out;
    struct udp_node *free;
    uint32_t free_count;
    struct udp_counters {
        uint64_t in_datagrams, out_datagrams, no_ports, in_errors, rcvbuf_errors, sndbuf_errors, mem_errors, csum_errors;
    } counters[2]; /* of IPv4, of IPv6 */
};
struct udp_node *udp_node_new(struct udp *udp); /* NULL: memory; not zeroed */
void udp_queue_push(struct udp_queue *queue, struct udp_node *node, uint32_t charge);
void udp_queue_clear(struct udp *udp, struct udp_queue *queue);
uint32_t udp_charge(const struct udp *udp, const struct lil_packet *packet, unsigned version);
void udp_tell(struct udp *udp, struct udp_pcb *pcb, unsigned events);

#endif
