/* tcp_bsd_delay.c: FreeBSD's congestion control by delay: Vegas (cc_vegas(4)), HD, CHD and CDG (cc_hd(4), cc_chd(4), cc_cdg(4)), with the
 * round trips by segment that they go by (h_ertt(4)), in milliseconds. HD, CHD and CDG fall back by chance where a queue is
 * seen; without one all they do follows from the segments. Their parameters are FreeBSD's defaults. */
#include "tcp/tcb.h"

/* --- h_ertt: which ACK is for which segment ---------------------------------------------------------------------------------------- */

enum { SENT_MOST = 256, DELAYED_MOST = 5, TS_ERRORS_MOST = 10 };
struct sent {
    uint32_t seq, length, tx_ts, rx_ts;
    bool begins;              /* a measurement of a whole round trip */
};
struct bsd_ertt {
    uint32_t first, count;
    int32_t rtt, min_rtt, max_rtt, marked_rtt; /* the latest, of all, of the round trip that was measured */
    uint32_t bytes, marked_bytes, marked_cwnd; /* sent in it */
    uint8_t ts_errors, delayed; /* delayed ACKs are guessed */
    bool is_measuring, is_new;
    struct sent sent[SENT_MOST];
};

void ertt_free(struct tcb *tcb)
{
    if (tcb->ext->base.ertt)
        pool_free(tcb->tcp->pool, tcb->ext->base.ertt, sizeof *tcb->ext->base.ertt);
    tcb->ext->base.ertt = NULL;
}

static const struct bsd_ertt no_ertt;
static const struct bsd_ertt *ertt_of(const struct tcb *tcb) { return tcb->ext->base.ertt ? tcb->ext->base.ertt : &no_ertt; }

/* A round trip was measured since this was asked last. */
static bool take_measurement(struct tcb *tcb)
{
    bool is_new = ertt_of(tcb)->is_new;
    if (is_new)
        tcb->ext->base.ertt->is_new = false;
    return is_new;
}

void ertt_on_sent(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct bsd_ertt **at = &tcb->ext->base.ertt, *ertt;
    uint32_t length = end - start - (end == tcb->write_seq + 1);
    if (!*at && (*at = pool_alloc(tcb->tcp->pool, sizeof **at)) != NULL)
        memset(*at, 0, sizeof **at);
    ertt = *at;
    if (!ertt || length == 0 || ertt->count == SENT_MOST)
        return;
    ertt->sent[(ertt->first + ertt->count++) % SENT_MOST] =
        (struct sent){start, length, tcb_ts_now(tcb), tcb->ts_ok ? tcb->ts_recent : 0, !ertt->is_measuring};
    ertt->bytes = ertt->is_measuring ? ertt->bytes + length : length;
    ertt->is_measuring = true;
}

/* The measurement that waits for a segment whose ACK was for more, too. */
struct waiting {
    uint32_t tx_ts, length, excess;
};

static void put_off(struct waiting *waiting, const struct sent *sent)
{
    waiting->tx_ts = sent->tx_ts;
    waiting->length = sent->length;
    waiting->excess += sent->length;
}

static void end_measurement(struct tcb *tcb, uint32_t tx_ts, uint32_t bytes)
{
    struct bsd_ertt *ertt = tcb->ext->base.ertt;
    ertt->marked_rtt = (int32_t)(tcb_ts_now(tcb) - tx_ts + 1);
    ertt->marked_bytes = bytes;
    ertt->marked_cwnd = tcb->ext->base.cwnd;
    ertt->is_measuring = false;
    ertt->is_new = true;
}

static void guess_delay(struct bsd_ertt *ertt, uint32_t acked, uint32_t length, uint32_t mss, bool *many)
{
    if (acked > mss || acked > length) {
        *many = true;
        ertt->delayed += ertt->delayed < DELAYED_MOST;
    } else if (acked == mss || acked == length) {
        ertt->delayed -= ertt->delayed > 0;
    }
}

/* FALSE: the segment is not this ACK's. OLD: it was sent again since. */
static bool is_by_timestamp(struct bsd_ertt *ertt, const struct ack_state *state, const struct sent *sent, bool *old)
{
    if (ertt->ts_errors >= TS_ERRORS_MOST || !state->ts_ecr_ok || !state->ts_ecr)
        return true;
    int32_t later = (int32_t)(state->ts_ecr - sent->tx_ts);
    if (later < 0 && !ertt->delayed)
        return false;
    *old = later > 0;
    if (later == 0 && (int32_t)(state->rx->in->header.options.ts_value - sent->rx_ts) < 0)
        ertt->ts_errors++;
    return true;
}

/* The end of what the ACK's SACK blocks tell of, 0: none (sackhint.last_sack_ack). */
static uint32_t sacked_end(const struct tcb *tcb, const struct rx *rx, uint32_t una)
{
    const struct tcp_options *options = &rx->in->header.options;
    uint32_t end = seq_gt(rx->ack, una) && board_has_holes(tcb) ? rx->ack : 0;
    for (unsigned i = 0; tcb->sack_ok && i < options->sack_count; i++) {
        uint32_t start = options->sack[i].start, stop = options->sack[i].end;
        if (seq_gt(stop, start) && seq_gt(start, una) && seq_gt(start, rx->ack) && seq_le(stop, tcb->snd_nxt))
            end = end ? seq_max(end, stop) : stop;
    }
    return end;
}

static void measure(struct tcb *tcb, const struct sent *sent)
{
    struct bsd_ertt *ertt = tcb->ext->base.ertt;
    ertt->rtt = (int32_t)(tcb_ts_now(tcb) - sent->tx_ts + 1);
    if (ertt->rtt < ertt->min_rtt || ertt->min_rtt == 0)
        ertt->min_rtt = ertt->rtt;
    if (ertt->rtt > ertt->max_rtt)
        ertt->max_rtt = ertt->rtt;
}

/* SND.UNA was moved by ACKED. */
void ertt_on_ack(struct tcb *tcb, const struct ack_state *state, uint32_t acked)
{
    struct bsd_ertt *ertt = tcb->ext->base.ertt;
    uint32_t mss = bsd_segment(tcb) + tcb_ts_bytes(tcb), sacked = sacked_end(tcb, state->rx, tcb->snd_una - acked),
             ack = acked ? state->rx->ack : sacked;
    struct waiting waiting = {0};
    if (!ertt || (acked == 0 && sacked == 0))
        return;
    while (ertt->count) {
        const struct sent *sent = &ertt->sent[ertt->first];
        bool beyond = seq_gt(ack, sent->seq + sent->length), old = beyond, many = false, marked = sent->begins || waiting.tx_ts;
        if (!beyond) {
            if (!sacked)
                guess_delay(ertt, acked, sent->length, mss, &many);
            if (!is_by_timestamp(ertt, state, sent, &old) || (!old && seq_le(ack, sent->seq)))
                break;
        }
        ertt->first = (ertt->first + 1) % SENT_MOST;
        ertt->count--;
        if (old) {
            if (marked)
                put_off(&waiting, sent);
            continue;
        }
        if (!ertt->delayed || many || sacked)
            measure(tcb, sent);
        if (marked)
            end_measurement(tcb, sent->tx_ts, ertt->bytes - waiting.excess);
        break;
    }
    if (waiting.tx_ts) /* better than none; over the one just made, too */
        end_measurement(tcb, waiting.tx_ts, ertt->bytes + waiting.length - waiting.excess);
}

/* --- Vegas: a segment more a round trip while the queue holds fewer than alpha, one less when it holds more than beta ------------- */

static struct base_delay *delay_of(struct tcb *tcb) { return &tcb->ext->base.cc.delay; }

static void vegas_begin(struct tcb *tcb) { delay_of(tcb)->grows = true; }

static void vegas_judge(struct tcb *tcb, const struct bsd_ertt *ertt)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_delay *vegas = delay_of(tcb);
    int64_t mss = bsd_segment(tcb), expected = ertt->marked_cwnd / (uint32_t)ertt->min_rtt,
            actual = ertt->marked_bytes / (uint32_t)ertt->marked_rtt, queued = (expected - actual) * ertt->min_rtt / mss;
    if (queued < tcb_params(tcb)->vegas_alpha) {
        bool slow_start = base->cwnd <= base->ssthresh;
        vegas->grows = slow_start && !vegas->grows; /* every second round trip */
        if (!slow_start)
            base->cwnd = min_u32(base->cwnd + (uint32_t)mss, bsd_window_most(tcb));
    } else if (queued > tcb_params(tcb)->vegas_beta) {
        if (!base->in_fast && !base->in_cong) {
            base->cwnd = max_u32(2 * (uint32_t)mss, base->cwnd - (uint32_t)mss);
            base->ssthresh = min_u32(base->ssthresh, base->cwnd);
        }
        vegas->grows = false;
    }
}

static void vegas_on_any(struct tcb *tcb)
{
    const struct bsd_ertt *ertt = ertt_of(tcb);
    if (take_measurement(tcb) && ertt->min_rtt && ertt->marked_rtt)
        vegas_judge(tcb, ertt);
}

static void vegas_on_ack(struct tcb *tcb, uint32_t acked)
{
    vegas_on_any(tcb);
    if (delay_of(tcb)->grows)
        bsd_reno_on_ack(tcb, acked);
}

static void vegas_signal(struct tcb *tcb, void (*signal)(struct tcb *tcb))
{
    struct base_recovery *base = &tcb->ext->base;
    bool was_in_recovery = base->in_fast || base->in_cong;
    signal(tcb);
    if (!was_in_recovery && (base->in_fast || base->in_cong))
        delay_of(tcb)->grows = base->cwnd < base->ssthresh;
}

static void vegas_on_loss(struct tcb *tcb) { vegas_signal(tcb, bsd_reno_on_loss); }
static void vegas_on_ecn(struct tcb *tcb) { vegas_signal(tcb, bsd_reno_on_ecn); }

const struct bsd_cc bsd_vegas = {.measures = true,
                                 .begin = vegas_begin,
                                 .on_ack = vegas_on_ack,
                                 .on_duplicate = vegas_on_any,
                                 .on_loss = vegas_on_loss,
                                 .on_ecn = vegas_on_ecn,
                                 .on_rto = bsd_reno_on_rto,
                                 .after_recovery = bsd_reno_after_recovery,
                                 .after_idle = bsd_reno_after_idle};

/* --- HD: each ACK that finds a queue may halve the window -------------------------------------------------------------------------- */

enum { QUEUE_MIN = 5, QUEUE_THRESHOLD = 20, HD_MOST = 5, CHD_MOST = 50 /* ms; percent */, CHANCES = INT32_MAX };

static bool happens(struct tcb *tcb, uint64_t chance) { return prng_below(&tcb->tcp->prng, (uint64_t)CHANCES + 1) < chance; }

/* Out of CHANCES: rises to PERCENT where the queue makes QUEUE_THRESHOLD, falls from there to where it is at its most. */
static uint64_t backoff_chance(int32_t queue, int32_t most, uint32_t percent)
{
    uint64_t all = (uint64_t)(CHANCES / 100) * percent;
    if (queue < QUEUE_THRESHOLD)
        return all / (QUEUE_THRESHOLD - QUEUE_MIN) * (uint32_t)(queue - QUEUE_MIN);
    return queue > QUEUE_THRESHOLD ? all / (uint32_t)(most - QUEUE_THRESHOLD) * (uint32_t)(most - queue) : all;
}

static void hd_on_ack(struct tcb *tcb, uint32_t acked)
{
    const struct base_recovery *base = &tcb->ext->base;
    const struct bsd_ertt *ertt = ertt_of(tcb);
    int32_t queue = ertt->rtt - ertt->min_rtt;
    if (queue > QUEUE_MIN && !base->in_fast && !base->in_cong &&
        happens(tcb, backoff_chance(queue, ertt->max_rtt - ertt->min_rtt, HD_MOST)))
        bsd_reno_on_ecn(tcb);
    else
        bsd_reno_on_ack(tcb, acked);
}

const struct bsd_cc bsd_hd = {.measures = true,
                              .on_ack = hd_on_ack,
                              .on_loss = bsd_reno_on_loss,
                              .on_ecn = bsd_reno_on_ecn,
                              .on_rto = bsd_reno_on_rto,
                              .after_recovery = bsd_reno_after_recovery,
                              .after_idle = bsd_reno_after_idle};

/* --- CHD: at most once a round trip, and a loss without a queue is none of congestion ----------------------------------------------- */

static void shadow_begin(struct tcb *tcb) { *delay_of(tcb) = (struct base_delay){.shadow = tcb->ext->base.cwnd, .least_rtt = INT32_MAX}; }

static void chd_reduce(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    uint32_t mss = bsd_segment(tcb), window = min_u32(tcb->snd_wnd, base->cwnd) / mss;
    window -= min_u32(max_u32(window / 2, 1), window);
    base->ssthresh = max_u32(window, 2) * mss;
}

static void chd_grow(struct tcb *tcb, uint32_t acked, bool measured)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_delay *chd = delay_of(tcb);
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t mss = bsd_segment(tcb), more = 0;
    if (base->cwnd <= base->ssthresh) {
        more = params->byte_counting ? min_u32(acked, base->next == tcb->snd_nxt ? params->abc_limit * mss : mss) : mss;
    } else if (params->byte_counting ? base->sent_a_window : measured) {
        base->sent_a_window = false;
        more = mss;
    }
    if (chd->shadow)
        chd->shadow = min_u32(chd->shadow + more, bsd_window_most(tcb));
    base->cwnd = min_u32(base->cwnd + more, bsd_window_most(tcb));
}

/* A window of its own begins: what was sent before does not count as lost. */
static void begin_by_delay(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    base->cwnd = base->ssthresh;
    base->recover = tcb->snd_nxt;
    base->in_cong = true;
}

/* The queue of the round trip that was just measured; 0: none that counts. */
static int32_t chd_queue(struct tcb *tcb)
{
    const struct base_recovery *base = &tcb->ext->base;
    struct base_delay *chd = delay_of(tcb);
    int32_t rtt = chd->most_rtt;
    chd->most_rtt = 0;
    if (!rtt || !ertt_of(tcb)->min_rtt || base->in_fast || base->in_cong)
        return 0;
    if (rtt - ertt_of(tcb)->min_rtt > QUEUE_MIN)
        return rtt - ertt_of(tcb)->min_rtt;
    chd->competes = false;
    return 0;
}

static bool chd_on_measured(struct tcb *tcb)
{
    struct base_delay *chd = delay_of(tcb);
    int32_t queue = chd_queue(tcb);
    if (queue == 0)
        return false;
    bool backs_off = happens(tcb, backoff_chance(queue, ertt_of(tcb)->max_rtt - ertt_of(tcb)->min_rtt, CHD_MOST));
    if (queue <= QUEUE_THRESHOLD)
        chd->competes = false;
    else if (backs_off)
        chd->competes = true;
    if (!backs_off)
        return false;
    chd->shadow = chd->competes || queue > chd->backoff_delay ? max_u32(tcb->ext->base.cwnd, chd->shadow) : 0;
    chd->backoff_delay = queue;
    chd_reduce(tcb);
    begin_by_delay(tcb);
    return true;
}

/* True: it fell back. */
static bool chd_look(struct tcb *tcb, bool *measured)
{
    struct base_delay *chd = delay_of(tcb);
    if (ertt_of(tcb)->rtt > chd->most_rtt)
        chd->most_rtt = ertt_of(tcb)->rtt;
    *measured = take_measurement(tcb);
    return *measured && chd_on_measured(tcb);
}

static void chd_on_ack(struct tcb *tcb, uint32_t acked)
{
    bool measured;
    if (!chd_look(tcb, &measured))
        chd_grow(tcb, acked, measured);
}

static void chd_on_duplicate(struct tcb *tcb)
{
    bool measured;
    (void)chd_look(tcb, &measured);
}

static void chd_on_loss(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_delay *chd = delay_of(tcb);
    uint32_t mss = bsd_segment(tcb);
    int32_t rtt = ertt_of(tcb)->rtt > chd->most_rtt ? ertt_of(tcb)->rtt : chd->most_rtt;
    if (!base->in_fast && !base->in_cong && rtt - ertt_of(tcb)->min_rtt > QUEUE_THRESHOLD) {
        if (chd->competes)
            base->cwnd = max_u32(base->cwnd, chd->shadow);
        chd_reduce(tcb);
    } else {
        base->ssthresh = base->cwnd;
        base->recover = tcb->snd_nxt;
    }
    if (chd->shadow)
        chd->shadow = max_u32(chd->shadow / mss / 2, 2) * mss;
    base->in_fast = true;
}

const struct bsd_cc bsd_chd = {.measures = true,
                               .begin = shadow_begin,
                               .on_ack = chd_on_ack,
                               .on_duplicate = chd_on_duplicate,
                               .on_loss = chd_on_loss,
                               .on_ecn = bsd_reno_on_ecn,
                               .on_rto = bsd_reno_on_rto,
                               .after_recovery = bsd_reno_after_recovery,
                               .after_idle = bsd_reno_after_idle};

/* --- CDG: by how the delay changes from one round trip to the next ------------------------------------------------------------------ */

enum { TREND_BITS = 7, TREND_SAMPLES = 8, BACKOFF_SCALE = 3, STEEPEST = 5, BETA_DELAY = 70, BETA_LOSS = 50, CONGESTED_MOST = 5, HOLD = 5 };
enum cdg_queue { QUEUE_EMPTY, QUEUE_UNKNOWN, QUEUE_FALLING, QUEUE_RISING, QUEUE_FULL };

static void cdg_begin(struct tcb *tcb)
{
    shadow_begin(tcb);
    delay_of(tcb)->queue = QUEUE_UNKNOWN;
}

/* 1 - exp(-trend / scale): exp(-1/128) again and again, in 1/2^32. */
static bool cdg_backs_off(struct tcb *tcb, int32_t trend)
{
    if (trend > STEEPEST * BACKOFF_SCALE << TREND_BITS)
        return true;
    uint64_t stays = 1ull << 32;
    uint32_t steps = ((uint32_t)trend + BACKOFF_SCALE / 2) / BACKOFF_SCALE;
    for (uint32_t i = 0; i < steps; i++)
        stays = stays * 4261543595u >> 32;
    uint64_t chance = steps ? ((1ull << 32) - stays + (1 << 16)) >> 17 : 10;
    return happens(tcb, (CHANCES >> 15) * chance);
}

static int32_t add_to_average(int32_t *samples, uint32_t count, int32_t trend, int32_t diff)
{
    int32_t *slot = &samples[count % TREND_SAMPLES], oldest = count < TREND_SAMPLES ? 0 : *slot;
    *slot = diff;
    return trend + (diff - oldest) / TREND_SAMPLES;
}

static void cdg_judge_queue(struct base_delay *cdg)
{
    int32_t least = cdg->least_trend, most = cdg->most_trend;
    if (least > 0 && most <= 0) {
        cdg->queue = QUEUE_FULL;
    } else if (least >= 0 && most < 0) {
        cdg->queue = QUEUE_EMPTY;
        cdg->shadow = 0;
    } else if (least > 0 && most > 0) {
        cdg->queue = QUEUE_RISING;
    } else if (least < 0 && most < 0) {
        cdg->queue = QUEUE_FALLING;
    }
    if (least < 0 || most < 0)
        cdg->congested = 0;
}

static bool cdg_on_measured(struct tcb *tcb)
{
    const struct base_recovery *base = &tcb->ext->base;
    struct base_delay *cdg = delay_of(tcb);
    bool slow_start = base->cwnd <= base->ssthresh, congested = false;
    if (cdg->prior_most_rtt) {
        int32_t most = (cdg->most_rtt - cdg->prior_most_rtt) * (1 << TREND_BITS),
                least = (cdg->least_rtt - cdg->prior_least_rtt) * (1 << TREND_BITS);
        cdg->most_trend = add_to_average(cdg->most_diff, cdg->samples, cdg->most_trend, most);
        cdg->least_trend = add_to_average(cdg->least_diff, cdg->samples, cdg->least_trend, least);
        cdg->samples++;
        int32_t trend = slow_start && least > 0    ? least
                        : cdg->least_trend > 0     ? cdg->least_trend
                        : slow_start && most > 0   ? most
                                                   : cdg->most_trend;
        congested = trend > 0 && cdg_backs_off(tcb, trend);
        cdg_judge_queue(cdg);
    }
    cdg->prior_least_rtt = cdg->least_rtt;
    cdg->prior_most_rtt = cdg->most_rtt;
    cdg->least_rtt = INT32_MAX;
    cdg->most_rtt = 0;
    return congested;
}

static uint32_t cdg_share(const struct tcb *tcb, uint32_t window, uint32_t percent)
{
    return (uint32_t)((uint64_t)min_u32(tcb->snd_wnd, window) * percent / 100);
}

static void cdg_fall_back(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_delay *cdg = delay_of(tcb);
    cdg->congested++;
    if (base->in_fast || base->in_cong)
        return;
    if (cdg->congested <= CONGESTED_MOST) {
        base->ssthresh = cdg_share(tcb, base->cwnd, BETA_DELAY);
        begin_by_delay(tcb);
    } else if (cdg->congested >= CONGESTED_MOST + HOLD) {
        cdg->congested = 0;
    }
    cdg->prior_most_rtt = 0;
    cdg->shadow = max_u32(base->cwnd, cdg->shadow);
}

/* True: a queue grows. */
static bool cdg_look(struct tcb *tcb, bool *measured)
{
    struct base_delay *cdg = delay_of(tcb);
    int32_t rtt = ertt_of(tcb)->rtt;
    cdg->most_rtt = rtt > cdg->most_rtt ? rtt : cdg->most_rtt;
    cdg->least_rtt = rtt < cdg->least_rtt ? rtt : cdg->least_rtt;
    *measured = take_measurement(tcb);
    bool congested = *measured && cdg_on_measured(tcb);
    if (congested)
        cdg_fall_back(tcb);
    return congested;
}

static void cdg_on_ack(struct tcb *tcb, uint32_t acked)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_delay *cdg = delay_of(tcb);
    bool measured;
    (void)acked;
    if (cdg_look(tcb, &measured) || (base->cwnd > base->ssthresh && !measured))
        return;
    uint32_t mss = bsd_segment(tcb), most = bsd_window_most(tcb);
    if (cdg->shadow)
        cdg->shadow = min_u32(cdg->shadow + mss, most);
    base->cwnd = min_u32(base->cwnd + mss, most);
}

static void cdg_on_duplicate(struct tcb *tcb)
{
    bool measured;
    (void)cdg_look(tcb, &measured);
}

static void cdg_on_loss(struct tcb *tcb)
{
    struct base_recovery *base = &tcb->ext->base;
    struct base_delay *cdg = delay_of(tcb);
    if (base->in_cong || cdg->queue < QUEUE_FULL) {
        base->ssthresh = base->cwnd;
        base->recover = tcb->snd_nxt;
    } else {
        if (cdg->shadow)
            cdg->shadow = cdg_share(tcb, cdg->shadow, 50);
        base->ssthresh = max_u32(cdg->shadow, cdg_share(tcb, base->cwnd, BETA_LOSS));
    }
    base->in_fast = base->in_cong = true;
}

const struct bsd_cc bsd_cdg = {.measures = true,
                               .begin = cdg_begin,
                               .on_ack = cdg_on_ack,
                               .on_duplicate = cdg_on_duplicate,
                               .on_loss = cdg_on_loss,
                               .on_ecn = bsd_reno_on_ecn,
                               .on_rto = bsd_reno_on_rto,
                               .after_recovery = bsd_reno_after_recovery,
                               .after_idle = bsd_reno_after_idle};
