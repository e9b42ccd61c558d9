/* tcp_info.c: TCP_INFO, as Linux fills struct tcp_info. */
#include <linux/tcp.h>
#include "tcp/tcb.h"

static uint8_t linux_state(const struct tcb *tcb)
{
    static const uint8_t map[] = {7 /* CLOSE */, 10 /* LISTEN */, 2, 3, 1, 4, 5, 8, 11, 9, 7 /* the socket is closed, a record waits */};
    static const uint8_t bsd[] = {0, 1, 2, 3, 4, 6, 9, 5, 7, 8, 10}; /* tcp_fsm.h */
    return tcb_params(tcb)->input_policy == TCP_INPUT_BSD ? bsd[tcb->state] : map[tcb->state];
}

uint8_t tcp_get_ecn(const struct tcb *tcb)
{
    if (tcb_params(tcb)->call_policy != TCP_CALLS_LINUX)
        return 0;
    bool is_without = tcb->state >= TCPS_ESTABLISHED && !tcb->ecn_ok; /* then DCTCP is Reno (dctcp_init()) */
    return cc_get(tcb)->needs_ecn && !is_without ? 2 : tcb_ext_peek(tcb)->sent_ecn;
}

void tcp_get_timer(const struct tcb *tcb, struct tcp_timer_view *view)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    *view = (struct tcp_timer_view){0};
    if (tcb->timer == TIMER_PERSIST)
        *view = (struct tcp_timer_view){4, ext->persist_backoff, tcb->rexmt_ns};
    else if (tcb->timer == TIMER_FIN_WAIT_2)
        *view = (struct tcp_timer_view){2, 0, tcb->rexmt_ns};
    else if (tcb->timer != TIMER_NONE)
        *view = (struct tcp_timer_view){1, tcb->retransmits, tcb->rexmt_ns};
    else if (ext->keep_ns)
        *view = (struct tcp_timer_view){2, ext->keep_probes_out, ext->keep_ns};
}

unsigned tcp_get_timers(const struct tcb *tcb, struct tcp_running_timer timers[TCP_RUNNING_TIMERS])
{
    static const char *const names[] = {
        [TIMER_SYN] = "SYN",          [TIMER_REXMT] = "retransmission", [TIMER_TLP] = "tail loss probe",
        [TIMER_REO] = "reordering",   [TIMER_PERSIST] = "window probe", [TIMER_FIN_WAIT_2] = "FIN-WAIT-2",
        [TIMER_RETRY] = "another try"};
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    bool connecting = tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_SYN_RECEIVED;
    const struct tcp_running_timer all[TCP_RUNNING_TIMERS] = {
        {names[tcb->timer], tcb->rexmt_ns},
        {"delayed ACK", connecting ? 0 : tcb->delack_ns}, /* the field is another then */
        {"compressed ACK", ext->compress_ns},
        {"pacing", ext->pacing_ns},
        {"keepalive", ext->keep_ns},
    };
    unsigned count = 0;
    for (unsigned i = 0; i < TCP_RUNNING_TIMERS; i++)
        if (all[i].expires_ns)
            timers[count++] = all[i];
    return count;
}

static void fill_times(const struct tcb *tcb, struct tcp_info *info)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    uint32_t now = tcb_now_ms(tcb);
    bool is_linux = tcb_params(tcb)->rto_policy == TCP_RTO_LINUX;
    info->tcpi_rto = is_linux ? tcb->rto_us : (uint32_t)(rtt_rto_ns(tcb) / NS_PER_US); /* TCP_RTO_MAX_MS bounds the timer */
    info->tcpi_ato = (is_linux ? min_u32(tcb->ato_ms, delack_longest_ms(tcb)) : tcb->ato_ms) * 1000u;
    info->tcpi_rtt = tcb->srtt_us >> 3;
    info->tcpi_rttvar = tcb->mdev_us >> 2;
    if (!is_linux)
        info->tcpi_rttvar = tcb->rttvar_us >> 2;
    info->tcpi_min_rtt = tcb->min_rtt_us;
    info->tcpi_rcv_rtt = ext->rcv_rtt_us >> 3;
    info->tcpi_last_data_sent = now - tcb->last_snd_ms;
    info->tcpi_last_data_recv = now - tcb->last_rcv_ms;
    info->tcpi_last_ack_recv = now - (tcb->ext ? ext->rcv_last_ms : tcb->last_rcv_ms);
}

static uint64_t since_us(const struct tcb *tcb, uint64_t total_ns, uint64_t start_ns)
{
    return (total_ns + (start_ns ? tcb_now(tcb) - min_u64(start_ns & ~1ull, tcb_now(tcb)) : 0)) / NS_PER_US;
}

static void fill_rates(const struct tcb *tcb, struct tcp_info *info)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    info->tcpi_busy_time = since_us(tcb, ext->busy_total_ns, ext->busy_ns);
    info->tcpi_rwnd_limited = since_us(tcb, ext->rwnd_total_ns, ext->rwnd_limited ? ext->rwnd_ns : 0);
    info->tcpi_sndbuf_limited = since_us(tcb, ext->sndbuf_total_ns, ext->sndbuf_ns);
    if (ext->rate_interval_ns)
        info->tcpi_delivery_rate = ext->rate_delivered * tcb->mss * 1000000 / max_u64(ext->rate_interval_ns / NS_PER_US, 1);
    info->tcpi_delivery_rate_app_limited = !ext->rate_is_network;
}

/* The handshake's segments, of a connection that has had no place to count them. */
uint32_t info_early_segs_out(const struct tcb *tcb)
{
    if (tcb->state == TCPS_SYN_SENT)
        return 1u + tcb->retransmits - tcb->want_syn;
    uint32_t segments = (tcb->is_passive ? 0 : 2u) + tcb->fin_rcvd; /* a SYN/ACK is its request's */
    return tcb_is_synchronized(tcb) && segments ? segments - (tcb->ack_now || tcb->ack_sched || tcb->acks_due) : 0;
}

uint32_t info_early_segs_in(const struct tcb *tcb)
{
    return tcb_is_synchronized(tcb) ? 1u + tcb->is_passive + tcb->fin_rcvd : tcb->is_passive;
}

bool info_was_synchronized(const struct tcb *tcb)
{
    return tcb_is_synchronized(tcb) || (tcb->state == TCPS_CLOSED && (tcb->srtt_us || tcb->last_rcv_ms));
}

static void fill_counts(const struct tcb *tcb, struct tcp_info *info)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    info->tcpi_unacked = tcb_packets_out(tcb);
    info->tcpi_sacked = ext->sacked_out;
    info->tcpi_lost = ext->lost_out;
    info->tcpi_retrans = ext->retrans_out;
    info->tcpi_total_retrans = ext->total_retrans;
    info->tcpi_bytes_acked = ext->bytes_acked + (info_was_synchronized(tcb) && !tcb->is_passive); /* the SYN counts */
    /* the FIN counts */
    info->tcpi_bytes_received = ext->bytes_received + (tcb->fin_rcvd && tcb_params(tcb)->call_policy == TCP_CALLS_LINUX);
    info->tcpi_segs_out = tcb->ext ? ext->segs_out : info_early_segs_out(tcb);
    info->tcpi_segs_in = tcb->ext ? ext->segs_in : info_early_segs_in(tcb);
    info->tcpi_data_segs_in = ext->data_segs_in;
    info->tcpi_data_segs_out = ext->data_segs_out;
    info->tcpi_notsent_bytes = tcb_snd_end(tcb) - seq_min(fastopen_syn_end(tcb), tcb_snd_end(tcb));
    info->tcpi_delivered = ext->delivered + info_was_synchronized(tcb); /* the SYN counts */
    info->tcpi_delivered_ce = ext->delivered_ce;
    info->tcpi_bytes_sent = ext->bytes_sent;
    info->tcpi_bytes_retrans = ext->bytes_retrans;
    info->tcpi_dsack_dups = ext->dsack_dups;
    info->tcpi_reord_seen = ext->reord_seen;
    info->tcpi_rcv_ooopack = ext->ooo_packets;
}

/* What Linux has added since the system's header ends. */
struct info_tail {
    uint32_t rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time, received_ce, delivered_bytes[3] /* e1, e0, ce */, received_bytes[3];
    /* as Linux 7.0 has them; 6.18: two of 16 bits, the modes first */
    uint32_t ecn_mode : 2, accecn_opt_seen : 2, accecn_fail_mode : 4, options2 : 24;
};
enum { ECN_MODE_DISABLED, ECN_MODE_RFC3168, ECN_MODE_ACCECN, ECN_MODE_PENDING };
enum { INFO_HEAD = INFO_SIZE - sizeof(struct info_tail), OPT_TFO_CHILD = 128 };
_Static_assert(offsetof(struct tcp_info, tcpi_snd_wnd) == INFO_HEAD - 4 && sizeof(struct info_tail) == 48, "as the kernel's");

static void fill_tail(const struct tcb *tcb, struct info_tail *tail)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    memset(tail, 0, sizeof *tail);
    tail->rcv_wnd = tcb_params(tcb)->call_policy == TCP_CALLS_LINUX ? tcb->rcv_wnd : tcb_receive_window(tcb);
    tail->total_rto = ext->total_rto;
    tail->total_rto_recoveries = ext->total_rto_recoveries;
    tail->total_rto_time = ext->total_rto_time_ms + (ext->rto_since_ms ? tcb_now_ms(tcb) - ext->rto_since_ms : 0);
    tail->rehash = ext->rehash;
    tail->received_ce = tcb_params(tcb)->byte_recovery ? bsd_ecn_received(tcb) : ext->accecn.received_ce;
    memcpy(tail->delivered_bytes, ext->accecn.delivered, sizeof tail->delivered_bytes);
    memcpy(tail->received_bytes, ext->accecn.received, sizeof tail->received_bytes);
    tail->accecn_fail_mode = ext->accecn.fail & 15;
    tail->ecn_mode = !tcb->ecn_ok                                         ? ECN_MODE_DISABLED
                     : ext->accecn.on                                     ? ECN_MODE_ACCECN
                     : ext->accecn.pending && tcb->state == TCPS_SYN_SENT ? ECN_MODE_PENDING
                                                                          : ECN_MODE_RFC3168;
    tail->accecn_opt_seen = ext->accecn.seen & 3;
}

/* What Linux would send before the peer's SYN says how much it takes: the least; with a fast open's text, what it said last or the
 * path takes. */
uint32_t info_opening_mss(const struct tcb *tcb)
{
    uint32_t most = tcb->opt->user_mss ? min_u32(tcb->opt->user_mss, tcb->advmss) : tcb->is_v4 ? 536 : 1220;
    if (tcb_ext_peek(tcb)->syn_data) {
        const struct fastopen_memo *memo = fastopen_recall(tcb->tcp, &tcb->flow.remote);
        most = min_u32(tcb->advmss, memo && memo->mss ? memo->mss : tcb->advmss);
    }
    if (tcb_ext_peek(tcb)->pmtu) /* ICMP told of it */
        most = min_u32(most, mss_of_mtu(tcb->tcp, tcb->is_v4, tcb->ext->pmtu));
    return most - (tcb_params(tcb)->offer_timestamps ? 12 : 0);
}

/* Linux: connect() has seen no SYN of the peer, and goes on or failed before that. */
bool info_is_unanswered(const struct tcb *tcb)
{
    bool has_failed = tcb->state == TCPS_CLOSED && tcb->mss && !tcb->max_window && !tcb->is_passive;
    return tcb_params(tcb)->call_policy == TCP_CALLS_LINUX && (tcb->state == TCPS_SYN_SENT || has_failed);
}

static void fill_opening_sizes(const struct tcb *tcb, struct tcp_info *info)
{
    info->tcpi_snd_mss = info_opening_mss(tcb);
    info->tcpi_rcv_mss = min_u32(tcb->rcv_mss, info->tcpi_snd_mss);
}

/* Linux before the handshake of an active open ends: the SYN, or the SYN/ACK of a simultaneous open, is in flight, and nothing
 * is measured yet. */
static void fill_opening(const struct tcb *tcb, struct tcp_info *info)
{
    if (tcb->state == TCPS_SYN_SENT) {
        fill_opening_sizes(tcb, info);
        info->tcpi_rcv_ssthresh = tcb->rcv_wnd;
    }
    info->tcpi_unacked = 1u + tcb_ext_peek(tcb)->syn_data + tcb_packets_out(tcb); /* with a fast open's text */
    info->tcpi_rcv_space = tcb_ext_peek(tcb)->space_bytes; /* an earlier connection's */
}

int info_get(struct tcb *tcb, void *value, unsigned *length)
{
    struct tcp_info info;
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    memset(&info, 0, sizeof info);
    info.tcpi_state = linux_state(tcb);
    info.tcpi_ca_state = tcb->ca_state;
    info.tcpi_retransmits = tcb->retransmits;
    info.tcpi_probes = ext->keep_probes_out;
    info.tcpi_backoff = tcb->timer == TIMER_PERSIST && ext->persist_backoff ? ext->persist_backoff : tcb->backoff;
    if (tcb->ts_ok)
        info.tcpi_options |= TCPI_OPT_TIMESTAMPS;
    if (tcb->sack_ok)
        info.tcpi_options |= TCPI_OPT_SACK;
    if (tcb->wscale_ok) {
        info.tcpi_options |= TCPI_OPT_WSCALE;
        info.tcpi_snd_wscale = tcb->snd_wscale;
        info.tcpi_rcv_wscale = tcb->rcv_wscale;
    }
    info.tcpi_options |= (tcb->ecn_ok ? TCPI_OPT_ECN : 0) | (tcb->ecn_seen ? TCPI_OPT_ECN_SEEN : 0);
    if (ext->syn_data_acked)
        info.tcpi_options |= TCPI_OPT_SYN_DATA;
    if (ext->fastopen_child && tcb_params(tcb)->call_policy == TCP_CALLS_LINUX)
        info.tcpi_options |= OPT_TFO_CHILD;
    fill_times(tcb, &info);
    fill_counts(tcb, &info);
    fill_rates(tcb, &info);
    /* a new socket has these already */
    bool is_unborn = tcb->state == TCPS_CLOSED && !tcb->mss && tcb_params(tcb)->call_policy == TCP_CALLS_LINUX;
    info.tcpi_snd_mss = is_unborn ? 536 : tcb->mss;
    info.tcpi_rcv_mss = tcb->rcv_mss;
    /* ours, not what the peer takes */
    info.tcpi_pmtu = is_unborn ? 0 : ext->pmtu ? ext->pmtu : mss_path_mtu(tcb);
    info.tcpi_rcv_ssthresh = tcb->rcv_ssthresh;
    info.tcpi_snd_ssthresh = tcb->ssthresh;
    info.tcpi_snd_cwnd = is_unborn ? tcb_params(tcb)->initial_window : tcb->cwnd;
    info.tcpi_advmss = tcb->advmss - (tcb->ts_ok && info_was_synchronized(tcb) ? 12 : 0);
    info.tcpi_reordering = tcb->ext ? ext->reordering : recovery_first_reordering(tcb);
    uint32_t begun = info_was_synchronized(tcb) ? tcb->rcv_ssthresh : tcb->rcv_wnd;
    uint32_t first = ext->fastopen_child ? tcb->advmss : info.tcpi_advmss;
    info.tcpi_rcv_space = ext->space_bytes ? ext->space_bytes : min_u32(begun, 10 * first);
    uint64_t most = tcb->opt->socket.max_pacing_rate;
    info.tcpi_max_pacing_rate = !most ? UINT64_MAX : most == UINT64_MAX ? 0 : most;
    bool has_rate = tcb_params(tcb)->pacing_ss_ratio && (info_was_synchronized(tcb) || ext->rate);
    info.tcpi_pacing_rate = has_rate ? cwnd_pacing_rate(tcb) : most ? info.tcpi_max_pacing_rate : UINT64_MAX;
    info.tcpi_snd_wnd = tcb->snd_wnd - fastopen_is_pending_child(tcb);
    bool is_opening = (tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_SYN_RECEIVED) && !tcb->is_passive;
    if (is_opening && tcb_params(tcb)->call_policy == TCP_CALLS_LINUX)
        fill_opening(tcb, &info);
    else if (info_is_unanswered(tcb))
        fill_opening_sizes(tcb, &info); /* as it was */
    uint8_t bytes[INFO_HEAD + sizeof(struct info_tail) + sizeof(struct bsd_info)];
    struct info_tail tail;
    struct bsd_info more;
    unsigned size = INFO_HEAD + sizeof tail;
    fill_tail(tcb, &tail);
    if (tcb_params(tcb)->call_policy == TCP_CALLS_BSD) {
        bsd_info(tcb, &info, &more);
        memcpy(bytes + size, &more, sizeof more);
        size += sizeof more;
    }
    memcpy(bytes, &info, INFO_HEAD);
    bytes[7] = (uint8_t)(bytes[7] | ext->fastopen_fail << 1); /* tcpi_fastopen_client_fail */
    memcpy(bytes + INFO_HEAD, &tail, sizeof tail);
    *length = min_u32(*length, size);
    memcpy(value, bytes, *length);
    return 0;
}
