/* tcp_bsd_cc.c: the windows of FreeBSD's base stack, in bytes: NewReno with byte counting (RFC 5681, RFC 3465, RFC 8511) and CUBIC
 * (RFC 9438) in its own fixed point: K and t in 1/256 s, the factors in 1/256. tcp_base.c tells of the events; what FreeBSD has as
 * modules is in tcp_bsd_modules.c and tcp_bsd_delay.c. */
#include "tcp/tcb.h"

enum {
    SHIFT = 8, BETA = 179 /* 0.7 */, C = 102 /* 0.4 */, CONVERGENCE = 217 /* (1 + beta) / 2 */,
    SAMPLES = 8,          /* the round trip is not believed before */
    CURVE_END = 448845,   /* beyond, the cube leaves 64 bits */
    MAX_WINDOW = 65535
};

static uint32_t now_ms(const struct tcb *tcb) { return (uint32_t)(tcb_now(tcb) / NS_PER_MS); }
static const struct bsd_cc *ops_of(const struct tcb *tcb) { return cc_get(tcb)->bytes ? cc_get(tcb)->bytes : &bsd_newreno; }

bool bsd_cc_measures(const struct tcb *tcb) { return ops_of(tcb)->measures; }
uint32_t bsd_window_most(const struct tcb *tcb) { return (uint32_t)MAX_WINDOW << tcb->snd_wscale; }

/* RFC 6928 2, RFC 3390 1, RFC 5681 3.1. */
uint32_t bsd_initial_window(const struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t segments = params->initial_window, mss = bsd_segment(tcb);
    if (segments)
        return min_u32(segments * mss, max_u32(2 * mss, segments * 1460));
    if (params->rfc3390)
        return min_u32(4 * mss, max_u32(2 * mss, 4380));
    return (mss > 2190 ? 2 : mss > 1095 ? 3 : 4) * mss;
}

/* What earlier connections found on the path, or none. */
uint32_t bsd_initial_threshold(const struct tcb *tcb)
{
    const struct host_metrics *metrics = tcb_is_synchronized(tcb) ? hostcache_find(tcb->tcp, &tcb->flow.remote) : NULL;
    return metrics && metrics->ssthresh ? max_u32(2 * bsd_segment(tcb), metrics->ssthresh) : BSD_NO_THRESHOLD;
}

/* --- NewReno, and what the others share with it ---------------------------------------------------------------------------------- */

static uint32_t share(const struct tcb *tcb, uint32_t window, uint32_t percent)
{
    uint32_t mss = bsd_segment(tcb);
    return max_u32((uint32_t)((uint64_t)window * percent / (100ull * mss)), 2) * mss;
}

static void slow_start(struct tcb *tcb, uint32_t acked, bool count_bytes)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = bsd_segment(tcb), more = mss, limit = max_u32(tcb_params(tcb)->abc_limit, 1) * mss;
    if (count_bytes)
        more = min_u32(acked, base->next == tcb->snd_nxt ? limit : mss);
    base->cwnd = min_u32(base->cwnd + more, bsd_window_most(tcb));
}

/* RFC 5681 3.1: a segment for a window's worth. */
static uint32_t reno_window(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = bsd_segment(tcb), more = 0;
    if (!tcb_params(tcb)->byte_counting)
        more = max_u32((uint32_t)((uint64_t)mss * mss / base->cwnd), 1);
    else if (base->sent_a_window)
        more = mss;
    base->sent_a_window = false;
    return min_u32(base->cwnd + more, bsd_window_most(tcb));
}

void bsd_reno_on_ack(struct tcb *tcb, uint32_t acked)
{
    struct base_recovery *base = &tcb->ext->base;
    if (base->in_fast || base->in_cong || !base->is_limited_by_cwnd)
        return;
    if (base->cwnd <= base->ssthresh)
        slow_start(tcb, acked, tcb_params(tcb)->byte_counting);
    else
        base->cwnd = reno_window(tcb);
}

static uint32_t bsd_reno_beta(const struct tcb *tcb)
{
    return tcb->opt->reno_beta && cc_get(tcb) == &cc_newreno ? tcb->opt->reno_beta : tcb_params(tcb)->reno_beta;
}

void bsd_reno_on_loss(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (!base->in_cong)
        base->ssthresh = share(tcb, base->cwnd, bsd_reno_beta(tcb));
    base->in_fast = base->in_cong = true;
}

static void fall_to(struct tcb *tcb, uint32_t percent)
{
    struct base_recovery *base = &tcb->ext->base;
    if (!base->in_cong)
        base->ssthresh = base->cwnd = share(tcb, base->cwnd, percent);
    base->in_cong = true;
}

void bsd_reno_on_ecn(struct tcb *tcb) { fall_to(tcb, bsd_reno_beta(tcb)); }

/* RFC 8511, and TCP_CCALGOOPT: NewReno's own. */
static void newreno_on_ecn(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint8_t own = tcb->opt->reno_beta_ecn;
    fall_to(tcb, own ? own : params->ecn_abe ? params->reno_beta_ecn : bsd_reno_beta(tcb));
}

void bsd_reno_on_rto(struct tcb *tcb, bool first)
{
    struct base_recovery *base = &tcb->ext->base;
    bool each = tcb_params(tcb)->reduces_each_rto;
    if (first || each)
        base->ssthresh = share(tcb, min_u32(tcb->snd_wnd, each ? base->cwnd : board_pipe(tcb, tcb->snd_una)), bsd_reno_beta(tcb));
    base->cwnd = bsd_segment(tcb);
}

/* The episode is over: no more than a segment beyond what is in flight, where that is little (RFC 6582 3.2 step 3), else WINDOW. */
void bsd_end_episode(struct tcb *tcb, uint32_t window)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = bsd_segment(tcb), pipe = board_pipe(tcb, tcb->snd_una);
    if (base->in_fast)
        base->cwnd = pipe < base->ssthresh ? max_u32(pipe, mss) + mss : window;
}

void bsd_reno_after_recovery(struct tcb *tcb) { bsd_end_episode(tcb, tcb->ext->base.ssthresh); }

/* RFC 5681 4.1: after an RTO of silence no more than the initial window. */
void bsd_reno_after_idle(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    base->ssthresh = max_u32(base->ssthresh, base->cwnd - (base->cwnd >> 2));
    base->cwnd = min_u32(base->cwnd, bsd_initial_window(tcb));
}

const struct bsd_cc bsd_newreno = {.on_ack = bsd_reno_on_ack,
                                   .on_loss = bsd_reno_on_loss,
                                   .on_ecn = newreno_on_ecn,
                                   .on_rto = bsd_reno_on_rto,
                                   .after_recovery = bsd_reno_after_recovery,
                                   .after_idle = bsd_reno_after_idle};

/* --- CUBIC ---------------------------------------------------------------------------------------------------------- */

/* The cube root of (w_max - window) / C, after Apple's technical report KT-32; in 32 bits, as there. */
static int64_t curve_k(uint32_t w_max, uint32_t window)
{
    unsigned doublings = 0;
    if (w_max <= window)
        return 0;
    int64_t s = ((w_max - window) << (2 * SHIFT)) / C;
    for (; s >= 256; doublings++)
        s >>= 3;
    int64_t k = ((s * 275) >> SHIFT) + 98 - (((s * s * 120) >> SHIFT) >> SHIFT);
    return k << doublings;
}

static uint32_t curve_window(int64_t t_us, uint32_t w_max, uint32_t mss, int64_t k)
{
    int64_t t = (t_us * (1 << SHIFT) - k * 1000000) / 1000000;
    if (t > CURVE_END)
        return INT32_MAX;
    if (t < -CURVE_END)
        return 0;
    int64_t window = ((t * t * t * C) >> (4 * SHIFT)) * mss + w_max;
    return window > 0 ? (uint32_t)window : 0;
}

static void begin_epoch(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_cubic *cubic = &base->cc.cubic;
    uint32_t mss = bsd_segment(tcb);
    cubic->epoch_ms = now_ms(tcb);
    cubic->epoch_window = base->cwnd;
    cubic->k = curve_k(cubic->w_max / mss, base->cwnd / mss);
    if (cubic->after_timeout) { /* RFC 9438 4.8 */
        cubic->w_max = base->cwnd;
        cubic->k = 0;
    }
    cubic->begins = cubic->after_timeout = false;
}

static void grow_cubic(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_cubic *cubic = &base->cc.cubic;
    uint32_t mss = bsd_segment(tcb), window = base->cwnd;
    if (cubic->begins)
        begin_epoch(tcb);
    uint32_t reno = reno_window(tcb),
             curve = curve_window((int64_t)(now_ms(tcb) - cubic->epoch_ms) * 1000 + cubic->mean_rtt_us, cubic->w_max, mss, cubic->k);
    if (curve < reno) { /* RFC 9438 4.3 */
        base->cwnd = reno;
        cubic->is_friendly = true;
        return;
    }
    uint32_t target = min_u32(max_u32(curve, window), (window * 3) >> 1);
    base->cwnd = window + ((((target - window) << SHIFT) / window * mss) >> SHIFT);
}

/* The smallest and the mean smoothed round trip of the epoch. */
static void cubic_note_rtt(struct tcb *tcb)
{
    struct base_cubic *cubic = &tcb->ext->base.cc.cubic;
    uint32_t rtt_us = tcb->srtt_us / 8;
    if (tcb->ext->base.rtt_count < SAMPLES)
        return;
    if (cubic->min_rtt_us == 0 || rtt_us < cubic->min_rtt_us) {
        cubic->min_rtt_us = max_u32(rtt_us, 1000 / 32);
        cubic->mean_rtt_us = max_u32(cubic->mean_rtt_us, cubic->min_rtt_us);
    }
    cubic->sum_rtt_us += rtt_us;
    cubic->acks++;
}

static void cubic_init(struct tcb *tcb) { tcb->ext->base.cc.cubic.mean_rtt_us = 1; }
static void cubic_begin(struct tcb *tcb) { tcb->ext->base.cc.cubic.w_max = UINT32_MAX; }

static void cubic_on_ack(struct tcb *tcb, uint32_t acked)
{
    struct base_recovery *base = &tcb->ext->base;
    cubic_note_rtt(tcb);
    if (base->in_fast || base->in_cong)
        return;
    if (!base->is_limited_by_cwnd) {
        base->cc.cubic.begins = true;
    } else if (base->cwnd <= base->ssthresh || base->cc.cubic.min_rtt_us == 0) {
        base->cc.cubic.begins = true;
        slow_start(tcb, acked, true);
    } else {
        grow_cubic(tcb);
    }
}

/* RFC 9438 4.6, 4.7. */
static uint32_t reduce_cubic(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_cubic *cubic = &base->cc.cubic;
    uint32_t window = base->cwnd, pipe = board_pipe(tcb, tcb->snd_una - base->lag);
    cubic->w_max = window < cubic->w_max ? (uint32_t)((uint64_t)window * CONVERGENCE >> SHIFT) : window;
    cubic->begins = true;
    return cubic->is_friendly ? share(tcb, window, bsd_reno_beta(tcb)) : (uint32_t)((uint64_t)pipe * BETA >> SHIFT);
}

static void cubic_on_loss(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (!base->in_cong)
        base->ssthresh = max_u32(reduce_cubic(tcb), 2 * bsd_segment(tcb));
    base->in_fast = base->in_cong = true;
}

static void cubic_on_ecn(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    if (base->in_cong)
        return;
    uint32_t mss = bsd_segment(tcb), window = reduce_cubic(tcb);
    base->ssthresh = max_u32(window, 2 * mss);
    base->cwnd = max_u32(window, mss);
    base->in_cong = true;
}

static void cubic_on_rto(struct tcb *tcb, bool first)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_cubic *cubic = &base->cc.cubic;
    uint32_t mss = bsd_segment(tcb), window = min_u32(tcb->snd_wnd, board_pipe(tcb, tcb->snd_una));
    if (first) {
        cubic->undo_epoch_ms = cubic->epoch_ms;
        cubic->undo_epoch_window = cubic->epoch_window;
        cubic->undo_w_max = cubic->w_max;
        cubic->undo_k = cubic->k;
        base->ssthresh = max_u32((uint32_t)((uint64_t)window * BETA >> SHIFT) / mss, 2) * mss;
    }
    cubic->after_timeout = true;
    base->cwnd = mss;
}

static void cubic_on_undo(struct tcb *tcb)
{
    struct base_cubic *cubic = &tcb->ext->base.cc.cubic;
    cubic->after_timeout = false;
    cubic->k = cubic->undo_k;
    cubic->w_max = cubic->undo_w_max;
    cubic->epoch_window = cubic->undo_epoch_window;
    cubic->epoch_ms = cubic->undo_epoch_ms;
}

static void cubic_after_recovery(struct tcb *tcb)
{
    struct base_cubic *cubic = &tcb->ext->base.cc.cubic;
    bsd_end_episode(tcb, max_u32((uint32_t)((uint64_t)cubic->w_max * BETA >> SHIFT), 2 * bsd_segment(tcb)));
    if (cubic->acks && cubic->sum_rtt_us >= cubic->acks)
        cubic->mean_rtt_us = (uint32_t)(cubic->sum_rtt_us / cubic->acks);
    cubic->acks = 0;
    cubic->sum_rtt_us = 0;
}

static void cubic_after_idle(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_cubic *cubic = &base->cc.cubic;
    uint32_t mss = bsd_segment(tcb);
    cubic->w_max = max_u32(cubic->w_max, base->cwnd);
    cubic->k = curve_k(cubic->w_max / mss, cubic->epoch_window / mss);
    cubic->epoch_ms = now_ms(tcb);
    bsd_reno_after_idle(tcb);
}

const struct bsd_cc bsd_cubic = {.init = cubic_init,
                                 .begin = cubic_begin,
                                 .on_ack = cubic_on_ack,
                                 .on_duplicate = cubic_note_rtt,
                                 .on_loss = cubic_on_loss,
                                 .on_ecn = cubic_on_ecn,
                                 .on_rto = cubic_on_rto,
                                 .on_undo = cubic_on_undo,
                                 .after_recovery = cubic_after_recovery,
                                 .after_idle = cubic_after_idle};

/* --- events ------------------------------------------------------------------------------------------------------------------ */

void bsd_cc_init(struct tcb *tcb)
{
    memset(&tcb->ext->base.cc, 0, sizeof tcb->ext->base.cc);
    if (ops_of(tcb)->init)
        ops_of(tcb)->init(tcb);
    bsd_cc_begin(tcb);
}

/* The connection begins, or its path is another. */
void bsd_cc_begin(struct tcb *tcb)
{
    if (ops_of(tcb)->begin)
        ops_of(tcb)->begin(tcb);
}

/* An ACK for new data; WINDOW: the peer's before it. */
void bsd_cc_on_ack(struct tcb *tcb, uint32_t acked, uint32_t window)
{
    struct base_recovery *base = &tcb->ext->base;
    base->is_limited_by_cwnd = base->cwnd <= window;
    if (tcb_params(tcb)->newcwv)
        base->is_limited_by_cwnd &= base->cwnd / 2 < board_pipe(tcb, tcb->snd_una - acked);
    if (base->cwnd > base->ssthresh) {
        base->acked += acked;
        if (base->acked >= base->cwnd) {
            base->acked -= base->cwnd;
            base->sent_a_window = true;
        }
    } else {
        base->sent_a_window = false;
        base->acked = 0;
    }
    ops_of(tcb)->on_ack(tcb, acked);
}

void bsd_cc_on_duplicate(struct tcb *tcb)
{
    if (ops_of(tcb)->on_duplicate)
        ops_of(tcb)->on_duplicate(tcb);
}

/* A loss was found by duplicate ACKs. */
void bsd_cc_on_loss(struct tcb *tcb) { ops_of(tcb)->on_loss(tcb); }
void bsd_cc_on_ecn(struct tcb *tcb) { ops_of(tcb)->on_ecn(tcb); }
void bsd_cc_on_rto(struct tcb *tcb, bool first) { ops_of(tcb)->on_rto(tcb, first); }
void bsd_cc_after_recovery(struct tcb *tcb) { ops_of(tcb)->after_recovery(tcb); }
void bsd_cc_after_idle(struct tcb *tcb) { ops_of(tcb)->after_idle(tcb); }

void bsd_cc_undo_rto(struct tcb *tcb)
{
    if (ops_of(tcb)->on_undo)
        ops_of(tcb)->on_undo(tcb);
}

/* Data that header prediction takes: no output is thought of but the delayed ACK, and SACK blocks on it are not read. */
bool bsd_is_fast_data(const struct tcb *tcb, const struct rx *rx)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return tcb->state == TCPS_ESTABLISHED && rx->length && (rx->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG | TCP_ACK)) == TCP_ACK &&
           rx->seq == tcb->rcv_nxt && rx->ack == tcb->snd_una && rx->window && rx->window == tcb->snd_wnd && !ext->ooo &&
           (!ext->base.cwnd || ext->base.next == tcb->snd_nxt) && rx->length <= tcb_receive_window(tcb);
}

/* An algorithm that wants to know of each segment's mark is told. */
void bsd_cc_on_mark(struct tcb *tcb, bool is_marked, bool cwr)
{
    if (ops_of(tcb)->on_mark && tcb_ext_get(tcb) && base_get(tcb))
        ops_of(tcb)->on_mark(tcb, is_marked, cwr);
}
