/* tcp_rtt.c: the round-trip estimate and the retransmission timeout (RFC 9293 3.8.1, RFC 6298), with the historic variants:
 * BSD's ticks (Van Jacobson 1988), RFC 793's beta * srtt (4.2BSD), Linux's floor under the deviation. */
#include "tcp/tcb.h"

enum { SAMPLE_MAX = 0x0fffffff };

uint32_t rtt_rto_min_us(const struct tcb *tcb)
{
    uint32_t own = tcb->opt->rto_min_ms;
    return (own ? own : tcb_params(tcb)->rto_min_ms) * 1000;
}

/* RFC 6298 2.1: before a measurement RTO is the initial one (1 s; 3 s on old stacks). */
void rtt_init(struct tcb *tcb)
{
    tcb->srtt_us = 0;
    tcb->rto_us = tcb_params(tcb)->rto_initial_ms * 1000;
    tcb->mdev_us = tcb->rto_us;
    tcb->mdev_max_us = tcb->rttvar_us = tcb->rto_us;
    tcb->min_rtt_us = UINT32_MAX;
}

/* Linux: the variance follows the largest deviation of a round trip and has a floor of rto_min. */
static void sample_linux(struct tcb *tcb, uint32_t m)
{
    if (tcb->srtt_us == 0) {
        tcb->srtt_us = m << 3;
        tcb->mdev_us = m << 1;
        tcb->rttvar_us = max_u32(tcb->mdev_us, rtt_rto_min_us(tcb));
        tcb->mdev_max_us = tcb->rttvar_us;
        return;
    }
    int64_t error = (int64_t)m - (tcb->srtt_us >> 3);
    tcb->srtt_us = (uint32_t)max_u64(tcb->srtt_us + error, 1);
    if (error < 0) {
        error = -error - (tcb->mdev_us >> 2);
        if (error > 0) /* a falling RTT does not raise the deviation as fast */
            error >>= 3;
    } else {
        error -= tcb->mdev_us >> 2;
    }
    tcb->mdev_us = (uint32_t)(tcb->mdev_us + error);
    if (tcb->mdev_us > tcb->mdev_max_us) {
        tcb->mdev_max_us = tcb->mdev_us;
        tcb->rttvar_us = max_u32(tcb->rttvar_us, tcb->mdev_max_us);
    }
    if (tcb->ext && seq_gt(tcb->snd_una, tcb->ext->rtt_seq)) {
        if (tcb->mdev_max_us < tcb->rttvar_us)
            tcb->rttvar_us -= (tcb->rttvar_us - tcb->mdev_max_us) >> 2;
        tcb->ext->rtt_seq = tcb->snd_nxt;
        tcb->mdev_max_us = rtt_rto_min_us(tcb);
    }
}

/* RFC 6298 2.2, 2.3: alpha 1/8, beta 1/4. */
static void sample_6298(struct tcb *tcb, uint32_t m)
{
    if (tcb->srtt_us == 0) {
        tcb->srtt_us = m << 3;
        tcb->rttvar_us = m << 1; /* R/2, kept times 4 */
        return;
    }
    int64_t error = (int64_t)m - (tcb->srtt_us >> 3);
    tcb->srtt_us = (uint32_t)(tcb->srtt_us + error);
    error = error < 0 ? -error : error;
    tcb->rttvar_us = (uint32_t)(tcb->rttvar_us + error - (tcb->rttvar_us >> 2));
}

/* RFC 793 3.7: srtt = alpha * srtt + (1 - alpha) * rtt; 4.2 and 4.3BSD: alpha 0.9. In ticks, the running one included. */
static void sample_bsd42(struct tcb *tcb, uint32_t ticks, uint32_t tick_us)
{
    uint32_t m = ticks * tick_us << 3;
    tcb->srtt_us = tcb->srtt_us == 0 ? m : (uint32_t)((9ull * tcb->srtt_us + m) / 10);
}

/* Both means take their part of a difference and stay above zero, as tcp_xmit_timer() does it. */
static void step_bsd(int32_t *srtt, int32_t *rttvar, int32_t delta)
{
    *srtt = *srtt + delta > 0 ? *srtt + delta : 1;
    delta = (delta < 0 ? -delta : delta) - (*rttvar >> 2);
    *rttvar = *rttvar + delta > 0 ? *rttvar + delta : 1;
}

/* Van Jacobson's estimator as tcp_xmit_timer() has it: integers of ticks, srtt times 8, the deviation times 4. */
static void sample_bsd(struct tcb *tcb, uint32_t ticks, uint32_t tick_us)
{
    int32_t srtt = (int32_t)(tcb->srtt_us / tick_us), rttvar = (int32_t)(tcb->rttvar_us / tick_us);
    if (tcb->srtt_us == 0) {
        srtt = (int32_t)ticks << 3;
        rttvar = (int32_t)ticks << 1;
    } else {
        int32_t delta = (int32_t)ticks - 1 - (srtt >> 3);
        step_bsd(&srtt, &rttvar, delta);
    }
    tcb->srtt_us = (uint32_t)srtt * tick_us;
    tcb->rttvar_us = (uint32_t)rttvar * tick_us;
}

/* FreeBSD's tcp_xmit_timer(): integers of milliseconds, srtt times 32, the deviation times 16, each of which is 250 here. */
enum { FREEBSD_UNIT = 250, RTT_INVALIDATE = 3 /* timeouts in a row: what was measured before is not believed any more */ };
static void sample_freebsd(struct tcb *tcb, int32_t rtt_ms)
{
    int32_t srtt = (int32_t)(tcb->srtt_us / FREEBSD_UNIT), rttvar = (int32_t)(tcb->rttvar_us / FREEBSD_UNIT);
    if (tcb->srtt_us == 0 || tcb->backoff > RTT_INVALIDATE) {
        rtt_ms = rtt_ms ? rtt_ms : 1;
        srtt = rtt_ms << 5;
        rttvar = rtt_ms << 3;
    } else {
        int32_t delta = ((rtt_ms - 1) * 4) - (srtt >> 3);
        step_bsd(&srtt, &rttvar, delta);
    }
    tcb->srtt_us = (uint32_t)srtt * FREEBSD_UNIT;
    tcb->rttvar_us = (uint32_t)rttvar * FREEBSD_UNIT;
}

/* cc_conn_init(): what is known of the host comes before the handshake's own round trip; alone it gives twice the usual patience. */
static void preset(struct tcb *tcb)
{
    const struct host_metrics *metrics = hostcache_find(tcb->tcp, &tcb->flow.remote);
    if (!metrics || tcb->srtt_us)
        return;
    tcb->srtt_us = metrics->srtt_us;
    tcb->rttvar_us = metrics->rttvar_us ? metrics->rttvar_us : metrics->srtt_us / 2;
    uint32_t rto_us = (((tcb->srtt_us / FREEBSD_UNIT) >> 2) + tcb->rttvar_us / FREEBSD_UNIT) / 2 * 1000;
    tcb->rto_us = min_u32(max_u32(rto_us, rtt_rto_min_us(tcb)), rtt_rto_max_us(tcb));
}

/* The value of BSD's t_rtt: 1 at the transmission, plus the slow timeouts of this host's clock since. */
static uint32_t elapsed_ticks(const struct tcb *tcb, uint32_t rtt_us)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t tick_ns = params->tick_ms * NS_PER_MS, phase_ns = params->tick_phase_ms * NS_PER_MS % tick_ns, now = tcb_now(tcb);
    uint64_t start = now > rtt_us * NS_PER_US ? now - rtt_us * NS_PER_US : 0;
    return (uint32_t)((now + tick_ns - phase_ns) / tick_ns - (start + tick_ns - phase_ns) / tick_ns) + 1;
}

void rtt_sample_linux(struct tcb *tcb, uint64_t rtt_us)
{
    sample_linux(tcb, (uint32_t)min_u64(max_u64(rtt_us, 1), SAMPLE_MAX));
    tcb->rto_us = (uint32_t)min_u64((uint64_t)(tcb->srtt_us >> 3) + tcb->rttvar_us, rtt_rto_max_us(tcb)); /* as rtt_set_rto has it */
}

/* Where the timeout itself is doubled (Linux): as measured, with the doublings that count still. */
void rtt_revert_rto(struct tcb *tcb)
{
    uint64_t rto_us = (uint64_t)(tcb->srtt_us >> 3) + tcb->rttvar_us;
    if (tcb_params(tcb)->rto_policy == TCP_RTO_LINUX)
        tcb->rto_us = (uint32_t)min_u64(rto_us << min_u32(tcb->backoff, 20), rtt_rto_max_us(tcb));
}

/* RFC 9293 3.8.1 (MUST-18): RFC 6298 2, or what the profile's system had; Karn's rule is in tcp_clean.c. */
static void rtt_set_rto(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t rto = params->rto_initial_ms * 1000ull;
    if (tcb->srtt_us) {
        rto = (uint64_t)(tcb->srtt_us >> 3) + tcb->rttvar_us; /* SRTT + 4 * RTTVAR (RFC 6298 2.3) */
        if (params->rto_policy == TCP_RTO_BSD42)
            rto = 2ull * (tcb->srtt_us >> 3); /* RFC 793: beta = 2 */
        if (params->tick_ms && params->rto_policy != TCP_RTO_LINUX) { /* whole ticks: srtt >> 3 drops the fraction */
            uint32_t tick_us = params->tick_ms * 1000;
            rto = params->rto_policy == TCP_RTO_BSD42 ? rto / tick_us * tick_us
                                                      : (uint64_t)(tcb->srtt_us / tick_us >> 3) * tick_us + tcb->rttvar_us;
        }
    }
    if (params->rto_policy == TCP_RTO_FREEBSD && tcb->srtt_us)
        rto = (((tcb->srtt_us / FREEBSD_UNIT >> 3) + tcb->rttvar_us / FREEBSD_UNIT) >> 2) * 1000ull;
    if (params->rto_policy != TCP_RTO_LINUX)
        rto = max_u64(rto, rtt_rto_min_us(tcb)); /* RFC 6298 2.4 */
    tcb->rto_us = (uint32_t)min_u64(rto, rtt_rto_max_us(tcb));
}

void rtt_sample(struct tcb *tcb, uint64_t rtt_us)
{
    uint32_t m = (uint32_t)min_u64(max_u64(rtt_us, 1), SAMPLE_MAX);
    const struct tcp_params *params = tcb_params(tcb);
    if (params->rto_policy == TCP_RTO_FREEBSD) {
        tcb->min_rtt_us = min_u32(tcb->min_rtt_us, m);
        sample_freebsd(tcb, (int32_t)(m / 1000));
        rtt_set_rto(tcb);
        return;
    }
    tcb->min_rtt_us = min_u32(tcb->min_rtt_us, m);
    if (params->rto_policy == TCP_RTO_LINUX) {
        rtt_sample_linux(tcb, m);
        return;
    }
    if (params->rto_policy == TCP_RTO_BSD42 && params->tick_ms)
        sample_bsd42(tcb, elapsed_ticks(tcb, m), params->tick_ms * 1000);
    else if (params->rto_policy == TCP_RTO_BSD && params->tick_ms)
        sample_bsd(tcb, elapsed_ticks(tcb, m), params->tick_ms * 1000);
    else
        sample_6298(tcb, m);
    rtt_set_rto(tcb);
}

void rtt_begin_min(struct tcb *tcb, uint32_t since_ms)
{
    struct min_rtt *min = &tcb->ext->min_rtt;
    min->next_us[0] = min->next_us[1] = tcb->min_rtt_us;
    min->since_ms[0] = min->since_ms[1] = min->since_ms[2] = since_ms;
}

/* TCP_TX_DELAY is expected to make the round trip so much longer (tcp_enable_tx_delay()); the smallest one is sought anew. */
void rtt_shift(struct tcb *tcb, int32_t delta_us)
{
    int64_t srtt = (int64_t)tcb->srtt_us + (int64_t)delta_us * 8;
    tcb->srtt_us = (uint32_t)(srtt > 1 ? min_u64((uint64_t)srtt, UINT32_MAX) : 1);
    rtt_set_rto(tcb);
    tcb->min_rtt_us = UINT32_MAX;
    if (tcb->ext)
        rtt_begin_min(tcb, tcb_now_ms(tcb));
}

/* The window of tcp_min_rtt_wlen seconds: what is older than that gives way to the next best, which are taken from a
 * quarter and a half of it on. */
static void slide_window(struct tcb *tcb, uint32_t rtt_us, uint32_t window_ms)
{
    struct min_rtt *min = &tcb->ext->min_rtt;
    uint32_t now = tcb_now_ms(tcb), age = now - min->since_ms[0];
    if (age > window_ms) {
        for (int i = 0; i < 2 && now - min->since_ms[0] > window_ms; i++) {
            tcb->min_rtt_us = min->next_us[0];
            min->next_us[0] = min->next_us[1];
            min->next_us[1] = rtt_us;
            min->since_ms[0] = min->since_ms[1];
            min->since_ms[1] = min->since_ms[2];
            min->since_ms[2] = now;
        }
    } else if (min->since_ms[1] == min->since_ms[0] && age > window_ms / 4) {
        min->next_us[0] = min->next_us[1] = rtt_us;
        min->since_ms[1] = min->since_ms[2] = now;
    } else if (min->since_ms[2] == min->since_ms[1] && age > window_ms / 2) {
        min->next_us[1] = rtt_us;
        min->since_ms[2] = now;
    }
}

/* The smallest round trip of late: Linux's windowed filter, after Kathleen Nichols. */
void rtt_take_min(struct tcb *tcb, uint32_t rtt_us, bool is_delayed)
{
    if (!tcb->ext) {
        tcb->min_rtt_us = min_u32(tcb->min_rtt_us, rtt_us);
        return;
    }
    struct min_rtt *min = &tcb->ext->min_rtt;
    uint32_t now = tcb_now_ms(tcb), window_ms = tcb_params(tcb)->min_rtt_wlen * 1000;
    if (is_delayed && rtt_us > tcb->min_rtt_us) /* a peer that delays each ACK would be taken for a longer path */
        return;
    if (rtt_us <= tcb->min_rtt_us || now - min->since_ms[2] > window_ms) {
        tcb->min_rtt_us = rtt_us;
        rtt_begin_min(tcb, now);
        return;
    }
    if (rtt_us <= min->next_us[1]) {
        bool is_second = rtt_us <= min->next_us[0];
        min->next_us[1] = rtt_us;
        min->since_ms[2] = now;
        if (is_second) {
            min->next_us[0] = rtt_us;
            min->since_ms[1] = now;
        }
    }
    slide_window(tcb, rtt_us, window_ms);
}

/* RFC 6298 5.5: doubled at each timeout; BSD has a table (RFC 9293 3.8.1, MUST-19). */
uint64_t rtt_rto_backed_off_ns(const struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (tcb->ext && tcb->ext->base.rto_ns)
        return tcb->ext->base.rto_ns;
    if (tcb->backoff == 0 && params->backoff[0] <= 1 && tcb->srtt_us == 0) /* before a measurement as it stands */
        return min_u32(tcb->rto_us, rtt_rto_max_us(tcb)) * NS_PER_US;
    uint64_t factor = 1ull << min_u32(tcb->backoff, params->backoff_shift_max ? params->backoff_shift_max : 30);
    if (params->backoff[0]) {
        uint32_t i = min_u32(tcb->backoff, 15);
        while (params->backoff[i] == 0) /* a short table: its last entry holds */
            i--;
        factor = params->backoff[i];
    }
    return min_u64(tcb->rto_us * factor + params->rto_slop_ms * 1000ull, rtt_rto_max_us(tcb)) * NS_PER_US;
}

/* FreeBSD: by the timestamp, a millisecond added; without one an active open has timed its SYN. A SYN sent again leaves one segment. */
static void establish_freebsd(struct tcb *tcb, const struct tcp_options *options, uint64_t since_us)
{
    uint32_t elapsed = tcb_ts_now(tcb) - options->ts_echo;
    preset(tcb);
    if (tcb->ts_ok && options->has_timestamp && options->ts_echo && (int32_t)elapsed >= 0)
        rtt_sample(tcb, min_u32(elapsed, 0xffff) * 1000ull + 1000);
    else if (tcb->retransmits == 0 && !(tcb->is_passive && tcb_params(tcb)->rtt_by_data))
        rtt_sample(tcb, since_us);
    if (tcb->retransmits)
        tcb->cwnd = 1;
}

/* The first round trip. After a repeated SYN only a timestamp tells which one was answered; without it the RTO is 3 s (RFC 6298
 * 5.7), and the window one segment where two or more were lost (Linux; RFC 5681 3.1 says so of one). */
void rtt_on_established(struct tcb *tcb, const struct rx *rx, uint64_t syn_start_ns)
{
    const struct tcp_params *params = tcb_params(tcb);
    const struct tcp_options *options = &rx->in->header.options;
    uint64_t since_us = (tcb_now(tcb) - syn_start_ns) / NS_PER_US;
    if (params->rto_policy == TCP_RTO_FREEBSD) {
        establish_freebsd(tcb, options, since_us);
        return;
    }
    if (tcb->opt->path.initcwnd && params->rto_policy == TCP_RTO_LINUX)
        tcb->cwnd = tcb->opt->path.initcwnd;
    bool modern = params->rto_policy == TCP_RTO_LINUX || params->rto_policy == TCP_RTO_6298;
    /* a SYN/ACK goes again also for a SYN that came again: Karn's rule does not ask why */
    uint32_t resent = modern && tcb->is_passive ? max_u32(tcb_ext_peek(tcb)->total_retrans, tcb->retransmits) : tcb->retransmits;
    if (resent == 0) {
        rtt_sample(tcb, since_us);
        return;
    }
    if (!modern)
        return;
    /* a fast open's text went once (RFC 5682) */
    bool is_first_answered = params->frto && fastopen_is_text_acked(tcb, rx);
    if (tcb->ts_ok && options->has_timestamp && options->ts_echo) {
        uint64_t unit_us = max_u32(params->timestamp_hz_ms, 1) * 1000ull, rtt_us = max_u32(tcb_ts_now(tcb) - options->ts_echo, 1) * unit_us;
        if (rtt_us + unit_us > since_us) { /* the timeouts were spurious */
            is_first_answered = true;
            if (tcb->ext)
                tcb->ext->undo_marker = 0;
        }
        if (rtt_us <= since_us + unit_us)
            rtt_sample(tcb, min_u64(rtt_us, since_us));
        else if (since_us == 0 && tcb->is_passive && rtt_us < INT32_MAX) /* a SYN cookie: when its SYN came is not known but by the echo */
            rtt_sample(tcb, rtt_us);
    }
    if (tcb->srtt_us == 0)
        tcb->rto_us = tcb->mdev_us = tcb->mdev_max_us = tcb->rttvar_us = 3000000;
    bool is_crossed = tcb->state == TCPS_SYN_RECEIVED && !tcb->is_passive; /* Linux takes the reduction back (tcp_packet_delayed) */
    if (is_crossed && tcb->sack_ok && params->rto_policy == TCP_RTO_LINUX)
        TCP_MIB(tcb->tcp, LossUndo);
    else if (tcb->retransmits && resent > 1 && !is_first_answered)
        tcb->cwnd = 1;
}
