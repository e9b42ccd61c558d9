/* tcp_clean.c: what an ACK takes out of the ring (Linux's tcp_clean_rtx_queue): the counters of what left, the round trip
 * (RFC 6298 3, RFC 7323 4), reordering seen, RACK's knowledge (RFC 8985 6.2 step 2). Called by tcp_ack.c before recovery. */
#include "tcp/tcb.h"

struct cleaner {
    struct tcb *tcb;
    struct ack_state *state;
    uint32_t reord;     /* lowest start of what was never resent and not SACKed before */
    bool in_chunk;      /* what left last was of one chunk with what is the head now */
    bool timed;         /* BSD: the timed segment was among them */
    uint64_t timed_ns;
};

/* Eifel: the ACK echoes a timestamp from before this retransmission, so it is for the original. */
static bool is_spurious(const struct tcb *tcb, const struct txseg *seg, const struct ack_state *state)
{
    if (!(seg->flags & TX_EVER_RETRANS) || !state->ts_ecr_ok)
        return false;
    return seq_lt(state->ts_ecr, tcp_ts_at(tcb->tcp, seg->sent_ns) + tcb->ts_offset);
}

static void count_original(struct cleaner *cleaner, const struct txseg *seg)
{
    struct tcb *tcb = cleaner->tcb;
    struct ack_state *state = cleaner->state;
    state->last_ack_ns = seg->sent_ns;
    if (!state->first_ack_ns)
        state->first_ack_ns = max_u64(seg->sent_ns, 1);
    cleaner->reord = seq_min(cleaner->reord, seg->start - tcb_ext_peek(tcb)->head_cut);
    if (!tcb->ext)
        return;
    if (seq_le(seg->end, tcb->ext->high_seq))
        state->orig_sack_acked = true;
    if (seq_between(tcb->ext->rtt_seq, seg->start, seg->end - 1)) {
        cleaner->timed = true;
        cleaner->timed_ns = seg->sent_ns;
    }
}

static void count_acked(struct cleaner *cleaner, const struct txseg *seg, uint32_t packets)
{
    struct tcb *tcb = cleaner->tcb;
    struct tcb_ext *ext = tcb->ext;
    struct ack_state *state = cleaner->state;
    if (seg->flags & (TX_RETRANS | TX_EVER_RETRANS)) {
        if (seg->flags & TX_RETRANS)
            ext->retrans_out -= packets;
        state->retrans_acked = true;
    } else if (!(seg->flags & TX_SACKED)) {
        count_original(cleaner, seg);
    }
    state->acked_packets += packets;
    state->data_acked = true;
    if (!ext)
        return;
    if (seg->flags & TX_SACKED) {
        ext->sacked_out -= packets;
    } else if (tcb->sack_ok) {
        ext->delivered += packets;
        ext->delivered_ce += state->ece ? packets : 0;
        if (!is_spurious(tcb, seg, state))
            recovery_rack_advance(tcb, seg);
    }
    if (seg->flags & TX_LOST)
        ext->lost_out -= packets;
    if (!(seg->flags & TX_SACKED)) /* a SACKed one counted then */
        rate_on_delivered(ext, state, seg);
}

/* False: the head stays. Of one of several packets those acknowledged go. */
static bool pop_one(struct cleaner *cleaner)
{
    struct tcb *tcb = cleaner->tcb;
    struct txseg *head = txring_at(tcb->tx, 0);
    uint32_t packets = txseg_packets(head);
    if (seq_gt(head->end, tcb->snd_una)) {
        if (seq_gt(tcb->snd_una, head->start)) { /* also an ACK within a packet: what is left begins at SND.UNA */
            if (head->glued && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX) {
                recovery_join_head(tcb);
                head = txring_at(tcb->tx, 0);
                packets = txseg_packets(head);
            }
            struct txseg part = *head;
            part.end = head->start = tcb->snd_una;
            uint32_t gone = packets - txseg_packets(head);
            tcb->tx->packets_out -= gone;
            if (gone)
                count_acked(cleaner, &part, gone);
            if (tcb->ext)
                tcb->ext->head_cut = packets > 1 || cleaner->in_chunk ? 0 : (uint16_t)(tcb->ext->head_cut + (part.end - part.start));
        }
        return false;
    }
    count_acked(cleaner, head, packets);
    tcb->tx->packets_out -= packets;
    cleaner->in_chunk = head->glued;
    txring_pop(tcb);
    if (tcb->ext)
        tcb->ext->head_cut = 0;
    return true;
}

/* Karn (RFC 9293 3.8.1, MUST-18): never from what was resent, but a timestamp tells which copy (RFC 7323 4.3: only when
 * the left edge moves). */
static bool sample(struct tcb *tcb, struct ack_state *state)
{
    uint64_t now = tcb_now(tcb), seq_us = 0, ca_us = 0;
    bool has = false;
    if (state->first_ack_ns && !state->retrans_acked) {
        seq_us = (now - state->first_ack_ns) / NS_PER_US;
        ca_us = (now - state->last_ack_ns) / NS_PER_US;
        has = true;
    }
    if (state->first_sack_ns) {
        if (!has)
            seq_us = (now - state->first_sack_ns) / NS_PER_US;
        ca_us = (now - state->last_sack_ns) / NS_PER_US;
        has = true;
    }
    if (!has && state->ts_ecr_ok && state->data_acked) {
        uint32_t delta = tcb_ts_now(tcb) - state->ts_ecr;
        uint64_t delta_us = (uint64_t)max_u32(delta, 1) * max_u32(tcb_params(tcb)->timestamp_hz_ms, 1) * 1000;
        if (delta < INT32_MAX / 1000 && delta_us * NS_PER_US <= now) {
            seq_us = ca_us = delta_us;
            has = true;
        }
    }
    if (!has)
        return false;
    uint32_t before = tcb->min_rtt_us;
    state->has_rtt = true;
    state->rtt_us = max_u64(ca_us, 1);
    rtt_sample(tcb, seq_us);
    tcb->min_rtt_us = before;
    rtt_note_min(tcb, ca_us, state->is_delayed);
    tcb->backoff = 0; /* RFC 6298 5.7: only a valid measurement ends the backoff */
    return true;
}

/* BSD times one segment at a time (t_rtt, t_rtseq), and none after a retransmission. */
static void sample_bsd(struct cleaner *cleaner)
{
    struct tcb *tcb = cleaner->tcb;
    const struct ack_state *ack = cleaner->state;
    uint32_t elapsed = tcb_ts_now(tcb) - ack->ts_ecr;
    if (tcb_params(tcb)->rto_policy == TCP_RTO_FREEBSD && ack->ts_ecr_ok && ack->data_acked && (int32_t)elapsed >= 0) {
        rtt_sample(tcb, min_u32(elapsed, 0xffff) * 1000ull + 1000);
        cleaner->state->has_rtt = true;
        cleaner->state->rtt_us = max_u32(elapsed, 1) * 1000ull;
        tcb->backoff = 0;
    } else if (cleaner->timed && !cleaner->state->retrans_acked) {
        rtt_sample(tcb, (tcb_now(tcb) - cleaner->timed_ns) / NS_PER_US);
        cleaner->state->has_rtt = true;
        tcb->backoff = 0;
    }
    if (tcb->ext && seq_gt(tcb->snd_una, tcb->ext->rtt_seq))
        tcb->ext->rtt_seq = tcb->snd_nxt; /* the next one to leave */
}

static void after_progress(struct cleaner *cleaner)
{
    struct tcb *tcb = cleaner->tcb;
    struct ack_state *state = cleaner->state;
    struct tcb_ext *ext = tcb->ext;
    state->set_xmit_timer = true;
    if (!ext)
        return;
    if (ext->probe_size)
        plpmtud_on_ack(tcb);
    if (seq_lt(ext->retrans_hint, tcb->snd_una))
        ext->retrans_hint = tcb->snd_una;
    if (tcb->sack_ok) {
        if (tcb_packets_out(tcb) == 0)
            ext->retrans_out = 0; /* what was counted twice is forgotten */
        if (seq_lt(cleaner->reord, state->highest_before))
            sack_check_reordering(tcb, cleaner->reord, false); /* a hole filled by itself */
        return;
    }
    if (recovery_is_classic(tcb))
        ext->delivered += state->acked_packets;
    else
        recovery_remove_reno_sacks(tcb, state->acked_packets, state->ece);
    if (state->retrans_acked) /* without SACK nobody knows which copy it was */
        state->orig_sack_acked = false;
}

/* The SACK is for what left before the head was (re)sent: the RTO starts anew. For what left later it would be put off again and again. */
static bool left_before_head(const struct tcb *tcb, const struct ack_state *state)
{
    const struct txseg *head = txring_at(tcb->tx, 0);
    if (state->first_sack_ns != head->sent_ns)
        return state->first_sack_ns < head->sent_ns;
    return (int32_t)(head->burst - state->first_sack_burst) > 0;
}

/* One short segment, with nothing unusual around it: its ACK may have been delayed. */
static bool is_lone_runt(const struct tcb *tcb, const struct ack_state *state)
{
    return state->acked_packets == 1 && state->first_ack_ns && !state->retrans_acked && !state->sacked_new &&
           !state->ece && !state->dsack && tcb->snd_una - state->prior_una < tcb->mss &&
           state->rack_prior == tcb->ext->delivered;
}

void recovery_clean(struct tcb *tcb, struct ack_state *state)
{
    struct cleaner cleaner = {.tcb = tcb, .state = state, .reord = tcb->snd_nxt};
    while (tcb->tx && pop_one(&cleaner)) {
    }
    bool is_sampled = false;
    state->is_delayed = tcb->ext && is_lone_runt(tcb, state);
    if (tcb_params(tcb)->byte_recovery && tcb->ext)
        is_sampled = false; /* tcp_base.c measures, once it knows what the ACK is used for */
    else if (tcb_params(tcb)->tick_ms || tcb_params(tcb)->rto_policy == TCP_RTO_FREEBSD)
        sample_bsd(&cleaner);
    else
        is_sampled = sample(tcb, state);
    if (state->data_acked)
        after_progress(&cleaner);
    else if (is_sampled && state->first_sack_ns && tcb->tx && left_before_head(tcb, state))
        state->set_xmit_timer = true;
    if (!tcb->ext)
        return;
    const struct cc_ops *cc = cc_get(tcb);
    if (cc->on_rtt && state->has_rtt) {
        cwnd_init(tcb);
        cc->on_rtt(tcb, state->acked_packets, state->rtt_us);
    }
}
