/* net.h: a few hosts on in-memory wires for host's tests: a bus per test, virtual time, a log of what went over. */
#ifndef TESTS_HOST_NET_H
#define TESTS_HOST_NET_H
#include <stdlib.h>
#include "unit/check.h"
#include "base/buf.h"
#include "base/csum.h"
#include "host/host_inner.h"

enum { NET_HOSTS = 4, NET_LOG = 4096 };
struct net_port {
    struct lil_host *host;
    int ifindex, bus;
};
struct net {
    struct net_port ports[16];
    int port_count;
    struct lil_host *hosts[NET_HOSTS];
    int host_count;
    struct packet_queue wire; /* mark: the sending port */
    uint64_t now_ns;
    char log[NET_LOG][160];
    uint64_t log_ns[NET_LOG];
    unsigned log_count, drops[LIL_DROP_COUNT];
    bool refuse;              /* transmit answers -EAGAIN */
    bool lost;                /* the wire loses everything */
};
struct net_ctx {
    struct net *net;
    int port;
};
static struct net_ctx net_ctxs[16];

static inline int net_transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct net_ctx *c = ctx;
    (void)ifindex;
    if (c->net->refuse)
        return -EAGAIN;
    packet->mark = (uint32_t)c->port;
    packet_queue_push(&c->net->wire, packet);
    return 0;
}

static inline void net_trace(void *ctx, const struct lil_trace *event)
{
    struct net *net = ctx;
    if (event->kind == LIL_TRACE_DROP)
        net->drops[event->drop]++;
}

static inline struct lil_host *net_host(struct net *net, const char *name, const char *profile, bool router)
{
    struct lil_host_config config = {.profile = profile,
                                     .seed = 1 + (uint64_t)net->host_count,
                                     .name = name,
                                     .router = router,
                                     .share_pool = net->host_count ? net->hosts[0] : NULL,
                                     .trace = net_trace,
                                     .trace_ctx = net,
                                     .now_ns = net->now_ns};
    struct lil_host *host = lil_host_new(&config);
    assert_non_null(host);
    if (!net->host_count)
        packet_queue_init(&net->wire);
    net->hosts[net->host_count++] = host;
    return host;
}

/* A NIC on BUS with ADDRESS (may be NULL). */
static inline int net_nic(struct net *net, struct lil_host *host, int bus, const char *address, struct lil_interface_config config)
{
    struct net_ctx *ctx = &net_ctxs[net->port_count];
    *ctx = (struct net_ctx){net, net->port_count};
    config.transmit = net_transmit;
    config.ctx = ctx;
    int ifindex = lil_interface_add(host, &config);
    assert_true(ifindex > 1);
    if (address)
        assert_int_equal(lil_address_add(host, ifindex, address), 0);
    net->ports[net->port_count++] = (struct net_port){host, ifindex, bus};
    return ifindex;
}

static inline void net_log(struct net *net, struct lil_packet *packet, const struct net_port *port)
{
    uint8_t bytes[2048];
    size_t n = lil_packet_read(packet, 0, bytes, sizeof bytes);
    if (net->log_count < NET_LOG) {
        net->log_ns[net->log_count] = net->now_ns;
        frame_print(bytes, n, host_interface(port->host, port->ifindex)->kind != LIL_ETHERNET, net->log[net->log_count++], 160);
    }
}

static inline void net_carry(struct net *net)
{
    struct lil_packet *packet;
    while ((packet = packet_queue_pop(&net->wire))) {
        struct net_port *from = &net->ports[packet->mark];
        net_log(net, packet, from);
        for (int i = 0; i < net->port_count && !net->lost; i++)
            if (&net->ports[i] != from && net->ports[i].bus == from->bus)
                lil_host_input(net->ports[i].host, net->ports[i].ifindex, packet_clone(packet), net->now_ns);
        packet_free(packet);
    }
}

/* Runs until UNTIL or until nothing is due. */
static inline void net_run(struct net *net, uint64_t until_ns)
{
    for (;;) {
        uint64_t next = LIL_NEVER;
        for (int i = 0; i < net->host_count; i++) {
            uint64_t due = lil_host_poll(net->hosts[i], net->now_ns);
            next = due < next ? due : next;
        }
        if (net->wire.count) {
            net_carry(net);
            continue;
        }
        bool due_now = false;
        for (int i = 0; i < net->host_count; i++)
            due_now |= lil_host_is_due(net->hosts[i]);
        if (due_now && !net->refuse)
            continue;
        if (next > until_ns)
            break;
        net->now_ns = next > net->now_ns ? next : net->now_ns;
    }
    if (net->now_ns < until_ns && until_ns != LIL_NEVER)
        net->now_ns = until_ns;
    for (int i = 0; i < net->host_count; i++)
        lil_host_poll(net->hosts[i], net->now_ns);
}

static inline unsigned net_seen(const struct net *net, const char *text)
{
    unsigned n = 0;
    for (unsigned i = 0; i < net->log_count; i++)
        n += strstr(net->log[i], text) != NULL;
    return n;
}

static inline void net_dump(const struct net *net)
{
    for (unsigned i = 0; i < net->log_count; i++)
        printf("%9.3f %s\n", (double)net->log_ns[i] / 1e9, net->log[i]);
    for (int i = 0; i < LIL_DROP_COUNT; i++)
        if (net->drops[i])
            printf("drop %s %u\n", lil_drop_name((enum lil_drop)i), net->drops[i]);
}

/* Frees all and checks that every packet came back. */
static inline void net_end(struct net *net)
{
    struct pool *pool = pool_ref(net->hosts[0]->pool);
    packet_queue_clear(&net->wire);
    for (int i = net->host_count - 1; i >= 0; i--)
        lil_host_free(net->hosts[i]);
    struct pool_stats stats;
    pool_get_stats(pool, &stats);
    assert_int_equal(stats.packets_now, 0);
    assert_int_equal(stats.blocks_now, 0);
    pool_unref(pool);
    free(net);
}

static inline struct net *net_new(void)
{
    return calloc(1, sizeof(struct net));
}

static inline struct addr net_addr(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static inline struct udp_pcb *net_udp(struct lil_host *host, int kind, const char *local, uint16_t port, void *user)
{
    struct addr a = net_addr(local);
    int family = addr_is_v4(&a) ? AF_INET : AF_INET6;
    struct udp_pcb *pcb = udp_open(host_udp(host), (enum udp_kind)kind, family, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6, user);
    udp_bind(host_udp(host), pcb, &a, port, false, 0);
    return pcb;
}

static inline void net_sendto(struct lil_host *host, struct udp_pcb *pcb, const char *to, uint16_t port, size_t length)
{
    struct udp_sent sent = {.flow = *udp_get_flow(pcb), .kind = UDP_KIND_UDP, .broadcast_allowed = true};
    static uint8_t bytes[65536];
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i * 7);
    sent.flow.remote = net_addr(to);
    sent.flow.remote_port = port;
    if (addr_is_link_local(&sent.flow.remote))
        sent.flow.scope = 2;
    sent.packet = packet_new(host_pool(host));
    assert_true(packet_append(sent.packet, bytes, length));
    assert_int_equal(udp_send_take(host_udp(host), pcb, &sent), 0);
}

/* The length of the next datagram, checked against net_sendto's bytes; -1: none. */
static inline int net_received(struct lil_host *host, struct udp_pcb *pcb, struct udp_info *info)
{
    static uint8_t bytes[65536];
    struct lil_packet *packet = udp_receive(host_udp(host), pcb, false, info);
    if (!packet)
        return -1;
    int length = (int)packet_read(packet, 0, bytes, sizeof bytes);
    for (int i = 0; i < length; i++)
        assert_int_equal(bytes[i], (uint8_t)(i * 7));
    packet_free(packet);
    return length;
}

#endif
