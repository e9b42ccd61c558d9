/* counter.c: the MIB counters of a host under nstat's names, its drops by reason, and its figures. */
#include "host/host_inner.h"

static const char *const names[CNT_COUNT] = {
    [CNT_IP_IN] = "IpInReceives", [CNT_IP_HDR_ERRORS] = "IpInHdrErrors", [CNT_IP_ADDR_ERRORS] = "IpInAddrErrors",
    [CNT_IP_FORWARDED] = "IpForwDatagrams", [CNT_IP_UNKNOWN_PROTOS] = "IpInUnknownProtos", [CNT_IP_DELIVERED] = "IpInDelivers",
    [CNT_IP_OUT] = "IpOutRequests", [CNT_IP_NO_ROUTES] = "IpOutNoRoutes", [CNT_IP_REASM_REQS] = "IpReasmReqds",
    [CNT_IP_REASM_OKS] = "IpReasmOKs", [CNT_IP_FRAG_OKS] = "IpFragOKs", [CNT_IP_FRAG_FAILS] = "IpFragFails",
    [CNT_IP_FRAG_CREATES] = "IpFragCreates", [CNT_ICMP_IN] = "IcmpInMsgs", [CNT_ICMP_IN_ERRORS] = "IcmpInErrors",
    [CNT_ICMP_OUT] = "IcmpOutMsgs", [CNT_ICMP_IN_ECHOS] = "IcmpInEchos", [CNT_ICMP_OUT_ECHO_REPS] = "IcmpOutEchoReps",
    [CNT_ICMP_IN_UNREACHS] = "IcmpInDestUnreachs", [CNT_ICMP_OUT_UNREACHS] = "IcmpOutDestUnreachs",
    [CNT_ICMP_OUT_RATE] = "IcmpOutRateLimitGlobal", [CNT_ARP_IN] = "ArpInMsgs", [CNT_ARP_OUT] = "ArpOutMsgs",
    [CNT_ND_IN] = "Icmp6InNeighborMsgs", [CNT_ND_OUT] = "Icmp6OutNeighborMsgs",
};

int lil_counter_each(const struct lil_host *host, void (*visit)(void *ctx, const char *name, uint64_t value), void *ctx)
{
    for (int i = 0; i < CNT_COUNT; i++)
        visit(ctx, names[i], host->counters[i]);
    udp_each_counter(host->udp, visit, ctx);
    tcp_each_counter(host->tcp, visit, ctx);
    return 0;
}

struct wanted {
    const char *name;
    uint64_t value;
};

static void pick(void *ctx, const char *name, uint64_t value)
{
    struct wanted *wanted = ctx;
    if (!strcmp(name, wanted->name))
        wanted->value = value;
}

uint64_t lil_counter_get(const struct lil_host *host, const char *name)
{
    struct wanted wanted = {.name = name};
    lil_counter_each(host, pick, &wanted);
    return wanted.value;
}

uint64_t lil_drop_count(const struct lil_host *host, enum lil_drop reason)
{
    return (unsigned)reason < LIL_DROP_COUNT ? host->drops[reason] : 0;
}

void lil_host_get_stats(const struct lil_host *host, struct lil_host_stats *stats)
{
    struct pool_stats pool;
    struct tcp_counts tcp;
    pool_get_stats(host->pool, &pool);
    tcp_get_counts(host->tcp, &tcp);
    *stats = (struct lil_host_stats){
        .memory_bytes = pool.bytes_now, .memory_peak_bytes = pool.bytes_peak, .connections = tcp.connections,
        .time_waits = tcp.time_waits, .syn_entries = tcp.syn_entries, .listeners = tcp.listeners,
        .sockets = host->sockets.count ? host->sockets.count(host->sockets.ctx) : 0, .fragments = host->reass.count,
        .neighbors = host->arp.count + host->nd.count, .routes = host->routes.count, .drops = host->drop_total,
    };
    for (int i = 0; i < host->interface_count; i++) {
        stats->packets_in += host->interfaces[i]->packets_in;
        stats->packets_out += host->interfaces[i]->packets_out;
    }
}
