/* counter.c: the MIB counters of a host under nstat's names and as /proc/net has them, its drops by reason, and its figures. */
#include <stdio.h>
#include <stdlib.h>
#include "host/host_inner.h"

/* NULL: not told by itself */
static const char *const names[2][CNT_COUNT] = {
#define IP_NAMES(ip, ext)                                                                                                              \
    [CNT_IP_NO_ECT] = ext "InNoECTPkts", [CNT_IP_ECT1] = ext "InECT1Pkts", [CNT_IP_ECT0] = ext "InECT0Pkts", [CNT_IP_CE] = ext "InCEPkts", \
    [CNT_IP_IN_OCTETS] = ext "InOctets", [CNT_IP_OUT_OCTETS] = ext "OutOctets", [CNT_IP_HDR_ERRORS] = ip "InHdrErrors",                  \
    [CNT_IP_ADDR_ERRORS] = ip "InAddrErrors", [CNT_IP_UNKNOWN_PROTOS] = ip "InUnknownProtos", [CNT_IP_DELIVERED] = ip "InDelivers",      \
    [CNT_IP_OUT] = ip "OutRequests", [CNT_IP_NO_ROUTES] = ip "OutNoRoutes", [CNT_IP_REASM_REQS] = ip "ReasmReqds",                       \
    [CNT_IP_REASM_OKS] = ip "ReasmOKs", [CNT_IP_FRAG_OKS] = ip "FragOKs", [CNT_IP_FRAG_FAILS] = ip "FragFails",                          \
    [CNT_IP_FRAG_CREATES] = ip "FragCreates"
#define ICMP_NAMES(icmp)                                                                                                               \
    [CNT_ICMP_IN] = icmp "InMsgs", [CNT_ICMP_IN_ERRORS] = icmp "InErrors", [CNT_ICMP_OUT] = icmp "OutMsgs"
    {IP_NAMES("Ip", "IpExt"), [CNT_IP_FORWARDED] = "IpForwDatagrams", ICMP_NAMES("Icmp"),
     [CNT_ICMP_OUT_RATE] = "IcmpOutRateLimitGlobal", [CNT_ARP_IN] = "ArpInMsgs", [CNT_ARP_OUT] = "ArpOutMsgs"},
    {IP_NAMES("Ip6", "Ip6"), [CNT_IP_FORWARDED] = "Ip6OutForwDatagrams", ICMP_NAMES("Icmp6"),
     [CNT_ICMP_OUT_RATE] = "Icmp6OutRateLimitHost", [CNT_ND_IN] = "Icmp6InNeighborMsgs", [CNT_ND_OUT] = "Icmp6OutNeighborMsgs"},
};

static const struct icmp_name {
    uint8_t v6, is_out, type;
    const char *name, *by_number;
} icmp_names[] = {
#define BOTH(v6, type, icmp, msg, word)                                                                                \
    {v6, 0, type, icmp "In" word, msg "InType" #type},                                                                 \
    {                                                                                                                  \
        v6, 1, type, icmp "Out" word, msg "OutType" #type                                                              \
    }
    BOTH(0, 0, "Icmp", "IcmpMsg", "EchoReps"),
    BOTH(0, 3, "Icmp", "IcmpMsg", "DestUnreachs"),
    BOTH(0, 4, "Icmp", "IcmpMsg", "SrcQuenchs"),
    BOTH(0, 5, "Icmp", "IcmpMsg", "Redirects"),
    BOTH(0, 8, "Icmp", "IcmpMsg", "Echos"),
    BOTH(0, 11, "Icmp", "IcmpMsg", "TimeExcds"),
    BOTH(0, 12, "Icmp", "IcmpMsg", "ParmProbs"),
    BOTH(1, 1, "Icmp6", "Icmp6", "DestUnreachs"),
    BOTH(1, 2, "Icmp6", "Icmp6", "PktTooBigs"),
    BOTH(1, 3, "Icmp6", "Icmp6", "TimeExcds"),
    BOTH(1, 4, "Icmp6", "Icmp6", "ParmProblems"),
    BOTH(1, 128, "Icmp6", "Icmp6", "Echos"),
    BOTH(1, 129, "Icmp6", "Icmp6", "EchoReplies"),
    BOTH(1, 133, "Icmp6", "Icmp6", "RouterSolicits"),
    BOTH(1, 134, "Icmp6", "Icmp6", "RouterAdvertisements"),
    BOTH(1, 135, "Icmp6", "Icmp6", "NeighborSolicits"),
    BOTH(1, 136, "Icmp6", "Icmp6", "NeighborAdvertisements"),
    BOTH(1, 137, "Icmp6", "Icmp6", "Redirects"),
#undef BOTH
};

int lil_counter_each(const struct lil_host *host, void (*visit)(void *ctx, const char *name, uint64_t value), void *ctx)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const uint64_t *counters = host->counters[v6];
        visit(ctx, v6 ? "Ip6InReceives" : "IpInReceives",
              counters[CNT_IP_NO_ECT] + counters[CNT_IP_ECT1] + counters[CNT_IP_ECT0] + counters[CNT_IP_CE] + counters[CNT_IP_UNREAD]);
        visit(ctx, v6 ? "Ip6OutTransmits" : "IpOutTransmits",
              counters[CNT_IP_OUT] + counters[CNT_IP_FORWARDED] + counters[CNT_IP_FRAG_CREATES] - counters[CNT_IP_FRAG_OKS]);
        for (int i = 0; i < CNT_COUNT; i++)
            if (names[v6][i])
                visit(ctx, names[v6][i], counters[i]);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(icmp_names); i++) {
        const struct icmp_name *icmp = &icmp_names[i];
        uint32_t count = host->icmp_types[icmp->v6][icmp->is_out][(icmp->type & 31) + (icmp->type >= 128 ? 32 : 0)];
        visit(ctx, icmp->name, count);
        if (count)
            visit(ctx, icmp->by_number, count); /* Linux tells of types that came, and no others */
    }
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

/* --- as files ------------------------------------------------------------------------------------------------------------------- */
struct counter_page {
    FILE *out;
    const char *group;
    bool wants_values, any;
};

/* "TcpActiveOpens" is "ActiveOpens" of "Tcp", "TcpExtListenDrops" "ListenDrops" of "TcpExt"; NULL: not of GROUP. */
static const char *in_group(const char *name, const char *group)
{
    static const char *const groups[] = {"IcmpMsg", "Icmp6", "Icmp", "UdpLite", "Udp6", "Udp", "TcpExt", "Tcp", "IpExt", "Ip6", "Ip"};
    for (unsigned i = 0; i < ARRAY_COUNT(groups); i++)
        if (strncmp(name, groups[i], strlen(groups[i])) == 0)
            return strcmp(groups[i], group) == 0 ? name + strlen(group) : NULL;
    return NULL;
}

static void put_in_line(void *ctx, const char *name, uint64_t value)
{
    struct counter_page *page = ctx;
    const char *rest = in_group(name, page->group);
    if (!rest)
        return;
    if (!page->any)
        fprintf(page->out, "%s:", page->group);
    page->any = true;
    if (page->wants_values)
        fprintf(page->out, " %llu", (unsigned long long)value);
    else
        fprintf(page->out, " %s", rest);
}

static void put_as_line(void *ctx, const char *name, uint64_t value)
{
    struct counter_page *page = ctx;
    if (in_group(name, page->group))
        fprintf(page->out, "%-32s\t%llu\n", name, (unsigned long long)value);
}

/* Of each group a line of names and one of values; snmp6: a line a counter. */
static void put_group(const struct lil_host *host, FILE *out, const char *group, bool a_line_each)
{
    struct counter_page page = {.out = out, .group = group};
    if (a_line_each) {
        lil_counter_each(host, put_as_line, &page);
        return;
    }
    for (int pass = 0; pass < 2; pass++) {
        page.wants_values = pass;
        page.any = false;
        lil_counter_each(host, put_in_line, &page);
        if (page.any)
            fputc('\n', out);
    }
}

char *host_counter_file(const struct lil_host *host, const char *name)
{
    static const struct { const char *name, *groups[6]; } files[] = {{"snmp", {"Ip", "Icmp", "IcmpMsg", "Tcp", "Udp"}},
                                                                     {"netstat", {"TcpExt", "IpExt"}},
                                                                     {"snmp6", {"Ip6", "Icmp6", "Udp6"}}};
    char *text = NULL;
    size_t length;
    unsigned i = 0;
    while (i < ARRAY_COUNT(files) && strcmp(files[i].name, name) != 0)
        i++;
    FILE *out = i < ARRAY_COUNT(files) ? open_memstream(&text, &length) : NULL;
    if (!out)
        return NULL;
    for (const char *const *group = files[i].groups; *group; group++)
        put_group(host, out, *group, strcmp(name, "snmp6") == 0);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
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
