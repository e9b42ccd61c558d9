/* tcp_hostcache.c: what closed connections learnt of a host, for new ones (RFC 9040 2, FreeBSD's tcp_hostcache.c): the round trip and
 * the slow start threshold; the path's MTU is the host's (ip/pmtu.c). Entries expire; a full table gives the oldest's place away. */
#include "tcp/tcb.h"

enum { LEAST_SAMPLES = 4, PRUNE_S = 300 /* hostcache.prune */ };

struct host_metrics *host_metrics_find(struct tcp *tcp, const struct addr *remote)
{
    for (unsigned i = 0; i < tcp->host_cache_used; i++)
        if (tcp->host_cache[i].until_ns > tcp->now_ns && addr_equal(&tcp->host_cache[i].remote, remote))
            return &tcp->host_cache[i];
    return NULL;
}

struct host_metrics *host_metrics_make(struct tcp *tcp, const struct addr *remote)
{
    struct host_metrics *oldest = tcp->host_cache;
    if (tcp->host_cache_used < ARRAY_COUNT(tcp->host_cache))
        oldest = &tcp->host_cache[tcp->host_cache_used++];
    for (unsigned i = 0; i < tcp->host_cache_used; i++)
        if (tcp->host_cache[i].until_ns < oldest->until_ns)
            oldest = &tcp->host_cache[i];
    *oldest = (struct host_metrics){.remote = *remote};
    return oldest;
}

/* tcp_hc_purge(): every five minutes, from the start or the last purge, an entry loses as much; what had nothing left then goes. */
static uint64_t kept_until_ns(const struct tcp *tcp, uint64_t from_ns)
{
    const uint64_t round_ns = PRUNE_S * NS_PER_S, since_ns = from_ns - min_u64(from_ns, tcp->host_cache_purged_ns);
    uint64_t rounds = (tcp->params.host_cache_s + PRUNE_S - 1) / PRUNE_S;
    return tcp->host_cache_purged_ns + (since_ns / round_ns + 1 + rounds) * round_ns;
}

static uint32_t mean(uint32_t known, uint32_t now)
{
    return known && now ? (uint32_t)(((uint64_t)known + now) / 2) : known | now;
}

/* In whole packets with their headers, as there; 0: none was set, or the send buffer is the narrower place. */
static uint32_t threshold(const struct tcb *tcb)
{
    uint32_t ssthresh = tcb_ext_peek(tcb)->base.ssthresh, size = max_u32(tcb->mss + tcb_ts_bytes(tcb), 1);
    if (ssthresh >= tcb->sndbuf / 2)
        return 0;
    return max_u32((ssthresh + size / 2) / size, 2) * (size + tcb_headers(tcb));
}

void hostcache_save(struct tcb *tcb, uint64_t wait_ms)
{
    struct tcp *tcp = tcb->tcp;
    const struct base_recovery *base = &tcb_ext_peek(tcb)->base;
    if (base->cwnd == 0 || base->rtt_count < LEAST_SAMPLES)
        return;
    struct host_metrics *metrics = host_metrics_find(tcp, &tcb->flow.remote);
    if (!metrics)
        metrics = host_metrics_make(tcp, &tcb->flow.remote);
    metrics->srtt_us = mean(metrics->srtt_us, tcb->srtt_us);
    metrics->rttvar_us = mean(metrics->rttvar_us, tcb->rttvar_us);
    metrics->ssthresh = mean(metrics->ssthresh, threshold(tcb));
    metrics->from_ns = tcp->now_ns + wait_ms * NS_PER_MS;
    metrics->until_ns = kept_until_ns(tcp, metrics->from_ns);
}

const struct host_metrics *hostcache_find(struct tcp *tcp, const struct addr *remote)
{
    struct host_metrics *metrics = tcp->params.host_cache ? host_metrics_find(tcp, remote) : NULL;
    if (!metrics || metrics->from_ns > tcp->now_ns)
        return NULL;
    metrics->until_ns = kept_until_ns(tcp, tcp->now_ns);
    return metrics;
}

unsigned tcp_host_cache_count(const struct tcp *tcp, uint64_t now_ns)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(tcp->host_cache); i++)
        count += tcp->host_cache[i].until_ns > now_ns && tcp->host_cache[i].from_ns <= now_ns;
    return count;
}

void tcp_flush_host_cache(struct tcp *tcp, uint64_t now_ns)
{
    memset(tcp->host_cache, 0, sizeof tcp->host_cache);
    tcp->host_cache_purged_ns = now_ns;
}
