/* tcp_cwnd.c: how the congestion window moves around a loss (PRR, RFC 6937), when it was not used (RFC 7661), after idleness
 * (RFC 5681 4.1), and pacing. */
#include "tcp/tcb.h"

void cwnd_init(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext->cc_ready)
        return;
    const struct cc_ops *cc = cc_get(tcb);
    ext->cc_ready = true;
    memset(ext->cc_private, 0, sizeof ext->cc_private);
    if (cc->init)
        cc->init(tcb);
    if (cc->control)
        ext->is_paced = true; /* and stays so, as Linux's sk_pacing_status does */
}

/* An algorithm with a rate, or that counts marks, begins with the connection; the others do with the first ACK. */
COLD void cwnd_begin_control(struct tcb *tcb)
{
    if (tcb_ext_get(tcb))
        cwnd_init(tcb);
}

/* Behind the ACK that ends a handshake: Linux's algorithms begin only there, and DCTCP does not count that one. */
void cwnd_begin_marks(struct tcb *tcb)
{
    if (!cc_has_ecn(tcb) || !tcb_ext_peek(tcb)->cc_ready)
        return;
    tcb->ext->cc_ready = false;
    cwnd_init(tcb);
}

/* TCP_CONGESTION on a connection: the algorithm begins anew (tcp_reinit_congestion_control). */
void cwnd_change(struct tcb *tcb)
{
    if (!tcb_is_synchronized(tcb))
        return;
    if (tcb->ext && tcb->ext->cc_ready) {
        cwnd_hold_rate(tcb);
        tcb->ext->prior_ssthresh = 0;
        tcb->ext->cc_ready = false;
        cwnd_init(tcb);
    }
    cwnd_begin(tcb);
}

/* Transmission starts with nothing in flight. */
void cwnd_on_idle(struct tcb *tcb)
{
    if (cc_get(tcb)->on_idle && tcb->ext->cc_ready)
        cc_get(tcb)->on_idle(tcb);
}

uint32_t cwnd_current_ssthresh(const struct tcb *tcb)
{
    if (tcb->ca_state == CA_CWR || tcb->ca_state == CA_RECOVERY)
        return tcb->ssthresh;
    return max_u32(tcb->ssthresh, (tcb->cwnd >> 1) + (tcb->cwnd >> 2));
}

void cwnd_begin_reduction(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    cwnd_init(tcb);
    ext->high_seq = tcb->snd_nxt;
    ext->tlp_high_seq = 0;
    ext->cwnd_cnt = 0;
    ext->prior_cwnd = tcb->cwnd;
    ext->prr_delivered = ext->prr_out = 0;
    tcb->ssthresh = cc_get(tcb)->ssthresh(tcb);
    tcb->ecn_queue_cwr = tcb->ecn_ok && !ext->accecn.on;
}

/* RFC 6937 3: proportional while above ssthresh, then slow-start-like up to it; the first retransmission goes in any case. */
void cwnd_reduce(struct tcb *tcb, uint32_t delivered, uint32_t lost, bool una_advanced)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t flight = tcb_in_flight(tcb);
    int64_t delta = (int64_t)tcb->ssthresh - flight, send;
    if (delivered == 0 || ext->prior_cwnd == 0)
        return;
    ext->prr_delivered += delivered;
    if (delta < 0) {
        uint64_t dividend = (uint64_t)tcb->ssthresh * ext->prr_delivered + ext->prior_cwnd - 1;
        send = (int64_t)(dividend / ext->prior_cwnd) - ext->prr_out;
    } else {
        send = (int64_t)ext->prr_delivered - ext->prr_out;
        if (send < (int64_t)delivered)
            send = delivered;
        if (una_advanced && lost == 0)
            send++;
        if (send > delta)
            send = delta;
    }
    if (send < (ext->prr_out ? 0 : 1))
        send = ext->prr_out ? 0 : 1;
    tcb->cwnd = flight + (uint32_t)send;
}

void cwnd_end_reduction(struct tcb *tcb)
{
    if (!cc_get(tcb)->control && tcb->ssthresh < INT32_MAX && (tcb->ca_state == CA_CWR || tcb->ext->undo_marker)) {
        tcb->cwnd = tcb->ssthresh;
        tcb->ext->cwnd_stamp_ns = tcb_now(tcb);
    }
}

static uint32_t initial_cwnd(const struct tcb *tcb)
{
    uint32_t of_route = tcb->opt->path.initcwnd, initial = of_route ? of_route : tcb_params(tcb)->initial_window;
    return initial ? initial : 1;
}

static void application_limited(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb->ca_state == CA_OPEN && !tcb->want_space) {
        uint32_t used = max_u32(ext->cwnd_used, initial_cwnd(tcb));
        if (used < tcb->cwnd) {
            cwnd_hold_rate(tcb);
            tcb->ssthresh = cwnd_current_ssthresh(tcb);
            tcb->cwnd = (tcb->cwnd + used) >> 1;
        }
        ext->cwnd_used = 0;
    }
    ext->cwnd_stamp_ns = tcb_now(tcb);
}

void cwnd_validate(struct tcb *tcb, bool is_limited)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = tcb_packets_out(tcb);
    if (seq_ge(tcb->snd_una, ext->max_packets_seq) || is_limited || (!ext->is_cwnd_limited && packets > ext->max_packets_out)) {
        ext->is_cwnd_limited = is_limited;
        ext->max_packets_out = packets;
        ext->max_packets_seq = tcb->snd_nxt;
    }
    if (cc_is_cwnd_limited(tcb)) {
        ext->cwnd_used = 0;
        ext->cwnd_stamp_ns = tcb_now(tcb);
        return;
    }
    if (packets > ext->cwnd_used)
        ext->cwnd_used = packets;
    if (tcb->want_space && !ext->sndbuf_ns && !tcb_has_unsent(tcb))
        ext->sndbuf_ns = tcb_now(tcb);
    if (tcb_params(tcb)->slow_start_after_idle && tcb_now(tcb) - ext->cwnd_stamp_ns >= rtt_rto_ns(tcb) && !cc_get(tcb)->control)
        application_limited(tcb);
}

/* After an RTO of silence the window is worth less with each further RTO. */
void cwnd_restart(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (params->byte_recovery) {
        base_check_idle(tcb);
        return;
    }
    if (!params->slow_start_after_idle || cc_get(tcb)->control || tcb_packets_out(tcb) || !tcb_is_synchronized(tcb))
        return;
    int64_t delta = (int64_t)(tcb_now_ms(tcb) - tcb->last_snd_ms), rto = (int64_t)(rtt_rto_ns(tcb) / NS_PER_MS);
    if (rto == 0 || delta <= rto)
        return;
    cwnd_init(tcb);
    cwnd_hold_rate(tcb);
    uint32_t restart = min_u32(initial_cwnd(tcb), tcb->cwnd), cwnd = tcb->cwnd;
    tcb->ssthresh = cwnd_current_ssthresh(tcb);
    while ((delta -= rto) > 0 && cwnd > restart)
        cwnd >>= 1;
    tcb->cwnd = max_u32(cwnd, restart);
    tcb->ext->cwnd_stamp_ns = tcb_now(tcb);
    tcb->ext->cwnd_used = 0;
    if (params->output_policy != TCP_OUTPUT_LINUX) /* asked for each segment: once */
        tcb->last_snd_ms = tcb_now_ms(tcb);
}

/* Twice the window a round trip in slow start, 1.2 times it later (ip-sysctl tcp_pacing_ss_ratio, tcp_pacing_ca_ratio),
 * as of the last ACK. */
uint64_t cwnd_pacing_rate(const struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t most = tcb->opt->socket.max_pacing_rate, rate = tcb_ext_peek(tcb)->rate;
    if (!rate) {
        uint64_t factor = tcb->cwnd < tcb->ssthresh / 2 ? params->pacing_ss_ratio : params->pacing_ca_ratio;
        rate = (uint64_t)tcb->mss * 80000 * factor * max_u32(tcb->cwnd, tcb_packets_out(tcb));
        if (tcb->srtt_us)
            rate /= tcb->srtt_us;
    }
    return most == UINT64_MAX ? 0 : most ? min_u64(rate, most) : rate;
}

/* Linux: the rate of a connection that we opened comes of the SYN/ACK, before the route's initcwnd counts. */
COLD void cwnd_hold_opening_rate(struct tcb *tcb)
{
    uint32_t cwnd = tcb->cwnd;
    if (cwnd == tcb_params(tcb)->initial_window || !tcb_ext_get(tcb))
        return;
    tcb->cwnd = tcb_params(tcb)->initial_window;
    cwnd_hold_rate(tcb);
    tcb->cwnd = cwnd;
}

void cwnd_hold_rate(struct tcb *tcb)
{
    if (!tcb->ext->rate && tcb_params(tcb)->pacing_ss_ratio)
        tcb->ext->rate = cwnd_pacing_rate(tcb);
}

/* Pacing, where a rate is set, the algorithm has one or pacing is on: the next chunk waits until this one has left at
 * the rate; one that left late makes up for half of its time at most. The first ten segments are free (Linux: as sch_fq
 * has it). */
void cwnd_pace(struct tcb *tcb, uint32_t bytes, bool more)
{
    struct tcb_ext *ext = tcb->ext;
    uint64_t now = tcb_now(tcb), earliest = ext->wstamp_ns;
    ext->wstamp_ns = max_u64(now, earliest);
    if (!cwnd_is_paced(tcb))
        return;
    if (!ext->paced_bytes)
        ext->paced_credit_ns = ext->wstamp_ns - earliest;
    ext->paced_bytes += bytes;
    if (more) /* a chunk leaves whole */
        return;
    uint64_t rate = cwnd_pacing_rate(tcb);
    if (rate && ext->data_segs_out >= CWND_FREE_SEGMENTS) {
        uint64_t length_ns = ext->paced_bytes * NS_PER_S / rate;
        ext->wstamp_ns += length_ns - min_u64(length_ns / 2, ext->paced_credit_ns);
        if (ext->wstamp_ns > now) {
            ext->pacing_ns = ext->wstamp_ns;
            timer_arm(tcb, ext->pacing_ns);
        }
    }
    ext->paced_bytes = 0;
}

/* The time of the next chunk has come. What waited goes on: also what was held back until the next ACK (tcp_tsq_write). */
void cwnd_pacing_timer(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    ext->pacing_ns = 0;
    ext->nothing_new = false; /* whatever came in this instant */
    if (tcb_has_unsent(tcb))
        ext->rexmit_hold = ext->frto_new = false;
    tcb_mark_due(tcb);
}

/* --- chunks: what Linux gives the device in one piece (TSO, GSO) shows in PSH and in when segments leave ------------------ */

/* tcp_tso_autosize: about a millisecond of the pacing rate, more where the round trip is short (tso_rtt_log); at least min_tso_segs. */
uint32_t cwnd_chunk_segs(const struct tcb *tcb)
{
    enum { MOST = 65536 - 321 /* headers' room */ };
    const struct tcp_params *params = tcb_params(tcb);
    if (__builtin_expect(tcb->is_guarded, 0) && tcb_is_signed(tcb)) /* each segment has a signature of its own */
        return 1;
    uint32_t rtt_shift = tcb->min_rtt_us >> min_u32(params->tso_rtt_log, 31), mss = max_u32(tcb->mss, 1);
    uint64_t bytes = cwnd_pacing_rate(tcb) >> 10;
    if (rtt_shift < 32)
        bytes += (uint64_t)MOST >> rtt_shift;
    const struct cc_ops *cc = cc_get(tcb);
    uint32_t least = cc->min_tso_segs ? cc->min_tso_segs(tcb) : params->min_tso_segs;
    return max_u32((uint32_t)min_u64(bytes, MOST) / mss, max_u32(least, 1));
}

/* LIMIT bytes that the windows let out are too few for a chunk, and the next ACK, which will let out more, is near. */
bool cwnd_waits_for_ack(const struct tcb *tcb, uint32_t limit, uint32_t chunk_segs)
{
    uint32_t divisor = tcb_params(tcb)->tso_win_divisor;
    bool is_large = divisor ? limit >= min_u32(tcb->snd_wnd, tcb->cwnd * tcb->mss) / divisor : limit > 3u * tcb->mss;
    if (limit >= chunk_segs * tcb->mss || is_large || tcb->ca_state >= CA_RECOVERY || tcb_packets_out(tcb) == 0)
        return false;
    uint64_t srtt_ns = (uint64_t)tcb->srtt_us * (NS_PER_US / 8), ack_ns = txring_at(tcb->tx, 0)->sent_ns + srtt_ns;
    return ack_ns <= tcb_now(tcb) + min_u64(srtt_ns / 2, NS_PER_MS);
}

/* tcp_tso_should_defer: a short chunk waits for the ACKs that will soon make it a longer one. Asked where what left last was just now. */
bool cwnd_defers_chunk(struct tcb *tcb, uint32_t bytes, bool last, uint32_t chunk_segs, bool *by_window)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t send_win = tcb->snd_una + tcb->snd_wnd - tcb->snd_nxt, cong_win = (tcb->cwnd - tcb_in_flight(tcb)) * tcb->mss;
    uint32_t limit = min_u32(send_win, cong_win);
    if ((!last && limit >= bytes) || !cwnd_waits_for_ack(tcb, limit, chunk_segs))
        return false;
    if (cong_win < send_win) {
        if (cong_win <= bytes)
            return ext->cwnd_limited = true;
    } else if (send_win <= bytes) {
        return *by_window = true;
    }
    return !(tcb->fin_queued && last);
}

/* FreeBSD (sendbuf_auto): 8 kB more when the buffer is nearly full, the peer's window is larger and ours lets all of it out. */
COLD static void expand_bsd(struct tcb *tcb)
{
    const struct base_recovery *base = &tcb_ext_peek(tcb)->base;
    uint32_t used = (uint32_t)stream_length(tcb->snd_stream), window = min_u32(tcb->snd_wnd, base->cwnd),
             unsent = used - (tcb->snd_nxt - tcb->snd_una);
    if (tcb->snd_wnd / 4 * 5 >= tcb->sndbuf && used >= tcb->sndbuf / 8 * 7 && used < tcb_params(tcb)->sndbuf_max && window >= unsent)
        tcb->sndbuf = min_u32(tcb->sndbuf + 8192, tcb_params(tcb)->sndbuf_max);
}

/* Linux's tcp_sndbuf_expand: room for two windows, or as many as the algorithm wants. */
void sndbuf_expand(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (!params->autotune_sndbuf || tcb->opt->socket.sndbuf)
        return;
    if (params->byte_recovery) {
        expand_bsd(tcb);
        return;
    }
    uint32_t with_headers = max_u32(tcb->mss, tcb->mss_clamp) + 640, per_mss = (2u << (31 - __builtin_clz(with_headers - 1))) + 256;
    uint32_t reordering = tcb->ext ? tcb->ext->reordering : recovery_first_reordering(tcb);
    uint32_t segments = max_u32(max_u32(10, tcb->cwnd), reordering + 1), own = cc_get(tcb)->sndbuf_windows;
    uint64_t bytes = (uint64_t)(own ? own : 2) * per_mss * segments;
    if (tcb->sndbuf < bytes)
        tcb->sndbuf = (uint32_t)min_u64(bytes, params->sndbuf_max);
}
