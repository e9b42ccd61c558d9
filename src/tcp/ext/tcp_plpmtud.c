/* tcp_plpmtud.c: packetization layer path MTU discovery (RFC 4821) as Linux does it (tcp_mtu_probing: 1 when a black hole is suspected,
 * 2 always). A probe is a segment of new data larger than the MSS, between what is known to pass (mtu_low) and what may (mtu_high),
 * found by halving. Its acknowledgement raises the MSS; its loss alone means that the path is narrower, not congested (7.6.2). */
#include "tcp/tcb.h"

static uint32_t headers(const struct tcb *tcb)
{
    return tcb_headers(tcb) + mss_options(tcb);
}

static uint32_t largest_mtu(const struct tcb *tcb)
{
    return tcb->mss_clamp + tcb_headers(tcb);
}

/* The connection begins: the whole range is open. OPTIONS: bytes that each segment has, or may have. */
void plpmtud_init(struct tcb *tcb, uint32_t options)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcb_ext *ext = params->mtu_probing && !params->byte_recovery ? tcb_ext_get(tcb) : NULL;
    if (!ext)
        return;
    ext->mtu_probing = params->mtu_probing > 1;
    ext->mtu_high = largest_mtu(tcb);
    if (ext->pmtu)
        ext->mtu_high = min_u32(ext->mtu_high, ext->pmtu);
    ext->mtu_low = params->base_mss + headers(tcb) - mss_options(tcb) + options;
    ext->probe_size = 0;
    ext->probe_stamp_ms = tcb_now_ms(tcb);
}

/* RFC 4821 7.7: R1 passed, the path may swallow large segments: the base size, then ever smaller ones. */
void plpmtud_black_hole(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext)
        return;
    if (!ext->mtu_low)
        plpmtud_init(tcb, mss_options(tcb)); /* it was switched on since */
    if (!ext->mtu_probing) {
        ext->mtu_probing = true;
        ext->probe_stamp_ms = tcb_now_ms(tcb);
    } else {
        uint32_t mss = min_u32(mss_by_mtu(tcb, ext->mtu_low) >> 1, params->base_mss);
        ext->mtu_low = max_u32(max_u32(mss, params->mtu_probe_floor), params->min_snd_mss) + headers(tcb);
    }
    mss_refresh(tcb);
}

/* RFC 4821 7.3: the range is small enough, but paths change: after a time the search begins again. */
static void search_again(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if ((uint64_t)(tcb_now_ms(tcb) - ext->probe_stamp_ms) < tcb_params(tcb)->mtu_probe_interval_ms)
        return;
    ext->probe_size = 0;
    ext->mtu_high = largest_mtu(tcb);
    ext->mtu_low = mss_current(tcb) + headers(tcb);
    ext->probe_stamp_ms = tcb_now_ms(tcb);
}

/* RFC 4821 7.4, 7.5: may a probe go now, as the first segment of what is about to be sent? Returns its length; 0: none. *WAIT: it would,
 * were there more room: nothing else goes before. */
uint32_t plpmtud_next(struct tcb *tcb, uint32_t unsent, bool *wait)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->mtu_probing || ext->probe_size || tcb->ca_state != CA_OPEN || tcb->cwnd < 11 || ext->recent_count || ext->has_dsack)
        return 0;
    uint32_t size = mss_by_mtu(tcb, (ext->mtu_high + ext->mtu_low) >> 1), needed = size + (ext->reordering + 1) * tcb->mss;
    uint32_t flight = tcb_in_flight(tcb);
    if (size > mss_by_mtu(tcb, ext->mtu_high) || (int32_t)(ext->mtu_high - ext->mtu_low) < (int32_t)tcb_params(tcb)->mtu_probe_threshold) {
        search_again(tcb);
        return 0;
    }
    if (unsent < needed || tcb->snd_wnd < needed)
        return 0;
    *wait = true;
    if (seq_gt(tcb->snd_nxt + needed, tcb->snd_una + tcb->snd_wnd) || (flight && flight + 2 > tcb->cwnd))
        return 0;
    *wait = false;
    return flight + 2 > tcb->cwnd || queue_until_eor(tcb, tcb->snd_nxt, size) < size ? 0 : size;
}

/* It left, in place of two segments. */
void plpmtud_on_sent(struct tcb *tcb, uint32_t start, uint32_t length)
{
    struct tcb_ext *ext = tcb->ext;
    tcb->cwnd--;
    ext->probe_size = length + headers(tcb);
    ext->probe_start = start;
    ext->probe_end = start + length;
}

/* RFC 4821 7.6.1: the window keeps its bytes, not its segments. */
void plpmtud_on_ack(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (seq_gt(ext->probe_end, tcb->snd_una))
        return;
    ext->prior_ssthresh = cwnd_current_ssthresh(tcb);
    tcb->cwnd = max_u32((uint32_t)((uint64_t)tcb->cwnd * (tcb->mss + headers(tcb)) / ext->probe_size), 1);
    ext->cwnd_cnt = 0;
    ext->cwnd_stamp_ns = tcb_now(tcb);
    tcb->ssthresh = cwnd_current_ssthresh(tcb);
    ext->mtu_low = ext->probe_size;
    ext->probe_size = 0;
    mss_refresh(tcb);
    TCP_MIB(tcb->tcp, MTUPSuccess);
}

/* RFC 4821 7.6.2: the probe alone was lost. True: it was that; all that is too large goes again, in smaller segments. */
bool plpmtud_on_loss(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->probe_size || tcb->ca_state >= CA_CWR || tcb->snd_una != ext->probe_start)
        return false;
    ext->mtu_high = ext->probe_size - 1;
    ext->probe_size = 0;
    tcb->cwnd++;
    TCP_MIB(tcb->tcp, MTUPFail);
    recovery_resegment(tcb);
    return true;
}
