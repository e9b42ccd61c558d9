/* tcp_base_output.c: what FreeBSD's base stack sends next (tcp_default_output()): which bytes again, and how many new ones; what is resent
 * is cut from the stream anew. What has led there: tcp_base.c. */
#include "tcp/bsd/tcp_base_inner.h"

/* From base_una() on. NEXT: where it goes on to send, moved past what is SACKed. */
static uint32_t send_window(const struct tcb *tcb, uint32_t *next)
{
    const struct base_recovery *base = &tcb->ext->base;
    uint32_t skipped = base->has_skipped ? base->skipped : base_skip(tcb, next);
    uint32_t window = base->is_limited ? base->once : (base->once ? base->once : base->cwnd) + skipped;
    uint32_t peers = base->lag ? base->prior_wnd : tcb->snd_wnd;
    return peers == 0 && base->is_forced ? 1 : min_u32(peers, window);
}

/* Retransmissions go from the scoreboard in an episode, and after a timeout once three duplicates came. */
static bool sends_holes(const struct tcb *tcb)
{
    const struct base_recovery *base = &tcb->ext->base;
    return tcb->sack_ok && (base->in_fast || (seq_lt(base->next, tcb->snd_nxt) && tcb->ext->dupacks >= DUP_THRESH));
}

static bool next_hole(struct tcb *tcb, uint32_t *start, uint32_t *length)
{
    uint32_t end;
    if (!sends_holes(tcb) || !board_next(tcb, start, &end))
        return false;
    if (seq_gt(end, tcb->ext->base.recover))
        end = tcb->ext->base.recover;
    if (!seq_lt(*start, end))
        return false;
    *length = end - *start;
    return true;
}

/* Where the next retransmission from the scoreboard begins: an ACK that leaves meanwhile has that number, too (sack_rxmit with no
 * length). */
uint32_t base_ack_seq(struct tcb *tcb)
{
    uint32_t start = tcb->snd_nxt, length;
    if (tcb->timer == TIMER_PERSIST && base_probes_again(tcb))
        return tcb->ext->base.next;
    return tcb->ext && tcb->ext->base.cwnd && next_hole(tcb, &start, &length) ? start : tcb->snd_nxt;
}

/* The record that begins at SEQ: one is split for it, if need be. */
static uint32_t record_at(struct tcb *tcb, uint32_t seq)
{
    uint32_t index = txring_find(tcb, seq);
    if (index >= tcb->tx->count)
        return TCP_NONE;
    if (txring_at(tcb->tx, index)->start != seq) {
        if (txring_split(tcb, index, seq) < 0)
            return TCP_NONE;
        index++;
    }
    base_forget_sack(tcb, txring_at(tcb->tx, index));
    recovery_mark_lost(tcb, txring_at(tcb->tx, index));
    return index;
}

/* The record to resend now and, in ext->base.most, how much of it. */
uint32_t base_next_lost(struct tcb *tcb)
{
    struct base_recovery *base = base_get(tcb);
    uint32_t next = base->next, start, length, window, used;
    base->has_skipped = false;
    base->skipped = base_skip(tcb, &next);
    base->has_skipped = next != base->next; /* what goes for the first time is asked for by the same call of tcp_output() */
    window = send_window(tcb, &next);
    used = next - base_una(tcb);
    base->most = UINT32_MAX;
    base->is_hole = false;
    if (base->is_last)
        return TCP_NONE;
    base->next = next;
    if (tcb->ext->fast_rexmit)
        return 0;
    if (next_hole(tcb, &start, &length)) {
        used = base->in_fast ? base_pipe(tcb) : used;
        if (window <= used)
            return TCP_NONE;
        base->most = min_u32(length, window - used);
        base->is_hole = true;
        base->is_last = window - used <= length && base->most <= base_segment_size(tcb);
        return record_at(tcb, start);
    }
    /* A FIN that was sent goes again alone where nothing is before it, or with an ACK; it needs no window. */
    bool fin = next == tcb->write_seq && seq_lt(next, tcb->snd_nxt);
    if (fin && next != base_una(tcb) && !tcb->acks_due && !tcb->ack_want)
        return TCP_NONE;
    if (window == 0 && !fin)
        base_check_shut(tcb);
    if (!seq_lt(next, tcb->snd_nxt) || (window <= used && !fin))
        return TCP_NONE;
    base->most = fin ? UINT32_MAX : window - used;
    base->is_last = min_u32(base->most, tcb->write_seq - next) <= base_segment_size(tcb);
    return record_at(tcb, next);
}

/* What one record adds to the counters, taken away or given back. */
static void count_record(struct tcb *tcb, const struct txseg *seg, bool gone)
{
    uint32_t packets = gone ? 0u - txseg_packets(seg) : txseg_packets(seg);
    tcb->tx->packets_out += packets;
    tcb->ext->lost_out += seg->flags & TX_LOST ? packets : 0;
    tcb->ext->retrans_out += seg->flags & TX_RETRANS ? packets : 0;
}

/* Nor does it matter what was sent before: the last record takes of what waits, and the FIN with the last of that. */
static void take_unsent(struct tcb *tcb, struct txseg *seg, uint32_t want)
{
    uint32_t have = seg->end - seg->start, unsent = tcb->write_seq - tcb->snd_nxt, take = min_u32(want > have ? want - have : 0, unsent);
    bool fin = tcb->fin_queued && take == unsent;
    if ((seg->flags & (TX_FIN | TX_SACKED)) || (int32_t)unsent < 0 || tcb->ext->base.is_hole || take + fin == 0)
        return;
    count_record(tcb, seg, true);
    seg->end += take + fin;
    seg->flags |= fin ? TX_FIN : 0;
    tcb->snd_nxt = seg->end;
    count_record(tcb, seg, false);
    base_time_segment(tcb, seg->start);
}

/* What goes again is cut from the stream anew: record INDEX takes from those behind it until it has a segment's bytes, and the FIN. */
void base_gather(struct tcb *tcb, uint32_t index, uint32_t mss)
{
    struct txring *ring = tcb->tx;
    uint32_t want = tcb->ext->base.most ? min_u32(mss, tcb->ext->base.most) : mss;
    while (index + 1 < ring->count) {
        struct txseg *seg = txring_at(ring, index), *next = txring_at(ring, index + 1);
        uint32_t have = seg->end - seg->start, data = next->end - next->start - !!(next->flags & TX_FIN);
        uint32_t take = want > have ? min_u32(want - have, data) : 0;
        if ((next->flags & TX_SACKED) && take)
            base_forget_sack(tcb, next); /* what goes again goes whatever was SACKed of it */
        if (((seg->flags | next->flags) & TX_SACKED) || (seg->flags & TX_FIN) || (take == 0 && (data || have > want)))
            return;
        count_record(tcb, seg, true);
        count_record(tcb, next, true);
        bool whole = take == data;
        seg->end = whole ? next->end : seg->end + take;
        seg->flags |= next->flags & (TX_EVER_RETRANS | (whole ? TX_FIN : 0));
        next->start += take;
        seg->mss = next->mss = (uint16_t)mss;
        count_record(tcb, seg, false);
        if (!whole) {
            count_record(tcb, next, false);
            return;
        }
        for (uint32_t i = index + 1; i + 1 < ring->count; i++)
            *txring_at(ring, i) = *txring_at(ring, i + 1);
        ring->count--;
    }
    take_unsent(tcb, txring_at(ring, index), want);
}

/* SEQ..END went out, again or for the first time. */
void base_on_sent(struct tcb *tcb, uint32_t start, uint32_t end, bool again)
{
    struct base_recovery *base = base_get(tcb);
    if (end - start > (end == tcb->write_seq + 1)) /* TF2_PLPMTU_MAXSEGSNT: of the last text */
        base->sent_full = end - start >= base_segment_size(tcb);
    if (!again)
        base_time_segment(tcb, start);
    if (!again && start == tcb->snd_una)
        tcb->ext->progress_ns = max_u64(tcb_now(tcb), 1);
    if (base->in_fast || base->in_cong)
        base->prr_out += end - start;
    if (bsd_cc_measures(tcb))
        ertt_on_sent(tcb, start, end);
    if (again && base->is_hole) {
        board_sent(tcb, end);
        base->next = seq_max(base->next, end);
    } else if (base->next == start) {
        base->next = end;
    }
    base->is_hole = base->is_forced = false;
}

/* How much of the UNSENT bytes may go in the next segment. */
uint32_t base_next_length(struct tcb *tcb, uint32_t unsent)
{
    struct base_recovery *base = base_get(tcb);
    uint32_t mss = mss_current(tcb), next = base->next, start, hole, window = send_window(tcb, &next),
             off = tcb->snd_nxt - base_una(tcb), used = off;
    if (base->is_last || next_hole(tcb, &start, &hole) || seq_lt(next, tcb->snd_nxt))
        return 0;
    base->next = tcb->snd_nxt;
    if (window == 0)
        base_check_shut(tcb);
    if (seq_lt(base->next, tcb->snd_nxt))
        return 0;
    if (sends_holes(tcb) && board_resent(tcb))
        used = max_u32(base_pipe(tcb), off);
    uint32_t end = min_u32(unsent + off, window), length = end > used ? end - used : 0;
    base->is_last = length && length <= mss;
    bool is_whole = length >= tcb->mss /* SACK blocks do not count */, is_end = length == unsent,
         may_go = base->is_forced || tcb->ext->probe_byte /* SND.NXT < SND.MAX */ ||
                  tcb->acks_due || tcb->ack_want || /* TF_ACKNOW takes it along */
                  (is_end && (tcb->fin_queued || output_may_send_partial(tcb))) ||
                  (tcb->max_window && length >= tcb->max_window / 2);
    return is_whole || may_go ? min_u32(length, mss) : 0;
}

/* A burst is over. True: another follows, for SND.UNA has moved. */
bool base_end_burst(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    bool goes_on = base->lag && !base->owed && !base->once;
    if (base->is_limited) {
        uint32_t sent = tcb->snd_nxt - base->once_start;
        base->limited = sent > base_segment_size(tcb) ? 2 : base->limited + (sent > 0);
    }
    base->once = base->lag = 0;
    base->is_limited = base->is_last = base->is_forced = false;
    return goes_on;
}
