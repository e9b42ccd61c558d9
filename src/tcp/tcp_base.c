/* tcp_base.c: loss recovery and congestion window in bytes, as FreeBSD's base stack has them (byte_recovery): duplicate ACKs are counted
 * and SACKed bytes too (RFC 6675 5, step 4), limited transmit (RFC 3042), NewReno's partial ACKs without SACK (RFC 6582), PRR with it
 * (RFC 6937), byte counting (RFC 3465). A timeout sends again from SND.UNA on, as far as the window reaches, past what was SACKed.
 * The ring and its marks are tcp_sack.c's and tcp_clean.c's; tcb->cwnd and tcb->ssthresh follow in packets for those who ask. */
#include "tcp/tcb.h"

enum { DUP_THRESH = 3, MAX_WINDOW = 65535 << 14 };

static uint32_t segment_size(const struct tcb *tcb) { return max_u32(tcb->mss, 1); }

static void mirror(struct tcb *tcb)
{
    const struct base_recovery *base = &tcb->ext->base;
    tcb->cwnd = max_u32(base->cwnd / segment_size(tcb), 1);
    tcb->ssthresh = base->ssthresh >= MAX_WINDOW ? INT32_MAX : base->ssthresh / segment_size(tcb);
}

static uint32_t initial_window(const struct tcb *tcb)
{
    uint32_t segments = max_u32(tcb_params(tcb)->initial_window, 1), mss = segment_size(tcb);
    return min_u32(segments * mss, max_u32(2 * mss, segments * 1460)); /* RFC 6928 2 */
}

struct base_recovery *base_get(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (base->cwnd)
        return base;
    base->cwnd = tcb->cwnd == 1 ? segment_size(tcb) : initial_window(tcb); /* 1: a SYN was lost */
    base->ssthresh = MAX_WINDOW;
    base->recover = tcb->snd_una - 1;
    base->next = tcb->snd_nxt;
    return base;
}

/* --- the scoreboard in bytes ------------------------------------------------------------------------------------------------- */

/* Holes below the highest SACK are to be resent; of these, lost are those with more than two segments SACKed above (RFC 6675 4). */
static void count_board(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t before = base->holes;
    base->sacked = base->lost = base->resent = base->holes = 0;
    if (!tcb->tx || tcb->ext->sacked_out == 0)
        return;
    bool in_hole = false;
    for (uint32_t i = tcb->tx->count; i-- > 0;) {
        struct txseg *seg = txring_at(tcb->tx, i);
        uint32_t bytes = seg->end - seg->start;
        if (seg->flags & TX_SACKED) {
            base->sacked += bytes;
            in_hole = false;
            continue;
        }
        if (base->sacked == 0)
            continue; /* above all SACKs */
        base->holes += !in_hole;
        in_hole = true;
        if (base->sacked > (DUP_THRESH - 1) * segment_size(tcb))
            base->lost += bytes;
        if (seg->flags & TX_RETRANS)
            base->resent += bytes;
        else if (base->in_fast && !(seg->flags & TX_LOST))
            recovery_mark_lost(tcb, seg);
    }
    base->new_loss = base->holes > before;
}

static uint32_t pipe(const struct tcb *tcb)
{
    const struct base_recovery *base = &tcb->ext->base;
    int64_t bytes = (int64_t)(tcb->snd_nxt - tcb->snd_una) + base->resent - base->sacked - base->lost;
    return bytes > 0 ? (uint32_t)bytes : 0;
}

/* --- the window --------------------------------------------------------------------------------------------------------------- */

static bool is_cubic(const struct tcb *tcb) { return cc_get(tcb) == &cc_cubic; }

/* Half the window, of CUBIC seven tenths, in whole segments, two at least. */
static uint32_t reduced(const struct tcb *tcb, uint32_t window, bool by_timeout)
{
    uint32_t mss = segment_size(tcb);
    if (is_cubic(tcb))
        return max_u32((uint32_t)((uint64_t)window * 179 >> 8), 2 * mss);
    if (by_timeout)
        window = min_u32(window, tcb->snd_wnd);
    return max_u32(window / 2 / mss, 2) * mss;
}

/* Slow start by what was acknowledged, at most abc_limit segments an ACK, one after a timeout; then a segment for a window's worth. */
static void grow(struct tcb *tcb, uint32_t acked)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = segment_size(tcb), limit = max_u32(tcb_params(tcb)->abc_limit, 1);
    if (base->in_fast || base->in_cong || base->cwnd > tcb->snd_wnd)
        return;
    if (base->cwnd <= base->ssthresh) {
        base->acked = 0;
        base->cwnd += min_u32(acked, base->next == tcb->snd_nxt ? limit * mss : mss);
    } else if (is_cubic(tcb)) {
        mirror(tcb);
        uint32_t packets = tcb->cwnd;
        cwnd_init(tcb);
        tcb->ext->is_cwnd_limited = true;
        cc_cubic.cong_avoid(tcb, max_u32(acked / mss, 1));
        base->cwnd += tcb->cwnd > packets ? (tcb->cwnd - packets) * mss : 0;
    } else {
        base->acked += acked;
        if (base->acked >= base->cwnd) {
            base->acked -= base->cwnd;
            base->cwnd += mss;
        }
    }
    base->cwnd = min_u32(base->cwnd, 65535u << tcb->snd_wscale);
}

/* RFC 5681 4.1: after an RTO of silence no more than the initial window. */
void base_check_idle(struct tcb *tcb)
{
    struct base_recovery *base = base_get(tcb);
    uint64_t rto_ms = rtt_rto_ns(tcb) / NS_PER_MS;
    if (tcb_packets_out(tcb) || tcb->ext->in_burst || !tcb->ext->bytes_sent)
        return;
    if (tcb_now_ms(tcb) - tcb->ext->rcv_last_ms < rto_ms && tcb_now_ms(tcb) - tcb->last_snd_ms < rto_ms)
        return;
    base->ssthresh = max_u32(base->ssthresh, base->cwnd - (base->cwnd >> 2));
    base->cwnd = min_u32(base->cwnd, initial_window(tcb));
}

/* RFC 6937 3, with the rule that a new hole lets no more out than was delivered. */
static void reduce_in_proportion(struct tcb *tcb, uint32_t delivered, bool with_sack)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = segment_size(tcb), flight = pipe(tcb);
    int64_t send;
    if (!with_sack && base->in_fast) { /* each duplicate ACK is a segment */
        delivered = base->prr_delivered < DUP_THRESH * mss + base->recover - tcb->snd_una ? mss : 0;
        uint32_t gone = tcb->ext->dupacks * mss, out = tcb->snd_nxt - tcb->snd_una;
        flight = out > gone ? out - gone : 0;
    }
    base->prr_delivered += delivered;
    if (flight >= base->ssthresh) {
        if (base->flight_size == 0)
            base->flight_size = max_u32(tcb->snd_nxt - tcb->snd_una, 1);
        uint64_t share = ((uint64_t)base->prr_delivered * base->ssthresh + base->flight_size - 1) / base->flight_size;
        send = (int64_t)share - base->prr_out + mss - 1;
    } else {
        int64_t limit = (int64_t)base->prr_delivered - base->prr_out;
        if (!base->new_loss && delivered)
            limit = (limit > (int64_t)delivered ? limit : (int64_t)delivered) + mss;
        send = (int64_t)base->ssthresh - flight;
        send = send < limit ? send : limit;
    }
    uint32_t segments = send > 0 ? (uint32_t)(send / mss) : 0;
    base->cwnd = (with_sack || !base->in_fast ? pipe(tcb) : tcb->snd_nxt - tcb->snd_una) + segments * mss;
    base->cwnd = max_u32(base->cwnd, mss);
}

/* --- events -------------------------------------------------------------------------------------------------------------------- */

static void forget_measurement(struct tcb *tcb) { tcb->ext->rtt_seq = tcb->snd_nxt; } /* Karn */

static void resend_head(struct tcb *tcb)
{
    if (!tcb->tx || tcb->tx->count == 0)
        return;
    struct txseg *head = txring_at(tcb->tx, 0);
    if (head->flags & TX_RETRANS) {
        head->flags &= (uint8_t)~TX_RETRANS;
        tcb->ext->retrans_out -= txseg_packets(head);
    }
    recovery_mark_lost(tcb, head);
    tcb->ext->fast_rexmit = true;
}

static void enter_recovery(struct tcb *tcb, bool with_sack)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = segment_size(tcb);
    tcb->ext->dupacks = DUP_THRESH;
    if (with_sack ? base->in_fast : seq_le(tcb->snd_una, base->recover)) {
        tcb->ext->dupacks = 0;
        return;
    }
    if (with_sack)
        TCP_MIB(tcb->tcp, SackRecovery);
    else
        TCP_MIB(tcb->tcp, RenoRecovery);
    if (!base->in_cong)
        base->ssthresh = reduced(tcb, base->cwnd, false);
    base->in_fast = base->in_cong = true;
    base->recover = tcb->snd_nxt;
    tcb->ecn_queue_cwr = tcb->ecn_ok;
    forget_measurement(tcb);
    base->prr_delivered = with_sack ? min_u32(tcb->snd_nxt - tcb->snd_una, (base->limited + 1u) * mss) : mss;
    base->prr_out = 0;
    base->flight_size = max_u32(tcb->snd_nxt - tcb->snd_una, 1);
    if (with_sack) {
        count_board(tcb);
        base->once = pipe(tcb) + mss; /* one retransmission now, whatever the window is to be */
        base->cwnd = base->ssthresh;
    } else {
        resend_head(tcb);
        base->cwnd = base->ssthresh + mss * (DUP_THRESH - min_u32(base->limited, 2));
    }
    base->limited = 0;
    recovery_set_state(tcb, CA_RECOVERY);
}

/* RFC 3042: the first two duplicate ACKs each let a new segment out. */
static void transmit_limited(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t flight = base->cwnd;
    if (tcb->ext->dupacks == 1)
        base->limited = 0;
    if (base->next == tcb->snd_nxt && tcb->backoff == 0)
        flight = tcb->snd_nxt - tcb->snd_una;
    base->once = flight + (tcb->ext->dupacks - min_u32(base->limited, tcb->ext->dupacks)) * segment_size(tcb);
    base->once_start = tcb->snd_nxt;
    base->is_limited = true;
}

static void on_duplicate(struct tcb *tcb, const struct ack_state *state, uint32_t delivered)
{
    struct tcb_ext *ext = tcb->ext;
    struct base_recovery *base = &ext->base;
    uint32_t mss = segment_size(tcb);
    bool with_sack = tcb->sack_ok && (base->sacked || state->sacked_new);
    if (with_sack && !state->sacked_new)
        return; /* nothing that was not known */
    if (tcb->timer != TIMER_REXMT) {
        ext->dupacks = 0;
        return;
    }
    if (ext->dupacks < 255)
        ext->dupacks++;
    if (ext->dupacks > DUP_THRESH || base->in_fast) {
        if (tcb_params(tcb)->prr && base->in_fast && tcb->sack_ok)
            reduce_in_proportion(tcb, delivered, with_sack);
        else if (with_sack && base->in_fast && base->next == tcb->snd_nxt) {
            if (pipe(tcb) < base->ssthresh)
                base->cwnd = min_u32(base->cwnd + max_u32(mss, min_u32(2 * mss, delivered)), base->ssthresh);
        } else {
            base->cwnd += mss;
        }
    } else if (ext->dupacks == DUP_THRESH || (tcb->sack_ok && base->sacked > (DUP_THRESH - 1) * mss)) {
        enter_recovery(tcb, with_sack);
    } else if (tcb_params(tcb)->limited_transmit) {
        transmit_limited(tcb);
    }
    tcb_mark_due(tcb);
}

static void on_partial(struct tcb *tcb, const struct ack_state *state, uint32_t acked, uint32_t delivered)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = segment_size(tcb);
    forget_measurement(tcb);
    tcb->ack_now = true;
    if (!tcb->sack_ok) { /* RFC 6582 3.2 step 3 */
        resend_head(tcb);
        base->cwnd = (base->cwnd > acked ? base->cwnd - acked : 0) + mss;
    } else if (tcb_params(tcb)->prr && (state->sacked_new || base->sacked)) {
        reduce_in_proportion(tcb, delivered, true);
    } else {
        base->cwnd = min_u32(max_u32(pipe(tcb), mss) + (acked / mss >= 2 ? 2 : 1) * mss, base->ssthresh);
        if (base->sacked == 0)
            resend_head(tcb); /* the ACK left no hole to tell of: what is first is what is missing */
    }
}

static void leave_recovery(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = segment_size(tcb);
    if (base->in_fast)
        base->cwnd = pipe(tcb) < base->ssthresh ? max_u32(pipe(tcb), mss) + mss : base->ssthresh;
    base->in_fast = base->in_cong = false;
    base->acked = 0;
    tcb->ext->dupacks = 0;
    recovery_set_state(tcb, CA_OPEN);
}

/* The first timeout was needless: the ACK is for what was sent before it (Eifel by the timestamp). */
static void take_back_timeout(struct tcb *tcb, const struct ack_state *state)
{
    struct base_recovery *base = &tcb->ext->base;
    if (!base->can_undo || !state->ts_ecr_ok || (int32_t)(state->ts_ecr - base->undo_ts) >= 0)
        return;
    base->cwnd = base->undo_cwnd;
    base->ssthresh = base->undo_ssthresh;
    base->recover = base->undo_recover;
    base->in_fast = base->undo_fast;
    base->in_cong = base->undo_cong;
    base->next = tcb->snd_nxt;
    base->can_undo = false;
    tcb->ext->rexmit_hold = true;
    TCP_MIB(tcb->tcp, SpuriousRTOs);
    recovery_set_state(tcb, base->in_fast ? CA_RECOVERY : CA_OPEN);
}

static void on_progress(struct tcb *tcb, struct ack_state *state, uint32_t delivered)
{
    struct tcb_ext *ext = tcb->ext;
    struct base_recovery *base = &ext->base;
    uint32_t acked = tcb->snd_una - state->prior_una;
    bool with_sack = tcb->sack_ok && (base->sacked || state->sacked_new);
    take_back_timeout(tcb, state);
    ext->dupacks = 0;
    if (with_sack && state->sacked_new && base->next == tcb->snd_nxt) {
        ext->dupacks++;
        if (!base->in_fast && base->sacked > (DUP_THRESH - 1) * segment_size(tcb))
            enter_recovery(tcb, true);
    }
    if (seq_lt(tcb->snd_una, base->recover)) {
        if (base->in_fast)
            on_partial(tcb, state, acked, delivered);
        else if (base->in_cong && tcb_params(tcb)->prr)
            reduce_in_proportion(tcb, delivered, true); /* without a loss it is the same rule */
    }
    grow(tcb, acked);
    if (base->in_fast || base->in_cong) {
        if (seq_ge(tcb->snd_una, base->recover))
            leave_recovery(tcb);
    } else if (tcb->ca_state == CA_LOSS && seq_ge(tcb->snd_una, base->recover)) {
        recovery_set_state(tcb, CA_OPEN);
    }
    if (seq_gt(tcb->snd_una, base->recover))
        base->recover = tcb->snd_una;
    if (seq_lt(base->next, tcb->snd_una))
        base->next = tcb->snd_una;
    timer_rexmt(tcb);
    tcb_mark_due(tcb);
}

void base_on_ack(struct tcb *tcb, struct ack_state *state)
{
    struct base_recovery *base = base_get(tcb);
    uint32_t sacked = base->sacked;
    tcb->ext->rexmit_hold = false;
    count_board(tcb);
    uint32_t delivered = tcb->snd_una - state->prior_una + base->sacked - sacked;
    if (state->ece && !base->in_cong) { /* RFC 3168 6.1.2: once a round trip */
        base->ssthresh = base->cwnd = reduced(tcb, base->cwnd, false);
        base->in_cong = true;
        base->recover = tcb->snd_nxt + 1;
        tcb->ecn_queue_cwr = true;
        base->prr_delivered = base->prr_out = 0;
        base->flight_size = tcb->snd_nxt - state->prior_una; /* as it was when the mark was seen */
    }
    if (state->una_advanced)
        bsd_note_acked(tcb, tcb->snd_una - state->prior_una);
    if (state->una_advanced)
        on_progress(tcb, state, delivered);
    else if (!state->has_data && (tcb->sack_ok || !state->window_update) && tcb_packets_out(tcb))
        on_duplicate(tcb, state, delivered);
    mirror(tcb);
}

/* RFC 6298 5.4-5.6: all again from SND.UNA, one segment at first. */
void base_on_rto(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    struct base_recovery *base = base_get(tcb);
    base->can_undo = tcb->retransmits == 0;
    if (base->can_undo) {
        base->undo_cwnd = base->cwnd;
        base->undo_ssthresh = base->ssthresh;
        base->undo_recover = base->recover;
        base->undo_fast = base->in_fast;
        base->undo_cong = base->in_cong;
        base->undo_ts = tcb_ts_now(tcb);
    }
    for (uint32_t i = 0; i < tcb->tx->count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (seg->flags & TX_SACKED)
            continue;
        if (seg->flags & TX_RETRANS) {
            seg->flags &= (uint8_t)~TX_RETRANS;
            ext->retrans_out -= txseg_packets(seg);
        }
        recovery_mark_lost(tcb, seg);
    }
    base->next = tcb->snd_una;
    base->recover = tcb->snd_nxt;
    base->in_fast = base->in_cong = false;
    base->acked = 0;
    base->once = 0;
    ext->dupacks = 0;
    ext->rexmit_hold = ext->fast_rexmit = false;
    base->ssthresh = reduced(tcb, base->cwnd, true);
    base->cwnd = segment_size(tcb);
    forget_measurement(tcb);
    recovery_set_state(tcb, CA_LOSS);
    mirror(tcb);
}

/* --- output's questions ---------------------------------------------------------------------------------------------------------- */

static uint32_t send_window(const struct tcb *tcb)
{
    const struct base_recovery *base = &tcb->ext->base;
    return min_u32(tcb->snd_wnd, base->once ? base->once : base->cwnd);
}

/* The record to resend now and, in ext->base.most, how much of it. */
uint32_t base_next_lost(struct tcb *tcb)
{
    struct base_recovery *base = base_get(tcb);
    uint32_t window = send_window(tcb);
    base->most = UINT32_MAX;
    if (tcb->ext->fast_rexmit)
        return 0;
    if (tcb->ext->rexmit_hold)
        return TCP_NONE;
    for (uint32_t i = 0; i < tcb->tx->count; i++) {
        const struct txseg *seg = txring_at(tcb->tx, i);
        if (seg->flags & TX_SACKED)
            continue;
        if (seq_lt(base->next, tcb->snd_nxt) && !base->in_fast) { /* after a timeout */
            if (seq_le(seg->end, base->next))
                continue;
            uint32_t offset = seg->start - tcb->snd_una;
            if (offset >= window)
                return TCP_NONE;
            base->most = window - offset;
            return i;
        }
        if (!base->in_fast || (seg->flags & (TX_LOST | TX_RETRANS)) != TX_LOST)
            continue;
        if (!seq_lt(seg->start, base->recover) || pipe(tcb) >= window)
            return TCP_NONE;
        base->most = window - pipe(tcb);
        return i;
    }
    return TCP_NONE;
}

/* What one record adds to the counters, taken away or given back. */
static void count_record(struct tcb *tcb, const struct txseg *seg, bool gone)
{
    uint32_t packets = gone ? 0u - txseg_packets(seg) : txseg_packets(seg);
    tcb->tx->packets_out += packets;
    tcb->ext->lost_out += seg->flags & TX_LOST ? packets : 0;
    tcb->ext->retrans_out += seg->flags & TX_RETRANS ? packets : 0;
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
}

/* SEQ..END went out, again or for the first time. */
void base_on_sent(struct tcb *tcb, uint32_t start, uint32_t end, bool again)
{
    struct base_recovery *base = base_get(tcb);
    if (!again && start == tcb->snd_una)
        tcb->ext->progress_ns = max_u64(tcb_now(tcb), 1);
    if (base->in_fast || base->in_cong)
        base->prr_out += end - start;
    if (again && base->in_fast && base->sacked)
        base->resent += end - start;
    if (again && seq_le(base->next, start))
        base->next = end;
    else if (!again && base->next == start)
        base->next = end;
}

/* How much of the UNSENT bytes may go in the next segment. */
uint32_t base_next_length(struct tcb *tcb, uint32_t unsent)
{
    struct base_recovery *base = base_get(tcb);
    uint32_t mss = mss_current(tcb), window = send_window(tcb), used = tcb->snd_nxt - tcb->snd_una, right = tcb->snd_una + tcb->snd_wnd;
    if (base->in_fast && base->sacked && base->resent)
        used = pipe(tcb);
    uint32_t length = window > used ? min_u32(window - used, unsent) : 0;
    if (seq_lt(right, tcb->snd_nxt + length))
        length = seq_gt(right, tcb->snd_nxt) ? right - tcb->snd_nxt : 0;
    if (length >= mss)
        return mss;
    if (length == unsent && (tcb->fin_queued || output_may_send_partial(tcb)))
        return length;
    return tcb->max_window && length >= tcb->max_window / 2 ? length : 0;
}

/* The burst that an ACK allowed is over. */
void base_end_burst(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (base->is_limited) {
        uint32_t sent = tcb->snd_nxt - base->once_start;
        base->limited = sent > segment_size(tcb) ? 2 : base->limited + (sent > 0);
    }
    base->once = 0;
    base->is_limited = false;
}
