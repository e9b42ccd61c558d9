/* tcp_metrics.c: what Linux's connections leave of a peer for the next (RFC 9040 2, its tcp_metrics): the round trip, which makes the
 * first RTO longer; the reordering met; the window and, unless tcp_no_ssthresh_metrics_save, the threshold. Saved where a connection ends
 * in order: with TIME-WAIT, an orphan's FIN-WAIT-2, or LAST-ACK's end. Fast open's cookies (tcp_fastopen.c) are told and forgotten with
 * them. */
#include "tcp/tcb.h"

enum { KEPT_S = 3600, INFINITE = INT32_MAX };

static uint32_t save_threshold(const struct tcb *tcb, uint32_t known)
{
    bool slow = tcb->cwnd < tcb->ssthresh;
    if (tcb->ssthresh >= INFINITE)
        return known && tcb->cwnd >> 1 > known ? tcb->cwnd >> 1 : known;
    if (!slow && tcb->ca_state == CA_OPEN)
        return max_u32(tcb->cwnd >> 1, tcb->ssthresh);
    return known && tcb->ssthresh > known ? tcb->ssthresh : known;
}

static uint32_t save_window(const struct tcb *tcb, uint32_t known)
{
    if (tcb->ssthresh >= INFINITE)
        return max_u32(tcb->cwnd, known);
    return (known + (tcb->cwnd >= tcb->ssthresh && tcb->ca_state == CA_OPEN ? tcb->cwnd : tcb->ssthresh)) >> 1;
}

static void save_reordering(const struct tcb *tcb, struct host_metrics *metrics)
{
    uint32_t met = tcb_ext_peek(tcb)->reordering;
    bool is_open = tcb->ssthresh >= INFINITE || (tcb->cwnd >= tcb->ssthresh && tcb->ca_state == CA_OPEN);
    if (!is_open && met > metrics->reordering && met != max_u32(tcb_params(tcb)->reordering, 1))
        metrics->reordering = met;
}

/* A longer round trip counts at once, a shorter one by an eighth; the variation likewise, by a quarter. */
static void save_rtt(const struct tcb *tcb, struct host_metrics *metrics)
{
    int32_t change = (int32_t)(metrics->srtt_us - tcb->srtt_us);
    metrics->srtt_us = change <= 0 ? tcb->srtt_us : metrics->srtt_us - ((uint32_t)change >> 3);
    uint32_t variation = max_u32((uint32_t)(change < 0 ? -change : change) >> 1, tcb->mdev_us);
    metrics->rttvar_us = variation >= metrics->rttvar_us ? variation : metrics->rttvar_us - ((metrics->rttvar_us - variation) >> 2);
}

void metrics_save(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    if (!tcp->params.metrics || tcp->params.no_metrics_save)
        return;
    struct host_metrics *metrics = host_metrics_find(tcp, &tcb->flow.remote);
    if (tcb->backoff || !tcb->srtt_us) { /* it found none: no packet came back in time */
        if (metrics)
            metrics->srtt_us = 0;
        return;
    }
    if (!metrics)
        metrics = host_metrics_make(tcp, &tcb->flow.remote);
    metrics->local = tcb->flow.local;
    save_rtt(tcb, metrics);
    if (!tcp->params.no_ssthresh_save)
        metrics->ssthresh = save_threshold(tcb, metrics->ssthresh);
    metrics->cwnd = save_window(tcb, metrics->cwnd);
    save_reordering(tcb, metrics);
    metrics->from_ns = tcp->now_ns;
    metrics->until_ns = tcp->now_ns + KEPT_S * NS_PER_S;
}

void metrics_save_of_waiter(struct tcb *tcb)
{
    if (tcb->is_fin_waiter)
        metrics_save(tcb);
}

/* The handshake is over; RFC 6298 has no word on what was known before: only the first RTO takes it, until text was timed. */
void metrics_apply(struct tcb *tcb)
{
    const struct host_metrics *metrics = tcb_params(tcb)->metrics ? host_metrics_find(tcb->tcp, &tcb->flow.remote) : NULL;
    if (!metrics)
        return;
    if (metrics->ssthresh && !tcb_params(tcb)->no_ssthresh_save)
        tcb->ssthresh = min_u32(metrics->ssthresh, tcb->ext ? tcb->ext->cwnd_clamp : UINT32_MAX);
    if (metrics->reordering && tcb_ext_get(tcb))
        tcb->ext->reordering = metrics->reordering;
    if (metrics->srtt_us > tcb->srtt_us && !tcb_ext_peek(tcb)->fastopen_child) {
        uint32_t rtt_us = metrics->srtt_us >> 3;
        tcb->rto_us = rtt_us + max_u32(2 * rtt_us, rtt_rto_min_us(tcb));
    }
}

/* A peer that has answered before (tcp_peer_is_proven). */
bool metrics_are_known(struct tcp *tcp, const struct addr *remote)
{
    const struct host_metrics *metrics = tcp->params.metrics ? host_metrics_find(tcp, remote) : NULL;
    return metrics && metrics->srtt_us;
}

static void add_cookie(struct tcp_metrics *told, const struct fastopen_memo *memo)
{
    told->fastopen_mss = memo->mss;
    told->cookie_length = memo->length;
    memcpy(told->cookie, memo->cookie, sizeof told->cookie);
}

void tcp_metrics_each(struct tcp *tcp, void (*tell)(void *ctx, const struct tcp_metrics *metrics), void *ctx)
{
    for (unsigned i = 0; i < tcp->host_cache_used; i++) {
        const struct host_metrics *host = &tcp->host_cache[i];
        const struct fastopen_memo *memo = fastopen_recall(tcp, &host->remote);
        if (host->until_ns <= tcp->now_ns)
            continue;
        struct tcp_metrics told = {.remote = host->remote,
                                   .local = host->local,
                                   .stamp_ns = host->from_ns,
                                   .srtt_us = host->srtt_us,
                                   .rttvar_us = host->rttvar_us,
                                   .ssthresh = host->ssthresh,
                                   .cwnd = host->cwnd,
                                   .reordering = host->reordering};
        if (memo)
            add_cookie(&told, memo);
        tell(ctx, &told);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(tcp->fastopen_cache); i++) {
        const struct fastopen_memo *memo = &tcp->fastopen_cache[i];
        if (!memo->mss || host_metrics_find(tcp, &memo->remote))
            continue;
        struct tcp_metrics told = {.remote = memo->remote, .local = memo->local, .stamp_ns = memo->stamp_ns};
        add_cookie(&told, memo);
        tell(ctx, &told);
    }
}

unsigned tcp_metrics_forget(struct tcp *tcp, const struct addr *remote)
{
    unsigned count = 0;
    for (unsigned i = 0; i < tcp->host_cache_used; i++)
        if (tcp->host_cache[i].until_ns > tcp->now_ns && (!remote || addr_equal(&tcp->host_cache[i].remote, remote))) {
            tcp->host_cache[i].until_ns = 0;
            count++;
        }
    for (unsigned i = 0; i < ARRAY_COUNT(tcp->fastopen_cache); i++)
        if (tcp->fastopen_cache[i].mss && (!remote || addr_equal(&tcp->fastopen_cache[i].remote, remote))) {
            tcp->fastopen_cache[i] = (struct fastopen_memo){0};
            count++;
        }
    return count;
}
