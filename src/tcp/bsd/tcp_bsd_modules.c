/* tcp_bsd_modules.c: congestion control that FreeBSD loads as a module and that needs no measurements of its own: H-TCP (cc_htcp(4),
 * draft-leith-tcp-htcp) and DCTCP (cc_dctcp(4), RFC 8257). Beside NewReno's rules (tcp_bsd_cc.c), in bytes. */
#include "tcp/tcb.h"

/* --- H-TCP: the window grows the faster the longer ago the last loss was ---------------------------------------------------------- */

enum { BETA_BITS = 8, BETA_LEAST = 128, BETA_MOST = 204, ALPHA_BITS = 4, FIRST_SECOND_MS = 1000, RTT_SAMPLES = 8,
       RTT_SHARE_LEAST = 26, RTT_SHARE_MOST = 512, RTT_REFERENCE = 100 * 32, DIFF_MOST = INT32_MAX / 160 };

static struct base_htcp *htcp_of(struct tcb *tcb) { return &tcb->ext->base.cc.htcp; }
static uint32_t smoothed(const struct tcb *tcb) { return tcb->srtt_us / 250; } /* in 1/32 ms */

static void htcp_init(struct tcb *tcb)
{
    *htcp_of(tcb) = (struct base_htcp){.alpha = 1, .beta = BETA_LEAST, .congested_ms = tcb_now_ms(tcb)};
}

static void htcp_note_rtt(struct tcb *tcb)
{
    struct base_htcp *htcp = htcp_of(tcb);
    uint32_t rtt = smoothed(tcb);
    if (tcb->ext->base.rtt_count < RTT_SAMPLES)
        return;
    if (htcp->min_rtt == 0 || rtt < htcp->min_rtt)
        htcp->min_rtt = rtt;
    htcp->max_rtt = max_u32(htcp->max_rtt, rtt);
}

/* Adaptive backoff: the window falls no further than the queue empties. */
static void htcp_choose_beta(struct tcb *tcb)
{
    struct base_htcp *htcp = htcp_of(tcb);
    htcp->beta = BETA_LEAST;
    if (tcb_params(tcb)->htcp_adaptive_backoff && htcp->min_rtt && htcp->max_rtt)
        htcp->beta = min_u32(max_u32((htcp->min_rtt << BETA_BITS) / htcp->max_rtt, BETA_LEAST), BETA_MOST);
}

/* 1 + 10 d + (d / 2)^2, d seconds after the first since the last loss. */
static void htcp_choose_alpha(struct tcb *tcb)
{
    struct base_htcp *htcp = htcp_of(tcb);
    int32_t diff = (int32_t)(tcb_now_ms(tcb) - htcp->congested_ms) - FIRST_SECOND_MS;
    uint32_t d = (uint32_t)diff;
    if (diff >= DIFF_MOST)
        return;
    htcp->alpha = 1;
    if (diff <= 0)
        return;
    htcp->alpha = (16 + 160 * d / 1000 + d / 1000 * ((d << ALPHA_BITS) / 4000)) >> ALPHA_BITS;
    if (tcb_params(tcb)->htcp_adaptive_backoff)
        htcp->alpha = max_u32(1, (2 * ((1u << BETA_BITS) - htcp->beta) * htcp->alpha) >> BETA_BITS);
    if (tcb_params(tcb)->htcp_rtt_scaling) {
        uint32_t scale = min_u32(max_u32(RTT_SHARE_LEAST, (smoothed(tcb) << BETA_BITS) / RTT_REFERENCE), RTT_SHARE_MOST);
        htcp->alpha = max_u32(1, (scale * htcp->alpha) >> BETA_BITS);
    }
}

static void htcp_on_ack(struct tcb *tcb, uint32_t acked)
{
    struct base_recovery *base = &tcb->ext->base;
    bool counts_bytes = tcb_params(tcb)->byte_counting, slow_start = base->cwnd <= base->ssthresh;
    htcp_note_rtt(tcb);
    if (base->in_fast || base->in_cong || !base->is_limited_by_cwnd || !(!counts_bytes || slow_start || base->sent_a_window))
        return;
    htcp_choose_beta(tcb);
    htcp_choose_alpha(tcb);
    uint32_t mss = bsd_segment(tcb), alpha = htcp_of(tcb)->alpha;
    if (alpha == 1 || slow_start) {
        bsd_reno_on_ack(tcb, acked);
    } else if (counts_bytes) {
        base->cwnd += alpha * mss;
        base->sent_a_window = false;
    } else {
        base->cwnd += ((alpha << BETA_BITS) / max_u32(base->cwnd / mss, 1) * mss) >> BETA_BITS;
    }
}

static void htcp_reduce(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_htcp *htcp = htcp_of(tcb);
    if (htcp->min_rtt)
        htcp->max_rtt = (htcp->min_rtt + (htcp->max_rtt - htcp->min_rtt) * 95) / 100; /* so in cc_htcp.c: of the sum */
    uint32_t beta = BETA_LEAST;
    if (base->ssthresh != BSD_NO_THRESHOLD) {
        htcp_choose_beta(tcb);
        beta = htcp->beta;
    }
    base->ssthresh = (uint32_t)((uint64_t)base->cwnd * beta >> BETA_BITS);
    htcp->congested_ms = tcb_now_ms(tcb);
}

static void htcp_on_loss(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (!base->in_fast && !base->in_cong) {
        htcp_reduce(tcb);
        htcp_of(tcb)->prior_cwnd = base->cwnd;
    }
    base->in_fast = base->in_cong = true;
}

static void htcp_on_ecn(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (base->in_cong)
        return;
    htcp_reduce(tcb);
    base->cwnd = htcp_of(tcb)->prior_cwnd = base->ssthresh;
    base->in_cong = true;
}

static void htcp_on_rto(struct tcb *tcb, bool first)
{
    bsd_reno_on_rto(tcb, first);
    if (!first) /* one may be a false alarm */
        htcp_of(tcb)->congested_ms = tcb_now_ms(tcb);
}

static void htcp_after_recovery(struct tcb *tcb)
{
    const struct base_htcp *htcp = htcp_of(tcb);
    uint32_t mss = bsd_segment(tcb);
    bsd_end_episode(tcb, max_u32(1, (uint32_t)((uint64_t)htcp->beta * htcp->prior_cwnd / mss >> BETA_BITS)) * mss);
}

const struct bsd_cc bsd_htcp = {.init = htcp_init,
                                .on_ack = htcp_on_ack,
                                .on_duplicate = htcp_note_rtt,
                                .on_loss = htcp_on_loss,
                                .on_ecn = htcp_on_ecn,
                                .on_rto = htcp_on_rto,
                                .after_recovery = htcp_after_recovery,
                                .after_idle = bsd_reno_after_idle};

/* --- DCTCP, on a connection with ECN; NewReno on one without --------------------------------------------------------------------- */

enum { SHARE_BITS = 10, SHARE_MOST = 1 << SHARE_BITS };

static struct base_dctcp *dctcp_of(struct tcb *tcb) { return &tcb->ext->base.cc.dctcp; }

static void dctcp_init(struct tcb *tcb) { dctcp_of(tcb)->alpha = tcb_params(tcb)->dctcp_alpha; }

static void dctcp_begin(struct tcb *tcb)
{
    if (!tcb->ecn_ok)
        return;
    dctcp_of(tcb)->end = tcb->ext->base.next;
    tcb->ext->base.is_ect1 = tcb_params(tcb)->dctcp_ect1;
}

static void begin_window(struct tcb *tcb)
{
    struct base_dctcp *dctcp = dctcp_of(tcb);
    dctcp->marked = dctcp->total = 0;
    dctcp->end = tcb->ext->base.next;
}

/* RFC 8257 3.3 (6-9) */
static void dctcp_end_window(struct tcb *tcb)
{
    struct base_dctcp *dctcp = dctcp_of(tcb);
    unsigned g = tcb_params(tcb)->dctcp_shift_g;
    uint64_t share = ((uint64_t)dctcp->marked << (SHARE_BITS - g)) / max_u32(dctcp->total, 1);
    dctcp->alpha = (uint32_t)min_u64(dctcp->alpha - (dctcp->alpha >> g) + share, SHARE_MOST);
    begin_window(tcb);
}

/* The first ACK with ECE may be for a segment without the mark, too, the first without it for one with it (delayed ACKs). */
static void count_marks(struct tcb *tcb, uint32_t acked)
{
    struct base_dctcp *dctcp = dctcp_of(tcb);
    uint32_t mss = bsd_segment(tcb);
    dctcp->total += acked;
    if (dctcp->has_ece)
        dctcp->marked += !dctcp->had_ece && acked > mss ? acked - mss : acked;
    else if (dctcp->had_ece && acked > mss)
        dctcp->marked += mss;
    dctcp->had_ece = dctcp->has_ece;
    dctcp->has_ece = false;
    if (!tcb->ext->base.in_fast && seq_gt(tcb->snd_una, dctcp->end))
        dctcp_end_window(tcb);
}

static void dctcp_on_ack(struct tcb *tcb, uint32_t acked)
{
    struct base_recovery *base = &tcb->ext->base;
    bool in_cong = base->in_cong;
    base->in_cong &= !tcb->ecn_ok; /* a mark stops no growth */
    bsd_reno_on_ack(tcb, acked);
    base->in_cong = in_cong;
    if (tcb->ecn_ok)
        count_marks(tcb, acked);
}

static void dctcp_on_duplicate(struct tcb *tcb)
{
    if (tcb->ecn_ok)
        count_marks(tcb, 0);
}

static uint32_t half(const struct tcb *tcb, uint32_t window) { return max_u32(window / 2, 2 * bsd_segment(tcb)); }

static void dctcp_on_loss(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (!tcb->ecn_ok) {
        bsd_reno_on_loss(tcb);
    } else if (!base->in_fast) {
        base->ssthresh = half(tcb, base->in_cong ? base->undo_cwnd : base->cwnd); /* of the window before the mark */
        dctcp_of(tcb)->events += !base->in_cong;
        base->in_fast = base->in_cong = true;
    }
}

static void dctcp_on_ecn(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_dctcp *dctcp = dctcp_of(tcb);
    if (!tcb->ecn_ok) {
        bsd_reno_on_ecn(tcb);
        return;
    }
    base->undo_cwnd = base->cwnd;
    dctcp->has_ece = true;
    if (base->in_cong)
        return;
    if (tcb_params(tcb)->dctcp_slowstart && dctcp->events++ == 0) {
        base->ssthresh = half(tcb, base->cwnd);
        dctcp->alpha = SHARE_MOST;
        begin_window(tcb);
    } else { /* RFC 8257 3.4 */
        uint32_t share = (uint32_t)((uint64_t)base->cwnd * dctcp->alpha >> (SHARE_BITS + 1));
        base->ssthresh = max_u32(base->cwnd - share, 2 * bsd_segment(tcb));
    }
    base->cwnd = base->ssthresh;
    base->in_cong = true;
}

static void dctcp_on_rto(struct tcb *tcb, bool first)
{
    bsd_reno_on_rto(tcb, first);
    if (!tcb->ecn_ok)
        return;
    dctcp_end_window(tcb);
    dctcp_of(tcb)->end += bsd_segment(tcb);
    dctcp_of(tcb)->events++;
}

static void dctcp_after_recovery(struct tcb *tcb)
{
    bsd_reno_after_recovery(tcb);
    if (tcb->ecn_ok)
        dctcp_end_window(tcb);
}

static void dctcp_after_idle(struct tcb *tcb)
{
    if (tcb->ecn_ok) {
        begin_window(tcb);
        dctcp_init(tcb);
        dctcp_of(tcb)->had_ece = dctcp_of(tcb)->has_ece = false;
        dctcp_of(tcb)->events = 0;
    }
    bsd_reno_after_idle(tcb);
}

/* RFC 8257 3.2: ECE as long as marks come, and an ACK at once where that changes. */
static void dctcp_on_mark(struct tcb *tcb, bool is_marked, bool cwr)
{
    struct base_dctcp *dctcp = dctcp_of(tcb);
    if (is_marked != dctcp->is_marked)
        tcb->ecn_demand_cwr = is_marked;
    tcb->ack_now |= is_marked != dctcp->is_marked || cwr;
    dctcp->is_marked = is_marked;
}

const struct bsd_cc bsd_dctcp = {.init = dctcp_init,
                                 .begin = dctcp_begin,
                                 .on_ack = dctcp_on_ack,
                                 .on_duplicate = dctcp_on_duplicate,
                                 .on_loss = dctcp_on_loss,
                                 .on_ecn = dctcp_on_ecn,
                                 .on_rto = dctcp_on_rto,
                                 .after_recovery = dctcp_after_recovery,
                                 .after_idle = dctcp_after_idle,
                                 .on_mark = dctcp_on_mark};
