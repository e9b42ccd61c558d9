/* tcp_base.c: loss recovery of FreeBSD's base stack, in bytes (byte_recovery): duplicate ACKs are counted and SACKed bytes too
 * (RFC 6675 5, step 4), limited transmit (RFC 3042), NewReno's partial ACKs without SACK (RFC 6582), PRR with it (RFC 6937), lost
 * retransmissions found. A timeout sends again from SND.UNA on, as far as the window reaches, past what was SACKed. What FreeBSD sends
 * while it looks at an ACK, before SND.UNA moves, is a burst of its own (lag). The scoreboard is tcp_bsd_board.c's, the windows are
 * tcp_bsd_cc.c's; tcb->cwnd and tcb->ssthresh follow in packets for those who ask. */
#include "tcp/bsd/tcp_base_inner.h"

static void mirror(struct tcb *tcb)
{
    const struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = bsd_segment(tcb);
    tcb->cwnd = max_u32(base->cwnd / mss, 1);
    tcb->ssthresh = base->ssthresh >= BSD_NO_THRESHOLD ? INT32_MAX : base->ssthresh / mss;
}

struct base_recovery *base_get(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (base->cwnd)
        return base;
    base->cwnd = tcb->cwnd == 1 ? bsd_segment(tcb) : bsd_initial_window(tcb); /* 1: a SYN was lost */
    base->ssthresh = bsd_initial_threshold(tcb);
    base->recover = tcb->snd_una - 1;
    base->next = tcb->snd_nxt;
    base->rtt_count = tcb->srtt_us != 0;
    bsd_cc_init(tcb);
    return base;
}

void base_check_idle(struct tcb *tcb)
{
    (void)base_get(tcb);
    uint64_t rto_ms = rtt_rto_ns(tcb) / NS_PER_MS;
    if (tcb_packets_out(tcb) || tcb->ext->in_burst || !tcb->ext->bytes_sent)
        return;
    if (tcb_now_ms(tcb) - tcb->ext->rcv_last_ms < rto_ms && tcb_now_ms(tcb) - tcb->last_snd_ms < rto_ms)
        return;
    bsd_cc_after_idle(tcb);
}

/* --- events -------------------------------------------------------------------------------------------------------------------- */

/* An ACK as it is looked at. */
struct look {
    struct tcb *tcb;
    struct ack_state *state;
    enum board_change change;
    uint32_t delivered;
    bool with_sack;      /* it has blocks, or holes are known */
};

static void forget_measurement(struct tcb *tcb) { tcb->ext->base.timed_ms = 0; } /* Karn: t_rtttime */

/* t_rxtshift = 0: no timeout counts any more, but the RTO (t_rxtcur) stays until the next timeout or measurement. */
void base_end_backoff(struct tcb *tcb)
{
    if (tcb->backoff)
        tcb->ext->base.rto_ns = rtt_rto_ns(tcb);
    tcb->backoff = 0;
}

/* tcp_xmit_timer(): by the echo, a millisecond added, or by the one segment that is timed. Either ends the backoff. */
static void measure(struct tcb *tcb, const struct ack_state *state)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t elapsed = tcb_ts_now(tcb) - state->ts_ecr;
    if (state->ts_ecr_ok && (int32_t)elapsed >= 0)
        rtt_sample(tcb, min_u32(elapsed, 0xffff) * 1000ull + 1000);
    else if (base->timed_ms && seq_gt(tcb->snd_una, base->timed_seq))
        rtt_sample(tcb, (tcb_now_ms(tcb) - base->timed_ms) * 1000ull);
    else
        return;
    tcb->backoff = 0;
    base->probes_anew = true; /* t_rxtshift is the persist timer's, too */
    base->timed_ms = 0;
    base->rto_ns = 0;
    base->rtt_count++;
}

void base_time_segment(struct tcb *tcb, uint32_t start)
{
    struct base_recovery *base = &tcb->ext->base;
    tcb->last_snd_ms = tcb_now_ms(tcb);
    if (base->timed_ms)
        return;
    base->timed_ms = max_u32(tcb_now_ms(tcb), 1);
    base->timed_seq = start;
}

/* RFC 6937 3, with the rule that a new hole lets no more out than was delivered. */
static void reduce_in_proportion(const struct look *look, enum board_change change, uint32_t delivered)
{
    struct tcb *tcb = look->tcb;
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = base_segment_size(tcb), flight = base_pipe(tcb);
    bool by_board = look->with_sack || !base->in_fast;
    int64_t send;
    if (!by_board) { /* each duplicate ACK is a segment */
        delivered = base->prr_delivered < DUP_THRESH * mss + base->recover - base_una(tcb) ? mss : 0;
        uint32_t gone = tcb->ext->dupacks * mss, out = tcb->snd_nxt - base_una(tcb);
        flight = out > gone ? out - gone : 0;
    }
    base->prr_delivered += delivered;
    if (flight >= base->ssthresh) {
        if (base->flight_size == 0)
            base->flight_size = max_u32(tcb->snd_nxt - base_una(tcb), 1);
        uint64_t share = ((uint64_t)base->prr_delivered * base->ssthresh + base->flight_size - 1) / base->flight_size;
        send = (int64_t)share - base->prr_out + mss - 1;
    } else {
        int64_t limit = (int64_t)base->prr_delivered - base->prr_out;
        if (change != BOARD_NEW_LOSS && delivered)
            limit = (limit > (int64_t)delivered ? limit : (int64_t)delivered) + mss;
        send = (int64_t)base->ssthresh - flight;
        send = send < limit ? send : limit;
    }
    int64_t segments = send > 0 ? send / mss : 0,
            window = (by_board ? (int64_t)flight - delivered : (int64_t)(tcb->snd_nxt - base_una(tcb))) + segments * mss;
    base->cwnd = window > mss ? (uint32_t)window : mss;
}

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

/* CC_NDUPACK */
static void signal_loss(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (!base->in_fast) {
        base->recover = tcb->snd_nxt;
        tcb->ecn_queue_cwr = tcb->ecn_ok;
    }
    bsd_cc_on_loss(tcb);
}

/* False: it was under way, or this ACK belongs to one that is past. */
static bool enter_recovery(const struct look *look)
{
    struct tcb *tcb = look->tcb;
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = base_segment_size(tcb);
    tcb->ext->dupacks = DUP_THRESH;
    if (look->with_sack ? base->in_fast : seq_le(tcb->snd_una, base->recover)) {
        tcb->ext->dupacks = 0;
        return false;
    }
    if (look->with_sack)
        TCP_MIB(tcb->tcp, SackRecovery);
    else
        TCP_MIB(tcb->tcp, RenoRecovery);
    signal_loss(tcb);
    bsd_cc_on_duplicate(tcb);
    forget_measurement(tcb);
    base->prr_delivered = look->with_sack ? min_u32(tcb->snd_nxt - tcb->snd_una, (base->limited + 1u) * mss) : mss;
    base->flight_size = max_u32(base->next - base_una(tcb), 1);
    base->limited = 0;
    if (look->with_sack) {
        board_resend(tcb);
        base->next = tcb->snd_nxt;
        base->once = base_pipe(tcb) + mss; /* one retransmission now, whatever the window is to be */
        base->cwnd = base->ssthresh;
    } else {
        resend_head(tcb);
        base->cwnd = base->ssthresh + mss * DUP_THRESH;
    }
    recovery_set_state(tcb, CA_RECOVERY);
    timer_stop(tcb);
    timer_rexmt(tcb);
    return true;
}

/* Before a timeout's or a loss's recovery has begun, what lies SACKed below SND.NXT does not count against the window. */
uint32_t base_skip(const struct tcb *tcb, uint32_t *next)
{
    return tcb->sack_ok && board_waits(tcb) && !tcb->ext->base.in_fast ? board_skip(tcb, next) : 0;
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
    base->once = flight + (tcb->ext->dupacks - min_u32(base->limited, tcb->ext->dupacks)) * base_segment_size(tcb);
    base->once_start = tcb->snd_nxt;
    base->is_limited = true;
}

static bool is_duplicate(const struct look *look)
{
    const struct ack_state *state = look->state;
    if (look->tcb->sack_ok && tcb_params(look->tcb)->dupack_by_sack)
        return look->change != BOARD_SAME;
    if (state->has_data)
        return false;
    return look->tcb->sack_ok ? !look->with_sack || look->change != BOARD_SAME : !state->window_changed;
}

/* What is used here goes no further: neither the segment's window counts nor its text (tcp_do_segment(): goto drop). */
static void on_duplicate(const struct look *look)
{
    struct tcb *tcb = look->tcb;
    struct ack_state *state = look->state;
    struct tcb_ext *ext = tcb->ext;
    struct base_recovery *base = &ext->base;
    uint32_t mss = base_segment_size(tcb);
    if (!is_duplicate(look))
        return; /* nothing that was not known */
    if (tcb->timer != TIMER_REXMT || state->is_fin) {
        ext->dupacks = 0;
        return;
    }
    if (ext->dupacks < 255)
        ext->dupacks++;
    state->is_taken_apart = true;
    if (ext->dupacks > DUP_THRESH || base->in_fast) {
        bsd_cc_on_duplicate(tcb);
        if (tcb_params(tcb)->prr && base->in_fast && tcb->sack_ok)
            reduce_in_proportion(look, look->change, look->delivered);
        else if (look->with_sack && base->in_fast && base->next == tcb->snd_nxt) {
            if (base_pipe(tcb) < base->ssthresh)
                base->cwnd = min_u32(base->cwnd + max_u32(mss, min_u32(2 * mss, look->delivered)), base->ssthresh);
        } else if (look->with_sack && base->in_fast) {
            base->cwnd += max_u32(mss, min_u32(2 * mss, look->delivered));
        } else {
            base->cwnd += mss;
        }
    } else if (ext->dupacks == DUP_THRESH ||
               (tcb->sack_ok && tcb_params(tcb)->sack_revised && board_sacked(tcb) > (DUP_THRESH - 1) * mss)) {
        state->is_taken_apart = enter_recovery(look);
    } else if (tcb_params(tcb)->limited_transmit) {
        bsd_cc_on_duplicate(tcb);
        transmit_limited(tcb);
    } else {
        state->is_taken_apart = false;
    }
    tcb_mark_due(tcb);
}

/* The ACK told of no block: a segment or two, and where no hole is known the last of the episode. */
static void send_few(const struct look *look, uint32_t acked)
{
    struct tcb *tcb = look->tcb;
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = base_segment_size(tcb), high = tcb->snd_nxt;
    base->cwnd = min_u32(board_resent(tcb) + (base->next - base->recover) + (acked / mss >= 2 ? 2 : 1) * mss, base->ssthresh);
    if (board_has_holes(tcb) || look->delivered == 0 || !tcb_params(tcb)->sack_revised)
        return;
    if (tcb->fin_queued && tcb->snd_nxt == tcb->write_seq + 1)
        high--;
    high = seq_min(high, base->recover);
    if (seq_lt(tcb->snd_una, high))
        board_rescue(tcb, seq_max(tcb->snd_una, high - mss), high, tcb->snd_una);
}

static void on_partial(const struct look *look, uint32_t acked)
{
    struct tcb *tcb = look->tcb;
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = base_segment_size(tcb);
    forget_measurement(tcb);
    tcb->ack_now = true;
    if (!tcb->sack_ok) { /* RFC 6582 3.2 step 3 */
        resend_head(tcb);
        base->cwnd = (base->cwnd > acked ? base->cwnd - acked : 0) + mss;
        base->lag = 0;
    } else if (tcb_params(tcb)->prr && look->state->rx->in->header.options.sack_count) {
        reduce_in_proportion(look, look->change, look->delivered);
    } else {
        send_few(look, acked);
    }
}

static void leave_recovery(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    bsd_cc_after_recovery(tcb);
    base->in_fast = base->in_cong = false;
    base->acked = base->prr_delivered = base->prr_out = 0;
    recovery_set_state(tcb, CA_OPEN);
}

/* The first timeout was needless: the ACK is for what was sent before it (Eifel by the timestamp; without one, within half a
 * round trip, and on header prediction's way alone). */
static void take_back_timeout(struct tcb *tcb, const struct ack_state *state, bool predicted)
{
    struct base_recovery *base = &tcb->ext->base;
    bool can_undo = base->can_undo && (tcb->ts_ok ? state->ts_ecr_ok && (int32_t)(state->ts_ecr - base->undo_ts) < 0
                                                  : predicted && (int32_t)(tcb_now_ms(tcb) - base->undo_ts) < 0);
    base->can_undo = false;
    if (!can_undo)
        return;
    base->cwnd = base->undo_cwnd;
    base->ssthresh = base->undo_ssthresh;
    base->recover = base->undo_recover;
    base->in_fast |= base->undo_fast;
    base->in_cong |= base->undo_cong;
    base->next = tcb->snd_nxt;
    base_end_backoff(tcb);
    bsd_cc_undo_rto(tcb);
    TCP_MIB(tcb->tcp, SpuriousRTOs);
    recovery_set_state(tcb, base->in_fast ? CA_RECOVERY : CA_OPEN);
}

/* An ACK that moves SND.UNA can begin an episode too: FreeBSD leaves the rest of it to the next ACK. */
static bool begins_recovery(const struct look *look)
{
    struct tcb *tcb = look->tcb;
    struct base_recovery *base = &tcb->ext->base;
    bool counts = look->state->prior_backoff == 0 ? look->change != BOARD_SAME : look->change == BOARD_NEW_LOSS;
    tcb->ext->dupacks = 0;
    if (!look->with_sack || !counts || base->next != tcb->snd_nxt)
        return false;
    tcb->ext->dupacks++;
    look->state->is_taken_apart = !base->in_fast && board_sacked(tcb) > (DUP_THRESH - 1) * base_segment_size(tcb) && enter_recovery(look);
    return look->state->is_taken_apart;
}

/* Header prediction's short way, on which snd_recover stays behind: without SACK, duplicates of an ACK that went the
 * long way begin nothing. */
bool base_predicts(const struct tcb *tcb, const struct rx *rx)
{
    const struct base_recovery *base = &tcb_ext_peek(tcb)->base;
    bool plain = (rx->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG)) == 0 && rx->length == 0 && rx->seq == tcb->rcv_nxt &&
                 !tcb_ext_peek(tcb)->ooo && !rx->in->header.options.sack_count;
    return plain && seq_gt(rx->ack, tcb->snd_una) && tcb->state == TCPS_ESTABLISHED && base->cwnd && base->next == tcb->snd_nxt &&
           rx->window && rx->window == tcb->snd_wnd && !base->in_fast && !base->in_cong && !board_has_holes(tcb);
}

static void on_progress(const struct look *look, uint32_t acked)
{
    struct tcb *tcb = look->tcb;
    struct base_recovery *base = &tcb->ext->base;
    bool predicted = look->state->is_predicted;
    if (begins_recovery(look)) {
        base->owed = acked;
        tcb_mark_due(tcb);
        return;
    }
    if (seq_lt(tcb->snd_una, base->recover) && base->in_fast) {
        on_partial(look, acked);
    } else if (seq_lt(tcb->snd_una, base->recover) && base->in_cong && tcb_params(tcb)->prr) {
        board_set_top(tcb, tcb->snd_una);
        base->delivered = acked;
        reduce_in_proportion(look, BOARD_CHANGED, acked); /* without a loss it is the same rule */
    } else {
        base->lag = 0;
    }
    take_back_timeout(tcb, look->state, predicted);
    measure(tcb, look->state);
    bsd_cc_on_ack(tcb, acked, look->state->prior_wnd);
    if ((base->in_fast || base->in_cong) && seq_ge(tcb->snd_una, base->recover))
        leave_recovery(tcb);
    else if (tcb->ca_state == CA_LOSS && seq_ge(tcb->snd_una, base->recover))
        recovery_set_state(tcb, CA_OPEN);
    if (!predicted)
        base->recover = seq_max(base->recover, tcb->snd_una);
    base->next = seq_max(base->next, tcb->snd_una);
    if (tcb->timer != TIMER_PERSIST)
        timer_rexmt(tcb);
    tcb_mark_due(tcb);
}

/* RFC 3168 6.1.2: once a round trip, before the rest of the segment is looked at. */
void base_on_ece(struct tcb *tcb, uint32_t ack)
{
    struct base_recovery *base = base_get(tcb);
    base->lag = 0;
    if (!base->in_cong || seq_ge(ack, base->recover)) {
        base->in_cong = false;
        base->recover = tcb->snd_nxt + 1;
        tcb->ecn_queue_cwr = true;
    }
    bsd_cc_on_ecn(tcb);
}

/* ECN-Echo on the ACK that ends the handshake. It is signalled while the window is that of a fresh tcpcb, which cc_conn_init() then
 * replaces; the threshold, the episode and CWR stay, and the ACK of the SYN counts for the proportional reduction: a segment is left. */
void base_on_opening_ece(struct tcb *tcb)
{
    struct base_recovery *base = base_get(tcb);
    uint32_t window = base->cwnd, known = base->ssthresh;
    base->cwnd = BSD_NO_THRESHOLD;
    base_on_ece(tcb, tcb->snd_una);
    base->cwnd = tcb_params(tcb)->prr ? bsd_segment(tcb) : window;
    if (known != BSD_NO_THRESHOLD)
        base->ssthresh = known;
    bsd_cc_begin(tcb);
    mirror(tcb);
}

/* What was resent was lost again: the episode begins anew, from the window that the last one left. */
static void begin_anew(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    base->cwnd = base->ssthresh;
    base->in_fast = base->in_cong = false;
    signal_loss(tcb);
    base->cwnd = base_segment_size(tcb);
    base->flight_size = tcb->snd_nxt - base_una(tcb) - base->flight_size;
}

void base_on_ack(struct tcb *tcb, struct ack_state *state)
{
    struct base_recovery *base = base_get(tcb);
    bool has_blocks = tcb->sack_ok && state->rx->in->header.options.sack_count &&
                      tcb->mss + tcb_ts_bytes(tcb) >= tcb_params(tcb)->mss_default;
    struct look look = {.tcb = tcb, .state = state, .with_sack = tcb->sack_ok && (has_blocks || board_has_holes(tcb))};
    uint32_t acked = tcb->snd_una - state->prior_una + base->owed;
    if (bsd_cc_measures(tcb))
        ertt_on_ack(tcb, state, acked);
    base->lag = acked;
    base->prior_wnd = state->prior_wnd;
    base->owed = 0;
    tcb->ext->rexmit_hold = false;
    if (look.with_sack)
        look.change = board_update(tcb, state->rx, base_una(tcb), &base->delivered);
    else
        board_forget_sacked(tcb);
    look.delivered = base->delivered;
    look.with_sack = tcb->sack_ok && (has_blocks || board_has_holes(tcb));
    if (look.change != BOARD_SAME && tcb_params(tcb)->lost_retransmission && (base->in_fast || base->in_cong) && board_lost_again(tcb))
        begin_anew(tcb);
    if (state->una_advanced)
        bsd_note_acked(tcb, tcb->snd_una - state->prior_una);
    if (acked)
        on_progress(&look, acked);
    else if (tcb_packets_out(tcb))
        on_duplicate(&look);
    mirror(tcb);
}

/* The byte that probed a shut window is acknowledged: that tells of the round trip. */
void base_on_probe_ack(struct tcb *tcb, const struct ack_state *state)
{
    (void)base_get(tcb);
    measure(tcb, state);
}

/* An ACK below SND.UNA: its blocks count none the less. */
void base_on_old_ack(struct tcb *tcb, const struct ack_state *state)
{
    struct base_recovery *base = base_get(tcb);
    bool changed = board_update(tcb, state->rx, tcb->snd_una, &base->delivered) != BOARD_SAME;
    if (changed && tcb_params(tcb)->lost_retransmission && (base->in_fast || base->in_cong) && board_lost_again(tcb))
        begin_anew(tcb);
}

/* What was SACKed is no longer believed to be. */
void base_forget_sack(struct tcb *tcb, struct txseg *seg)
{
    if (seg->flags & TX_SACKED)
        tcb->ext->sacked_out -= txseg_packets(seg);
    seg->flags &= (uint8_t)~TX_SACKED;
}

/* All again from SND.UNA. FORGET: what was SACKed, too. */
static void begin_again(struct tcb *tcb, bool forget)
{
    struct tcb_ext *ext = tcb->ext;
    for (uint32_t i = 0; i < tcb->tx->count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (forget)
            base_forget_sack(tcb, seg);
        if (seg->flags & TX_SACKED)
            continue;
        if (seg->flags & TX_RETRANS) {
            seg->flags &= (uint8_t)~TX_RETRANS;
            ext->retrans_out -= txseg_packets(seg);
        }
        recovery_mark_lost(tcb, seg);
    }
    memset(ext->sack_cache, 0, sizeof ext->sack_cache);
    ext->base.next = tcb->snd_una;
}

/* tcp_output(): the window is shut, and something waits, be it in flight: that is as unsent now, and the persist timer runs. */
void base_check_shut(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    struct base_recovery *base = base_get(tcb);
    if (tcb->snd_wnd || base->lag || !tcb_is_synchronized(tcb) || tcb->timer == TIMER_PERSIST || !seq_lt(base->next, tcb->write_seq))
        return;
    if (tcb_packets_out(tcb))
        begin_again(tcb, false);
    base->can_undo = false;
    base_end_backoff(tcb);
    tcb->retransmits = 0;
    ext->persist_backoff = 0;
    base->probes_anew = false;
    ext->probe_start_ns = 0;
    persist_arm(tcb);
}

/* TF_FORCEDATA: urgent data is told of at once, by a byte beyond a shut window; as a probe where those go already. */
void base_force(struct tcb *tcb)
{
    if (tcb->timer == TIMER_PERSIST)
        tcb->want_probe = true;
    else
        base_get(tcb)->is_forced = true;
}

/* tcp_output(): while urgent data is not acknowledged, each call sends, be it nothing. */
void base_tell_urgent(struct tcb *tcb)
{
    if (tcb_params(tcb)->byte_recovery && seq_gt(tcb->ext->snd_up, tcb->snd_una))
        delack_ack_now(tcb);
}

/* What a call of tcp_output() that has nothing else to send (a read) sends all the same. */
bool base_owes_ack(const struct tcb *tcb)
{
    return tcb->ack_now || (tcb_ext_peek(tcb)->snd_urgent && seq_gt(tcb_ext_peek(tcb)->snd_up, tcb->snd_una));
}

/* The window shut over what is in flight: probes and ACKs have the number where it is to go on. */
bool base_probes_again(const struct tcb *tcb)
{
    return tcb->ext && tcb->ext->base.cwnd && seq_lt(tcb->ext->base.next, tcb->snd_nxt) && seq_lt(tcb->ext->base.next, tcb->write_seq);
}

/* RFC 6298 5.4-5.6: all again from SND.UNA, one segment at first. */
void base_on_rto(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    struct base_recovery *base = base_get(tcb);
    base->lag = base->owed = 0;
    base->can_undo = tcb->backoff == 0;
    if (base->can_undo) {
        base->undo_cwnd = base->cwnd;
        base->undo_ssthresh = base->ssthresh;
        base->undo_recover = base->recover;
        base->undo_fast = base->in_fast;
        base->undo_cong = base->in_cong;
        base->undo_ts = tcb->ts_ok ? tcb_ts_now(tcb) : tcb_now_ms(tcb) + tcb->srtt_us / 16000; /* t_badrxtwin */
        board_resend(tcb);
    } else {
        board_clear(tcb);
        base->delivered = 0;
    }
    begin_again(tcb, !base->can_undo);
    base->recover = tcb->snd_nxt;
    base->in_fast = base->in_cong = false;
    base->acked = base->once = 0;
    ext->dupacks = 0;
    ext->rexmit_hold = ext->fast_rexmit = false;
    tcb->ecn_queue_cwr = tcb->ecn_ok;
    if (tcb->snd_wnd == 0 && seq_lt(tcb->snd_una, tcb->write_seq))
        delack_ack_now(tcb); /* nothing may go but the ACK that the timer forces */
    bsd_cc_on_rto(tcb, base->can_undo);
    forget_measurement(tcb);
    recovery_set_state(tcb, CA_LOSS);
    mirror(tcb);
}
